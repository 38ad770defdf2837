//! What becomes of spans when the store in another process is away, is killed, or does not let its clients in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bench::{Epoch, Load, Profile, Protocol, Workload, sender};
use serde_json::Value;
use tests::pki::{Authority, Leaf};
use tests::spoor::Spoor;

use super::{address, serving, using};
use crate::support::{eventually, get, setup, soak};

async fn ready(spoor: &Spoor) -> (u16, String) {
    let (status, _, text) = get(&format!("{}/ready", spoor.url("admin"))).await;
    (status, text)
}

async fn services(spoor: &Spoor) -> (u16, String) {
    let (status, _, text) = get(&format!("{}/api/services", spoor.url("query-http"))).await;
    (status, text)
}

/// Posts one span of Zipkin's; the status and the text.
pub(super) async fn post(spoor: &Spoor, id: u64) -> (u16, String) {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let span = serde_json::json!([{"traceId": format!("{id:032x}"), "id": format!("{id:016x}"), "name": "op",
        "timestamp": now.as_micros() as u64, "duration": 5, "localEndpoint": {"serviceName": "svc"}}]);
    let url = format!("{}/api/v2/spans", spoor.url("zipkin"));
    let answer = reqwest::Client::new().post(url).json(&span).send().await;
    let answer = answer.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_store_that_is_away_is_named_with_its_setting_and_comes_back() {
    let (folder, setup) = setup();
    let store = serving(folder.path()).start().unwrap();
    let at = address(&store);
    let spoor = using(setup, &at).start().unwrap();
    assert_eq!(post(&spoor, 1).await.0, 202);
    store.kill();

    let (status, text) = post(&spoor, 2).await;
    assert_eq!(status, 503, "{text}");
    let (status, text) = ready(&spoor).await;
    assert_eq!(status, 503);
    assert!(
        text.contains("grpc-storage.server") && text.contains(&at),
        "{text}"
    );
    let (status, text) = services(&spoor).await;
    assert!(
        status >= 500 && text.contains("grpc-storage.server"),
        "{status} {text}"
    );
    let (live, ..) = get(&format!("{}/", spoor.url("admin"))).await;
    assert_ne!(live, 503, "liveness does not know of stores");

    let again = serving(folder.path()).arg(format!("--grpc.host-port={at}"));
    let _store = again.start().unwrap();
    eventually(
        "ready again",
        || ready(&spoor),
        |(status, _)| *status == 200,
    )
    .await;
    assert_eq!(post(&spoor, 3).await.0, 202);
    assert!(services(&spoor).await.1.contains("svc"));
}

#[tokio::test]
async fn check_says_whether_the_store_is_there() {
    let (folder, setup) = setup();
    let store = serving(folder.path()).start().unwrap();
    let at = address(&store);
    let check = |server: String| {
        let arguments = [
            "check".to_owned(),
            "--span-storage.type=grpc".to_owned(),
            format!("--grpc-storage.server={server}"),
            "--grpc-storage.connection-timeout=2s".to_owned(),
        ];
        let output = std::process::Command::new(&setup.program)
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.success(), said)
    };
    let (is_well, said) = check(at.clone());
    assert!(is_well && said.contains("speaks spoor"), "{said}");
    store.kill();
    let (is_well, said) = check(at);
    assert!(!is_well && said.contains("grpc-storage.server"), "{said}");
}

#[tokio::test]
async fn clients_show_a_certificate_where_the_store_asks_for_one() {
    let (folder, setup) = setup();
    let authority = Authority::new("the store's own authority");
    let write = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let ca = write("ca.crt", &authority.pem());
    let Leaf { cert, key } = authority.server(1);
    let store = serving(folder.path())
        .arg("--grpc.tls.enabled")
        .arg(format!("--grpc.tls.cert={}", write("server.crt", &cert)))
        .arg(format!("--grpc.tls.key={}", write("server.key", &key)))
        .arg(format!("--grpc.tls.client-ca={ca}"))
        .start()
        .unwrap();
    let trusting = using(setup, &address(&store))
        .arg("--grpc-storage.tls.enabled")
        .arg(format!("--grpc-storage.tls.ca={ca}"));
    let stranger = trusting.start().unwrap();
    let (status, text) = post(&stranger, 1).await;
    assert_eq!(status, 503, "{text}");
    let (_, text) = ready(&stranger).await;
    assert!(text.contains("grpc-storage"), "{text}");
    drop(stranger);

    let Leaf { cert, key } = authority.client("a collector");
    let known = trusting
        .arg(format!(
            "--grpc-storage.tls.cert={}",
            write("client.crt", &cert)
        ))
        .arg(format!(
            "--grpc-storage.tls.key={}",
            write("client.key", &key)
        ))
        .start()
        .unwrap();
    let (status, text) = post(&known, 2).await;
    assert_eq!(status, 202, "{text}");
    assert!(services(&known).await.1.contains("svc"));
}

/// Asks for every trace that has acknowledged spans, and counts the spans that are missing.
async fn lost(spoor: &Spoor, epoch: &Epoch, acknowledged: &BTreeMap<(u64, u32), u32>) -> u64 {
    let (url, client) = (spoor.url("query-http"), reqwest::Client::new());
    let mut lost = 0;
    for ((round, trace), expect) in acknowledged {
        let id = epoch.layout.trace_id(*round, *trace);
        let request = client.get(format!("{url}/api/traces/{id:032x}?raw=true"));
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        let none = Vec::new();
        let spans = answer["data"][0]["spans"].as_array().unwrap_or(&none);
        let ids: BTreeSet<_> = spans
            .iter()
            .map(|s| s["spanID"].as_str().unwrap())
            .collect();
        lost += u64::from(*expect).saturating_sub(ids.len() as u64);
    }
    lost
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_killed_under_load_loses_nothing_that_was_acknowledged() {
    let (kills, seconds) = if soak() { (50, 2.0) } else { (3, 0.5) };
    let (folder, setup) = setup();
    let first = serving(folder.path()).start().unwrap();
    let at = address(&first);
    let spoor = using(setup, &at).start().unwrap();
    let epoch = Arc::new(Epoch::new(&Workload::new(1, Profile::Common, 20_000, 128)));
    let load = Load {
        target: spoor.url("otlp-grpc"),
        protocol: Protocol::OtlpGrpc,
        duration: Duration::from_secs_f64(seconds * f64::from(kills + 1)),
        in_flight: 8,
        connections: 2,
        rate: Some(2_000.0),
        until_gone: false,
        again: None,
        requests: None,
        late: None,
    };
    let sending = tokio::spawn({
        let epoch = epoch.clone();
        async move { sender::send(&epoch, &load, 1_000_000).await.unwrap() }
    });
    let mut store = first;
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        store.kill();
        let again = serving(folder.path()).arg(format!("--grpc.host-port={at}"));
        store = again.start().unwrap();
    }
    let outcome = sending.await.unwrap();
    let acknowledged = epoch.layout.acknowledged(&outcome.sent);
    let spans: u64 = acknowledged.values().map(|n| u64::from(*n)).sum();
    assert!(spans > 0, "nothing was acknowledged: {:?}", outcome.errors);
    assert_eq!(lost(&spoor, &epoch, &acknowledged).await, 0);
    println!("{kills} kills, {spans} acknowledged spans, 0 lost");
    drop(store);
}
