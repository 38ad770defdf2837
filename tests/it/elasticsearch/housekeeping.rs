//! The tools that keep indices in order, as an operator runs them, against real servers.

use std::process::Command;

use http::Method;
use serde_json::{Value, json};
use tests::servers::client::Client;
use tests::servers::{Kind, shared};

/// A server, and the tools asking it for indices of one prefix.
struct Tools {
    client: Client,
    url: String,
    prefix: String,
}

/// What a tool said, and whether it was content.
type Said = (bool, String);

impl Tools {
    fn new(kind: Kind, prefix: &str) -> Self {
        let server = shared(kind);
        Self {
            client: server.client().clone(),
            url: server.url(),
            prefix: prefix.to_owned(),
        }
    }

    /// A tool with its words, and behind them the URL and `options`.
    fn run(&self, words: &[&str], options: &[&str], prefix: &str) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_spoor-under-test"))
            .args(words)
            .arg(&self.url)
            .args(options)
            .env("INDEX_PREFIX", prefix)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).unwrap())
    }

    #[track_caller]
    fn runs(&self, words: &[&str], options: &[&str]) -> String {
        let (is_content, said) = self.run(words, options, &self.prefix);
        assert!(is_content, "{said}");
        said
    }

    #[track_caller]
    fn fails(&self, words: &[&str], options: &[&str]) -> String {
        let (is_content, said) = self.run(words, options, &self.prefix);
        assert!(!is_content, "{said}");
        said
    }

    async fn put(&self, path: &str, body: &Value) {
        let answer = self.client.send(Method::PUT, path, body.to_string()).await;
        let answer = answer.unwrap();
        assert!(answer.status.is_success(), "{path}: {answer:?}");
    }

    /// Indices that are there, of all prefixes that begin with ours, without it.
    async fn indices(&self) -> Vec<String> {
        let path = format!("/{}*", self.prefix);
        let found = self.client.get(&path).await.unwrap();
        let names = found.as_object().unwrap().keys();
        let mut names: Vec<String> = names
            .map(|name| name[self.prefix.len()..].to_owned())
            .collect();
        names.sort();
        names
    }

    /// `alias: index, …` for each alias, without the prefix.
    async fn aliases(&self) -> Vec<String> {
        let found = self
            .client
            .get(&format!("/{}*/_alias", self.prefix))
            .await
            .unwrap();
        let mut aliases = Vec::new();
        for (index, told) in found.as_object().unwrap() {
            for alias in told["aliases"].as_object().unwrap().keys() {
                let [alias, index] = [alias, index].map(|name| &name[self.prefix.len()..]);
                aliases.push(format!("{alias}: {index}"));
            }
        }
        aliases.sort();
        aliases
    }
}

async fn check_cleaner(kind: Kind) {
    let tools = Tools::new(kind, "clean-a");
    let written = json!({"aliases": {"clean-a-jaeger-span-write": {}}});
    let none = json!({});
    for (name, body) in [
        ("-jaeger-span-2026-11-20", &none),
        ("-jaeger-service-2026-11-20", &none),
        ("-jaeger-span-000001", &none),
        ("-jaeger-span-000002", &written),
        ("-jaeger-span-archive", &none),
        ("-jaeger-span-archive-000001", &none),
        ("-spoor-dead-letter-2026-11-20", &none),
        // of others, and a copy
        ("-b-jaeger-span-2026-11-20", &none),
        ("b-jaeger-span-2026-11-20", &none),
        ("-jaeger-span-2026-11-20-copy", &none),
    ] {
        tools.put(&format!("/clean-a{name}"), body).await;
    }
    let all = tools.indices().await;
    let said = tools.runs(
        &["es-index-cleaner", "1"],
        &["--kinds=daily,rollover,archive"],
    );
    assert!(said.contains("nothing to delete"), "{said}");
    let said = tools.runs(&["es-index-cleaner", "0"], &["--dry-run"]);
    assert!(
        said.contains("would delete clean-a-jaeger-span-2026-11-20\n"),
        "{said}"
    );
    assert_eq!(tools.indices().await, all);

    let said = tools.runs(&["es-index-cleaner", "0"], &[]);
    assert_eq!(said.lines().count(), 3, "{said}");
    let left = [
        "-b-jaeger-span-2026-11-20",
        "-jaeger-span-000001",
        "-jaeger-span-000002",
        "-jaeger-span-2026-11-20-copy",
        "-jaeger-span-archive",
        "-jaeger-span-archive-000001",
        "b-jaeger-span-2026-11-20",
    ];
    assert_eq!(tools.indices().await, left);
    tools.runs(&["es-index-cleaner", "0"], &["--kinds=rollover,archive"]);
    let left = [left[0], left[2], left[3], left[4], left[6]];
    assert_eq!(tools.indices().await, left);
}

async fn check_rollover(kind: Kind) {
    let tools = Tools::new(kind, "roll");
    let init = ["es-rollover", "init"];
    let said = tools.runs(&init, &["--shards=1", "--replicas=0"]);
    assert!(said.contains("made roll-jaeger-span-000001 with the aliases roll-jaeger-span-write and roll-jaeger-span-read\n"), "{said}");
    let kinds = ["dependencies", "service", "span"];
    let aliases = |kind: &str, verb: &str, number: u32| {
        format!("-jaeger-{kind}-{verb}: -jaeger-{kind}-{number:06}")
    };
    let mut expect = Vec::new();
    for kind in kinds {
        expect.extend(["read", "write"].map(|verb| aliases(kind, verb, 1)));
    }
    assert_eq!(tools.aliases().await, expect);
    let settings = tools.client.get("/roll-jaeger-span-000001").await.unwrap();
    let index = &settings["roll-jaeger-span-000001"];
    assert_eq!(index["settings"]["index"]["number_of_shards"], "1");
    assert_eq!(index["mappings"]["properties"]["logs"]["type"], "nested");

    // a second time nothing is to do, and after a rollover neither
    let said = tools.runs(&init, &["--shards=1", "--replicas=0"]);
    assert!(said.contains("nothing to do"), "{said}");
    let said = tools.runs(&["es-rollover", "rollover"], &[]);
    assert!(
        said.contains(
            "roll-jaeger-span-write stays with roll-jaeger-span-000001: no condition is met"
        ),
        "{said}"
    );
    assert_eq!(tools.aliases().await, expect);
    let said = tools.runs(
        &["es-rollover", "rollover"],
        &["--conditions={}", "--skip-dependencies"],
    );
    assert!(said.contains("roll-jaeger-span-write went over from roll-jaeger-span-000001 to roll-jaeger-span-000002"), "{said}");
    let mut expect = vec![
        aliases("dependencies", "read", 1),
        aliases("dependencies", "write", 1),
    ];
    for kind in ["service", "span"] {
        expect.extend([
            aliases(kind, "read", 1),
            aliases(kind, "read", 2),
            aliases(kind, "write", 2),
        ]);
    }
    assert_eq!(tools.aliases().await, expect);
    let said = tools.runs(&init, &["--shards=1", "--replicas=0"]);
    assert!(said.contains("nothing to do"), "{said}");

    let lookback = ["es-rollover", "lookback"];
    let said = tools.runs(&lookback, &["--unit-count=1"]);
    assert!(said.contains("nothing to do"), "{said}");
    let said = tools.runs(&lookback, &["--unit-count=0"]);
    assert!(
        said.contains("took the alias roll-jaeger-span-read off roll-jaeger-span-000001\n"),
        "{said}"
    );
    expect.retain(|line| {
        !line.contains("read") || !line.ends_with("1") || line.contains("dependencies")
    });
    assert_eq!(tools.aliases().await, expect);

    // the first index may be gone long since
    tools.runs(&["es-index-cleaner", "0"], &["--rollover"]);
    tools.runs(&init, &["--shards=1", "--replicas=0"]);
    assert_eq!(tools.aliases().await, expect);
    let left = [
        "-jaeger-dependencies-000001",
        "-jaeger-service-000002",
        "-jaeger-span-000002",
    ];
    assert_eq!(tools.indices().await, left);
}

async fn check_trouble(kind: Kind) {
    let tools = Tools::new(kind, "trouble");
    let said = tools.fails(&["es-rollover", "rollover"], &[]);
    assert!(
        said.contains("trouble-jaeger-span-write cannot be rolled over")
            && said.contains("es-rollover init"),
        "{said}"
    );
    // something was written before there was an alias
    tools.put("/trouble-jaeger-span-write", &json!({})).await;
    let said = tools.fails(&["es-rollover", "init"], &[]);
    assert!(
        said.contains("trouble-jaeger-span-write is an index and has to be an alias")
            && said.contains("DELETE /trouble-jaeger-span-write"),
        "{said}"
    );
    assert!(
        said.contains("made trouble-jaeger-service-000001"),
        "{said}"
    );
    let said = tools.fails(&["es-rollover", "init"], &["--es.use-ilm"]);
    assert!(said.contains("jaeger-ilm-policy"), "{said}");
    // an archive by itself, beside what is there
    let said = tools.runs(&["es-rollover", "init"], &["--archive"]);
    assert!(said.contains("made trouble-jaeger-span-archive-000001 with the aliases trouble-jaeger-span-archive-write"), "{said}");
    // an alias that somebody took away comes back to the newest
    let remove = json!({"actions": [{"remove": {"index": "trouble-jaeger-service-000001", "alias": "trouble-jaeger-service-write"}}]});
    tools
        .client
        .send(Method::POST, "/_aliases", remove.to_string())
        .await
        .unwrap();
    tools
        .put("/trouble-jaeger-service-000007", &json!({}))
        .await;
    let said = tools.fails(&["es-rollover", "init"], &[]);
    assert!(
        said.contains(
            "put the alias trouble-jaeger-service-write before trouble-jaeger-service-000007"
        ),
        "{said}"
    );
    assert!(
        said.contains(
            "put the alias trouble-jaeger-service-read before trouble-jaeger-service-000007"
        ),
        "{said}"
    );
}

/// What is printed is a template that the server takes.
async fn check_mapping(kind: Kind, api: &str, version: &str) {
    let tools = Tools::new(kind, "map");
    let output = Command::new(env!("CARGO_BIN_EXE_spoor-under-test"))
        .args([
            "es-mapping",
            "--mapping=jaeger-span",
            "--index-prefix=map",
            version,
        ])
        .output()
        .unwrap();
    let body: Value = serde_json::from_slice(&output.stdout).unwrap();
    tools.put(&format!("/{api}/map-jaeger-span"), &body).await;
    tools.put("/map-jaeger-span-2026-11-20", &json!({})).await;
    let made = tools
        .client
        .get("/map-jaeger-span-2026-11-20")
        .await
        .unwrap();
    let made = &made["map-jaeger-span-2026-11-20"]["mappings"]["properties"];
    assert_eq!(made["startTimeMillis"]["type"], "date");
}

#[tokio::test]
async fn elasticsearch_7_is_kept_in_order() {
    check_cleaner(Kind::Elasticsearch7).await;
    check_rollover(Kind::Elasticsearch7).await;
    check_trouble(Kind::Elasticsearch7).await;
    check_mapping(Kind::Elasticsearch7, "_template", "--es-version=7").await;
}

#[tokio::test]
async fn elasticsearch_8_is_kept_in_order() {
    check_cleaner(Kind::Elasticsearch8).await;
    check_rollover(Kind::Elasticsearch8).await;
    check_trouble(Kind::Elasticsearch8).await;
    check_mapping(Kind::Elasticsearch8, "_index_template", "--es-version=8").await;
}

#[tokio::test]
async fn opensearch_2_is_kept_in_order() {
    check_cleaner(Kind::OpenSearch2).await;
    check_rollover(Kind::OpenSearch2).await;
    check_trouble(Kind::OpenSearch2).await;
    check_mapping(Kind::OpenSearch2, "_template", "--es-version=7").await;
}

#[tokio::test]
async fn opensearch_3_is_kept_in_order() {
    check_cleaner(Kind::OpenSearch3).await;
    check_rollover(Kind::OpenSearch3).await;
}
