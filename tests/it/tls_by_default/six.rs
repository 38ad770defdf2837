//! Where there is only IPv6, with TLS on everything that has it: the certificate that Spoor makes is good there too.

use std::process::Command;

use serde_json::Value;
use tests::clients;
use tests::spoor::ADDRESSES;

use super::{client, see};
use tests::pki::trusting;

use crate::support::https::posts;
use crate::support::{eventually, root, setup};

/// The settings of all listeners that have TLS begin with these.
const PREFIXES: [&str; 10] = [
    "collector.otlp.grpc",
    "collector.otlp.http",
    "collector.grpc",
    "collector.http",
    "collector.zipkin",
    "http-server",
    "sampling.grpc",
    "query.http",
    "query.grpc",
    "admin.http",
];

#[tokio::test]
async fn everything_works_over_tls_where_there_is_only_ipv6() {
    let (folder, mut setup) = setup();
    for setting in ADDRESSES {
        setup = setup.arg(format!("--{setting}=[::1]:0"));
    }
    for prefix in PREFIXES {
        setup = setup.arg(format!("--{prefix}.tls.enabled"));
    }
    let spoor = setup.start().unwrap();
    let ca = folder.path().join("data.certs/default/ca.crt");
    let trusted = ca.to_str().unwrap();
    let at = |listener| {
        let address = spoor.address(listener);
        assert!(address.starts_with("[::1]:"), "{listener} is at {address}");
        address
    };

    let grpc = format!("https://{}", at("otlp-grpc"));
    let http = format!("https://{}/v1/traces", at("otlp-http"));
    let mut ids = vec![
        client("otlp", "otlp_python.py", &ca, &["grpc", &grpc]),
        client("otlp", "otlp_python.py", &ca, &["http", &http]),
        client(
            "jaeger",
            "jaeger_python.py",
            &ca,
            &[at("jaeger-grpc"), trusted],
        ),
    ];
    // datagrams have no TLS
    let udp = Command::new(clients::go_client("uber").unwrap())
        .args(["six-udp", "udp", at("jaeger-compact")])
        .output()
        .unwrap();
    let said = String::from_utf8(udp.stdout).unwrap();
    ids.push(said.trim().lines().last().unwrap().to_owned());
    for id in &ids {
        let path = format!("/api/traces/{id}");
        let ask = || async { see(at("query-http"), &ca, &path, "::1") };
        let spans = |body: &str| -> usize {
            let answer: Value = serde_json::from_str(body).unwrap_or_default();
            answer["data"][0]["spans"].as_array().map_or(0, Vec::len)
        };
        eventually(id, ask, |(seen, body)| {
            seen.ends_with(" 200") && spans(body) == 2
        })
        .await;
    }

    let authority = std::fs::read_to_string(&ca).unwrap();
    for post in posts(&spoor) {
        post.over(trusting(&authority, None)).once().await.unwrap();
    }
    let (seen, body) = see(at("sampling-http"), &ca, "/sampling?service=any", "::1");
    assert!(seen.ends_with(" 200"), "{seen} {body}");
    assert!(body.contains("PROBABILISTIC"), "{body}");
    for listener in ["sampling-grpc", "jaeger-grpc"] {
        let output = Command::new(clients::python("otlp").unwrap())
            .arg(root().join("tests/clients/sampling_grpc.py"))
            .args([at(listener), trusted, "any"])
            .output()
            .unwrap();
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        // field 2 is the probabilistic strategy
        assert!(answer.contains("1209"), "{listener}: {answer} {output:?}");
    }
    let (seen, _) = see(at("admin"), &ca, "/", "::1");
    assert!(seen.ends_with(" 200"), "{seen}");
    println!(
        "[::1] with TLS: {} traces of real clients found, sampling and queries answered",
        ids.len()
    );
}
