//! Real clients send a trace; it comes out of Jaeger's HTTP API.

use std::process::Command;

use tests::clients;
use tests::spoor::Spoor;

use crate::support::{get_json, root, setup, trace};

/// Runs one of the examples of the documentation; the last line it prints is the trace's id.
fn example(python: &str, script: &str, args: &[&str]) -> String {
    let python = clients::python(python).unwrap();
    let output = Command::new(python)
        .arg(root().join("docs/examples").join(script))
        .args(args)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && !complaints.contains("Failed to export"),
        "{script} said {said}{complaints}"
    );
    said.trim().lines().last().unwrap_or_default().to_owned()
}

async fn check_first_trace(spoor: &Spoor, id: &str, service: &str) {
    let trace = trace(spoor, id).await;
    let mut names: Vec<_> = trace["spans"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["operationName"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["charge card", "checkout"]);
    assert_eq!(trace["processes"]["p1"]["serviceName"], service);
    let services = get_json(&format!("{}/api/services", spoor.url("query-http"))).await;
    assert!(
        services["data"]
            .as_array()
            .unwrap()
            .contains(&service.into()),
        "{services}"
    );
    let found = get_json(&format!(
        "{}/api/traces?service={service}&lookback=1h&limit=20",
        spoor.url("query-http")
    ))
    .await;
    assert_eq!(found["data"][0]["traceID"], id);
}

#[tokio::test]
async fn opentelemetrys_python_sdk_sends_over_grpc_and_http() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let id = example("otlp", "otlp_python.py", &["grpc", &spoor.url("otlp-grpc")]);
    check_first_trace(&spoor, &id, "python-grpc").await;
    let id = example(
        "otlp",
        "otlp_python.py",
        &["http", &format!("{}/v1/traces", spoor.url("otlp-http"))],
    );
    check_first_trace(&spoor, &id, "python-http").await;
}

#[tokio::test]
async fn the_old_jaeger_exporter_sends_over_grpc() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let id = example(
        "jaeger",
        "jaeger_python.py",
        &[spoor.address("jaeger-grpc")],
    );
    check_first_trace(&spoor, &id, "python-jaeger").await;
    let trace = trace(&spoor, &id).await;
    let child = trace["spans"]
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["operationName"] == "charge card")
        .unwrap();
    let tags: Vec<_> = child["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| (t["key"].as_str().unwrap(), t["value"].clone()))
        .collect();
    assert!(tags.contains(&("error", true.into())), "{tags:?}");
    assert!(
        tags.contains(&("@jaeger@format", "proto".into())),
        "{tags:?}"
    );
}

#[tokio::test]
async fn telemetrygen_sends_over_grpc_and_http() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let program = clients::telemetrygen().unwrap();
    for (service, listener, more) in [
        ("gen-grpc", "otlp-grpc", None),
        ("gen-http", "otlp-http", Some("--otlp-http")),
    ] {
        let mut command = Command::new(&program);
        command.args([
            "traces",
            "--traces",
            "5",
            "--otlp-insecure",
            "--service",
            service,
            "--otlp-endpoint",
            spoor.address(listener),
        ]);
        clients::run(command.args(more), "telemetrygen").unwrap();
        let found = get_json(&format!(
            "{}/api/traces?service={service}&limit=20",
            spoor.url("query-http")
        ))
        .await;
        let traces = found["data"].as_array().unwrap();
        assert_eq!(traces.len(), 5, "{service}");
        assert!(
            traces
                .iter()
                .all(|t| t["spans"].as_array().unwrap().len() == 2),
            "{found}"
        );
    }
}
