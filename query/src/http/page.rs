//! The plain page at `/`, where there is no web UI: what this is, what it knows, where things are.
//!
//! In: settings, and the instance that a path names. Out: HTML that asks nothing of other hosts, under a policy that runs our own script and no other. It carries the constants that
//! Kiali reads Jaeger's version from. Text from settings is escaped; text from spans is put in by the script, as text.
//!
//! Source: the constants are those of `jaegertracing/jaeger-ui: packages/jaeger-ui/index.html` v1.76.0, as the server fills them in.

pub(super) mod policy;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use model::Instance;
use serde::Serialize;
use wire::go_json;

use super::{envelope, named};
use crate::BasePath;
use crate::config::{Config, Place, Version};
use policy::Policy;

const TEMPLATE: &str = concat!(
    include_str!("page/head.html"),
    include_str!("page/index.html")
);
const LIST: &str = concat!(
    include_str!("page/head.html"),
    include_str!("page/instances.html")
);
/// So many instances are listed.
const LISTED: usize = 1000;
const STYLE: &str = include_str!("page/spoor.css");
const SCRIPT: &str = include_str!("page/spoor.js");

/// The page. Only where it lies differs from one instance to the next.
#[derive(Clone, Debug)]
pub(super) struct Page {
    base_path: BasePath,
    policy: Policy,
    values: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VersionJson<'a> {
    git_commit: &'a str,
    git_version: &'a str,
    build_date: &'a str,
}

// === impl Page ===

impl Page {
    pub(super) fn new(config: &Config) -> Self {
        let values = vec![
            ("archive", config.archive.to_string()),
            (
                "backend",
                backend_capabilities(config.archive, config.has_metrics),
            ),
            ("version", version(&config.version)),
            ("spoor", escape(&config.version.spoor)),
            ("jaeger", escape(&config.version.git_version)),
            ("places", places(&config.places)),
        ];
        Self {
            base_path: config.base_path.clone(),
            policy: Policy::of_plain(&config.ui.frame_ancestors),
            values,
        }
    }

    /// The page itself, of an instance that its path names.
    pub(super) fn html(&self, instance: Option<&Instance>) -> Response {
        self.guarded(self.text(instance))
    }

    /// A page that leads to these instances.
    pub(super) fn list(&self, instances: &[Instance]) -> Response {
        let mut items: String = (instances.iter().take(LISTED))
            .map(|instance| {
                let (to, name) = (named::prefix(Some(instance)), escape(instance.as_str()));
                let to = escape(to.trim_start_matches('/'));
                format!("<li><a href=\"{to}/\">{name}</a></li>")
            })
            .collect();
        if let Some(more @ 1..) = instances.len().checked_sub(LISTED) {
            items.push_str(&format!("<li>and {more} more</li>"));
        }
        self.guarded(self.filled(LIST, None, Some(("instances", items))))
    }

    fn text(&self, instance: Option<&Instance>) -> String {
        self.filled(TEMPLATE, instance, None)
    }

    fn filled(
        &self,
        template: &str,
        instance: Option<&Instance>,
        more: Option<(&'static str, String)>,
    ) -> String {
        let base = format!("{}{}/", self.base_path.as_str(), named::prefix(instance));
        let mut values = self.values.clone();
        values.push(("base", escape(&base)));
        values.extend(more);
        fill(template, &values)
    }

    fn guarded(&self, html: String) -> Response {
        let mut response = file(Bytes::from(html), "text/html; charset=utf-8");
        self.policy.guard(&mut response, None);
        response
    }

    /// One of its files.
    pub(super) fn asset(name: &str) -> Response {
        match name {
            "spoor.css" => file(
                Bytes::from_static(STYLE.as_bytes()),
                "text/css; charset=utf-8",
            ),
            "spoor.js" => file(
                Bytes::from_static(SCRIPT.as_bytes()),
                "text/javascript; charset=utf-8",
            ),
            _ => not_found(),
        }
    }
}

/// What Go's servers say of a path that is not theirs.
pub(super) fn not_found() -> Response {
    envelope::text(StatusCode::NOT_FOUND, "404 page not found\n")
}

/// The version as pages of Jaeger's tell it.
pub(super) fn version(version: &Version) -> String {
    go_json::to_string(&VersionJson {
        git_commit: &version.git_commit,
        git_version: &version.git_version,
        build_date: &version.build_date,
    })
}

/// What the UI of Jaeger 2 asks a page for.
pub(super) fn backend_capabilities(archive: bool, metrics: bool) -> String {
    format!("{{\"archiveStorage\":{archive},\"metricsStorage\":{metrics},\"aiAssistant\":false}}")
}

pub(super) fn file(body: Bytes, content_type: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Replaces each `{{name}}`. Values are not looked into, so that none can name another.
fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut out = String::with_capacity(template.len() + 512);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        if let Some((_, value)) = values.iter().find(|(n, _)| *n == name) {
            out.push_str(value);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn places(places: &[Place]) -> String {
    if places.is_empty() {
        return "<p>None in this process.</p>".to_owned();
    }
    let mut out = "<table><tbody>".to_owned();
    for Place { what, address } in places {
        let (what, address) = (escape(what), escape(address));
        out.push_str(&format!(
            "<tr><td>{what}</td><td><code>{address}</code></td></tr>"
        ));
    }
    out.push_str("</tbody></table>");
    out
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for ch in text.chars() {
        match ch {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(ch),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(config: &Config) -> String {
        Page::new(config).text(None)
    }

    #[test]
    fn kiali_finds_the_version_in_its_place() {
        let config = Config {
            version: Version {
                git_commit: "abc".to_owned(),
                ..Version::default()
            },
            ..Config::default()
        };
        let html = html(&config);
        let expect =
            r#"const JAEGER_VERSION = {"gitCommit":"abc","gitVersion":"v1.76.0","buildDate":""};"#;
        assert!(html.contains(expect), "{html}");
        assert!(html.contains(r#"JAEGER_STORAGE_CAPABILITIES = {"archiveStorage":false};"#));
        assert!(!html.contains("{{"));
    }

    #[test]
    fn what_settings_say_is_text() {
        let config = Config {
            base_path: BasePath::parse("/jaeger").unwrap(),
            places: vec![Place {
                what: "<script>{{version}}".to_owned(),
                address: "\"&'".to_owned(),
            }],
            version: Version {
                git_version: "</script>".to_owned(),
                ..Version::default()
            },
            ..Config::default()
        };
        let html = html(&config);
        assert!(html.contains("<base href=\"/jaeger/\">"));
        assert!(html.contains("&lt;script&gt;{{version}}"));
        assert!(html.contains("&quot;&amp;&#39;"));
        assert!(html.contains(r#""gitVersion":"\u003c/script\u003e""#));
        assert_eq!(html.matches("</script>").count(), 2);
    }

    #[test]
    fn the_page_of_an_instance_lies_below_its_name() {
        let config = Config {
            base_path: BasePath::parse("/jaeger").unwrap(),
            ..Config::default()
        };
        let acme = Instance::parse("acme/jaeger-1").unwrap();
        let html = Page::new(&config).text(Some(&acme));
        assert!(html.contains("<base href=\"/jaeger/ns/acme/jaeger-1/\">"));
        assert!(html.contains("<code>/jaeger/ns/acme/jaeger-1/api/services</code>"));
    }

    #[test]
    fn nothing_is_asked_of_other_hosts_and_no_script_stands_in_the_page() {
        let html = html(&Config::default());
        for absent in ["http:", "https:", "//", "onclick", "style="] {
            assert!(!html.contains(absent), "{absent}");
        }
        assert!(!SCRIPT.contains("innerHTML"));
    }
}
