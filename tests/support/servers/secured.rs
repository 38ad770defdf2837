//! Servers with certificates on both sides, each started once a process by the first test that asks.

use std::sync::OnceLock;

use super::client::Client;
use super::{Kind, Options, Server, started_once};
use crate::pki::{Authority, trusting};

/// The user of the secured Elasticsearch, a superuser.
pub const USER: &str = "spoor";

/// Their password.
pub const PASSWORD: &str = "kept by nobody";

/// The namespaces of the secured OpenSearch: the certificate named so may use the indices that begin so.
pub const NAMESPACES: [&str; 2] = ["ns-a", "ns-b"];

/// Who may do everything on the secured OpenSearch.
const ADMIN: &str = "admin";

/// A server, and who signed its certificate and signs those of its clients.
pub struct Secured {
    /// The server; its own client may do everything.
    pub server: Server,
    /// Its authority, and the only one that it trusts.
    pub authority: Authority,
}

/// Elasticsearch with its own authority, which asks for certificates and then for [`USER`] and [`PASSWORD`].
///
/// # Panics
///
/// If it can't be had.
pub fn elasticsearch() -> &'static Secured {
    static SERVER: OnceLock<Result<Secured, String>> = OnceLock::new();
    started_once(&SERVER, || {
        start_elasticsearch(Kind::Elasticsearch8, Options::default())
    })
}

/// OpenSearch whose security plugin takes the certificate for who asks: one of [`NAMESPACES`].
///
/// # Panics
///
/// If it can't be had.
pub fn opensearch() -> &'static Secured {
    static SERVER: OnceLock<Result<Secured, String>> = OnceLock::new();
    started_once(&SERVER, || start_opensearch(Options::default()))
}

/// Such an Elasticsearch of one's own, to change its certificates or to stop it.
pub fn start_elasticsearch(kind: Kind, options: Options) -> anyhow::Result<Secured> {
    let authority = Authority::new("the store's authority");
    let options =
        options.client_certificates(&authority.pem(), &authority.server(1), (USER, PASSWORD));
    let tls = trusting(&authority.pem(), Some(&authority.client(USER)));
    let server = Server::start_asked_by(kind, &options, &|client| {
        client.over(tls.clone()).user(USER, PASSWORD)
    })?;
    Ok(Secured { server, authority })
}

/// Such an OpenSearch of one's own.
pub fn start_opensearch(options: Options) -> anyhow::Result<Secured> {
    let authority = Authority::new("the store's authority");
    let patterns = NAMESPACES.map(|name| format!("{name}-*"));
    let names: Vec<_> = NAMESPACES
        .into_iter()
        .zip(patterns.iter().map(String::as_str))
        .collect();
    let options = options.identities(&authority.pem(), &authority.server(1), ADMIN, &names);
    let shows = |name| trusting(&authority.pem(), Some(&authority.client(name)));
    // the administrator is answered before the others are known
    let tls = shows(NAMESPACES[0]);
    let who = |client: Client| client.over(tls.clone());
    let mut server = Server::start_asked_by(Kind::OpenSearch2, &options, &who)?;
    server.client = Client::new(server.port).over(shows(ADMIN));
    Ok(Secured { server, authority })
}

// === impl Secured ===

impl Secured {
    /// Asks with a certificate of `name` that the server's authority signed, and nothing else.
    pub fn client(&self, name: &str) -> Client {
        let tls = trusting(&self.authority.pem(), Some(&self.authority.client(name)));
        Client::new(self.server.port()).over(tls)
    }
}
