//! The nodes of a cluster, and which is next.
//!
//! In: URLs as they were set. Out: nodes in turn, those that failed lately at the end. With `sniffer` the cluster is asked for its nodes now and then.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::Uri;
use parking_lot::Mutex;

use super::{Client, Request};
use crate::elasticsearch::config::Connection;

/// Unless `disable-health-check` says that it is tried at its next turn.
const PASSED_OVER: Duration = Duration::from_secs(10);
/// How often that time is doubled.
const MOST_DOUBLED: u32 = 5;
/// How often the cluster is asked for its nodes.
const SNIFFED: Duration = Duration::from_secs(60);

/// One node.
#[derive(Debug)]
pub(super) struct Node {
    /// Scheme, host, port, and what stands before every path; no slash at its end.
    base: String,
    failed: Mutex<Failed>,
}

/// How often it failed since it last answered.
#[derive(Debug, Default)]
struct Failed {
    last: Option<Instant>,
    times: u32,
}

/// All of them.
pub(super) struct Nodes {
    given: Vec<Arc<Node>>,
    known: ArcSwap<Vec<Arc<Node>>>,
    turn: AtomicUsize,
    shown: String,
    sniffed: Option<Mutex<Option<Instant>>>,
    scheme: &'static str,
    /// How long a node is passed over after it failed, as long as another answers.
    passed_over: Duration,
}

// === impl Nodes ===

impl Nodes {
    pub(super) fn new(settings: &Connection) -> Result<Self, String> {
        let setting = format!("{}.{}", settings.settings, settings.urls_setting);
        let mut given: Vec<Arc<Node>> = Vec::new();
        for url in &settings.urls {
            let node = parse(url).map_err(|problem| format!("{setting}: {problem}"))?;
            given.push(Arc::new(node));
        }
        if given.is_empty() {
            return Err(format!("{setting} names no server"));
        }
        let bases: Vec<&str> = given.iter().map(|node| node.base.as_str()).collect();
        // what is said over TLS is not said without
        let some_tls = given.iter().any(|node| node.base.starts_with("https:"));
        let scheme = if settings.sniffer_tls || some_tls {
            "https"
        } else {
            "http"
        };
        Ok(Self {
            shown: format!("{} ({setting})", bases.join(",")),
            known: ArcSwap::from_pointee(given.clone()),
            given,
            turn: AtomicUsize::new(0),
            sniffed: settings.sniffer.then(Mutex::default),
            passed_over: if settings.disable_health_check {
                Duration::ZERO
            } else {
                PASSED_OVER
            },
            scheme,
        })
    }

    pub(super) fn shown(&self) -> &str {
        &self.shown
    }

    /// Each once; those that answered before those that failed lately.
    pub(super) fn in_turn(&self) -> Vec<Arc<Node>> {
        let known = self.known.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % known.len().max(1);
        let mut nodes: Vec<_> = known
            .iter()
            .cycle()
            .skip(turn)
            .take(known.len())
            .cloned()
            .collect();
        nodes.sort_by_key(|node| node.failed_within(self.passed_over));
        nodes
    }

    pub(super) fn failed(&self, node: &Node) {
        let mut failed = node.failed.lock();
        failed.last = Some(Instant::now());
        failed.times = failed.times.saturating_add(1);
    }

    pub(super) fn answered(&self, node: &Node) {
        *node.failed.lock() = Failed::default();
    }

    /// Asks the cluster for its nodes, when that is wanted and was not done lately. What was known stays when it does not say.
    pub(super) async fn refresh(&self, client: &Client) {
        let Some(sniffed) = &self.sniffed else { return };
        {
            let mut last = sniffed.lock();
            if last.is_some_and(|at| at.elapsed() < SNIFFED) {
                return;
            }
            *last = Some(Instant::now());
        }
        let request =
            Request::get(&["_nodes", "http"]).query("filter_path", "nodes.*.http.publish_address");
        for node in self.in_turn() {
            let Ok(answer) = client.send_to(&request, &None, &node).await else {
                continue;
            };
            let json = answer.json();
            let nodes = json.get("nodes").and_then(|nodes| nodes.as_object());
            let addresses = nodes
                .into_iter()
                .flatten()
                .filter_map(|(_, node)| node.get("http")?.get("publish_address")?.as_str());
            // a name may stand before the address: name/1.2.3.4:9200
            let found: Vec<_> = addresses
                .filter_map(|address| address.rsplit('/').next())
                .filter_map(|address| parse(&format!("{}://{address}", self.scheme)).ok())
                .map(Arc::new)
                .collect();
            if !found.is_empty() {
                self.known.store(Arc::new(found));
                return;
            }
        }
        self.known.store(Arc::new(self.given.clone()));
    }
}

// === impl Node ===

impl Node {
    pub(super) fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Whether it failed within `time`, or within more when it failed again and again: one that hangs costs whoever asks it a wait.
    fn failed_within(&self, time: Duration) -> bool {
        let failed = self.failed.lock();
        let time = time * 2_u32.pow(failed.times.saturating_sub(1).min(MOST_DOUBLED));
        failed.last.is_some_and(|at| at.elapsed() < time)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.base)
    }
}

/// A URL without a name and password: whoever reads settings takes those out.
fn parse(url: &str) -> Result<Node, String> {
    let url = url.trim();
    let (scheme, rest) = url.split_once("://").ok_or_else(|| {
        format!(
            "\"{}\" has no scheme: give http://host:9200 or https://host:9200",
            hidden(url)
        )
    })?;
    if !matches!(scheme, "http" | "https") {
        return Err(format!(
            "\"{}\" has another scheme than http and https",
            hidden(url)
        ));
    }
    if rest.contains('@') {
        return Err(format!(
            "\"{}\" has a name or a password in it",
            hidden(url)
        ));
    }
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = path.trim_end_matches('/');
    let slash = if path.is_empty() { "" } else { "/" };
    let base = format!("{scheme}://{host}{slash}{path}");
    let uri: Uri = base
        .parse()
        .map_err(|error| format!("\"{base}\" is no URL: {error}"))?;
    if uri.host().is_none_or(str::is_empty) || uri.query().is_some() {
        return Err(format!(
            "\"{base}\" names no host, or has a query: give http://host:9200"
        ));
    }
    let failed = Mutex::default();
    Ok(Node { base, failed })
}

/// A text that may hold a password.
fn hidden(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((_, host)) => format!("…@{host}"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let node = parse(" https://es-a:9200/path/ ").unwrap();
        assert_eq!(node.uri("/_bulk"), "https://es-a:9200/path/_bulk");
        let node = parse("http://[::1]:9200").unwrap();
        assert_eq!(node.uri("/"), "http://[::1]:9200/");
    }

    #[test]
    fn what_is_no_url_is_told_without_its_password() {
        for (url, said) in [
            ("es:9200", "has no scheme"),
            ("ftp://user:secret@es", "another scheme"),
            ("http://", "no"),
            ("http://es:9200?x=1", "query"),
            ("http://e s", "no URL"),
            ("http://user:secret@es", "a name or a password"),
        ] {
            let problem = parse(url).unwrap_err();
            assert!(problem.contains(said), "{url}: {problem}");
            assert!(!problem.contains("secret"), "{problem}");
        }
    }

    #[test]
    fn a_node_that_failed_is_last() {
        let settings = Connection {
            urls: ["http://a:1", "http://b:1", "http://c:1"]
                .map(str::to_owned)
                .to_vec(),
            ..Connection::default()
        };
        let nodes = Nodes::new(&settings).unwrap();
        let failed = nodes.in_turn()[0].clone();
        nodes.failed(&failed);
        for _ in 0..3 {
            assert_eq!(nodes.in_turn()[2].base, failed.base);
        }
        nodes.answered(&failed);
        let firsts: std::collections::BTreeSet<_> =
            (0..3).map(|_| nodes.in_turn()[0].base.clone()).collect();
        assert_eq!(firsts.len(), 3);
    }
}
