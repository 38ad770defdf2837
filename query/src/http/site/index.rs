//! The page of a bundle of Jaeger's, with our facts in the places that it keeps for them.
//!
//! In: `index.html` as it was built, the UI's configuration, and what this process is. Out: the page. Old bundles keep fewer places; what a page has no
//! place for is left out, but for the version: Kiali reads it from the page, and may end without it.
//!
//! Source: the patterns of `jaegertracing/jaeger: cmd/query/app/static_handler.go` v1.76.0, and of v2.20.0 for `JAEGER_BACKEND_CAPABILITIES`.

use bytes::Bytes;
use model::Instance;
use serde::Serialize;
use serde_json::value::RawValue;
use wire::go_json;

use super::config::UiConfig;
use crate::Config;
use crate::http::page;
use crate::http::spoor::InstanceJson;

/// What this process is, as JSON that may stand in a page.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    base_path: String,
    archive: bool,
    has_metrics: bool,
    demo: bool,
    max_traces: usize,
    spoor: String,
    version: String,
}

/// The same for the UI that is built in.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FactsJson<'a> {
    version: &'a str,
    base_path: &'a str,
    instance: Option<InstanceJson<'a>>,
    ui_config: Option<&'a RawValue>,
    capabilities: Capabilities,
    limits: Limits,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Capabilities {
    archive_storage: bool,
    metrics: bool,
    demo: bool,
    search_language: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Limits {
    max_traces: usize,
}

// === impl Facts ===

impl Facts {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            base_path: config.base_path.as_str().to_owned(),
            archive: config.archive,
            has_metrics: config.has_metrics,
            demo: config.inflow.put.is_some(),
            max_traces: config.limits.traces,
            spoor: config.version.spoor.clone(),
            version: page::version(&config.version),
        }
    }

    /// All of it as JSON, for the page of an instance that its path names.
    pub(super) fn json(&self, config: Option<&UiConfig>, instance: Option<&Instance>) -> String {
        let config = match config {
            Some(UiConfig::Json(json)) => serde_json::from_str::<&RawValue>(json).ok(),
            Some(UiConfig::Script(_)) | None => None,
        };
        go_json::to_string(&FactsJson {
            version: &self.spoor,
            base_path: &self.base_path,
            instance: instance.map(InstanceJson::of),
            ui_config: config,
            capabilities: Capabilities {
                archive_storage: self.archive,
                metrics: self.has_metrics,
                demo: self.demo,
                search_language: true,
            },
            limits: Limits {
                max_traces: self.max_traces,
            },
        })
    }
}

/// The page.
pub(super) fn fill(template: &str, config: Option<&UiConfig>, facts: &Facts) -> String {
    let archive = facts.archive;
    let mut html = match config {
        Some(UiConfig::Json(json)) => constant(template, "CONFIG", json),
        Some(UiConfig::Script(script)) => put_script(template, script),
        None => template.to_owned(),
    };
    let storage = format!("{{\"archiveStorage\":{archive}}}");
    html = constant(&html, "STORAGE_CAPABILITIES", &storage);
    let backend = page::backend_capabilities(archive, facts.has_metrics);
    html = constant(&html, "BACKEND_CAPABILITIES", &backend);
    html = constant(&html, "VERSION", &facts.version);
    if !facts.base_path.is_empty() {
        let base = format!("<base href=\"{}/\"", facts.base_path);
        html = html.replace("<base href=\"/\"", &base);
    }
    if !html.contains("const JAEGER_VERSION = ") {
        let version = format!(
            "<script type=\"text/plain\">const JAEGER_VERSION = {};</script>\n",
            facts.version
        );
        html = before_end_of_head(&html, &version);
    }
    html
}

/// With `more` at the end of its head, or where that might be.
pub(super) fn before_end_of_head(html: &str, more: &str) -> String {
    let at = ["</head>", "<body", "</html>"];
    let at = at.iter().find_map(|tag| html.find(tag));
    let mut html = html.to_owned();
    html.insert_str(at.unwrap_or(html.len()), more);
    html
}

/// The page that [`fill`] made, below this prefix of an instance.
pub(super) fn moved(html: &Bytes, facts: &Facts, prefix: &str) -> Bytes {
    let base = &facts.base_path;
    let (ours, theirs) = (
        format!("<base href=\"{base}/\""),
        format!("<base href=\"{base}{prefix}/\""),
    );
    Bytes::from(String::from_utf8_lossy(html).replace(&ours, &theirs))
}

/// Each `JAEGER_name = DEFAULT_name;` with this value in the default's place, which is put in as it is.
fn constant(html: &str, name: &str, value: &str) -> String {
    let (ours, default) = (format!("JAEGER_{name}"), format!("DEFAULT_{name};"));
    let mut out = String::with_capacity(html.len() + value.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(&ours) {
        out.push_str(before);
        out.push_str(&ours);
        let assigned = after.trim_start_matches(' ').strip_prefix('=');
        let left = assigned.and_then(|text| text.trim_start_matches(' ').strip_prefix(&*default));
        if left.is_some() {
            out.push_str(" = ");
            out.push_str(value);
            out.push(';');
        }
        rest = left.unwrap_or(after);
    }
    out.push_str(rest);
    out
}

/// The line `// JAEGER_CONFIG_JS` and the one behind it with the script in their place.
fn put_script(html: &str, script: &str) -> String {
    let mut out = String::with_capacity(html.len() + script.len());
    let mut lines = html.split_inclusive('\n');
    while let Some(line) = lines.next() {
        if !is_script_place(line) {
            out.push_str(line);
            continue;
        }
        let next = lines.next().unwrap_or_default();
        out.push_str(script);
        if next.ends_with('\n') {
            out.push('\n');
        }
    }
    out
}

fn is_script_place(line: &str) -> bool {
    let comment = line.trim_start().strip_prefix("//").map(str::trim_start);
    const WORD: &str = "JAEGER_CONFIG_JS";
    let word = comment.and_then(|text| text.get(..WORD.len()));
    word.is_some_and(|word| word.eq_ignore_ascii_case(WORD))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BasePath;

    /// The places of v1.76's page.
    const PAGE: &str = r#"<!doctype html>
<html><head>
    <base href="/" data-inject-target="BASE_URL" />
    <script>
      // JAEGER_CONFIG_JS

      function getJaegerUiConfig() {
        const DEFAULT_CONFIG = null;
        const JAEGER_CONFIG = DEFAULT_CONFIG;
        return JAEGER_CONFIG;
      }
      const DEFAULT_STORAGE_CAPABILITIES = { "archiveStorage": false };
      const JAEGER_STORAGE_CAPABILITIES = DEFAULT_STORAGE_CAPABILITIES;
      const JAEGER_BACKEND_CAPABILITIES=DEFAULT_BACKEND_CAPABILITIES;
      const DEFAULT_VERSION = {"gitCommit":"", "gitVersion":"", "buildDate":""};
      const JAEGER_VERSION = DEFAULT_VERSION;
    </script>
</head><body></body></html>
"#;

    fn facts(base_path: &str) -> Facts {
        Facts::new(&Config {
            archive: true,
            base_path: BasePath::parse(base_path).unwrap(),
            ..Config::default()
        })
    }

    #[test]
    fn every_place_is_filled() {
        let json = UiConfig::Json(r#"{"a":"$1 \u003c"}"#.to_owned());
        let html = fill(PAGE, Some(&json), &facts("/jaeger"));
        for expect in [
            r#"<base href="/jaeger/" data-inject-target="BASE_URL" />"#,
            r#"const JAEGER_CONFIG = {"a":"$1 \u003c"};"#,
            r#"const JAEGER_STORAGE_CAPABILITIES = {"archiveStorage":true};"#,
            r#"const JAEGER_BACKEND_CAPABILITIES = {"archiveStorage":true,"metricsStorage":false,"aiAssistant":false};"#,
            r#"const JAEGER_VERSION = {"gitCommit":"","gitVersion":"v1.76.0","buildDate":""};"#,
            "const DEFAULT_CONFIG = null;",
            "// JAEGER_CONFIG_JS\n",
        ] {
            assert!(html.contains(expect), "no {expect} in {html}");
        }
        assert_eq!(html.matches("JAEGER_VERSION = ").count(), 1);
        let plain = fill(PAGE, None, &facts("/"));
        assert!(plain.contains("<base href=\"/\" data"), "{plain}");
        assert!(plain.contains("JAEGER_CONFIG = DEFAULT_CONFIG;"));
    }

    #[test]
    fn the_page_of_an_instance_lies_below_its_name() {
        for base in ["/", "/jaeger"] {
            let facts = facts(base);
            let html = Bytes::from(fill(PAGE, None, &facts));
            let html = moved(&html, &facts, "/ns/acme/jaeger");
            let html = String::from_utf8_lossy(&html);
            let base = base.trim_end_matches('/');
            let expect = format!("<base href=\"{base}/ns/acme/jaeger/\" data-inject");
            assert!(html.contains(&expect), "no {expect} in {html}");
        }
    }

    #[test]
    fn a_script_takes_the_place_of_two_lines_as_it_is() {
        let script = UiConfig::Script("function UIConfig() { return {a: '$x\\n'}; }".to_owned());
        let html = fill(PAGE, Some(&script), &facts("/"));
        let expect = "<script>\nfunction UIConfig() { return {a: '$x\\n'}; }\n      function getJaegerUiConfig";
        assert!(html.contains(expect), "{html}");
        let at_the_end = put_script("a\n // jaeger_config_js: here", "b");
        assert_eq!(at_the_end, "a\nb");
    }

    #[test]
    fn a_page_of_an_old_bundle_tells_its_version_too() {
        let old = "<html><head><base href=\"/\"></head><script>const JAEGER_CONFIG = DEFAULT_CONFIG;</script></html>";
        let html = fill(old, None, &facts("/"));
        let at = html.find("const JAEGER_VERSION = {").unwrap();
        assert!(at < html.find("</head>").unwrap(), "{html}");
        let bare = fill("no page at all", None, &facts("/"));
        assert!(bare.contains("const JAEGER_VERSION = {"), "{bare}");
    }
}
