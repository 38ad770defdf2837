//! Traces: searches, look-ups, and answers that were cut.

use super::*;

#[tokio::test]
async fn chunks_of_a_trace_become_one() {
    let steps = vec![
        spans(vec![span(1, 1)]),
        spans(vec![span(1, 2), span(1, 3)]),
        spans(vec![span(2, 4)]),
        complete(),
    ];
    let answer = get(Script::of(steps), "/api/traces?service=svc")
        .await
        .json();
    let counts: Vec<_> = answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| {
            (
                t["traceID"].as_str().unwrap(),
                t["spans"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(counts, [("0000000000000001", 3), ("0000000000000002", 1)]);
    assert_eq!(answer["total"], 0);
    assert_eq!(answer["errors"], Value::Null);
}

#[tokio::test]
async fn a_large_trace_is_prepared_whole() {
    let many = (1..=2000).map(|id| span(1, id)).collect();
    let answer = get(Script::of(vec![spans(many), complete()]), "/api/traces/1")
        .await
        .json();
    assert_eq!(answer["data"][0]["spans"].as_array().unwrap().len(), 2000);
}

#[tokio::test]
async fn raw_leaves_the_adjusters_out() {
    let orphan = || {
        let mut orphan = span(1, 1);
        orphan.parent_span_id = Some(model::SpanId::from_u64(9));
        Script::of(vec![spans(vec![orphan]), complete()])
    };
    for (uri, warned) in [
        ("/api/traces/1", true),
        ("/api/traces/1?raw=true", false),
        ("/api/traces?service=a&raw=1", false),
        ("/api/traces?traceID=1", true),
    ] {
        let answer = get(orphan(), uri).await.json();
        let warnings = &answer["data"][0]["spans"][0]["warnings"];
        assert_eq!(!warnings.is_null(), warned, "{uri}: {warnings}");
    }
}

#[tokio::test]
async fn a_trace_that_is_not_there_is_404_alone_and_an_error_among_others() {
    let nothing = || Script::of(vec![complete()]);
    is_error(
        &get(nothing(), "/api/traces/ff").await,
        404,
        "trace not found",
    );

    let one = Script::of(vec![spans(vec![span(0xa, 1)]), complete()]);
    let answer = get(
        one,
        "/api/traces?traceID=a&traceID=b&traceID=10000000000000000",
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["data"].as_array().unwrap().len(), 1);
    assert!(answer.text().ends_with(concat!(
        r#""errors":[{"msg":"trace not found","traceID":"000000000000000b"},"#,
        r#"{"msg":"trace not found","traceID":"00000000000000010000000000000000"}]}"#
    )));
    let none = get(nothing(), "/api/traces?service=nobody").await;
    assert_eq!(
        none.text(),
        r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":null}"#
    );
}

#[tokio::test]
async fn ids_and_windows_reach_the_store() {
    let script = Arc::new(Script::of(vec![complete()]));
    for uri in ["/api/traces/00A1?start=5&end=7", "/api/traces?traceID=b2"] {
        send(app(&script, &Config::default()), request("GET", uri)).await;
    }
    let got = script.got.lock().unwrap();
    let seen: Vec<_> = got
        .iter()
        .map(|g| (g.trace_id.low(), g.start_ns, g.end_ns))
        .collect();
    assert_eq!(seen, [(0xa1, Some(5_000), Some(7_000)), (0xb2, None, None)]);
}

#[tokio::test]
async fn wrong_parameters_are_400_in_jaegers_order() {
    for (uri, msg) in [
        (
            "/api/traces/xyz",
            "strconv.ParseUint: parsing \"xyz\": invalid syntax",
        ),
        (
            "/api/traces/xyz?start=x",
            "strconv.ParseUint: parsing \"xyz\": invalid syntax",
        ),
        (
            "/api/traces/1?start=x",
            "unable to parse param 'start': strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
        (
            "/api/traces/1?raw=x",
            "unable to parse param 'raw': strconv.ParseBool: parsing \"x\": invalid syntax",
        ),
        ("/api/traces", "parameter 'service' is required"),
        (
            "/api/traces/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "TraceID cannot be longer than 32 hex characters: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
    ] {
        is_error(&get(Script::default(), uri).await, 400, msg);
    }
}

#[tokio::test]
async fn a_cut_answer_says_so_in_body_header_and_trace() {
    let script = Script::of(vec![
        spans(vec![span(1, 1)]),
        spans(vec![span(2, 2)]),
        partial("1000 spans are all that query.max-spans lets through – ünd"),
    ]);
    let answer = get(script, "/api/traces?service=svc").await;
    assert_eq!(answer.status, 200);
    let reason = "1000 spans are all that query.max-spans lets through – ünd";
    let json = answer.json();
    assert_eq!(json["partial"], json!({"reason": reason}));
    assert_eq!(json["errors"], Value::Null);
    assert_eq!(json["data"][0]["warnings"], Value::Null);
    assert_eq!(
        json["data"][1]["warnings"],
        json!([format!("spans may be missing: {reason}")])
    );
    assert_eq!(
        answer.header("spoor-partial"),
        "1000 spans are all that query.max-spans lets through ? ?nd"
    );
    assert!(answer.text().ends_with("}}"), "partial is the last member");
}

#[tokio::test]
async fn a_cut_look_up_never_says_that_a_trace_is_not_there() {
    let cut = || Script::of(vec![partial("one shard failed")]);
    is_error(&get(cut(), "/api/traces/1").await, 503, "one shard failed");
    let answer = get(cut(), "/api/traces?traceID=1&traceID=2").await.json();
    assert_eq!(answer["errors"], Value::Null);
    assert_eq!(answer["partial"]["reason"], "one shard failed");
}

#[tokio::test]
async fn a_limit_is_clamped_and_only_told_of_when_it_mattered() {
    let config = Config {
        limits: ReadLimits {
            traces: 2,
            ..ReadLimits::default()
        },
        ..Config::default()
    };
    for (limit, found, cut) in [(2, 2, false), (3, 2, true), (3, 1, false)] {
        let mut steps: Vec<_> = (1..=found)
            .map(|trace| spans(vec![span(trace, 1)]))
            .collect();
        steps.push(complete());
        let script = Arc::new(Script::of(steps));
        let uri = format!("/api/traces?service=svc&limit={limit}");
        let answer = send(app(&script, &config), request("GET", &uri)).await;
        assert_eq!(answer.status, 200);
        assert_eq!(script.found.lock().unwrap()[0].limit, 2);
        let partial = &answer.json()["partial"];
        assert_eq!(!partial.is_null(), cut, "limit {limit}, found {found}");
        if cut {
            assert_eq!(partial["reason"], "limit 3 is above query.max-traces=2");
        }
    }
}

#[tokio::test]
async fn failures_of_the_store_are_500_and_bad_queries_400() {
    for (failure, code, msg) in [
        (
            ReadError::Unavailable {
                reason: "down".to_owned(),
            },
            500,
            "storage is unavailable: down",
        ),
        (
            ReadError::Invalid("no such thing".to_owned()),
            400,
            "no such thing",
        ),
    ] {
        let script = || Script {
            steps: vec![spans(vec![span(1, 1)]), Some(Err(failure.clone()))],
            failure: Some(failure.clone()),
            ..Script::default()
        };
        for uri in [
            "/api/services",
            "/api/services/a/operations",
            "/api/operations?service=a",
            "/api/dependencies",
            "/api/traces?service=a",
            "/api/traces/1",
        ] {
            is_error(&get(script(), uri).await, code, msg);
        }
    }
}

#[tokio::test]
async fn a_deadline_gives_what_there_is_or_an_error() {
    let config = Config {
        timeout: Duration::from_millis(20),
        ..Config::default()
    };
    let late = "the store did not answer within query.timeout=20ms";
    let some = Script::of(vec![spans(vec![span(1, 1)]), None]);
    let answer = get_with(some, &config, "/api/traces?service=a").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["partial"]["reason"], late);
    assert_eq!(answer.json()["data"].as_array().unwrap().len(), 1);

    let nothing = get_with(Script::of(vec![None]), &config, "/api/traces/1").await;
    is_error(&nothing, 503, &format!("storage is unavailable: {late}"));
}

#[tokio::test]
async fn only_so_many_reads_run_at_once_and_others_wait_their_time() {
    let config = Config {
        max_concurrent_reads: 1,
        timeout: Duration::from_millis(50),
        ..Config::default()
    };
    let script = Arc::new(Script::of(vec![None]));
    let app = app(&script, &config);
    let one = send(app.clone(), request("GET", "/api/traces/1"));
    let other = send(app.clone(), request("GET", "/api/traces/2"));
    let (one, other) = tokio::join!(one, other);
    assert_eq!((one.status, other.status), (503, 503));
    assert_eq!(
        script.got.lock().unwrap().len(),
        1,
        "the second never reached the store"
    );
    assert!(
        other.text().contains("query.max-concurrent-reads=1"),
        "{}",
        other.text()
    );
    // and the place is free again
    send(app, request("GET", "/api/traces/3")).await;
    assert_eq!(script.got.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn the_store_hears_when_the_client_goes_away() {
    let script = Arc::new(Script::of(vec![None]));
    let asking = send(
        app(&script, &Config::default()),
        request("GET", "/api/traces/1"),
    );
    assert!(
        tokio::time::timeout(Duration::from_millis(20), asking)
            .await
            .is_err()
    );
    let contexts = script.contexts.lock().unwrap();
    assert!(contexts[0].cancelled.is_cancelled());
    assert!(contexts[0].deadline.is_some());
}

/// An answer that was asked for with words of our own says where the next page begins: behind the last trace that is whole.
#[tokio::test]
async fn a_full_page_says_where_the_next_begins() {
    let steps = || {
        let at = |trace, us: u64| storage_span(trace, us);
        vec![
            spans(vec![at(1, 9)]),
            spans(vec![at(2, 7), at(2, 3)]),
            complete(),
        ]
    };
    let full = get(
        Script::of(steps()),
        "/api/traces?service=svc&sort=-start&limit=2&start=0&end=20",
    )
    .await;
    let next = full.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(full.header("spoor-next"), next);
    assert_eq!(full.json()["errors"], Value::Null);

    let script = Arc::new(Script::of(vec![complete()]));
    let uri = format!("/api/traces?service=svc&limit=2&cursor={next}");
    let end = send(app(&script, &Config::default()), request("GET", &uri)).await;
    assert_eq!(end.json()["next"], Value::Null);
    let asked = script.found.lock().unwrap()[0].clone();
    let after = asked.after.unwrap();
    assert_eq!((after.key_ns, after.trace_id.low()), (7_000, 2));

    // more were asked for than there are; Jaeger's parameters; a trace that may be short
    for uri in [
        "/api/traces?service=svc&sort=-start&limit=3&start=0&end=20",
        "/api/traces?service=svc&limit=2&start=0&end=20",
    ] {
        assert_eq!(get(Script::of(steps()), uri).await.json().get("next"), None);
    }
    let mut cut = steps();
    cut[2] = partial("the answer was cut");
    let uri = "/api/traces?service=svc&sort=-start&limit=5&start=0&end=20";
    let cut = get(Script::of(cut), uri).await.json();
    let cursor = storage::query::Cursor::parse(
        cut["next"].as_str().unwrap(),
        storage::query::Cursor::search(["service", "svc"]),
    );
    assert_eq!(cursor.unwrap().after.trace_id.low(), 1);
}

fn storage_span(trace: u64, us: u64) -> model::Span {
    model::Span {
        start_ns: us * 1_000,
        end_ns: us * 1_000,
        ..span(trace, us)
    }
}
