//! What `spoor check` finds on real servers: each trouble is made, found, and named with what mends it; and nothing is changed.

use std::path::Path;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};
use tests::pki::{Authority, Leaf};
use tests::servers::client::Client;
use tests::servers::secured::{self, NAMESPACES, PASSWORD, Secured, USER};
use tests::servers::{Kind, shared};

use crate::support::eventually;

/// The password of a user who may only read.
const READER: &str = "read only";
/// Of the superuser's password and the reader's, by bcrypt.
const HASHES: [&str; 2] = [
    "$2a$10$abcdefghijklmnopqrstuuwVFQ8FEt3zNXIFVxmHfSot5V2cirun6",
    "$2a$10$abcdefghijklmnopqrstuuRfJswqMEwxfr8wrpCGNBl/qz0p.NW2S",
];

/// What was found: whether all is well, and `verdict subject text` of each finding.
struct Found {
    is_well: bool,
    lines: Vec<String>,
}

/// Runs the command with these settings in a file.
#[track_caller]
fn check(folder: &Path, settings: &Value) -> Found {
    let file = folder.join("spoor.json");
    std::fs::write(&file, settings.to_string()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spoor-under-test"))
        .args([
            "check",
            "collector",
            "--output=json",
            "--listen.host=127.0.0.1",
        ])
        .arg(format!("--config-file={}", file.display()))
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let told: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
    let line = |found: &Value| {
        let word = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", word("verdict"), word("subject"), word("text"))
    };
    let found = Found {
        is_well: told["ok"].as_bool().unwrap(),
        lines: told["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(line)
            .collect(),
    };
    assert_eq!(output.status.success(), found.is_well);
    println!("{:#?}", found.lines);
    found
}

impl Found {
    #[track_caller]
    fn has(&self, words: &[&str]) -> &Self {
        let found = self
            .lines
            .iter()
            .any(|line| words.iter().all(|word| line.contains(word)));
        assert!(found, "{words:?} is not in {:#?}", self.lines);
        self
    }

    #[track_caller]
    fn has_no(&self, word: &str) -> &Self {
        assert!(
            !self.lines.iter().any(|line| line.contains(word)),
            "{:#?}",
            self.lines
        );
        self
    }
}

fn settings(url: &str, es: &Value) -> Value {
    let mut all = json!({
        "span-storage": {"type": "elasticsearch"},
        "es": {"server-urls": url, "num-shards": 1, "num-replicas": 0},
    });
    for (name, value) in es.as_object().unwrap() {
        all["es"][name] = value.clone();
    }
    all
}

async fn names(client: &Client, path: &str) -> Vec<String> {
    let found = client
        .send(Method::GET, path, "")
        .await
        .unwrap()
        .json()
        .unwrap();
    found.as_object().unwrap().keys().cloned().collect()
}

/// What is found where a template of somebody else's goes before ours.
async fn overruled(kind: Kind) -> Found {
    let server = shared(kind);
    let body = json!({"index_patterns": ["over-*"], "priority": 9, "template": {"mappings": {"properties": {"logs": {"type": "keyword"}}}}});
    let put = server
        .client()
        .send(Method::PUT, "/_index_template/over-all", body.to_string())
        .await;
    assert!(put.unwrap().status.is_success());
    let folder = tempfile::tempdir().unwrap();
    check(
        folder.path(),
        &settings(&server.url(), &json!({"index-prefix": "over"})),
    )
}

async fn check_plain(kind: Kind, prefix: &str) {
    let server = shared(kind);
    let (client, url) = (server.client(), server.url());
    let folder = tempfile::tempdir().unwrap();
    let all = format!("/{prefix}*");
    let product = if kind.is_opensearch() {
        "OpenSearch"
    } else {
        "Elasticsearch"
    };

    let with = |es: Value| {
        let mut es = es;
        es["index-prefix"] = prefix.into();
        settings(&url, &es)
    };
    let found = check(folder.path(), &with(json!({})));
    assert!(found.is_well, "{:#?}", found.lines);
    found
        .has(&["ok connection", "in plaintext"])
        .has(&["ok server", product])
        .has(&["ok write", "was refused for that alone"])
        .has(&[
            "note templates",
            &format!("{prefix}-jaeger-span is not there, and is put"),
        ])
        .has(&["ok shards", "10000 a data node, of which it has 1"]);
    let prefixed = format!("{prefix}-jaeger-span");
    assert_eq!(names(client, &all).await, [""; 0], "it wrote something");

    // aliases and templates that nobody makes
    let aliased = with(json!({"use-aliases": true, "create-index-templates": false}));
    let found = check(folder.path(), &aliased);
    assert!(!found.is_well);
    found
        .has(&["problem templates", &prefixed, "spoor es-rollover init"])
        .has(&[
            "problem aliases",
            &format!("{prefixed}-write is not there"),
            "spoor es-rollover init",
        ]);
    let by_itself = with(json!({"use-aliases": true, "rollover.interval": "1h"}));
    let found = check(folder.path(), &by_itself);
    assert!(found.is_well, "{:#?}", found.lines);
    found.has(&[
        "note aliases",
        "is made by the first turn of es.rollover.interval",
    ]);

    let init = Command::new(env!("CARGO_BIN_EXE_spoor-under-test"))
        .args(["es-rollover", "init", &url, "--shards=1", "--replicas=0"])
        .arg(format!("--index-prefix={prefix}"))
        .output()
        .unwrap();
    assert!(init.status.success());
    let found = check(folder.path(), &aliased);
    assert!(found.is_well, "{:#?}", found.lines);
    found.has(&[
        "ok aliases",
        &format!("{prefixed}-write leads to {prefixed}-000001"),
    ]);
    let found = check(folder.path(), &with(json!({})));
    found.has(&["warning aliases", "es.use-aliases is false"]);
    let found = check(
        folder.path(),
        &with(json!({"use-aliases": true, "create-index-templates": false, "num-shards": 7})),
    );
    found.has(&[
        "warning templates",
        "number_of_shards is 1 and not 7",
        "it stays",
    ]);

    // more shards than the cluster takes
    let found = check(
        folder.path(),
        &with(json!({"num-shards": 40, "num-replicas": 4, "cleaner.max-age": "720h"})),
    );
    found.has(&[
        "warning shards",
        "3 indices a day × 31 days × 200 shards",
        "cluster.max_shards_per_node",
    ]);
}

#[tokio::test]
async fn elasticsearch_7_is_looked_at() {
    check_plain(Kind::Elasticsearch7, "look").await;
}

#[tokio::test]
async fn elasticsearch_8_is_looked_at() {
    check_plain(Kind::Elasticsearch8, "look").await;
    overruled(Kind::Elasticsearch8).await.has(&[
        "problem templates",
        "somebody else's",
        "es.prioirity-span-template",
    ]);
}

#[tokio::test]
async fn opensearch_is_looked_at() {
    check_plain(Kind::OpenSearch2, "look").await;
    overruled(Kind::OpenSearch2).await.has(&[
        "problem templates",
        "composable template of somebody else's",
    ]);
}

/// Puts a namespace's files into a folder of its own; its TLS block.
fn mount(folder: &Path, authority: &Authority, leaf: &Leaf) -> Value {
    std::fs::create_dir_all(folder).unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    json!({
        "enabled": true,
        "ca": file("ca.crt", &authority.pem()),
        "cert": file("tls.crt", &leaf.cert),
        "key": file("tls.key", &leaf.key),
    })
}

#[tokio::test]
async fn who_may_not_is_told_what_is_lacking() {
    let secured = secured::elasticsearch();
    let url = secured.server.url();
    let folder = tempfile::tempdir().unwrap();
    let tls = mount(
        &folder.path().join("a"),
        &secured.authority,
        &secured.authority.client("a"),
    );
    let with = |es: Value| {
        let mut es = es;
        es["tls"] = tls.clone();
        es["index-prefix"] = "look".into();
        settings(&url, &es)
    };
    let known = json!({"username": USER, "password": PASSWORD});
    let found = check(folder.path(), &with(known.clone()));
    assert!(found.is_well, "{:#?}", found.lines);
    found
        .has(&["ok certificate", "a/tls.crt (es.tls.cert) is", "signed by"])
        .has(&["ok connection", "its certificate is", "localhost"])
        .has(&["ok identity", USER, "superuser"])
        .has(&["ok rights", "look-jaeger-* and look-spoor-*"])
        .has_no("warning rights")
        .has_no(PASSWORD);

    let wrong = json!({"username": USER, "password": "guessed"});
    let found = check(folder.path(), &with(wrong));
    assert!(!found.is_well);
    found
        .has(&["problem identity", "401", "es.username"])
        .has_no("guessed");

    // a stranger's authority, and a stranger's certificate
    let other = Authority::new("somebody else's authority");
    let block = mount(
        &folder.path().join("b"),
        &other,
        &secured.authority.client("a"),
    );
    let mut untrusted = with(known.clone());
    untrusted["es"]["tls"] = block;
    let found = check(folder.path(), &untrusted);
    found.has(&[
        "problem connection",
        "signed by nobody who is trusted",
        "es.tls.ca",
        "it shows",
    ]);
    let block = mount(
        &folder.path().join("c"),
        &secured.authority,
        &other.client("a"),
    );
    let mut refused = with(known);
    refused["es"]["tls"] = block;
    let found = check(folder.path(), &refused);
    assert!(!found.is_well, "{:#?}", found.lines);

    // a role that lacks rights
    let role = "reader:\n  cluster: [monitor]\n  indices:\n    - {names: ['look-jaeger-*'], privileges: [read]}\n";
    let files = [
        ("roles.yml", role.to_owned()),
        (
            "users",
            format!("{USER}:{}\nreader:{}\n", HASHES[0], HASHES[1]),
        ),
        ("users_roles", format!("superuser:{USER}\nreader:reader\n")),
    ];
    for (name, text) in files {
        secured.server.replace_file(name, &text).unwrap();
    }
    let reader = secured.client("a").user("reader", READER);
    let asked = || reader.send(Method::GET, "/_security/_authenticate", "");
    let known = eventually("the reader is known", asked, |answer| {
        answer
            .as_ref()
            .is_ok_and(|answer| answer.status.is_success())
    })
    .await;
    drop(known);
    let found = check(
        folder.path(),
        &with(json!({"username": "reader", "password": READER})),
    );
    assert!(!found.is_well);
    found
        .has(&[
            "problem rights",
            "manage_index_templates",
            "es.create-index-templates",
            "the privilege index on look-jaeger-* to write",
        ])
        .has(&[
            "warning rights",
            "the privilege delete on look-jaeger-dependencies-*; the privilege delete on look-spoor-lease",
            "es.dependencies.enabled",
        ])
        .has(&["problem write", "may not write"]);
    let no_graph =
        json!({"username": "reader", "password": READER, "dependencies": {"enabled": false}});
    check(folder.path(), &with(no_graph)).has_no("warning rights");
}

fn item(namespace: &str, secured: &Secured, prefix: &str, tls: &Value) -> Value {
    json!({
        "namespace": namespace,
        "es": {"server-urls": secured.server.url(), "index-prefix": prefix, "num-replicas": 0, "tls": tls},
    })
}

#[tokio::test]
async fn instances_are_told_apart_by_their_certificates() {
    let secured = secured::opensearch();
    let folder = tempfile::tempdir().unwrap();
    let tls = NAMESPACES.map(|name| {
        mount(
            &folder.path().join(name),
            &secured.authority,
            &secured.authority.client(name),
        )
    });
    let [a, b] = NAMESPACES;
    let with = |items: [Value; 2]| {
        json!({
            "span-storage": {"type": "elasticsearch"},
            "instance": {"default": format!("{a}/jaeger")},
            "multi-tenancy": {"enabled": true},
            "instances": items,
        })
    };
    let found = check(
        folder.path(),
        &with([item(a, secured, a, &tls[0]), item(b, secured, b, &tls[1])]),
    );
    assert!(found.is_well, "{:#?}", found.lines);
    found
        .has(&["ok identity", &format!("\"{a}\"")])
        .has(&["ok identity", &format!("\"{b}\"")])
        .has(&["ok rights", &format!("we may write {a}-jaeger-*")])
        .has(&["ok rights", &format!("we may delete in {a}-spoor-lease")])
        .has(&["note certificate", "by the same authority"]);
    // each with the other's certificate
    let found = check(
        folder.path(),
        &with([item(a, secured, a, &tls[1]), item(b, secured, b, &tls[0])]),
    );
    assert!(!found.is_well);
    found.has(&["problem rights", &format!("we may not write {a}-jaeger-*")]);
    found.has(&[
        "warning rights",
        &format!("we may not delete in {a}-jaeger-dependencies-* to count calls"),
    ]);
    // both with one key
    let found = check(
        folder.path(),
        &with([item(a, secured, a, &tls[0]), item(b, secured, b, &tls[0])]),
    );
    assert!(!found.is_well);
    found.has(&["problem", "the same private key"]);
}

#[tokio::test]
async fn a_cluster_that_is_away_is_told_with_its_url() {
    let folder = tempfile::tempdir().unwrap();
    let found = check(folder.path(), &settings("http://127.0.0.1:9", &json!({})));
    assert!(!found.is_well);
    found.has(&[
        "problem connection",
        "http://127.0.0.1:9 (es.server-urls)",
        "cannot connect",
    ]);
    let server = shared(Kind::Elasticsearch7);
    let found = check(
        folder.path(),
        &settings(&server.url().replace("http:", "https:"), &json!({})),
    );
    found.has(&["problem connection", "does not speak TLS"]);
}
