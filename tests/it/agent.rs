//! The agent: datagrams of real clients on this machine, forwarded to a collector over TLS.

use tests::spoor::{Setup, Spoor};

use crate::support::client::{both_spans, python, tag};
use crate::support::{eventually, get, get_json, setup};

/// A collector that speaks TLS with a certificate of its own making on its port for agents, and how to start an agent that trusts it.
fn collector_and_agent() -> (tempfile::TempDir, Setup, Spoor, Setup) {
    let (folder, setup) = setup();
    let certs = folder.path().join("certs");
    let setup = setup
        .arg("--collector.grpc.tls.enabled")
        .arg(format!("--certs.directory={}", certs.display()));
    let collector = setup.start().unwrap();
    let agent = Setup::new(
        env!("CARGO_BIN_EXE_spoor-under-test"),
        &folder.path().join("none"),
    )
    .arg("agent")
    .arg(format!(
        "--reporter.grpc.host-port=dns:///{}",
        collector.address("jaeger-grpc")
    ))
    .arg("--reporter.grpc.tls.enabled")
    .arg(format!(
        "--reporter.grpc.tls.ca={}",
        certs.join("default/ca.crt").display()
    ))
    .arg("--agent.tags=pod.namespace=prod,pod.name=${POD_NAME_OF_TEST:unknown}");
    (folder, setup, collector, agent)
}

/// Sends a trace of two spans over UDP; its id.
fn send(agent: &Spoor, service: &str) -> String {
    let udp = agent.address("jaeger-compact");
    python("jaeger_client", "uber_python.py", &[service, udp, "const"])
}

async fn metric(spoor: &Spoor, name: &str) -> f64 {
    let (_, _, text) = get(&format!("{}/metrics", spoor.url("admin"))).await;
    let line = text.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn datagrams_reach_the_collector_over_tls_with_the_agents_tags() {
    let (_folder, _setup, collector, agent) = collector_and_agent();
    let agent = agent.start().unwrap();
    let id = send(&agent, "in-a-pod");
    let trace = both_spans(&collector, &id).await;
    let process = &trace["processes"]["p1"];
    assert_eq!(process["serviceName"], "in-a-pod");
    assert_eq!(tag(process, "pod.namespace"), "prod");
    assert_eq!(tag(process, "pod.name"), "unknown");
    // once, and said by the collector
    let span = &trace["spans"][0];
    assert_eq!(tag(span, "@jaeger@format"), "proto");
    let formats = span["tags"].as_array().unwrap().iter();
    assert_eq!(formats.filter(|t| t["key"] == "@jaeger@format").count(), 1);

    let sent = "jaeger_agent_reporter_spans_submitted_total{format=\"jaeger\"}";
    assert_eq!(metric(&agent, sent).await, 2.0);
    assert_eq!(metric(&agent, "jaeger_agent_connection_status").await, 1.0);
    // what is forwarded is counted as received once
    let (_, _, text) = get(&format!("{}/metrics", agent.url("admin"))).await;
    assert!(!text.contains("jaeger_collector_spans_received"), "{text}");
    assert!(text.contains("jaeger_agent_build_info"), "{text}");
}

#[tokio::test]
async fn an_agent_outlives_its_collector_and_never_looks_ill() {
    let (_folder, setup, collector, agent) = collector_and_agent();
    let port = collector.address("jaeger-grpc").to_owned();
    let agent = agent.start().unwrap();
    both_spans(&collector, &send(&agent, "before")).await;
    collector.kill();
    send(&agent, "meanwhile");
    let failures = "jaeger_agent_reporter_spans_failures_total{format=\"jaeger\"}";
    eventually(
        "a failure that is counted",
        || metric(&agent, failures),
        |count| *count == 2.0,
    )
    .await;
    assert_eq!(get(&agent.url("admin")).await.0, 200);
    assert_eq!(metric(&agent, "jaeger_agent_connection_status").await, 0.0);
    let log = agent.log().join("\n");
    for part in ["cannot connect to", "reporter.grpc.host-port"] {
        assert!(log.contains(part), "{log}");
    }
    let collector = setup
        .arg(format!("--collector.grpc-server.host-port={port}"))
        .start()
        .unwrap();
    both_spans(&collector, &send(&agent, "after")).await;
}

#[tokio::test]
async fn what_an_agent_is_asked_about_sampling_it_asks_the_collector() {
    let (folder, setup, collector, agent) = collector_and_agent();
    collector.terminate().unwrap();
    let strategies = folder.path().join("strategies.json");
    let text = r#"{"service_strategies":[{"service":"shop","type":"probabilistic","param":0.25}]}"#;
    std::fs::write(&strategies, text).unwrap();
    let collector = setup
        .arg(format!(
            "--sampling.strategies-file={}",
            strategies.display()
        ))
        .start()
        .unwrap();
    let agent = agent
        .arg(format!(
            "--reporter.grpc.host-port={}",
            collector.address("jaeger-grpc")
        ))
        .start()
        .unwrap();
    for path in [
        "/sampling?service=shop",
        "/?service=shop",
        "/sampling?service=other",
    ] {
        let asked = |spoor: &Spoor| format!("{}{path}", spoor.url("sampling-http"));
        let (theirs, ours) = (get(&asked(&collector)).await, get(&asked(&agent)).await);
        assert_eq!(theirs.0, 200);
        assert_eq!(theirs, ours, "{path}");
    }
    let answered = "jaeger_agent_http_server_requests_total{type=\"sampling\"}";
    assert_eq!(metric(&agent, answered).await, 2.0);
    collector.terminate().unwrap();
    let (status, _, text) = get(&format!(
        "{}/sampling?service=shop",
        agent.url("sampling-http")
    ))
    .await;
    assert_eq!(status, 500);
    let failed = "jaeger_agent_http_server_errors_total{source=\"collector-proxy\",status=\"5xx\"}";
    assert_eq!(metric(&agent, failed).await, 1.0);
    assert!(
        text.contains("collector error: ") && text.contains("cannot connect to"),
        "{text}"
    );
}

#[tokio::test]
async fn an_agent_that_cannot_trust_its_collector_says_whom_it_trusts() {
    let (folder, _setup, collector, agent) = collector_and_agent();
    let strange = folder.path().join("certs/default/jaeger/tls.crt");
    let agent = agent
        .arg(format!("--reporter.grpc.tls.ca={}", strange.display()))
        .start()
        .unwrap();
    send(&agent, "untrusted");
    eventually(
        "words about trust",
        || async { agent.log().join("\n") },
        |log| log.contains("signed by nobody who is trusted"),
    )
    .await;
    let services = get_json(&format!("{}/api/services", collector.url("query-http"))).await;
    assert!(!services.to_string().contains("untrusted"), "{services}");
}
