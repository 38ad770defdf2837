//! Web UIs: Spoor's own, and below a bundle of Jaeger's, served by the program behind a prefix: its page, its files, its configuration while that changes.

mod own;

use std::fs;

use reqwest::StatusCode;

use crate::support::{eventually, get, setup};

/// The places that the bundles of 1.76 and of 2.20 keep in their pages.
const PAGE: &str = r#"<!doctype html>
<html lang="en"><head>
<base href="/" data-inject-target="BASE_URL" />
<script>
  // JAEGER_CONFIG_JS

  const DEFAULT_CONFIG = null;
  const JAEGER_CONFIG = DEFAULT_CONFIG;
  const DEFAULT_STORAGE_CAPABILITIES = {"archiveStorage": false};
  const JAEGER_STORAGE_CAPABILITIES = DEFAULT_STORAGE_CAPABILITIES;
  const DEFAULT_BACKEND_CAPABILITIES = JAEGER_STORAGE_CAPABILITIES;
  const JAEGER_BACKEND_CAPABILITIES = DEFAULT_BACKEND_CAPABILITIES;
  const DEFAULT_VERSION = {"gitCommit": "", "gitVersion": "", "buildDate": ""};
  const JAEGER_VERSION = DEFAULT_VERSION;
</script>
<script type="module" src="./static/index-BjK3xQ9a.js"></script>
</head><body><div id="jaeger-ui-root"></div></body></html>
"#;

#[tokio::test]
async fn a_bundle_is_served_and_followed_while_it_changes() {
    let (folder, setup) = setup();
    let ui = folder.path().join("ui");
    fs::create_dir_all(ui.join("static")).unwrap();
    fs::write(ui.join("index.html"), PAGE).unwrap();
    fs::write(ui.join("static/index-BjK3xQ9a.js"), "console.log(1)").unwrap();
    let config = folder.path().join("ui.json");
    fs::write(&config, r#"{"menu": "</script>"}"#).unwrap();
    let spoor = setup
        .arg("--query.base-path=/jaeger")
        .arg(format!("--query.static-files={}", ui.display()))
        .arg(format!("--query.ui-config={}", config.display()))
        .arg("--query.log-static-assets-access")
        .start()
        .unwrap();
    let query = spoor.url("query-http");
    for path in ["/jaeger", "/jaeger/search?service=a", "/jaeger/trace/1"] {
        let (status, content_type, page) = get(&format!("{query}{path}")).await;
        assert_eq!(
            (status, content_type.as_str()),
            (200, "text/html; charset=utf-8")
        );
        for expect in [
            r#"<base href="/jaeger/" data-inject-target="BASE_URL" />"#,
            r#"const JAEGER_CONFIG = {"menu":"\u003c/script\u003e"};"#,
            r#"const JAEGER_STORAGE_CAPABILITIES = {"archiveStorage":true};"#,
            r#"const JAEGER_BACKEND_CAPABILITIES = {"archiveStorage":true,"metricsStorage":true,"aiAssistant":false};"#,
            r#"const JAEGER_VERSION = {"gitCommit":"#,
        ] {
            assert!(page.contains(expect), "no {expect} at {path} in {page}");
        }
    }
    let script = format!("{query}/jaeger/static/index-BjK3xQ9a.js");
    let (status, content_type, text) = get(&script).await;
    assert_eq!(status, 200);
    assert_eq!(content_type, "text/javascript; charset=utf-8");
    assert_eq!(text, "console.log(1)");
    let client = reqwest::Client::new();
    let tag = client.get(&script).send().await.unwrap().headers()["etag"].clone();
    let again = client.get(&script).header("if-none-match", tag);
    assert_eq!(
        again.send().await.unwrap().status(),
        StatusCode::NOT_MODIFIED
    );
    for path in [
        "/jaeger/static/..%2findex.html",
        "/jaeger/static/",
        "/static/index-BjK3xQ9a.js",
    ] {
        assert_eq!(get(&format!("{query}{path}")).await.0, 404, "{path}");
    }
    let logged = spoor.log().iter().any(|line| line.contains("static asset"));
    assert!(logged, "no request for a file was logged");

    let page = || async { get(&format!("{query}/jaeger/")).await.2 };
    fs::write(&config, "{").unwrap();
    eventually(
        "the log of a bad configuration",
        || async { spoor.log().join("\n") },
        |log| log.contains("the one before is shown on"),
    )
    .await;
    assert!(page().await.contains(r#"JAEGER_CONFIG = {"menu":"#));
    fs::write(&config, r#"{"menu": 2}"#).unwrap();
    eventually("a new configuration", page, |page| {
        page.contains(r#"JAEGER_CONFIG = {"menu":2};"#)
    })
    .await;
}

#[tokio::test]
async fn a_bundle_that_cannot_be_used_ends_the_start() {
    let (folder, setup) = setup();
    let setup = setup.arg(format!(
        "--query.static-files={}",
        folder.path().join("nothing").display()
    ));
    let said = setup.start().unwrap_err().to_string();
    assert!(said.contains("query.static-files"), "{said}");
}
