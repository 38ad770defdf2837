//! Whom an agent forwards to, and over what.

use super::*;

fn agent(line: &[&str]) -> (Agent, Vec<String>) {
    let checked = checked(Role::Agent, line, &[]);
    assert_eq!(checked.problems, []);
    let warnings = checked.warnings.iter().map(ToString::to_string).collect();
    (checked.config.unwrap().agent.unwrap(), warnings)
}

#[test]
fn beyond_this_machine_an_agent_speaks_tls_unless_it_is_switched_off() {
    let far = "--reporter.grpc.host-port=dns:///jaeger-collector-headless.prod.svc:14250";
    let (told, warnings) = agent(&[far]);
    assert_eq!(
        told.targets[0].to_string(),
        "jaeger-collector-headless.prod.svc:14250"
    );
    assert!(told.tls.is_some() && warnings.is_empty(), "{warnings:?}");
    let (told, warnings) = agent(&[far, "--reporter.grpc.tls.enabled=false"]);
    assert_eq!(told.tls, None);
    assert!(
        warnings[0].contains("spans go to jaeger-collector-headless.prod.svc:14250 in plaintext"),
        "{warnings:?}"
    );
    for near in [
        "127.0.0.1:14250",
        "[::1]:14250",
        "localhost:14250",
        ":14250",
    ] {
        let (told, warnings) = agent(&[&format!("--reporter.grpc.host-port={near}")]);
        assert_eq!((told.tls, warnings.len()), (None, 0), "{near}");
    }
    // one that is elsewhere among those on this machine
    let (told, _) = agent(&["--reporter.grpc.host-port=localhost:14250, 10.0.0.7:14250"]);
    assert!(told.tls.is_some() && told.targets.len() == 2);
}

#[test]
fn the_documented_command_starts() {
    let (told, warnings) = agent(&[
        "--reporter.grpc.host-port=dns:///jaeger-collector-headless.prod.svc:14250",
        "--reporter.grpc.tls.ca=/certs/ca.crt",
        "--agent.tags=pod.namespace=prod,pod.name=${POD_NAME:}",
    ]);
    assert_eq!(told.tls.unwrap().ca, Some("/certs/ca.crt".into()));
    assert_eq!(warnings, Vec::<String>::new());
    let half = problems(
        Role::Agent,
        &[
            "--reporter.grpc.host-port=far:14250",
            "--reporter.grpc.tls.enabled=false",
            "--reporter.grpc.tls.ca=/certs/ca.crt",
        ],
    );
    assert!(
        half[0].contains("options cannot be used when reporter.grpc.tls.enabled is false"),
        "{half:?}"
    );
}

#[test]
fn rules_of_namespaces_are_the_collectors() {
    let (_, warnings) = agent(&[
        "--reporter.grpc.host-port=localhost:14250",
        "--instance.by-listener=jaeger-udp=edge/jaeger",
        "--multi-tenancy.enabled",
    ]);
    assert!(
        warnings[0].contains("an agent hands spans on without a namespace"),
        "{warnings:?}"
    );
}

#[test]
fn an_agent_has_the_ports_that_applications_know_and_no_store() {
    let config = checked(
        Role::Agent,
        &["--reporter.grpc.host-port=localhost:14250"],
        &[("SPAN_STORAGE_TYPE", "elasticsearch")],
    );
    assert_eq!(config.problems, []);
    let config = config.config.unwrap();
    assert_eq!(config.storage.backends, [Backend::Collector]);
    let ports: Vec<u16> = config.listeners.iter().map(|l| l.addrs[0].port).collect();
    assert_eq!(ports, [6831, 6832, 5775, 5778, 14271]);
}

#[test]
fn an_agent_without_a_collector_is_told_what_to_set() {
    let told = problems(Role::Agent, &[]);
    assert_eq!(
        told,
        [
            "reporter.grpc.host-port: it is empty: give the collector's host:port, such as jaeger-collector.prod.svc:14250"
        ]
    );
    let told = problems(Role::Agent, &["--reporter.grpc.host-port=collector"]);
    assert_eq!(
        told,
        [
            "--reporter.grpc.host-port: \"collector\" has no port: give host:port, :port or [v6]:port"
        ]
    );
    let half = [
        "--reporter.grpc.host-port=localhost:1",
        "--reporter.grpc.tls.enabled",
        "--reporter.grpc.tls.cert=x",
    ];
    let told = problems(Role::Agent, &half);
    assert!(
        told[0].contains("reporter.grpc.tls.key is not set"),
        "{told:?}"
    );
}
