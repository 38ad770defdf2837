//! api_v3: its messages, its errors, its parameters on their way to the store.

use super::*;

const TIMES: &str =
    "query.startTimeMin=2026-11-23T06:54:29Z&query.startTimeMax=2026-11-23T08:54:29Z";

#[track_caller]
fn is_error_v3(answer: &Answer, code: u16, message: &str) {
    let expect = json!({"error": {"httpCode": code, "message": message}});
    assert_eq!((answer.status, answer.json()), (code, expect));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.text().ends_with("}\n"));
}

fn two() -> Script {
    let mut error = span(2, 3);
    error.status.code = model::StatusCode::Error;
    Script::of(vec![
        spans(vec![span(1, 1), span(1, 2)]),
        spans(vec![error]),
        complete(),
    ])
}

#[tokio::test]
async fn all_traces_stand_in_one_message() {
    let uri = format!("/api/v3/traces?{TIMES}");
    let answer = get(two(), &uri).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(
        answer
            .text()
            .starts_with(r#"{"result":{"resourceSpans":[{"resource":"#)
    );
    let json = answer.json();
    let groups = json["result"]["resourceSpans"].as_array().unwrap();
    let ids: Vec<_> = groups
        .iter()
        .flat_map(|group| group["scopeSpans"][0]["spans"].as_array().unwrap())
        .map(|span| {
            (
                span["traceId"].as_str().unwrap(),
                span["spanId"].as_str().unwrap(),
            )
        })
        .collect();
    let (one, other) = (format!("{:032x}", 1), format!("{:032x}", 2));
    assert_eq!(
        ids,
        [
            (one.as_str(), "0000000000000001"),
            (one.as_str(), "0000000000000002"),
            (other.as_str(), "0000000000000003")
        ]
    );
    let trace = get(two(), "/api/v3/traces/1").await;
    assert_eq!(trace.status, 200);
    let pretty = get(two(), &format!("{uri}&prettyPrint=1")).await;
    assert!(pretty.text().starts_with("{\n    \"result\": {\n"));
    assert_eq!(pretty.json(), json);
}

#[tokio::test]
async fn parameters_reach_the_store_in_both_spellings() {
    let script = Arc::new(Script::of(vec![complete()]));
    for uri in [
        format!("/api/v3/traces?{TIMES}&query.serviceName=a&query.searchDepth=3"),
        "/api/v3/trace-summaries?query.service_name=a&query.num_traces=3&query.start_time_min=2026-11-23T06:54:29Z\
         &query.start_time_max=2026-11-23T08:54:29Z"
            .to_owned(),
        "/api/v3/traces/a1?startTime=1970-01-01T00:00:01Z&end_time=1970-01-01T02:00:02+02:00"
            .to_owned(),
    ] {
        send(app(&script, &Config::default()), request("GET", &uri)).await;
    }
    for query in script.found.lock().unwrap().iter() {
        assert_eq!((query.service.as_deref(), query.limit), (Some("a"), 3));
        assert_eq!(query.start_min_ns, 1_795_416_869_000_000_000);
    }
    assert_eq!(script.found.lock().unwrap().len(), 2);
    let got = script.got.lock().unwrap();
    let window = (got[0].start_ns, got[0].end_ns);
    assert_eq!(window, (Some(1_000_000_000), Some(2_000_000_000)));
}

#[tokio::test]
async fn raw_leaves_the_corrections_out() {
    let orphan = || {
        let mut orphan = span(1, 1);
        orphan.parent_span_id = Some(model::SpanId::from_u64(9));
        Script::of(vec![spans(vec![orphan]), complete()])
    };
    for (uri, warned) in [
        ("/api/v3/traces/1".to_owned(), true),
        ("/api/v3/traces/1?raw_traces=true".to_owned(), false),
        ("/api/v3/traces/1?rawTraces=1".to_owned(), false),
        (format!("/api/v3/traces?{TIMES}"), true),
        (format!("/api/v3/traces?{TIMES}&query.raw_traces=t"), false),
        (format!("/api/v3/traces?{TIMES}&query.rawTraces=t"), false),
    ] {
        let answer = get(orphan(), &uri).await;
        let is_warned = answer.text().contains("@jaeger@warnings");
        assert_eq!(is_warned, warned, "{uri}: {}", answer.text());
    }
}

#[tokio::test]
async fn summaries_are_a_line_a_trace() {
    let answer = get(two(), &format!("/api/v3/trace-summaries?{TIMES}")).await;
    assert_eq!(answer.status, 200);
    let json = answer.json();
    let summaries = json["summaries"].as_array().unwrap();
    assert_eq!(summaries.len(), 2);
    assert_eq!(
        summaries[1],
        json!({
            "traceId": format!("{:032x}", 2),
            "rootServiceName": "svc",
            "rootOperationName": "op",
            "minStartTimeUnixNano": "0",
            "maxEndTimeUnixNano": "0",
            "spanCount": 1,
            "errorSpanCount": 1,
            "orphanSpanCount": 0,
            "services": [{"name": "svc", "spanCount": 1, "errorSpanCount": 1}],
        })
    );
    let none = get(
        Script::of(vec![complete()]),
        &format!("/api/v3/trace-summaries?{TIMES}"),
    )
    .await;
    assert_eq!((none.status, none.text()), (200, r#"{"summaries":[]}"#));
}

#[tokio::test]
async fn names_are_listed_and_kinds_never_empty() {
    let script = || Script {
        services: vec!["a&b".into()],
        operations: vec![
            operation("a", SpanKind::Client),
            operation("b", SpanKind::Unspecified),
        ],
        ..Script::default()
    };
    let services = get(script(), "/api/v3/services").await;
    assert_eq!(services.text(), r#"{"services":["a\u0026b"]}"#);
    assert_eq!(services.header("content-type"), "application/json");
    let none = get(Script::default(), "/api/v3/services").await;
    assert_eq!(none.text(), r#"{"services":[]}"#);
    let operations = get(script(), "/api/v3/operations?service=x").await;
    assert_eq!(
        operations.text(),
        r#"{"operations":[{"name":"a","spanKind":"client"},{"name":"b","spanKind":"internal"}]}"#
    );
    for (uri, count) in [
        ("/api/v3/operations?service=x&spanKind=client", 1),
        ("/api/v3/operations?service=x&span_kind=CLIENT", 1),
        ("/api/v3/operations?service=x&span_kind=odd", 0),
        ("/api/v3/operations", 0),
    ] {
        let json = get(script(), uri).await.json();
        assert_eq!(json["operations"].as_array().unwrap().len(), count, "{uri}");
    }
}

#[tokio::test]
async fn dependencies_are_those_of_a_period() {
    let script = Arc::new(Script {
        links: vec![DependencyLink::calls(
            "a".into(),
            "b".into(),
            9_007_199_254_740_993,
        )],
        ..Script::default()
    });
    let uri = "/api/v3/dependencies?startTime=1970-01-01T00:00:01Z&endTime=1970-01-01T00:00:02Z";
    let answer = send(app(&script, &Config::default()), request("GET", uri)).await;
    assert_eq!(
        answer.text(),
        r#"{"dependencies":[{"parent":"a","child":"b","callCount":"9007199254740993"}]}"#
    );
    let periods = script.periods.lock().unwrap().clone();
    assert_eq!(periods, [(1_000_000_000, 2_000_000_000)]);
    let missing = get(Script::default(), "/api/v3/dependencies").await;
    is_error_v3(&missing, 400, "startTime is required");
}

#[tokio::test]
async fn errors_are_messages_of_their_own() {
    let nothing = || Script::of(vec![complete()]);
    let uri = format!("/api/v3/traces?{TIMES}");
    is_error_v3(
        &get(nothing(), "/api/v3/traces/ff").await,
        404,
        "No traces found",
    );
    is_error_v3(&get(nothing(), &uri).await, 404, "No traces found");
    is_error_v3(
        &get(nothing(), "/api/v3/traces/xyz").await,
        400,
        "malformed parameter trace_id: strconv.ParseUint: parsing \"xyz\": invalid syntax",
    );
    is_error_v3(
        &get(nothing(), "/api/v3/traces").await,
        400,
        "query.start_time_min and query.start_time_max are required",
    );
    let down = || Script {
        steps: vec![Some(Err(ReadError::Unavailable {
            reason: "down".to_owned(),
        }))],
        failure: Some(ReadError::Unavailable {
            reason: "down".to_owned(),
        }),
        ..Script::default()
    };
    for uri in [
        uri.as_str(),
        "/api/v3/traces/1",
        "/api/v3/services",
        "/api/v3/operations?service=a",
    ] {
        is_error_v3(&get(down(), uri).await, 500, "storage is unavailable: down");
    }
}

#[tokio::test]
async fn a_cut_answer_says_so() {
    let cut = || Script::of(vec![spans(vec![span(1, 1)]), partial("query.max-spans=1")]);
    for path in ["traces", "trace-summaries"] {
        let answer = get(cut(), &format!("/api/v3/{path}?{TIMES}")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["partial"]["reason"], "query.max-spans=1");
        assert_eq!(answer.header("spoor-partial"), "query.max-spans=1");
    }
    let nothing = get(
        Script::of(vec![partial("one shard failed")]),
        "/api/v3/traces/1",
    )
    .await;
    is_error_v3(&nothing, 503, "one shard failed");
}

#[tokio::test]
async fn summaries_are_searched_for_with_the_parameters_of_the_first_api_too() {
    let script = Arc::new(two());
    let ask = |uri: &str| {
        let uri = format!("/api/v3/trace-summaries?{uri}");
        let (app, request) = (app(&script, &Config::default()), request("GET", &uri));
        async move { send(app, request).await }
    };
    let answer =
        ask("service=a&operation=o&start=5&end=7&minDuration=1ms&limit=2&sort=-duration").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["summaries"].as_array().unwrap().len(), 2);
    let first = script.found.lock().unwrap().pop().unwrap();
    assert_eq!(first.service.as_deref(), Some("a"));
    assert_eq!(first.operation.as_deref(), Some("o"));
    assert_eq!((first.start_min_ns, first.start_max_ns), (5_000, 7_000));
    assert_eq!((first.duration_min_ns, first.limit), (Some(1_000_000), 2));
    assert_eq!(first.order, storage::query::Order::LongestFirst);

    // a name of api_v3 counts before the other
    ask(&format!(
        "{TIMES}&query.service_name=b&service=a&query.searchDepth=9&limit=1&q=error"
    ))
    .await;
    let both = script.found.lock().unwrap().pop().unwrap();
    assert_eq!((both.service.as_deref(), both.limit), (Some("b"), 9));
    assert_eq!(both.start_min_ns, 1_795_416_869_000_000_000);
    assert!(!both.filter.is_always_true());

    // neither a service nor times are needed
    assert_eq!(ask("limit=1").await.status, 200);
    let wrong = ask("q=%28").await;
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("param 'q'")
    );
    is_error_v3(
        &ask("limit=1&traceID=1").await,
        400,
        "malformed parameter traceID: summaries are searched for, not got by id",
    );
    is_error_v3(
        &ask("query.service_name=a").await,
        400,
        "query.start_time_min and query.start_time_max are required",
    );
}

#[tokio::test]
async fn summaries_come_page_by_page() {
    let trace = |id: u64, start_ns: u64| {
        let mut of_two = [span(id, 1), span(id, 2)];
        for span in &mut of_two {
            (span.start_ns, span.end_ns) = (start_ns, start_ns + id);
        }
        of_two.into_iter().map(|span| spans(vec![span]))
    };
    let steps = trace(1, 9_000).chain(trace(2, 5_000));
    let script = Arc::new(Script::of(steps.chain([complete()]).collect()));
    let ask = |uri: String| {
        let (app, request) = (app(&script, &Config::default()), request("GET", &uri));
        async move { send(app, request).await }
    };
    let search = "/api/v3/trace-summaries?service=svc&start=0&limit=2";
    let answer = ask(search.to_owned()).await;
    let next = answer.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("spoor-next"), next);
    ask(format!("{search}&cursor={next}")).await;
    let asked = script.found.lock().unwrap().pop().unwrap();
    let after = asked.after.unwrap();
    assert_eq!((after.key_ns, after.trace_id), (5_000, span(2, 1).trace_id));
    // it is the cursor of the same search in either API
    let first = "/api/traces?service=svc&start=0&limit=2&sort=-start";
    let of_traces = ask(format!("{first}&cursor={next}")).await;
    assert_eq!(of_traces.status, 200, "{}", of_traces.text());
    let other = ask(format!("{search}&operation=other&cursor={next}")).await;
    assert_eq!(other.status, 400);
    // fewer than were asked for are all
    let all = ask("/api/v3/trace-summaries?service=svc&start=0&limit=5".to_owned()).await;
    assert_eq!(all.json()["next"], Value::Null);
}
