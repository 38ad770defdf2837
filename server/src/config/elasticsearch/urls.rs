//! The URLs of a cluster's nodes.
//!
//! In: `server-urls`. Out: URLs without credentials, the credentials that stood in them, and where each leads, so that two spellings of one node are one. No
//! name is looked up.

use std::collections::BTreeSet;

use http::Uri;
use percent_encoding::percent_decode_str;
use settings::{Host, HostPort, Secret};

use super::super::check::Check;

/// The nodes of a cluster.
#[derive(Default)]
pub(super) struct Nodes {
    /// Without credentials and without a slash at the end.
    pub(super) urls: Vec<String>,
    /// That stood in the URLs.
    pub(super) credentials: Option<(String, Secret)>,
    /// Some URL is of https.
    pub(super) some_tls: bool,
    /// A URL of http that leads away from this machine.
    pub(super) plaintext: Option<String>,
}

struct Node {
    url: String,
    credentials: Option<(String, Secret)>,
    is_tls: bool,
    is_here: bool,
}

pub(super) fn read(name: &str, check: &mut Check<'_>) -> Nodes {
    let mut nodes = Nodes::default();
    // a comma in a password cuts it in two, and neither half is to be shown
    let some_password = check
        .settings
        .list(name)
        .iter()
        .any(|text| text.contains('@'));
    for text in check.settings.list(name) {
        match node(text) {
            Ok(node) => nodes.add(name, node, check),
            Err(what) if some_password => {
                let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
                check.wrong(
                    name,
                    format!("\"{scheme}://…\" {what}; in a name or password write , / @ and : as %2C %2F %40 and %3A"),
                );
            }
            Err(what) => check.wrong(name, format!("\"{text}\" {what}")),
        }
    }
    if check.settings.list(name).is_empty() {
        check.wrong(name, "it is empty: give full URLs, such as https://es:9200");
    }
    nodes
}

/// Where URLs lead: host, port and path. Http and https of one port are one server, and so are the names of this machine.
pub(super) fn places(urls: &[String]) -> BTreeSet<String> {
    let place = |url: &String| {
        let uri: Uri = url.parse().ok()?;
        let at = address(&uri)?;
        let host = if at.host.is_loopback() {
            "localhost".to_owned()
        } else {
            at.host
                .to_string()
                .trim_end_matches('.')
                .to_ascii_lowercase()
        };
        let path = uri.path().trim_end_matches('/');
        Some(format!("{host}:{}{path}", at.port))
    };
    urls.iter().filter_map(place).collect()
}

fn node(text: &str) -> Result<Node, String> {
    let full = "is no full URL: give one such as https://es:9200";
    let uri: Uri = text.parse().map_err(|_| full.to_owned())?;
    let scheme = uri.scheme_str().unwrap_or_default().to_ascii_lowercase();
    if !matches!(scheme.as_str(), "http" | "https") {
        return Err(full.to_owned());
    }
    let at = address(&uri).ok_or(full)?;
    if uri.path().contains('@') {
        return Err("has an @ in its path".to_owned());
    }
    if uri.query().is_some() {
        return Err("has a query: a URL of a server has none".to_owned());
    }
    let authority = uri.authority().map_or("", http::uri::Authority::as_str);
    let (credentials, authority) = match authority.rsplit_once('@') {
        Some((credentials, authority)) => (Some(credentials), authority),
        None => (None, authority),
    };
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let path = uri.path().trim_end_matches('/');
    Ok(Node {
        url: format!("{scheme}://{authority}{path}"),
        credentials: credentials.map(|text| {
            let (user, password) = text.split_once(':').unwrap_or((text, ""));
            (decode(user), Secret::new(decode(password)))
        }),
        is_tls: scheme == "https",
        is_here: at.host.is_loopback(),
    })
}

fn address(uri: &Uri) -> Option<HostPort> {
    let is_tls = uri
        .scheme_str()
        .is_some_and(|s| s.eq_ignore_ascii_case("https"));
    let default = if is_tls { 443 } else { 80 };
    let host = uri.host().filter(|host| !host.is_empty())?;
    let authority = uri.authority()?.as_str();
    let authority = authority
        .rsplit_once('@')
        .map_or(authority, |(_, rest)| rest);
    let port: u16 = match authority.strip_prefix(host)? {
        "" => default,
        rest => rest.strip_prefix(':')?.parse().ok()?,
    };
    let at: HostPort = format!("{host}:{port}").parse().ok()?;
    Some(at).filter(|at| at.port != 0 && at.host != Host::Any)
}

// === impl Nodes ===

impl Nodes {
    fn add(&mut self, name: &str, node: Node, check: &mut Check<'_>) {
        match (&self.credentials, node.credentials) {
            (Some(known), Some(other)) if *known != other => check.wrong(
                name,
                "two URLs have different credentials, and one is sent to all: take them out, and set username and password",
            ),
            (None, Some(credentials)) => self.credentials = Some(credentials),
            _ => {}
        }
        self.some_tls |= node.is_tls;
        if !node.is_tls && !node.is_here {
            self.plaintext.get_or_insert_with(|| node.url.clone());
        }
        self.urls.push(node.url);
    }
}
