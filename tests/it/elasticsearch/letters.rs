//! Spans that could not be stored: shown, sent again with other settings, and forgotten when they were stored and not before. On a cluster and on the embedded store.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tests::servers::{Kind, shared};
use tests::spoor::Spoor;

use crate::support::{eventually, get, setup};

/// Longer than the collector of these tests takes.
const LONG: usize = 4_000;

/// Sends a span with a tag of so many characters; all of them are answered with success.
async fn send(spoor: &Spoor, trace: u64, characters: usize) {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos()
        .to_string();
    let spans = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
        "scopeSpans": [{"spans": [{
            "traceId": format!("{trace:032x}"), "spanId": format!("{trace:016x}"), "name": "buy",
            "startTimeUnixNano": now, "endTimeUnixNano": now,
            "attributes": [{"key": "tag", "value": {"stringValue": "x".repeat(characters)}}],
        }]}],
    }]});
    let url = format!("{}/v1/traces", spoor.url("otlp-http"));
    let answer = reqwest::Client::new()
        .post(url)
        .json(&spans)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

/// Runs `spoor dead-letter …`: whether it was content, and what it said.
fn letters(words: &[&str], settings: &[String]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_spoor-under-test"))
        .arg("dead-letter")
        .args(words)
        .args(settings)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// The lines of `list --json`.
fn listed(settings: &[String], options: &[&str]) -> Vec<Value> {
    let words = [&["list", "--json"], options].concat();
    let (is_content, said) = letters(&words, settings);
    assert!(is_content, "{said}");
    said.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn check_cluster(kind: Kind) {
    let server = shared(kind);
    let settings = [
        "--span-storage.type=elasticsearch".to_owned(),
        format!("--es.server-urls={}", server.url()),
        "--es.index-prefix=letters".to_owned(),
        "--es.num-replicas=0".to_owned(),
    ];
    let (_folder, setup) = setup();
    let mut setup = setup.arg("collector").arg("--span.max-bytes=1KiB");
    setup.args.extend(settings.iter().cloned());
    let spoor = setup.start().unwrap();
    // the first page is not all of them
    for trace in 1..=60 {
        send(&spoor, trace, LONG).await;
    }
    send(&spoor, 100, 2 * LONG).await;
    send(&spoor, 101, 10).await;
    let client = server.client();
    let count = async |index: &str| {
        let path = format!("/{index}/_count?ignore_unavailable=true");
        drop(
            client
                .send(http::Method::POST, &format!("/{index}/_refresh"), "")
                .await,
        );
        client.get(&path).await.unwrap()["count"].as_u64().unwrap()
    };
    let (letters_of, spans) = ("letters-spoor-dead-letter-*", "letters-jaeger-span-*");
    eventually("all are buried", || count(letters_of), |count| *count == 61).await;

    let all = listed(&settings, &[]);
    assert_eq!(all.len(), 61);
    let letter = all
        .iter()
        .find(|letter| letter["traceID"] == format!("{:016x}", 100))
        .unwrap();
    assert_eq!(
        (&letter["service"], &letter["operation"]),
        (&json!("shop"), &json!("buy"))
    );
    assert_eq!(
        (&letter["origin"], &letter["instance"]),
        (&json!("spans"), &json!("default/jaeger"))
    );
    assert!(
        letter["reason"]
            .as_str()
            .unwrap()
            .contains("span.max-bytes"),
        "{letter}"
    );
    assert_eq!(
        listed(&settings, &["--since=1h", "--reason=MAX-BYTES"]).len(),
        61
    );
    assert_eq!(listed(&settings, &["--reason=mapping"]).len(), 0);
    assert_eq!(listed(&settings, &["--since=2100-01-01"]).len(), 0);
    let (_, said) = letters(&["list"], &settings);
    assert!(
        said.ends_with("61 dead letters\n") && said.contains(" of shop: it takes "),
        "{said}"
    );

    // nothing is sent, and nothing is forgotten
    let (is_content, said) = letters(&["replay", "--dry-run"], &settings);
    assert!(
        is_content && said.contains("61 spans would be sent"),
        "{said}"
    );
    let (is_content, said) = letters(&["replay", "--span.max-bytes=1KiB"], &settings);
    assert!(
        !is_content && said.contains("0 spans stored") && said.contains("61 letters stay"),
        "{said}"
    );
    assert_eq!((count(letters_of).await, count(spans).await), (61, 1));

    // a larger limit lets all but one through
    let (is_content, said) = letters(&["replay", "--span.max-bytes=6KB"], &settings);
    assert!(
        !is_content && said.contains("60 spans stored") && said.contains("1 letter stay"),
        "{said}"
    );
    assert_eq!((count(letters_of).await, count(spans).await), (1, 61));
    let (is_content, said) = letters(&["replay"], &settings);
    assert!(
        is_content && said.contains("1 span stored, and the letters forgotten"),
        "{said}"
    );
    assert_eq!((count(letters_of).await, count(spans).await), (0, 62));
    let (is_content, said) = letters(&["replay"], &settings);
    assert!(is_content && said.contains("0 spans stored"), "{said}");
}

#[tokio::test]
async fn letters_on_elasticsearch_7_are_sent_again() {
    check_cluster(Kind::Elasticsearch7).await;
}

#[tokio::test]
async fn letters_on_elasticsearch_8_are_sent_again() {
    check_cluster(Kind::Elasticsearch8).await;
}

#[tokio::test]
async fn letters_on_opensearch_are_sent_again() {
    check_cluster(Kind::OpenSearch2).await;
}

#[tokio::test]
async fn letters_of_the_embedded_store_are_sent_again() {
    let (_folder, setup) = setup();
    let settings = [format!(
        "--embedded.directory={}",
        setup.directory.display()
    )];
    let small = setup.clone().arg("--span.max-bytes=1KiB");
    let spoor = small.start().unwrap();
    send(&spoor, 7, LONG).await;
    send(&spoor, 8, 2 * LONG).await;
    // beside the running store
    let all = listed(&settings, &[]);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["traceID"], format!("{:016x}", 7));
    let (is_content, said) = letters(&["replay"], &settings);
    assert!(!is_content && said.contains("in use"), "{said}");
    spoor.terminate().unwrap();
    // a larger limit lets all but one through
    let (is_content, said) = letters(&["replay", "--span.max-bytes=6KB"], &settings);
    assert!(
        !is_content && said.contains("1 span stored") && said.contains("1 letter stay"),
        "{said}"
    );
    let left = listed(&settings, &[]);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["traceID"], format!("{:016x}", 8));
    let stored = "1 span stored, and the letters forgotten";
    let (is_content, said) = letters(&["replay"], &settings);
    assert!(is_content && said.contains(stored), "{said}");
    let (is_content, said) = letters(&["replay"], &settings);
    assert!(is_content && said.contains("0 spans stored"), "{said}");
    // as after one that was killed when all was stored and nothing forgotten yet
    let lists = std::fs::read_dir(setup.directory.join("dead-letters")).unwrap();
    let lists = lists.map(|entry| entry.unwrap().path());
    let is_list = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "forgotten");
    let lists: Vec<_> = lists.filter(is_list).collect();
    assert_eq!(lists.len(), 1);
    std::fs::remove_file(&lists[0]).unwrap();
    let (is_content, said) = letters(&["replay"], &settings);
    assert!(is_content && said.contains("2 spans stored"), "{said}");
    assert_eq!(listed(&settings, &[]).len(), 0);
    let spoor = setup.start().unwrap();
    let url = format!("{}/api/traces/{:032x}", spoor.url("query-http"), 7);
    let (status, _, text) = get(&url).await;
    assert_eq!(status, 200, "{text}");
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["data"][0]["spans"].as_array().unwrap().len(), 1);
}
