//! The built-in UI over files of a test: page, policy, files, configuration.

use std::sync::Arc;

use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

use super::*;
use crate::BasePath;
use crate::config::FrameAncestors;

const PAGE: &str = r#"<!doctype html><html><head>
<base href="/" data-inject-target="BASE_URL" />
<script type="text/plain" id="jaeger">
const JAEGER_CONFIG = DEFAULT_CONFIG;
const JAEGER_VERSION = DEFAULT_VERSION;
</script>
<script type="module" src="./static/index-DFbmt3ng.js"></script>
</head><body></body></html>
"#;

fn of(config: &Config) -> Result<Option<Built>, SiteError> {
    let long = "let a = 1;".repeat(200);
    let files = [
        ("index.html", PAGE),
        ("static/index-DFbmt3ng.js", &long),
        ("static/both-C-v-w8nv.js", &long),
        ("static/both-C-v-w8nv.js.br", "brotli"),
        ("static/both-C-v-w8nv.js.gz", "gzip"),
        ("static/spoor.svg", "<svg/>"),
    ];
    let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
    Built::of(files.into_iter(), config)
}

async fn text(response: Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn asked(headers: &[(http::HeaderName, &str)]) -> Parts {
    let mut request = http::Request::get("/");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

/// What the page tells its script.
fn facts(html: &str) -> Value {
    let begin = "<script type=\"application/json\" id=\"spoor\">";
    let (_, rest) = html.split_once(begin).unwrap();
    let (json, _) = rest.split_once("</script>").unwrap();
    serde_json::from_str(json).unwrap()
}

#[tokio::test]
async fn facts_stand_in_the_page_as_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ui.json");
    std::fs::write(&path, r#"{"menu":[{"label":"</script><b>"}]}"#).unwrap();
    let mut config = Config {
        base_path: BasePath::parse("/jaeger").unwrap(),
        archive: true,
        has_metrics: true,
        ..Config::default()
    };
    config.ui.config = Some(path);
    let built = of(&config).unwrap().unwrap();
    let acme = Instance::parse("acme/jaeger-1").unwrap();
    let html = text(built.html(Some(&acme))).await;
    assert!(html.contains("<base href=\"/jaeger/ns/acme/jaeger-1/\""));
    assert_eq!(html.matches("</script>").count(), 3, "{html}");
    assert_eq!(
        facts(&html),
        json!({
            "version": config.version.spoor, "basePath": "/jaeger",
            "instance": {"namespace": "acme", "name": "jaeger-1"},
            "uiConfig": {"menu": [{"label": "</script><b>"}]},
            "capabilities": {
                "archiveStorage": true, "metrics": true, "demo": false, "searchLanguage": true,
            },
            "limits": {"maxTraces": config.limits.traces},
        })
    );
    // Kiali reads the version of whatever page there is
    assert!(html.contains("const JAEGER_VERSION = {\"gitCommit\""));
    let plain = of(&Config::default()).unwrap().unwrap();
    let html = text(plain.html(None)).await;
    assert!(html.contains("<base href=\"/\""));
    let facts = facts(&html);
    assert_eq!(facts["basePath"], "");
    assert_eq!(
        (&facts["instance"], &facts["uiConfig"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn the_policy_lets_nothing_in_from_elsewhere() {
    let mut config = Config::default();
    config.ui.frame_ancestors = FrameAncestors::parse(["self", "https://grafana.test"]).unwrap();
    let built = of(&config).unwrap().unwrap();
    let page = built.html(None);
    let policy = page.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap()
        .to_owned();
    let html = text(page).await;
    let (_, nonce) = html.split_once("nonce=\"").unwrap();
    let nonce = nonce.split_once('"').unwrap().0;
    for directive in [
        "default-src 'none'",
        "script-src 'self'",
        &format!("style-src 'self' 'nonce-{nonce}'"),
        "connect-src 'self'",
        "worker-src 'self'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self' https://grafana.test",
    ] {
        assert!(
            policy.split("; ").any(|d| d == directive),
            "no {directive} in {policy}"
        );
    }
    let again = text(built.html(None)).await;
    assert!(!again.contains(nonce), "each answer has its own");
}

#[tokio::test]
async fn files_are_packed_for_who_takes_them_so() {
    let built = of(&Config::default()).unwrap().unwrap();
    let get = |name: &str, accept: &str| {
        let request = asked(&[(ACCEPT_ENCODING, accept)]);
        built.asset(name, &request).unwrap()
    };
    for (name, accept, encoding, body) in [
        (
            "both-C-v-w8nv.js",
            "gzip, deflate, br",
            Some("br"),
            "brotli",
        ),
        (
            "both-C-v-w8nv.js",
            "gzip;q=1.0, br;q=0",
            Some("gzip"),
            "gzip",
        ),
        ("both-C-v-w8nv.js", "identity", None, "let a = 1;"),
        ("index-DFbmt3ng.js", "br", None, "let a = 1;"),
        ("index-DFbmt3ng.js", "br, GZIP", Some("gzip"), "\u{1f}"),
        ("spoor.svg", "br, gzip", None, "<svg/>"),
    ] {
        let answer = get(name, accept);
        let got = answer.headers().get(CONTENT_ENCODING);
        assert_eq!(
            got.map(|v| v.to_str().unwrap()),
            encoding,
            "{name} {accept}"
        );
        assert_eq!(answer.headers().contains_key(VARY), name != "spoor.svg");
        assert!(text(answer).await.starts_with(body), "{name} {accept}");
    }
    assert!(built.asset("both-C-v-w8nv.js.br", &asked(&[])).is_none());
    assert!(built.asset("index.html", &asked(&[])).is_none());
    assert!(built.asset("../index.html", &asked(&[])).is_none());
}

#[tokio::test]
async fn a_file_with_a_hash_is_kept_for_good_and_others_are_asked_about() {
    let built = of(&Config::default()).unwrap().unwrap();
    let answer = built.asset("index-DFbmt3ng.js", &asked(&[])).unwrap();
    assert_eq!(answer.headers()[CACHE_CONTROL], FOR_GOOD);
    assert_eq!(
        answer.headers()[CONTENT_TYPE],
        "text/javascript; charset=utf-8"
    );
    let tag = answer.headers()[ETAG].to_str().unwrap().to_owned();
    let again = asked(&[(IF_NONE_MATCH, &tag), (ACCEPT_ENCODING, "gzip")]);
    let known = built.asset("index-DFbmt3ng.js", &again).unwrap();
    assert_eq!(known.status(), 304);
    assert!(!known.headers().contains_key(CONTENT_ENCODING));
    assert_eq!(text(known).await, "");
    let plain = built.asset("spoor.svg", &asked(&[])).unwrap();
    assert_eq!(plain.headers()[CACHE_CONTROL], "no-cache");
    for (name, expect) in [
        ("index-_E7Ppak4.css", true),
        ("layout.worker-BS3HQjpo.js", true),
        ("my-somename.js", false),
        ("spoor.svg", false),
        ("a-b.js", false),
    ] {
        assert_eq!(has_hash(name), expect, "{name}");
    }
}

#[tokio::test]
async fn a_script_as_configuration_is_refused_and_a_change_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    let script = folder.path().join("ui.js");
    std::fs::write(&script, "function UIConfig() { return {}; }").unwrap();
    config.ui.config = Some(script);
    let error = of(&config).err().unwrap().to_string();
    assert!(
        error.contains("ui.js (query.ui-config) is a script"),
        "{error}"
    );
    let json = folder.path().join("ui.json");
    std::fs::write(&json, r#"{"n":1}"#).unwrap();
    config.ui.config = Some(json.clone());
    let built = Arc::new(of(&config).unwrap().unwrap());
    assert_eq!(built.compare(), Ok(false));
    std::fs::write(&json, r#"{"n":2}"#).unwrap();
    assert_eq!(built.compare(), Ok(true));
    assert_eq!(facts(&text(built.html(None)).await)["uiConfig"]["n"], 2);
    std::fs::write(&json, "{").unwrap();
    assert!(built.compare().is_err());
    assert_eq!(facts(&text(built.html(None)).await)["uiConfig"]["n"], 2);
}

#[test]
fn without_a_page_there_is_no_ui() {
    let files = [("static/a.js".to_owned(), b"1".to_vec())];
    let built = Built::of(files.into_iter(), &Config::default());
    assert!(built.unwrap().is_none());
}
