//! Instances that come, change and go while a Spoor runs and another instance is under load: the file of settings is swapped as Kubernetes swaps a config map.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::{Kind, shared};
use tests::spoor::Spoor;

use crate::support::{eventually, setup};

const TENANT: &str = "x-tenant";

/// A folder as a config map has it: the file is a link into a folder that is swapped.
struct ConfigMap {
    folder: PathBuf,
    version: u32,
}

/// What is sent for an instance all the time.
#[derive(Default)]
struct Load {
    sent: AtomicU64,
    failed: AtomicU64,
    ends: AtomicBool,
}

// === impl ConfigMap ===

impl ConfigMap {
    fn new(folder: &Path, settings: &Value) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let mut map = Self {
            folder: folder.to_owned(),
            version: 0,
        };
        map.publish(&settings.to_string());
        std::os::unix::fs::symlink("..data/spoor.json", map.file()).unwrap();
        map
    }

    fn file(&self) -> PathBuf {
        self.folder.join("spoor.json")
    }

    fn publish(&mut self, text: &str) {
        self.version += 1;
        let name = format!("..version-{}", self.version);
        let (fresh, link) = (self.folder.join(&name), self.folder.join("..fresh"));
        std::fs::create_dir(&fresh).unwrap();
        std::fs::write(fresh.join("spoor.json"), text).unwrap();
        std::os::unix::fs::symlink(&name, &link).unwrap();
        std::fs::rename(&link, self.folder.join("..data")).unwrap();
    }
}

fn item(namespace: &str, url: &str, prefix: &str) -> Value {
    json!({
        "namespace": namespace,
        "es": {"server-urls": url, "index-prefix": prefix, "num-replicas": 0},
    })
}

fn settings(items: &[Value]) -> Value {
    json!({
        "span-storage": {"type": "opensearch"},
        "instance": {"default": "steady/jaeger"},
        "multi-tenancy": {"enabled": true},
        "instances": items,
    })
}

/// Sends one span of a trace for a tenant; what was answered.
async fn send(client: &reqwest::Client, spoor: &Spoor, tenant: &str, trace: u64) -> u16 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let now = now.as_nanos().to_string();
    let spans = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [{"spans": [{
            "traceId": format!("{trace:032x}"), "spanId": "00000000000000cd", "name": "GET /",
            "startTimeUnixNano": now, "endTimeUnixNano": now,
        }]}],
    }]});
    let url = format!("{}/v1/traces", spoor.url("otlp-http"));
    let request = client.post(url).header(TENANT, tenant).json(&spans);
    let answer = request.send().await;
    answer.map_or(0, |answer| answer.status().as_u16())
}

async fn status(client: &reqwest::Client, spoor: &Spoor, tenant: &str, trace: u64) -> u16 {
    let url = format!("{}/api/traces/{trace:032x}", spoor.url("query-http"));
    let answer = client.get(url).header(TENANT, tenant).send().await;
    answer.unwrap().status().as_u16()
}

async fn metric(client: &reqwest::Client, spoor: &Spoor, line: &str) -> Option<u64> {
    let answer = client.get(format!("{}/metrics", spoor.url("admin"))).send();
    let text = answer.await.unwrap().text().await.unwrap();
    let found = text.lines().find_map(|l| l.strip_prefix(line));
    found.and_then(|value| value.trim().parse().ok())
}

/// Waits until so many looks at the file have ended so.
async fn looked(client: &reqwest::Client, spoor: &Spoor, result: &str, times: u64) {
    let line = format!("spoor_config_reloads_total{{result=\"{result}\"}}");
    let ask = || metric(client, spoor, &line);
    eventually(&line, ask, |count| *count >= Some(times)).await;
}

fn said(spoor: &Spoor, words: &[&str]) -> bool {
    let log = spoor.log();
    log.iter()
        .any(|line| words.iter().all(|word| line.contains(word)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_come_change_and_go_and_others_notice_nothing() {
    let server = tokio::task::block_in_place(|| shared(Kind::OpenSearch2));
    let steady = FaultProxy::start(server.port(), 1).unwrap();
    let other = FaultProxy::start(server.port(), 2).unwrap();
    let items = |more: &[Value]| {
        let steady = item("steady", &steady.url(), "live-steady");
        settings(&[&[steady], more].concat())
    };
    let (folder, setup) = setup();
    let mut map = ConfigMap::new(&folder.path().join("config"), &items(&[]));
    let spoor = setup.arg(format!("--config-file={}", map.file().display()));
    let spoor = Arc::new(spoor.start().unwrap());
    let client = reqwest::Client::new();
    let patient = || async { send(&client, &spoor, "steady", 1).await };
    eventually("its indices are there", patient, |status| *status == 200).await;
    assert_eq!(send(&client, &spoor, "guest", 1).await, 401);

    let load = Arc::new(Load::default());
    let sending = {
        let (load, spoor, client) = (load.clone(), spoor.clone(), reqwest::Client::new());
        tokio::spawn(async move {
            while !load.ends.load(Ordering::Relaxed) {
                let nth = load.sent.fetch_add(1, Ordering::Relaxed);
                if send(&client, &spoor, "steady", 100 + nth).await != 200 {
                    load.failed.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    };
    let sent = || async { load.sent.load(Ordering::Relaxed) };
    eventually("the load runs", sent, |sent| *sent > 5).await;
    let connections = steady.counts().connections;

    // it comes
    map.publish(&items(&[item("guest", &other.url(), "live-guest")]).to_string());
    looked(&client, &spoor, "applied", 1).await;
    let guest = || async { send(&client, &spoor, "guest", 2).await };
    eventually("it is written", guest, |status| *status == 200).await;
    let read = || status(&client, &spoor, "guest", 2);
    eventually("it is read", read, |status| *status == 200).await;

    // it changes, and so it has nothing yet
    map.publish(&items(&[item("guest", &other.url(), "live-other")]).to_string());
    looked(&client, &spoor, "applied", 2).await;
    assert_eq!(status(&client, &spoor, "guest", 2).await, 404);
    assert!(
        said(&spoor, &["took up", "\"changed\":\"guest/jaeger\""]),
        "{:?}",
        spoor.log()
    );

    // what a start would refuse changes nothing
    let file = map.file().display().to_string();
    map.publish(&items(&[item("guest", &other.url(), "Live")]).to_string());
    looked(&client, &spoor, "invalid", 1).await;
    let words = [
        "cannot use",
        &file,
        "guest/jaeger",
        "instances[1].es.index-prefix",
    ];
    assert!(said(&spoor, &words), "{:?}", spoor.log());
    map.publish(&items(&[item("guest", &steady.url(), "live-steady")]).to_string());
    looked(&client, &spoor, "invalid", 2).await;
    assert!(
        said(&spoor, &["would share the indices"]),
        "{:?}",
        spoor.log()
    );
    map.publish("{");
    looked(&client, &spoor, "invalid", 3).await;
    eventually("it is written", guest, |status| *status == 200).await;

    // what is elsewhere in the file waits for a restart
    let mut elsewhere = items(&[item("guest", &other.url(), "live-other")]);
    elsewhere["query"] = json!({"max-traces": 7});
    map.publish(&elsewhere.to_string());
    looked(&client, &spoor, "unchanged", 1).await;
    assert!(
        said(&spoor, &["query.max-traces", "restart"]),
        "{:?}",
        spoor.log()
    );
    let pid = spoor.pid().to_string();
    let hangup = Command::new("kill").args(["-HUP", &pid]).status();
    assert!(hangup.unwrap().success());
    looked(&client, &spoor, "unchanged", 2).await;

    // it goes, and what is under way ends well
    other.set([Rule::new(Fault::Delay(Duration::from_secs(3)))]);
    let late = {
        let (spoor, client) = (spoor.clone(), client.clone());
        tokio::spawn(async move { send(&client, &spoor, "guest", 3).await })
    };
    let delayed = || async { other.counts().of("delay") };
    eventually("it is under way", delayed, |struck| *struck > 0).await;
    map.publish(&items(&[]).to_string());
    looked(&client, &spoor, "applied", 3).await;
    assert_eq!(send(&client, &spoor, "guest", 4).await, 401);
    assert_eq!(status(&client, &spoor, "guest", 2).await, 401);
    assert!(
        !late.is_finished(),
        "it was under way while the instance went"
    );
    assert_eq!(late.await.unwrap(), 200);
    let open = || async { other.open() };
    eventually("its connections close", open, |open| *open == 0).await;
    let row = "spoor_spans_received_total{namespace=\"guest\",instance=\"jaeger\"}";
    let shown = || metric(&client, &spoor, row);
    eventually("its rows go", shown, Option::is_none).await;

    load.ends.store(true, Ordering::Relaxed);
    sending.await.unwrap();
    let (sent, failed) = (&load.sent, load.failed.load(Ordering::Relaxed));
    println!(
        "{} requests of the other instance, {failed} failed, {} connections",
        sent.load(Ordering::Relaxed),
        steady.counts().connections
    );
    assert_eq!(failed, 0);
    assert_eq!(steady.counts().connections, connections, "reconnected");
    // a question of its own, which may need a connection more
    assert_eq!(status(&client, &spoor, "steady", 2).await, 404);
}
