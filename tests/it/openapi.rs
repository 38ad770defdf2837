//! The API is tried against its own description by a program that nobody here wrote.
//!
//! Schemathesis makes requests of what `/api/openapi.json` says, good ones and bad ones, and checks each answer's status, type, headers and body. The examples
//! of the description are about a trace that is there.

use std::process::Command;

use serde_json::{Value, json};
use tests::clients;
use tests::spoor::Spoor;

use crate::support::{get_json, root, setup, soak};

/// Sends the trace that the description's examples are about, as the description has it, and another one of many spans.
async fn send_examples(spoor: &Spoor, document: &Value) {
    let example = &document["paths"]["/api/transform"]["post"]["requestBody"]["content"]["application/json"]
        ["example"];
    assert!(example["resourceSpans"].is_array(), "{example}");
    let span = &example["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    let id = |n: u64| format!("{n:016x}");
    let others: Vec<Value> = (1..200)
        .map(|n| {
            let mut child = span.clone();
            child["spanId"] = json!(id(n));
            child["parentSpanId"] = json!(if n == 1 {
                span["spanId"].as_str().unwrap().to_owned()
            } else {
                id(n / 2)
            });
            child["kind"] = json!(n % 6);
            child["name"] = json!(format!("step {n}"));
            child
        })
        .collect();
    let services = ["frontend", "cart", "checkout"];
    let groups: Vec<Value> = (services.iter().enumerate())
        .map(|(at, service)| {
            let spans: Vec<_> = others.iter().skip(at).step_by(services.len()).collect();
            json!({
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeSpans": [{"spans": spans}],
            })
        })
        .collect();
    for body in [example.clone(), json!({"resourceSpans": groups})] {
        let answer = reqwest::Client::new()
            .post(format!("{}/v1/traces", spoor.url("otlp-http")))
            .json(&body);
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }
}

/// How many cases were made, as the summary says.
fn cases(summary: &str) -> usize {
    let count = |line: &str| line.split_once(" generated")?.0.trim().parse().ok();
    let found = summary.lines().find_map(count);
    found.unwrap_or_else(|| panic!("no count of cases in {summary}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_one_that_the_description_allows() {
    let (folder, setup) = setup();
    let setup = setup.arg("--span.max-age=0").arg("--embedded.max-age=0");
    let spoor = setup.start().unwrap();
    let query = spoor.url("query-http");
    let document = get_json(&format!("{query}/api/openapi.json")).await;
    send_examples(&spoor, &document).await;
    let trace = get_json(&format!(
        "{query}/api/traces/4bf92f3577b34da6a3ce929d0e0e4736"
    ))
    .await;
    assert_eq!(trace["data"][0]["spans"].as_array().unwrap().len(), 200);

    let most = if soak() { "200" } else { "5" };
    let junit = folder.path().join("junit.xml");
    let mut command = Command::new(clients::python("schemathesis").unwrap());
    command
        .args(["-m", "schemathesis.cli", "--config-file"])
        .arg(root().join("tests/clients/schemathesis.toml"))
        .arg("run")
        .arg(format!("{query}/api/openapi.json"))
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", most, "--report", "junit"])
        .arg("--report-junit-path")
        .arg(&junit)
        .current_dir(folder.path());
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    let summary = said.split("SUMMARY").last().unwrap_or_default();
    println!("{summary}");
    assert!(output.status.success(), "{said}{complaints}");
    let cases = cases(summary);
    println!("{cases} cases, at most {most} random ones an operation: 0 failures");
    assert!(cases >= 1_000, "only {cases} cases");
}
