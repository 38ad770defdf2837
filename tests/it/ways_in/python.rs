//! Clients for Python: Uber's for Jaeger, OpenTelemetry's SDK with its old exporter and its own, and py-zipkin.

use super::{Client, both_spans, check_jaeger, check_otlp, check_zipkin, python, span, tag};
use crate::support::setup;

pub(super) const UBER: Client = Client {
    name: "`jaeger-client` for Python",
    pins: "jaeger_client.txt",
    package: "jaeger-client",
};
pub(super) const OLD_OTEL: Client = Client {
    name: "`opentelemetry-exporter-jaeger-thrift` for Python",
    pins: "otel_thrift.txt",
    package: "opentelemetry-exporter-jaeger-thrift",
};
pub(super) const OTEL: Client = Client {
    name: "OpenTelemetry SDK for Python",
    pins: "otlp.txt",
    package: "opentelemetry-sdk",
};
pub(super) const ZIPKIN: Client = Client {
    name: "`py-zipkin`",
    pins: "jaeger_client.txt",
    package: "py-zipkin",
};

#[tokio::test]
async fn ubers_client_for_python_sends_datagrams() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let udp = spoor.address("jaeger-compact");
    let id = python(
        "jaeger_client",
        "uber_python.py",
        &["python-udp", udp, "const"],
    );
    let trace = both_spans(&spoor, &id).await;
    assert_eq!(trace["processes"]["p1"]["serviceName"], "python-udp");
    let (root, child) = (span(&trace, "checkout"), span(&trace, "charge card"));
    assert_eq!(child["references"][0]["spanID"], root["spanID"]);
    assert_eq!(tag(root, "cart.items"), 3);
    assert_eq!(tag(root, "share"), 0.5);
    assert_eq!(tag(root, "sampler.type"), "const");
    assert_eq!(tag(child, "error"), true);
    assert_eq!(tag(child, "@jaeger@format"), "jaeger");
    let fields = child["logs"][0]["fields"].as_array().unwrap();
    assert!(
        fields
            .iter()
            .any(|f| f["key"] == "event" && f["value"] == "declined")
    );
    UBER.found("udp", &trace);
}

#[tokio::test]
async fn opentelemetrys_old_thrift_exporter_sends_datagrams_and_posts() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let url = format!(
        "{}/api/traces?format=jaeger.thrift",
        spoor.url("jaeger-thrift")
    );
    for (service, way, to) in [
        ("otel-udp", "udp", spoor.address("jaeger-compact")),
        ("otel-http", "http", &url),
    ] {
        let id = python("otel_thrift", "otel_thrift.py", &[service, way, to]);
        check_jaeger(&spoor, &OLD_OTEL, way, &id, service).await;
    }
}

#[tokio::test]
async fn py_zipkin_sends_each_of_its_encodings() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    for (encoding, path) in [
        ("v1-json", "/api/v1/spans"),
        ("v2-json", "/api/v2/spans"),
        ("v2-protobuf", "/api/v2/spans"),
    ] {
        let url = format!("{}{path}", spoor.url("zipkin"));
        let id = python("jaeger_client", "zipkin.py", &[encoding, &url, encoding]);
        check_zipkin(&spoor, &ZIPKIN, encoding, &id, encoding).await;
    }
}

#[tokio::test]
async fn opentelemetrys_sdk_for_python_sends_over_grpc_and_http() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let (grpc, http) = (spoor.url("otlp-grpc"), spoor.url("otlp-http"));
    for (service, way, to) in [
        ("python-grpc", "grpc", grpc),
        ("python-proto", "http", http + "/v1/traces"),
    ] {
        let id = python("otlp", "otlp.py", &[service, way, &to]);
        check_otlp(&spoor, &OTEL, way, &id, service).await;
    }
}
