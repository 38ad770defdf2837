//! What surrounds the answers: paths, methods, headers, compression, the page, counters.

use super::*;

#[tokio::test]
async fn without_an_archive_nothing_is_archived() {
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
async fn a_trace_is_archived_as_it_was_sent() {
    let script = Arc::new(Script {
        archives: true,
        ..Script::of(vec![spans(vec![span(1, 1), span(1, 2)]), complete()])
    });
    let answer = send(
        app(&script, &Config::default()),
        request("POST", "/api/archive/1"),
    )
    .await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text(),
        r#"{"data":[],"total":0,"limit":0,"offset":0,"errors":[]}"#
    );
    let archived = script.archived.lock().unwrap().clone();
    assert_eq!(archived, [span(1, 1), span(1, 2)]);
}

#[tokio::test]
async fn what_to_archive_is_read_from_a_form_too() {
    for (content_type, body, expect) in [
        (
            "application/x-www-form-urlencoded; charset=utf-8",
            "start=5&end=7",
            Some((Some(5_000), Some(7_000))),
        ),
        ("text/plain", "start=5", Some((Some(1_000), None))),
        ("application/x-www-form-urlencoded", "start=x", None),
    ] {
        let script = Arc::new(Script {
            archives: true,
            ..Script::of(vec![spans(vec![span(1, 1)]), complete()])
        });
        let request = post("/api/archive/1?start=1", content_type, body);
        let answer = send(app(&script, &Config::default()), request).await;
        let got: Vec<_> = script
            .got
            .lock()
            .unwrap()
            .iter()
            .map(|g| (g.start_ns, g.end_ns))
            .collect();
        match expect {
            Some(window) => assert_eq!((answer.status, got), (200, vec![window]), "{body}"),
            None => is_error(
                &answer,
                400,
                "unable to parse param 'start': strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
        }
    }
}

#[tokio::test]
async fn nothing_of_another_origin_may_read_and_no_trace_is_named() {
    for (method, uri, status) in [
        ("GET", "/api/services", 200),
        ("OPTIONS", "/api/services", 405),
        ("GET", "/", 200),
        ("GET", "/api/nothing", 404),
    ] {
        let mut request = request(method, uri);
        let headers = request.headers_mut();
        headers.insert("origin", HeaderValue::from_static("https://elsewhere"));
        headers.insert(
            "access-control-request-method",
            HeaderValue::from_static("GET"),
        );
        let answer = send(app(&Arc::default(), &Config::default()), request).await;
        assert_eq!(answer.status, status, "{method} {uri}");
        let cors = answer
            .headers
            .keys()
            .filter(|name| name.as_str().starts_with("access-control"));
        assert_eq!(cors.count(), 0, "{method} {uri}");
        // as Jaeger's, when it does not trace itself
        assert_eq!(answer.headers["traceresponse"], "");
    }
}

#[tokio::test]
async fn tokens_go_to_the_store_where_they_are_passed_on() {
    for (passes, expect) in [(true, Some("Bearer t")), (false, None)] {
        let config = Config {
            passes_credentials_on: passes,
            ..Config::default()
        };
        let script = Arc::new(Script::of(vec![complete()]));
        let mut request = request("GET", "/api/traces/1");
        let token = HeaderValue::from_static("Bearer t");
        request.headers_mut().insert("authorization", token);
        send(app(&script, &config), request).await;
        let contexts = script.contexts.lock().unwrap();
        let given = contexts[0].credentials.as_ref();
        assert_eq!(given.map(secrecy::ExposeSecret::expose_secret), expect);
    }
}

#[tokio::test]
async fn what_cannot_be_archived_whole_is_not() {
    for (steps, status, error) in [
        (vec![complete()], 404, "trace not found"),
        (
            vec![spans(vec![span(1, 1)]), partial("a bound")],
            500,
            "failed to archive trace: spans may be missing: a bound",
        ),
    ] {
        let script = Arc::new(Script {
            archives: true,
            ..Script::of(steps)
        });
        let answer = send(
            app(&script, &Config::default()),
            request("POST", "/api/archive/1"),
        )
        .await;
        is_error(&answer, status, error);
        assert!(script.archived.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_trace_that_has_gone_is_read_from_the_archive() {
    let script = || Script {
        archives: true,
        archived: vec![span(2, 7)].into(),
        ..Script::of(vec![spans(vec![span(3, 1)]), complete()])
    };
    let gone = get(
        Script {
            steps: vec![complete()],
            ..script()
        },
        "/api/traces/2?raw=true",
    )
    .await;
    assert_eq!(gone.status, 200);
    assert_eq!(gone.json()["data"][0]["traceID"], "0000000000000002");
    let answer = get(script(), "/api/traces?traceID=2&traceID=3").await;
    let json = answer.json();
    let ids: Vec<_> = json["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["traceID"])
        .collect();
    assert_eq!(ids, ["0000000000000002", "0000000000000003"]);
    assert_eq!(json["errors"], serde_json::Value::Null);
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
        ("POST", "/api/v3/traces", 405),
        ("HEAD", "/api/v3/services", 405),
        ("GET", "/api/transform", 405),
        ("GET", "/api/v3/nothing", 404),
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
            405 => assert!(answer.body.is_empty() && !answer.header("allow").is_empty()),
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
    for uri in [
        "/api/services",
        "/api/traces",
        "/api/v3/services",
        "/api/openapi.json",
        "/",
        "/api/nothing",
    ] {
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
    let service = Service::new(script.stores(), &config, metrics);
    let app = router(service, &config, Site::own(&config));
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
