//! Clients for Go: Uber's for Jaeger, and OpenTelemetry's SDK.

use std::process::Command;

use tests::clients;

use super::{Client, check_jaeger, check_otlp, said, sends};
use crate::support::setup;

pub(super) const UBER: Client = Client {
    name: "`jaeger-client-go`",
    pins: "go/go.mod",
    package: "github.com/uber/jaeger-client-go",
};
pub(super) const OTEL: Client = Client {
    name: "OpenTelemetry SDK for Go",
    pins: "go/go.mod",
    package: "go.opentelemetry.io/otel/sdk",
};

#[tokio::test]
async fn ubers_client_for_go_sends_datagrams_and_posts() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let program = clients::go_client("uber").unwrap();
    let url = format!("{}/api/traces", spoor.url("jaeger-thrift"));
    for (service, way, to) in [
        ("go-udp", "udp", spoor.address("jaeger-compact")),
        ("go-http", "http", &url),
    ] {
        let id = said(Command::new(&program).args([service, way, to]));
        check_jaeger(&spoor, &UBER, way, &id, service).await;
    }
}

#[tokio::test]
async fn opentelemetrys_sdk_for_go_sends_over_grpc_and_http() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let ways = [
        ("go-grpc", "grpc", spoor.url("otlp-grpc")),
        (
            "go-proto",
            "http",
            format!("{}/v1/traces", spoor.url("otlp-http")),
        ),
    ];
    let mut client = Command::new(clients::go_client("otel").unwrap());
    for ((service, way, _), id) in ways.iter().zip(sends(&mut client, &ways)) {
        check_otlp(&spoor, &OTEL, way, &id, service).await;
    }
}
