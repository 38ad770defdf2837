//! The API through its router, over a store that follows a script.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http_body_util::BodyExt;
use model::SpanKind;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use storage::{DependencyLink, ReadError, ReadLimits};
use tower::ServiceExt;

use super::*;
use crate::testing::*;
use crate::{Metrics, Place};

/// An answer, read whole.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

fn app(script: &Arc<Script>, config: &Config) -> Router {
    let metrics = Metrics::register(&mut Registry::default());
    router(Service::new(script.stores(), config, metrics), config)
}

async fn send(app: Router, request: http::Request<axum::body::Body>) -> Answer {
    let response = app.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

fn request(method: &str, uri: &str) -> http::Request<axum::body::Body> {
    let builder = http::Request::builder().method(method).uri(uri);
    builder.body(axum::body::Body::empty()).unwrap()
}

async fn get_with(script: Script, config: &Config, uri: &str) -> Answer {
    send(app(&Arc::new(script), config), request("GET", uri)).await
}

async fn get(script: Script, uri: &str) -> Answer {
    get_with(script, &Config::default(), uri).await
}

fn error(code: u16, msg: &str) -> Value {
    json!({"data": null, "total": 0, "limit": 0, "offset": 0, "errors": [{"code": code, "msg": msg}]})
}

#[track_caller]
fn is_error(answer: &Answer, code: u16, msg: &str) {
    assert_eq!((answer.status, answer.json()), (code, error(code, msg)));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.text().ends_with("}\n"));
}

#[tokio::test]
async fn successes_are_json_without_a_newline() {
    let script = Script {
        services: vec!["a&b".into(), "c".into()],
        ..Script::default()
    };
    let answer = get(script, "/api/services").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(
        answer.text(),
        r#"{"data":["a\u0026b","c"],"total":2,"limit":0,"offset":0,"errors":null}"#
    );
    let empty = get(Script::default(), "/api/services").await;
    assert_eq!(empty.json()["data"], json!([]));
}

#[tokio::test]
async fn pretty_print_indents_by_four() {
    for (query, pretty) in [
        ("?prettyPrint=1", true),
        ("?prettyPrint=false", false),
        ("?prettyPrint=", false),
    ] {
        let answer = get(Script::default(), &format!("/api/services{query}")).await;
        assert_eq!(
            answer.text().contains("\n    \"data\": []"),
            pretty,
            "{query}"
        );
    }
}

#[tokio::test]
async fn operations_are_listed_by_name_and_by_kind() {
    let script = || Script {
        operations: vec![
            operation("a", SpanKind::Client),
            operation("a", SpanKind::Server),
            operation("b", SpanKind::Unspecified),
        ],
        ..Script::default()
    };
    let names = get(script(), "/api/services/x%2Fy/operations").await;
    assert_eq!(
        names.text(),
        r#"{"data":["a","b"],"total":2,"limit":0,"offset":0,"errors":null}"#
    );
    let none = get(Script::default(), "/api/services/x/operations").await;
    assert_eq!(none.json()["data"], Value::Null);

    let all = get(script(), "/api/operations?service=x").await.json();
    let expect = json!([
        {"name": "a", "spanKind": "client"}, {"name": "a", "spanKind": "server"}, {"name": "b", "spanKind": ""},
    ]);
    assert_eq!((&all["data"], &all["total"]), (&expect, &json!(3)));
    let servers = get(script(), "/api/operations?service=x&spanKind=server")
        .await
        .json();
    assert_eq!(
        servers["data"],
        json!([{"name": "a", "spanKind": "server"}])
    );
    let unknown = get(script(), "/api/operations?service=x&spanKind=odd")
        .await
        .json();
    assert_eq!(unknown["data"], json!([]));
    is_error(
        &get(script(), "/api/operations").await,
        400,
        "parameter 'service' is required",
    );
}

#[tokio::test]
async fn dependencies_are_summed_and_filtered() {
    let link = |parent: &str, child: &str| DependencyLink {
        parent: parent.into(),
        child: child.into(),
        call_count: 2,
    };
    let script = || Script {
        links: vec![link("b", "c"), link("a", "b"), link("a", "b")],
        ..Script::default()
    };
    let answer = get(script(), "/api/dependencies?endTs=5&lookback=1").await;
    assert_eq!(
        answer.text(),
        concat!(
            r#"{"data":[{"parent":"a","child":"b","callCount":4},{"parent":"b","child":"c","callCount":2}],"#,
            r#""total":0,"limit":0,"offset":0,"errors":null}"#
        )
    );
    let one = get(script(), "/api/dependencies?service=c").await.json();
    assert_eq!(
        one["data"],
        json!([{"parent": "b", "child": "c", "callCount": 2}])
    );
    let none = get(Script::default(), "/api/dependencies").await.json();
    assert_eq!(none["data"], json!([]));
    let negative = get(script(), "/api/dependencies?lookback=-5").await;
    is_error(
        &negative,
        400,
        "unable to parse param 'lookback': -5 is negative",
    );

    let script = Arc::new(script());
    let period = "/api/dependencies?endTs=5&lookback=1";
    send(app(&script, &Config::default()), request("GET", period)).await;
    assert_eq!(*script.periods.lock().unwrap(), [(4_000_000, 5_000_000)]);
}

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
    is_error(&get(cut(), "/api/traces/1").await, 500, "one shard failed");
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
    is_error(&nothing, 500, &format!("storage is unavailable: {late}"));
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
    assert_eq!((one.status, other.status), (500, 500));
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

#[tokio::test]
async fn what_is_not_there_yet_says_so_in_jaegers_words() {
    for path in [
        "latencies?service=a&quantile=0.95",
        "calls?service=a",
        "errors?service=a",
        "minstep",
    ] {
        let answer = get(Script::default(), &format!("/api/metrics/{path}")).await;
        is_error(&answer, 501, "metrics querying is currently disabled");
    }
    let post = |uri: &'static str| {
        send(
            app(&Arc::default(), &Config::default()),
            request("POST", uri),
        )
    };
    let answer = post("/api/archive/1").await;
    is_error(&answer, 500, "archive span storage was not configured");
    let answer = post("/api/archive/x").await;
    is_error(
        &answer,
        400,
        "strconv.ParseUint: parsing \"x\": invalid syntax",
    );
}

#[tokio::test]
async fn unknown_paths_of_the_api_are_404_and_wrong_methods_405() {
    for (method, uri, status) in [
        ("GET", "/api/nothing", 404),
        ("GET", "/api/", 404),
        ("GET", "/static/nothing.js", 404),
        ("HEAD", "/api/services", 405),
        ("POST", "/api/traces", 405),
        ("PUT", "/api/traces/1", 405),
        ("GET", "/api/archive/1", 405),
        ("POST", "/", 405),
        ("HEAD", "/", 200),
    ] {
        let answer = send(
            app(&Arc::default(), &Config::default()),
            request(method, uri),
        )
        .await;
        assert_eq!(answer.status, status, "{method} {uri}");
        match status {
            404 => assert_eq!(answer.text(), "404 page not found\n"),
            405 => assert!(answer.body.is_empty()),
            _ => {}
        }
    }
}

#[tokio::test]
async fn everything_moves_below_the_base_path() {
    let config = Config {
        base_path: BasePath::parse("/jaeger").unwrap(),
        ..Config::default()
    };
    for (uri, status) in [
        ("/jaeger/api/services", 200),
        ("/jaeger", 200),
        ("/jaeger/search", 200),
        ("/jaeger/static/spoor.js", 200),
        ("/api/services", 404),
        ("/jaegerx", 404),
        ("/", 404),
    ] {
        let answer = get_with(Script::default(), &config, uri).await;
        assert_eq!(answer.status, status, "{uri}");
    }
}

#[tokio::test]
async fn the_page_is_html_under_a_strict_policy() {
    let config = Config {
        places: vec![Place {
            what: "OTLP over gRPC".to_owned(),
            address: "127.0.0.1:4317".to_owned(),
        }],
        ..Config::default()
    };
    for uri in ["/", "/search?service=a", "/trace/1", "/favicon.ico"] {
        let answer = get_with(Script::default(), &config, uri).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
        assert!(answer.text().contains("127.0.0.1:4317"));
    }
}

#[tokio::test]
async fn additional_headers_are_added_and_replace_nothing() {
    let header = |name: &'static str, value: &'static str| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    let config = Config {
        additional_headers: vec![
            header("x-one", "1"),
            header("content-type", "text/odd"),
            header("strict-transport-security", "max-age=1"),
        ],
        ..Config::default()
    };
    for uri in ["/api/services", "/api/traces", "/", "/api/nothing"] {
        let answer = get_with(Script::default(), &config, uri).await;
        assert_eq!(answer.header("x-one"), "1", "{uri}");
        assert_eq!(answer.header("strict-transport-security"), "max-age=1");
        assert_ne!(answer.header("content-type"), "text/odd");
    }
}

#[tokio::test]
async fn answers_are_compressed_for_who_asks() {
    let script = Script {
        services: (0..100).map(|n| format!("service-{n}").into()).collect(),
        ..Script::default()
    };
    let mut request = request("GET", "/api/services");
    let gzip = HeaderValue::from_static("gzip");
    request.headers_mut().insert("accept-encoding", gzip);
    let answer = send(app(&Arc::new(script), &Config::default()), request).await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&answer.body[..])
        .take(1 << 20)
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.contains("service-99"));
}

#[tokio::test]
async fn reads_are_counted_by_both_names_and_requests_by_route() {
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let script = Arc::new(Script::of(vec![complete()]));
    let config = Config::default();
    let app = router(Service::new(script.stores(), &config, metrics), &config);
    for uri in [
        "/api/services",
        "/api/traces?service=a",
        "/api/traces/1",
        "/x/y",
    ] {
        send(app.clone(), request("GET", uri)).await;
    }
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    for line in [
        r#"jaeger_storage_requests_total{kind="script",role="primary",operation="find_traces",result="ok"} 1"#,
        r#"jaeger_query_requests_total{operation="get_services",result="ok"} 1"#,
        r#"jaeger_query_latency_count{operation="get_trace",result="ok"} 1"#,
        r#"jaeger_storage_latency_count{kind="script",role="primary",operation="get_trace",result="ok"} 1"#,
        r#"spoor_query_http_request_duration_seconds_count{method="GET",route="/api/traces/{traceID}",status="404"} 1"#,
        r#"spoor_query_http_request_duration_seconds_count{method="GET",route="/",status="200"} 1"#,
    ] {
        assert!(text.contains(line), "no {line} in\n{text}");
    }
}
