//! Traces in streams: chunks, what is held back and what is not, where they end, and what the end says.

use proptest::collection::vec;

use super::*;

fn ids(answer: &Answer) -> Vec<(u64, u64)> {
    let chunks: Vec<api_v2::SpansResponseChunk> = answer.decoded();
    for chunk in &chunks {
        assert!((1..=10).contains(&chunk.spans.len()));
        assert!(
            chunk
                .spans
                .iter()
                .all(|s| s.trace_id == chunk.spans[0].trace_id)
        );
        assert!(chunk.spans.iter().all(|s| s.process.is_some()));
    }
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes[bytes.len() - 8..].try_into().unwrap());
    let spans = chunks.iter().flat_map(|chunk| &chunk.spans);
    spans
        .map(|s| (number(&s.trace_id), number(&s.span_id)))
        .collect()
}

/// What the store does, step by step.
type Steps = Vec<Option<Result<ReadItem, ReadError>>>;

/// The pieces of a store's answer: how many spans each, and whether it begins another trace.
fn steps(pieces: &[(usize, bool)]) -> (Steps, Vec<(u64, u64)>) {
    let (mut steps, mut expect) = (Vec::new(), Vec::new());
    let (mut trace, mut id) = (1, 0);
    for &(count, another) in pieces {
        trace += u64::from(another);
        let piece: Vec<_> = (0..count)
            .map(|_| {
                id += 1;
                expect.push((trace, id));
                span(trace, id)
            })
            .collect();
        steps.push(spans(piece));
    }
    steps.push(complete());
    (steps, expect)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_span_comes_once_and_in_its_trace(pieces in vec((1..35_usize, any::<bool>()), 0..8), raw_traces: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (steps, mut expect) = steps(&pieces);
            let asked = find(api_v2::TraceQueryParameters { raw_traces, ..query() });
            let mut got = ids(&ask(Script::of(steps.clone()), FIND, &asked).await);
            got.sort_unstable();
            expect.sort_unstable();
            assert_eq!(got, expect);

            let asked = api_v3::FindTracesRequest {
                query: Some(api_v3::TraceQueryParameters { raw_traces, ..query_v3() }),
            };
            let answer = ask(Script::of(steps), FIND_V3, &asked).await;
            let mut got = Vec::new();
            for message in &answer.messages {
                let spans = wire::otlp::decode(message.clone().into()).unwrap().spans;
                got.extend(spans.iter().map(|s| (s.trace_id.low(), s.span_id.to_u64())));
            }
            got.sort_unstable();
            assert_eq!(got, expect);
        });
    }
}

#[tokio::test]
async fn a_long_trace_of_api_v3_comes_in_several_messages() {
    let many = (1..=2500).map(|id| span(1, id)).collect();
    let answer = ask(
        Script::of(vec![spans(many), complete()]),
        GET_V3,
        &get_v3(1),
    )
    .await;
    let counts: Vec<_> = answer
        .messages
        .iter()
        .map(|m| wire::otlp::decode(m.clone().into()).unwrap().spans.len())
        .collect();
    assert_eq!(counts, [1000, 1000, 500]);
}

#[tokio::test]
async fn a_raw_trace_goes_out_before_the_store_is_done_with_it_and_a_client_that_leaves_ends_the_read()
 {
    let script = Arc::new(Script::of(vec![spans(vec![span(1, 1)]), None]));
    let request = request(GET, &get(1, true));
    let app = app(&script, &Config::default()).await;
    let mut body = app.oneshot(request).await.unwrap().into_body();
    let first = tokio::time::timeout(Duration::from_secs(10), body.frame())
        .await
        .unwrap();
    assert!(first.unwrap().unwrap().is_data());
    let cancelled = script.contexts.lock().unwrap()[0].cancelled.clone();
    assert!(!cancelled.is_cancelled());
    drop(body);
    assert!(cancelled.is_cancelled(), "nobody waits any more");
}

#[tokio::test]
async fn nothing_is_read_ahead_of_the_client() {
    // 10 traces of 300 spans: more than one frame
    let (steps, _) = steps(&[(300, true); 10]);
    let script = Arc::new(Script::of(steps));
    let config = Config {
        max_concurrent_reads: 1,
        timeout: Duration::from_millis(50),
        ..Config::default()
    };
    let app = app(&script, &config).await;
    let first = app
        .clone()
        .oneshot(request(FIND, &find(query())))
        .await
        .unwrap();
    let mut body = first.into_body();
    assert!(body.frame().await.unwrap().unwrap().is_data());
    // its turn is held until it has been read
    let other = send(app.clone(), request(GET, &get(1, false))).await;
    assert_eq!(other.code, Code::DeadlineExceeded);
    assert!(
        other.message.contains("query.max-concurrent-reads=1"),
        "{}",
        other.message
    );
    drop(body);
    let other = send(app, request(FIND, &find(query()))).await;
    assert_eq!(other.code, Code::Ok, "{}", other.message);
}

#[tokio::test]
async fn a_cut_answer_says_so_in_a_trailer_and_on_the_trace() {
    let cut = || {
        vec![
            spans(vec![span(1, 1)]),
            spans(vec![span(2, 2)]),
            partial("query.max-spans=2 ⚠"),
        ]
    };
    let answer = ask(Script::of(cut()), FIND, &find(query())).await;
    assert_eq!(answer.partial(), Some("query.max-spans=2 ?"));
    let chunks: Vec<api_v2::SpansResponseChunk> = answer.decoded();
    assert!(chunks[0].spans[0].warnings.is_empty());
    assert_eq!(
        chunks[1].spans[0].warnings,
        ["spans may be missing: query.max-spans=2 ⚠"]
    );
    let raw = find(api_v2::TraceQueryParameters {
        raw_traces: true,
        ..query()
    });
    assert!(ask(Script::of(cut()), FIND, &raw).await.partial().is_some());
    let whole = Script::of(vec![spans(vec![span(1, 1)]), complete()]);
    assert_eq!(ask(whole, FIND, &find(query())).await.partial(), None);
}

#[tokio::test]
async fn a_depth_above_the_limit_is_brought_down_and_told_of_when_it_mattered() {
    let config = Config {
        limits: ReadLimits {
            traces: 2,
            ..ReadLimits::default()
        },
        ..Config::default()
    };
    for (count, told) in [(2, true), (1, false)] {
        let (steps, _) = steps(&vec![(1, true); count]);
        let script = Arc::new(Script::of(steps));
        let asked = find(api_v2::TraceQueryParameters {
            search_depth: 10_000,
            ..query()
        });
        let answer = ask_with(&script, &config, FIND, &asked).await;
        let why = "limit 10000 is above query.max-traces=2";
        assert_eq!(answer.partial(), told.then_some(why));
        assert_eq!(script.found.lock().unwrap()[0].limit, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_when_the_client_is_about_to_give_up_is_an_answer() {
    let script = Arc::new(Script::of(vec![
        spans(vec![span(1, 1)]),
        spans(vec![span(2, 2)]),
        None,
    ]));
    let mut request = request(FIND, &find(query()));
    request
        .headers_mut()
        .insert("grpc-timeout", "3S".parse().unwrap());
    let answer = send(app(&script, &Config::default()).await, request).await;
    assert_eq!(ids(&answer), [(1, 1), (2, 2)]);
    let why = "the store did not answer within the 2.8s that the client waits";
    assert_eq!(answer.partial(), Some(why));
}

#[tokio::test]
async fn a_trace_that_has_gone_is_read_from_the_archive() {
    let gone = || Script {
        archives: true,
        archived: vec![span(2, 7)].into(),
        ..Script::of(vec![complete()])
    };
    for raw in [false, true] {
        assert_eq!(ids(&ask(gone(), GET, &get(2, raw)).await), [(2, 7)]);
    }
    assert_eq!(ask(gone(), GET_V3, &get_v3(2)).await.messages.len(), 1);
}

#[tokio::test]
async fn adjusters_run_unless_traces_are_asked_for_raw() {
    let mut tagged = span(1, 1);
    tagged.attributes = vec![
        model::KeyValue::new("z", 1_i64),
        model::KeyValue::new("a", 2_i64),
    ];
    let keys = |raw| {
        let script = Script::of(vec![spans(vec![tagged.clone()]), complete()]);
        async move {
            let chunk: api_v2::SpansResponseChunk = ask(script, GET, &get(1, raw)).await.only();
            let tags = chunk.spans[0].tags.iter();
            tags.map(|t| t.key.clone()).collect::<Vec<_>>()
        }
    };
    assert_eq!(keys(false).await, ["a", "z"]);
    assert_eq!(keys(true).await, ["z", "a"]);
}

#[tokio::test]
async fn an_answer_is_compressed_when_its_request_was() {
    let script = Arc::new(Script::of(vec![spans(vec![span(1, 1)]), complete()]));
    let asked = |encoding: &str| {
        let mut request = request(GET, &get(1, false));
        let headers = request.headers_mut();
        headers.insert("grpc-accept-encoding", "gzip".parse().unwrap());
        headers.insert("grpc-encoding", encoding.parse().unwrap());
        request
    };
    for (encoding, flag) in [("identity", 0), ("gzip", 1)] {
        let app = app(&script, &Config::default()).await;
        let body = app.oneshot(asked(encoding)).await.unwrap().into_body();
        let bytes = body.collect().await.unwrap().to_bytes();
        assert_eq!(bytes[0], flag, "{encoding}");
    }
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_read_of_a_list_too() {
    let asked = api_v2::GetServicesRequest {};
    for service in ["jaeger.api_v2.QueryService", "jaeger.api_v3.QueryService"] {
        let script = Arc::new(Script {
            hangs: true,
            ..Script::default()
        });
        let request = request(&format!("{service}/GetServices"), &asked);
        let app = app(&script, &Config::default()).await;
        let mut body = app.oneshot(request).await.unwrap().into_body();
        let waits = tokio::time::timeout(Duration::from_millis(20), body.frame()).await;
        assert!(waits.is_err(), "{service}");
        let cancelled = script.contexts.lock().unwrap()[0].cancelled.clone();
        assert!(!cancelled.is_cancelled());
        drop(body);
        assert!(cancelled.is_cancelled(), "{service}");
    }
}

#[tokio::test]
async fn what_is_not_there_in_time_is_late_and_not_broken() {
    let config = Config {
        timeout: Duration::from_millis(20),
        ..Config::default()
    };
    let hangs = || {
        Arc::new(Script {
            hangs: true,
            ..Script::of(vec![None])
        })
    };
    let why = "the store did not answer within query.timeout=20ms";
    let lists = api_v2::GetServicesRequest {};
    for answer in [
        ask_with(&hangs(), &config, GET, &get(1, false)).await,
        ask_with(&hangs(), &config, GET_V3, &get_v3(1)).await,
        ask_with(&hangs(), &config, FIND, &find(query())).await,
        ask_with(
            &hangs(),
            &config,
            "jaeger.api_v2.QueryService/GetServices",
            &lists,
        )
        .await,
        ask_with(
            &hangs(),
            &config,
            "jaeger.api_v3.QueryService/GetServices",
            &lists,
        )
        .await,
    ] {
        assert_eq!(answer.code, Code::DeadlineExceeded, "{}", answer.message);
        assert!(answer.message.ends_with(why), "{}", answer.message);
    }
}

#[tokio::test]
async fn a_search_ends_by_its_own_time_or_its_clients() {
    let script = |steps: Vec<_>| Arc::new(Script::of(steps));
    let config = |ms| Config {
        search_timeout: Duration::from_millis(ms),
        ..Config::default()
    };
    let own = "the store did not answer within query.search-timeout=20ms";
    let find_v3 = api_v3::FindTracesRequest {
        query: Some(query_v3()),
    };
    let summaries = api_v3::FindTraceSummariesRequest {
        query: Some(query_v3()),
    };
    let some = || script(vec![spans(vec![span(1, 1)]), None]);
    let none = || script(vec![None]);
    let asks = || {
        [
            request(FIND, &find(query())),
            request(FIND_V3, &find_v3),
            request(SUMMARIES, &summaries),
        ]
    };
    for ask in asks() {
        let answer = send(app(&some(), &config(20)).await, ask).await;
        assert_eq!(answer.code, Code::Ok, "{}", answer.message);
        assert_eq!((answer.messages.len(), answer.partial()), (1, Some(own)));
    }
    for ask in asks() {
        let answer = send(app(&none(), &config(20)).await, ask).await;
        assert_eq!(answer.code, Code::DeadlineExceeded);
        assert!(answer.message.ends_with(own), "{}", answer.message);
    }
    let mut sooner = request(FIND, &find(query()));
    let headers = sooner.headers_mut();
    headers.insert("grpc-timeout", "300m".parse().unwrap());
    let answer = send(app(&some(), &config(3_500)).await, sooner).await;
    let why = "the store did not answer within the 150ms that the client waits";
    assert_eq!(answer.partial(), Some(why));
}
