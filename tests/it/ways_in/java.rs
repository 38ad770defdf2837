//! Clients for Java: Jaeger's, Zipkin's reporter and OpenTelemetry's SDK.

use tests::clients;

use super::{Client, check_jaeger, check_otlp, check_zipkin, sends};
use crate::support::setup;

pub(super) const JAEGER: Client = Client {
    name: "`jaeger-client` for Java",
    pins: "java/jaeger/pom.xml",
    package: "jaeger-client",
};
pub(super) const ZIPKIN: Client = Client {
    name: "`zipkin-reporter` for Java",
    pins: "java/zipkin/pom.xml",
    package: "zipkin-reporter",
};
pub(super) const OTEL: Client = Client {
    name: "OpenTelemetry SDK for Java",
    pins: "java/otel/pom.xml",
    package: "opentelemetry-sdk",
};

#[tokio::test]
async fn jaegers_client_for_java_sends_datagrams_and_posts() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let ways = [
        (
            "java-udp",
            "udp",
            spoor.address("jaeger-compact").to_owned(),
        ),
        (
            "java-http",
            "http",
            format!("{}/api/traces", spoor.url("jaeger-thrift")),
        ),
    ];
    let mut client = clients::java("jaeger", "Jaeger").unwrap();
    for ((service, way, _), id) in ways.iter().zip(sends(&mut client, &ways)) {
        check_jaeger(&spoor, &JAEGER, way, &id, service).await;
    }
}

#[tokio::test]
async fn zipkins_reporter_for_java_sends_each_of_its_encodings() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let ways = ["v1-thrift", "v1-json", "v2-json", "v2-protobuf"].map(|encoding| {
        let path = if encoding.starts_with("v1") {
            "/api/v1/spans"
        } else {
            "/api/v2/spans"
        };
        (encoding, encoding, spoor.url("zipkin") + path)
    });
    let mut client = clients::java("zipkin", "Zipkin").unwrap();
    for ((service, way, _), id) in ways.iter().zip(sends(&mut client, &ways)) {
        check_zipkin(&spoor, &ZIPKIN, way, &id, service).await;
    }
}

#[tokio::test]
async fn opentelemetrys_sdk_for_java_sends_over_grpc_and_http() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let ways = [
        ("java-grpc", "grpc", spoor.url("otlp-grpc")),
        (
            "java-proto",
            "http",
            format!("{}/v1/traces", spoor.url("otlp-http")),
        ),
    ];
    let mut client = clients::java("otel", "Otel").unwrap();
    for ((service, way, _), id) in ways.iter().zip(sends(&mut client, &ways)) {
        check_otlp(&spoor, &OTEL, way, &id, service).await;
    }
}
