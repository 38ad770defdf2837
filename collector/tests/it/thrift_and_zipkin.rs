//! Thrift and Zipkin over HTTP: what is taken, and what senders are told when it is not.

use storage::port::WriteError;

use crate::support::*;

const THRIFT: (&str, &str) = ("content-type", "application/x-thrift");
const TRACES: &str = "/api/traces";
const SPANS: &str = "/api/v2/spans";
const ZIPKIN: &str = r#"[{"traceId":"0000000000000005","id":"0000000000000006","name":"get","timestamp":1700000000000000,
  "duration":5,"localEndpoint":{"serviceName":"shop"}}]"#;

/// The batch that real Jaeger was sent.
fn batch() -> Vec<u8> {
    let case = "../tests/fixtures/golden/thrift-128bit/input.jaeger-thrift-binary.bin";
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(case)).unwrap()
}

#[tokio::test]
async fn a_batch_is_accepted_once_it_is_durable_and_says_how_it_came() {
    let running = start(|_| {}).await;
    for content_type in [
        "application/x-thrift",
        "application/vnd.apache.thrift.binary; charset=x",
    ] {
        let headers = [("content-type", content_type)];
        let answer = running
            .http_to(
                "jaeger-thrift",
                "POST",
                "/api/traces?format=jaeger.thrift",
                &headers,
                batch(),
            )
            .await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
    }
    let zipped = [THRIFT, ("content-encoding", "gzip")];
    let answer = running
        .http_to("jaeger-thrift", "POST", TRACES, &zipped, gzip(&batch()))
        .await;
    assert_eq!(answer.status, 202);
    let spans = running.store.spans();
    assert!(spans.len() >= 3 && spans.len() % 3 == 0);
    for span in &spans {
        let last = span.attributes.last().unwrap();
        assert_eq!(
            (last.key.as_str(), last.value.as_str()),
            ("@jaeger@format", Some("jaeger"))
        );
    }
    let received = running.metric(
        "jaeger_collector_spans_received_total",
        &["format=\"jaeger\"", "transport=\"http\""],
    );
    assert!(received > 0 && received % 3 == 0, "counted by service");
    assert_eq!(running.held(), 0);
}

#[tokio::test]
async fn both_versions_of_zipkin_are_told_by_the_path() {
    let running = start(|_| {}).await;
    for (path, body) in [
        (SPANS, ZIPKIN),
        ("/", ZIPKIN),
        (
            "/zipkin/api/v1/spans",
            r#"[{"traceId":"0000000000000007","id":"0000000000000006","name":"get"}]"#,
        ),
    ] {
        let answer = running.http_to("zipkin", "POST", path, &[], body).await;
        assert_eq!(answer.status, 202, "{path} {answer:?}");
    }
    let spans = running.store.spans();
    assert_eq!(spans.len(), 3);
    assert_eq!(spans[0].resource.service_name(), "shop");
    let received = running.metric(
        "jaeger_collector_spans_received_total",
        &["format=\"zipkin\"", "svc=\"shop\""],
    );
    assert_eq!(received, 2);
}

#[tokio::test]
async fn what_may_be_sent_again_is_told_when() {
    let running = start(|_| {}).await;
    *running.store.answer.lock() = Err(WriteError::Unavailable {
        reason: "the store is away".to_owned(),
    });
    let thrift = running
        .http_to("jaeger-thrift", "POST", TRACES, &[THRIFT], batch())
        .await;
    let zipkin = running.http_to("zipkin", "POST", SPANS, &[], ZIPKIN).await;
    for answer in [&thrift, &zipkin] {
        assert_eq!(answer.status, 503, "{answer:?}");
        assert_eq!(answer.header("retry-after"), "1");
        assert!(answer.text().contains("the store is away"), "{answer:?}");
    }
    assert!(thrift.text().starts_with("Cannot submit Jaeger batch: "));
    assert_eq!(running.held(), 0);
}

#[tokio::test]
async fn what_can_never_be_taken_is_told_with_what_to_mend() {
    let running = start(|_| {}).await;
    let long = vec![0; (1 << 20) + 1];
    for (listener, path, headers, setting) in [
        (
            "jaeger-thrift",
            TRACES,
            &[THRIFT][..],
            "collector.http-server.max-body-size",
        ),
        ("zipkin", SPANS, &[], "collector.zipkin.max-body-size"),
    ] {
        let answer = running
            .http_to(listener, "POST", path, headers, long.clone())
            .await;
        assert_eq!(answer.status, 413, "{answer:?}");
        assert!(answer.text().contains(setting), "{answer:?}");
        let answer = running
            .http_to(listener, "POST", path, headers, "[{\u{1}")
            .await;
        assert_eq!(answer.status, 400, "{answer:?}");
        let rejected = running.metric(
            "spoor_collector_payloads_rejected_total",
            &[
                &format!("receiver=\"{listener}\""),
                "reason=\"undecodable\"",
            ],
        );
        assert_eq!(rejected, 1, "{listener}");
    }
    let answer = running
        .http_to("jaeger-thrift", "POST", "/other", &[], "")
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.text()),
        (404, "404 page not found\n")
    );
    let answer = running.http_to("zipkin", "GET", SPANS, &[], "").await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("allow")),
        (405, "POST")
    );
}

#[tokio::test]
async fn a_web_page_may_send_to_zipkin_when_it_is_allowed() {
    let running = start(|config| {
        config.zipkin_cors.allowed_origins = vec!["https://*.example".to_owned()];
    })
    .await;
    let origin = ("origin", "https://shop.example");
    let preflight = [origin, ("access-control-request-method", "POST")];
    let answer = running
        .http_to("zipkin", "OPTIONS", SPANS, &preflight, "")
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), origin.1);
    let answer = running
        .http_to("zipkin", "POST", SPANS, &[origin], ZIPKIN)
        .await;
    assert_eq!(answer.status, 202);
    assert_eq!(answer.header("access-control-allow-origin"), origin.1);
}

#[tokio::test]
async fn the_debug_flag_of_a_request_is_taken_and_changes_no_span() {
    use prost::Message as _;
    use wire::r#gen::zipkin::{ListOfSpans, Span};
    let protobuf = ("content-type", "application/x-protobuf");
    let list = ListOfSpans {
        spans: vec![Span {
            trace_id: vec![7; 16],
            id: vec![1; 8],
            timestamp: 1_700_000_000_000_000,
            duration: 5,
            ..Span::default()
        }],
    };
    let running = start(|_| {}).await;
    for headers in [
        &[protobuf][..],
        &[protobuf, ("x-b3-flags", "1")],
        &[protobuf, ("x-b3-flags", "\u{e9}")],
    ] {
        let body = list.encode_to_vec();
        let answer = running
            .http_to("zipkin", "POST", SPANS, headers, body)
            .await;
        assert_eq!(answer.status, 202, "{answer:?}");
    }
    let spans = running.store.spans();
    assert_eq!(spans.len(), 3);
    assert_eq!(spans[0].flags, 0);
    assert!(spans.iter().all(|span| *span == spans[0]), "{spans:?}");
}

#[tokio::test]
async fn a_share_of_the_traces_is_kept_and_the_rest_is_counted() {
    let running = start(|config| config.downsampling_ratio = 0.0).await;
    let answer = running.http_to("zipkin", "POST", SPANS, &[], ZIPKIN).await;
    assert_eq!(answer.status, 202);
    assert!(running.store.spans().is_empty());
    assert!(
        running
            .metrics()
            .lines()
            .any(|line| line.contains("reason=\"downsampled\""))
    );
    let counts = running.ledger.account(&model::Instance::default()).counts();
    assert_eq!(
        (counts.received, counts.dropped, counts.in_flight),
        (1, 1, 0)
    );
}

#[tokio::test]
async fn a_port_that_another_program_has_is_left_out_only_where_nobody_asked_for_it() {
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let running = start(|config| {
        let zipkin = config.zipkin.as_mut().unwrap();
        zipkin.listener.addrs = vec![taken];
        zipkin.listener.dispensable = true;
    })
    .await;
    assert!(!running.has("zipkin") && running.has("jaeger-thrift"));
    let listener = listen::Config::new("zipkin", "collector.zipkin.host-port", vec![taken]);
    let metrics = listen::Metrics::register(&mut Default::default());
    let error = listen::bind(&listener, &metrics).await.unwrap_err();
    assert!(error.is_taken());
    assert!(
        error.to_string().contains("collector.zipkin.host-port"),
        "{error}"
    );
}
