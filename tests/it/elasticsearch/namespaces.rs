//! Instances of one name in two namespaces: each with its own cluster, authority, certificate and indices, in one Spoor.

use std::path::Path;

use serde_json::{Value, json};
use tests::pki::{Authority, Leaf};
use tests::servers::secured::{self, NAMESPACES, PASSWORD, Secured, USER};
use tests::servers::{Kind, Options};
use tests::spoor::Spoor;

use crate::support::{eventually, setup};

const TENANT: &str = "x-tenant";

/// Puts a namespace's files into a folder of its own.
fn mount(folder: &Path, authority: &Authority, leaf: &Leaf) {
    std::fs::create_dir_all(folder).unwrap();
    for (name, text) in [
        ("ca.crt", &authority.pem()),
        ("tls.crt", &leaf.cert),
        ("tls.key", &leaf.key),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// An item of the settings' list of instances.
fn item(namespace: &str, secured: &Secured, prefix: &str, files: &Path) -> Value {
    let file = |name: &str| files.join(name).display().to_string();
    json!({
        "namespace": namespace,
        "es": {
            "server-urls": secured.server.url(),
            "index-prefix": prefix,
            "num-replicas": 0,
            "username": USER,
            "password": PASSWORD,
            "tls": {"enabled": true, "ca": file("ca.crt"), "cert": file("tls.crt"), "key": file("tls.key")},
        },
    })
}

/// Starts a Spoor with these instances, whose requests a header tells apart.
fn start(folder: &Path, items: &[Value]) -> Spoor {
    let default = format!("{}/jaeger", items[0]["namespace"].as_str().unwrap());
    let settings = json!({
        "span-storage": {"type": "elasticsearch"},
        "instance": {"default": default},
        "multi-tenancy": {"enabled": true},
        "instances": items,
    });
    let file = folder.join("spoor.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let (_, setup) = setup();
    let mut setup = setup.arg(format!("--config-file={}", file.display()));
    setup.directory = folder.join("data");
    setup.start().unwrap()
}

/// Sends a span of `service`, whose name is a canary, for a tenant; what was answered.
async fn send(spoor: &Spoor, tenant: &str, service: &str, trace: &str) -> (u16, String) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = now.as_nanos().to_string();
    let spans = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": [{
            "traceId": trace, "spanId": "00000000000000cd", "name": format!("{service}-operation"),
            "startTimeUnixNano": now, "endTimeUnixNano": now,
            "attributes": [{"key": "canary", "value": {"stringValue": service}}],
        }]}],
    }]});
    let url = format!("{}/v1/traces", spoor.url("otlp-http"));
    let request = reqwest::Client::new()
        .post(url)
        .header(TENANT, tenant)
        .json(&spans);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn ask(spoor: &Spoor, tenant: &str, path: &str) -> String {
    let url = format!("{}{path}", spoor.url("query-http"));
    let answer = reqwest::Client::new()
        .get(url)
        .header(TENANT, tenant)
        .send()
        .await;
    answer.unwrap().text().await.unwrap()
}

const TRACES: [&str; 2] = [
    "1000000000000000000000000000a001",
    "2000000000000000000000000000b002",
];

/// Every way to ask for traces.
fn questions(canary: &str, trace: &str) -> [String; 7] {
    [
        "/api/services".to_owned(),
        format!("/api/services/{canary}/operations"),
        format!("/api/operations?service={canary}"),
        format!("/api/traces/{trace}"),
        format!("/api/traces/{trace}?raw=true"),
        format!("/api/traces?service={canary}&lookback=1h"),
        format!("/api/traces?service={canary}&tags=%7B%22canary%22%3A%22{canary}%22%7D"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_of_one_name_share_nothing() {
    let a = tokio::task::block_in_place(secured::elasticsearch);
    let started = secured::start_elasticsearch(Kind::Elasticsearch7, Options::default());
    let b = started.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let folders = ["prod", "staging"].map(|name| folder.path().join(name));
    let leaves = [a.authority.client("prod"), b.authority.client("staging")];
    mount(&folders[0], &a.authority, &leaves[0]);
    mount(&folders[1], &b.authority, &leaves[1]);
    let prod = item("prod", a, "prod", &folders[0]);
    let staging = item("staging", &b, "staging", &folders[1]);
    let spoor = start(folder.path(), &[prod.clone(), staging.clone()]);

    let canaries = ["prod-canary", "staging-canary"];
    for ((tenant, canary), trace) in ["prod", "staging"].into_iter().zip(canaries).zip(TRACES) {
        let (status, text) = send(&spoor, tenant, canary, trace).await;
        assert_eq!(status, 200, "{text}");
        let path = format!("/api/traces?service={canary}&lookback=1h");
        let found = async || ask(&spoor, tenant, &path).await;
        eventually("it is found", found, |text: &String| text.contains(trace)).await;
    }
    for (tenant, canary, trace) in [
        ("staging", canaries[0], TRACES[0]),
        ("prod", canaries[1], TRACES[1]),
    ] {
        for question in questions(canary, trace) {
            let text = ask(&spoor, tenant, &question).await;
            let is_there = text.contains(canary) && !text.contains("errors\":[");
            assert!(!is_there, "{tenant} sees {question}: {text}");
        }
    }
    drop(spoor);

    // with the other's certificate it is TLS that refuses, before anybody asked for a password
    let mut crossed = prod;
    for part in ["cert", "key"] {
        crossed["es"]["tls"][part] = staging["es"]["tls"][part].clone();
    }
    let mut other = staging;
    for part in ["cert", "key"] {
        let file = folders[0].join(if part == "cert" { "tls.crt" } else { "tls.key" });
        other["es"]["tls"][part] = json!(file.display().to_string());
    }
    let spoor = start(folder.path(), &[crossed, other]);
    for (tenant, canary) in ["prod", "staging"].into_iter().zip(canaries) {
        let (status, text) = send(&spoor, tenant, canary, TRACES[0]).await;
        assert_eq!(status, 503, "{text}");
        assert!(
            text.contains("refused our certificate") && text.contains("es.tls.cert"),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_opensearch_a_certificate_opens_its_own_indices_and_no_others() {
    let shared = tokio::task::block_in_place(secured::opensearch);
    let folder = tempfile::tempdir().unwrap();
    let folders = NAMESPACES.map(|name| folder.path().join(name));
    for (name, folder) in NAMESPACES.iter().zip(&folders) {
        mount(folder, &shared.authority, &shared.authority.client(name));
    }
    let mut items: Vec<Value> = NAMESPACES
        .iter()
        .zip(&folders)
        .map(|(name, folder)| {
            let mut item = item(name, shared, name, folder);
            let es = item["es"].as_object_mut().unwrap();
            es.remove("username");
            es.remove("password");
            item
        })
        .collect();
    let spoor = start(folder.path(), &items);
    for (name, trace) in NAMESPACES.iter().zip(TRACES) {
        let (status, text) = send(&spoor, name, &format!("{name}-canary"), trace).await;
        assert_eq!(status, 200, "{text}");
    }
    drop(spoor);

    // each with the other's indices
    items[0]["es"]["index-prefix"] = json!(format!("{}-x", NAMESPACES[1]));
    items[1]["es"]["index-prefix"] = json!(format!("{}-x", NAMESPACES[0]));
    let spoor = start(folder.path(), &items);
    for (name, trace) in NAMESPACES.iter().zip(TRACES) {
        let (status, text) = send(&spoor, name, "canary", trace).await;
        assert_eq!(status, 503, "{text}");
        assert!(text.contains("security_exception"), "{text}");
    }
}
