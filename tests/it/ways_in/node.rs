//! Clients for Node: Uber's for Jaeger, and OpenTelemetry's SDK.

use std::process::Command;

use tests::clients;

use super::{Client, check_jaeger, check_otlp, said, sends};
use crate::support::{root, setup};

pub(super) const UBER: Client = Client {
    name: "`jaeger-client` for Node",
    pins: "node/package.json",
    package: "jaeger-client",
};
pub(super) const OTEL: Client = Client {
    name: "OpenTelemetry SDK for Node",
    pins: "node/package.json",
    package: "@opentelemetry/sdk-trace-node",
};

/// Node, about to run a script of `tests/clients/node`.
fn node(script: &str) -> Command {
    let mut command = Command::new("node");
    command
        .arg(root().join("tests/clients/node").join(script))
        .env("NODE_PATH", clients::node_modules().unwrap());
    command
}

#[tokio::test]
async fn ubers_client_for_node_sends_datagrams_and_posts() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let url = format!("{}/api/traces", spoor.url("jaeger-thrift"));
    let (host, port) = spoor.address("jaeger-binary").split_once(':').unwrap();
    for args in [
        &["node-udp", "udp", host, port][..],
        &["node-http", "http", &url],
    ] {
        let id = said(node("uber.js").args(args));
        check_jaeger(&spoor, &UBER, args[1], &id, args[0]).await;
    }
}

#[tokio::test]
async fn opentelemetrys_sdk_for_node_sends_over_grpc_and_http() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let http = format!("{}/v1/traces", spoor.url("otlp-http"));
    let ways = [
        ("node-grpc", "grpc", spoor.url("otlp-grpc")),
        ("node-json", "http", http.clone()),
        ("node-proto", "proto", http),
    ];
    for ((service, way, _), id) in ways.iter().zip(sends(&mut node("otel.js"), &ways)) {
        check_otlp(&spoor, &OTEL, way, &id, service).await;
    }
}
