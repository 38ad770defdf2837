//! What reaches beyond this machine speaks TLS by itself: a stock manifest of Jaeger's, and clients that have nothing but the authority.

mod six;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tests::clients;
use tests::spoor::{ADDRESSES, Setup, Spoor};

use crate::support::{eventually, get, root, setup};

/// What Jaeger's operator runs all in one and a collector with, but for the numbers of ports and the folder of OpenShift's certificates: with every listener
/// on every address, as images set it.
fn stock(mut setup: Setup, folder: &Path) -> Setup {
    let strategies = folder.join("sampling.json");
    std::fs::write(
        &strategies,
        r#"{"default_strategy":{"param":1,"type":"probabilistic"}}"#,
    )
    .unwrap();
    let of_operator = [
        format!("--sampling.strategies-file={}", strategies.display()),
        "--memory.max-traces=100000".to_owned(),
        "--instance.default=prod/simplest".to_owned(),
        format!("--certs.directory={}", folder.join("certs").display()),
    ];
    for setting in ADDRESSES {
        let host = if setting.starts_with("processor.") {
            "127.0.0.1"
        } else {
            "[::]"
        };
        setup = setup.arg(format!("--{setting}={host}:0"));
    }
    for arg in of_operator {
        setup = setup.arg(arg);
    }
    for (name, value) in [
        ("COLLECTOR_OTLP_ENABLED", "true"),
        ("JAEGER_SERVICE_NAME", "simplest.prod"),
        ("JAEGER_PROPAGATION", "jaeger,b3,w3c"),
        ("JAEGER_DISABLED", "false"),
    ] {
        setup.variables.push((name.to_owned(), value.to_owned()));
    }
    setup
}

/// Where a client on this machine finds a listener of every address.
fn at(spoor: &Spoor, listener: &str, host: &str) -> String {
    let address = spoor.address(listener);
    format!("{host}:{}", address.rsplit(':').next().unwrap())
}

/// What a client sees that trusts `ca` alone and calls the server `name`: serial number and status, then the body.
fn see(address: &str, ca: &Path, path: &str, name: &str) -> (String, String) {
    let output = Command::new("python3")
        .arg(root().join("tests/clients/tls.py"))
        .arg(address)
        .arg(ca)
        .args([path, name])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let (first, body) = said.split_once('\n').unwrap_or((&said, ""));
    (first.to_owned(), body.to_owned())
}

fn client(packages: &str, script: &str, ca: &Path, args: &[&str]) -> String {
    let output = Command::new(clients::python(packages).unwrap())
        .args(["-W", "ignore"])
        .arg(root().join("docs/examples").join(script))
        .args(args)
        .env("OTEL_EXPORTER_OTLP_CERTIFICATE", ca)
        // Python's requests would trust these instead
        .env_remove("REQUESTS_CA_BUNDLE")
        .env_remove("CURL_CA_BUNDLE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr);
    // what an exporter could not send it only logs
    assert!(
        output.status.success() && complaints.is_empty(),
        "{script}: {said}{complaints}"
    );
    said.trim().lines().last().unwrap_or_default().to_owned()
}

fn running() -> (tempfile::TempDir, Setup, Spoor, PathBuf) {
    let (folder, setup) = setup();
    let setup = stock(setup, folder.path());
    let spoor = setup.start().unwrap();
    let ca = folder.path().join("certs/prod/ca.crt");
    (folder, setup, spoor, ca)
}

#[tokio::test]
async fn a_client_with_nothing_but_the_authority_is_served_and_plaintext_is_refused() {
    let (folder, setup, spoor, ca) = running();
    // the log says where the authority is
    let shown = ca.display().to_string();
    assert!(spoor.log().iter().any(|line| line.contains(&shown)));
    for file in ["tls.crt", "tls.key", "ca.crt"] {
        let path = folder.path().join("certs/prod/simplest").join(file);
        assert!(path.exists(), "{}", path.display());
    }

    let grpc = format!("https://{}", at(&spoor, "otlp-grpc", "localhost"));
    let http = format!("https://{}/v1/traces", at(&spoor, "otlp-http", "localhost"));
    let jaeger = at(&spoor, "jaeger-grpc", "localhost");
    let trusted = ca.to_str().unwrap();
    let ids = [
        client("otlp", "otlp_python.py", &ca, &["grpc", &grpc]),
        client("otlp", "otlp_python.py", &ca, &["http", &http]),
        client("jaeger", "jaeger_python.py", &ca, &[&jaeger, trusted]),
    ];
    let query = at(&spoor, "query-http", "127.0.0.1");
    for id in &ids {
        let (seen, body) = see(&query, &ca, &format!("/api/traces/{id}"), "localhost");
        assert!(seen.ends_with(" 200"), "{seen}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(answer["data"][0]["spans"].as_array().unwrap().len(), 2);
    }

    // probes and scrapes come without certificates
    let admin = format!("http://{}", at(&spoor, "admin", "127.0.0.1"));
    assert_eq!(get(&admin).await.0, 200);
    let listeners = [
        "otlp-grpc",
        "otlp-http",
        "jaeger-grpc",
        "jaeger-thrift",
        "zipkin",
        "sampling-http",
        "sampling-grpc",
        "query-http",
        "query-grpc",
    ];
    for listener in listeners {
        let plain = format!("http://{}", at(&spoor, listener, "127.0.0.1"));
        assert_eq!(reqwest::get(&plain).await.unwrap().status(), 400);
    }
    let (_, _, metrics) = get(&format!("{admin}/metrics")).await;
    for listener in listeners {
        let refused = format!(
            "spoor_listener_connections_refused_total{{listener=\"{listener}\",reason=\"plaintext_on_tls\"}} 1"
        );
        assert!(metrics.contains(&refused), "no {refused} in {metrics}");
    }
    eventually(
        "a word about plaintext",
        || async { spoor.log().join("\n") },
        |log| log.contains("a client spoke plaintext to a tls port"),
    )
    .await;

    // the next start changes nothing that clients see
    let (before, _) = see(&query, &ca, "/api/services", "localhost");
    let authority = std::fs::read(&ca).unwrap();
    spoor.terminate().unwrap();
    let spoor = setup.start().unwrap();
    let query = at(&spoor, "query-http", "127.0.0.1");
    assert_eq!(see(&query, &ca, "/api/services", "localhost").0, before);
    assert_eq!(std::fs::read(&ca).unwrap(), authority);
}

#[tokio::test]
async fn a_server_is_known_by_every_name_that_clients_call_it() {
    let (_folder, setup) = setup();
    let (folder, setup) = (
        _folder,
        setup.arg("--certs.names=traces.example.org,10.1.2.3"),
    );
    let spoor = stock(setup, folder.path()).start().unwrap();
    let ca = folder.path().join("certs/prod/ca.crt");
    let four = at(&spoor, "query-http", "127.0.0.1");
    let six = at(&spoor, "query-http", "[::1]");
    for name in [
        "simplest-collector",
        "simplest-collector.prod",
        "simplest-collector.prod.svc",
        "simplest-collector.prod.svc.cluster.local",
        "simplest-collector-headless.prod.svc",
        "simplest-query.prod.svc.cluster.local",
        "traces.example.org",
        "10.1.2.3",
        "127.0.0.1",
        "::1",
    ] {
        for address in [&four, &six] {
            let (seen, _) = see(address, &ca, "/api/services", name);
            assert!(seen.ends_with(" 200"), "{name} at {address}: {seen}");
        }
    }
    for stranger in ["simplest-collector.staging.svc", "10.1.2.4", "example.org"] {
        let (seen, _) = see(&four, &ca, "/api/services", stranger);
        assert_eq!(seen, "refused CERTIFICATE_VERIFY_FAILED", "{stranger}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_lost_or_due_is_made_anew_while_clients_go_on() {
    let (folder, setup) = setup();
    // it is looked after every tenth of its time
    let setup = stock(setup, folder.path()).arg("--certs.validity=1m");
    let spoor = setup.start().unwrap();
    let ca = folder.path().join("certs/prod/ca.crt");
    let query = at(&spoor, "query-http", "127.0.0.1");
    let look = || see(&query, &ca, "/api/services", "localhost").0;
    let before = look();
    std::fs::remove_dir_all(folder.path().join("certs/prod/simplest")).unwrap();
    let after = eventually(
        "another certificate",
        || async { look() },
        |seen| *seen != before && seen.ends_with(" 200"),
    )
    .await;
    assert_ne!(before, after);
}
