//! The one way to a cluster, and to Prometheus: connections, credentials, nodes, and what kind of server it is.
//!
//! In: a [`Request`]. Out: what the server answered, whatever its status; an [`Error`] when there is no answer. A node that cannot be connected to is passed over for
//! the next. Certificates, authorities, passwords, tokens and keys are read again when their files change, and connections that were made with
//! others are not used again.
//!
//! Deliberately absent: what indices and documents look like, and trying again after an answer.
//! Why not the `elasticsearch` crate's own transport: docs/adr/0009-our-own-way-to-elasticsearch.md.

mod credentials;
mod error;
mod flavour;
mod node;
mod pool;
mod request;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};

use crate::causes;
use crate::elasticsearch::config::Connection;
use credentials::Credentials;
use node::{Node, Nodes};
use pool::Pool;

pub(crate) use error::{Error, shortened};
pub(crate) use flavour::{Flavour, Product};
pub(crate) use pool::{dialer, tls};
pub(crate) use request::{Body, Request, Response};

/// The largest answer that is read.
pub(crate) const MAX_ANSWER_BYTES: usize = 512 << 20;
/// How long a request may take whose caller says nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bodies below this are sent as they are.
const WORTH_COMPRESSING: usize = 1024;

/// A cluster, as one instance sees it.
pub(crate) struct Client {
    settings: Connection,
    nodes: Nodes,
    credentials: Credentials,
    pool: Pool,
    flavour: flavour::Known,
}

// === impl Client ===

impl Client {
    /// Nothing is connected before the first request.
    ///
    /// # Errors
    /// A setting that cannot be, by name.
    pub(crate) fn new(settings: Connection) -> Result<Self, String> {
        let nodes = Nodes::new(&settings)?;
        Ok(Self {
            credentials: Credentials::new(&settings),
            pool: Pool::new(&settings),
            flavour: flavour::Known::new(settings.version),
            nodes,
            settings,
        })
    }

    /// How the cluster is called in messages: its addresses, and the setting that names them.
    pub(crate) fn shown(&self) -> &str {
        self.nodes.shown()
    }

    /// The settings it was made with.
    pub(crate) fn settings(&self) -> &Connection {
        &self.settings
    }

    /// What kind of server it is; asked once, and again after an hour.
    pub(crate) async fn flavour(&self) -> Result<Flavour, Error> {
        self.flavour.of(self).await
    }

    /// Files that cannot be used, each with its setting: what a start fails with. Blocks.
    pub(crate) fn check_files(&self) -> Result<(), String> {
        self.pool.check_files()?;
        self.credentials.check_files()
    }

    /// Sends `request`, and expects a success.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Response, Error> {
        self.send(request).await?.succeeded(self.shown())
    }

    /// Sends `request` to a node, and to the next when that one cannot be connected to, each at most once.
    pub(crate) async fn send(&self, request: &Request) -> Result<Response, Error> {
        let until = request
            .deadline
            .unwrap_or_else(|| Instant::now() + PATIENCE);
        match self.send_to_any(request, until).await {
            Err(Error::Unreachable(_)) if request.deadline.is_some() && Instant::now() >= until => {
                Err(Error::Cancelled("the deadline passed"))
            }
            sent => sent,
        }
    }

    async fn send_to_any(&self, request: &Request, until: Instant) -> Result<Response, Error> {
        self.nodes.refresh(self).await;
        let compressed = self.compressed(&request.body).await;
        let mut failed = None;
        let nodes = self.nodes.in_turn();
        let mut left = nodes.len();
        for node in nodes {
            // one that hangs leaves time for the others
            let share = until.saturating_duration_since(Instant::now())
                / u32::try_from(left).unwrap_or(1).max(1);
            left -= 1;
            let sending = self.send_as_known(request, &compressed, &node);
            let sent = tokio::time::timeout(share, sending).await;
            let sent = sent.unwrap_or_else(|_| {
                let seconds = share.as_secs_f64();
                Err(Failure::After(format!(
                    "{node} did not answer within {seconds:.1}s"
                )))
            });
            match sent {
                Ok(response) => {
                    self.nodes.answered(&node);
                    return Ok(response);
                }
                Err(Failure::TooLarge(said)) => return Err(Error::TooLarge(said)),
                Err(Failure::After(said)) if request.once => {
                    self.nodes.failed(&node);
                    return Err(Error::Unreachable(said));
                }
                Err(Failure::Before(said) | Failure::After(said)) => {
                    self.nodes.failed(&node);
                    failed = Some(Error::Unreachable(said));
                }
            }
        }
        let nowhere = || Error::Unreachable(format!("{} names no node", self.shown()));
        Err(failed.unwrap_or_else(nowhere))
    }

    /// A rotation of passwords between two looks at their file costs no request: who is not known looks again, once.
    async fn send_as_known(
        &self,
        request: &Request,
        compressed: &Option<Bytes>,
        node: &Arc<Node>,
    ) -> Result<Response, Failure> {
        let response = self.send_to(request, compressed, node).await?;
        let own = !self.credentials.is_given(request.credentials.as_ref());
        if response.status == 401 && own && self.credentials.changed().await {
            return self.send_to(request, compressed, node).await;
        }
        Ok(response)
    }

    async fn send_to(
        &self,
        request: &Request,
        compressed: &Option<Bytes>,
        node: &Arc<Node>,
    ) -> Result<Response, Failure> {
        let mut builder = http::Request::builder()
            .method(self.method(request))
            .uri(node.uri(&request.path));
        let (kind, body) = match &request.body {
            Body::None => (None, Bytes::new()),
            Body::Json(bytes) => (Some("application/json"), bytes.clone()),
            Body::Lines(bytes) => (Some("application/x-ndjson"), bytes.clone()),
            Body::Form(bytes) => (Some("application/x-www-form-urlencoded"), bytes.clone()),
        };
        let body = match compressed {
            Some(compressed) => {
                builder = builder.header(CONTENT_ENCODING, "gzip");
                compressed.clone()
            }
            None => body,
        };
        if let Some(kind) = kind {
            builder = builder
                .header(CONTENT_TYPE, kind)
                .header(CONTENT_LENGTH, body.len());
        }
        if let Some(value) = self.credentials.header(request.credentials.as_ref()).await {
            let mut value = HeaderValue::try_from(value).map_err(|_| {
                Failure::Before("the password, token or key holds a line break or another character that no header can".to_owned())
            })?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        let built = builder
            .body(Full::new(body))
            .map_err(|error| Failure::Before(error.to_string()))?;
        let answer = (self.pool.current().await)
            .request(built)
            .await
            .map_err(|error| Failure::of(&error, node, &self.settings.settings))?;
        let status = answer.status().as_u16();
        let product = (answer.headers().get("x-elastic-product"))
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let most = request.max_answer_bytes;
        let body = Limited::new(answer.into_body(), most)
            .collect()
            .await
            .map_err(|error| match error.downcast_ref::<LengthLimitError>() {
                Some(_) => {
                    Failure::TooLarge(format!("the answer of {node} has more than {most} bytes"))
                }
                None => Failure::After(format!("the answer of {node} was cut off: {error}")),
            })?;
        Ok(Response {
            status,
            body: body.to_bytes(),
            product,
        })
    }

    /// Compressed once, however often it is sent.
    async fn compressed(&self, body: &Body) -> Option<Bytes> {
        let (Body::Json(bytes) | Body::Lines(bytes)) = body else {
            return None;
        };
        if !self.settings.compression || bytes.len() < WORTH_COMPRESSING {
            return None;
        }
        let (bytes, level) = (bytes.clone(), self.settings.compression_level);
        if bytes.len() < 64 << 10 {
            return gzip(&bytes, level);
        }
        let compressing = tokio::task::spawn_blocking(move || gzip(&bytes, level));
        compressing.await.ok().flatten()
    }

    fn method(&self, request: &Request) -> Method {
        let reads = request.path.split('?').next().unwrap_or_default();
        let reads = reads.ends_with("/_search") || reads.ends_with("/_msearch");
        match self.settings.send_get_body_as.as_str() {
            "GET" if reads => Method::GET,
            "POST" if reads => Method::POST,
            _ => request.method.clone(),
        }
    }
}

fn gzip(bytes: &[u8], level: u32) -> Option<Bytes> {
    use std::io::Write as _;
    let room = Vec::with_capacity(bytes.len() / 6);
    let mut encoder = flate2::write::GzEncoder::new(room, flate2::Compression::new(level));
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// What a server says that does not take a client's certificate.
const ALERTS: [&str; 6] = [
    "CertificateRequired",
    "CertificateUnknown",
    "CertificateExpired",
    "CertificateRevoked",
    "BadCertificate",
    "UnknownCA",
];

/// Why there is no answer.
enum Failure {
    /// Nothing was sent.
    Before(String),
    /// It may have been done.
    After(String),
    /// There is an answer, too long to be read.
    TooLarge(String),
}

// === impl Failure ===

impl Failure {
    fn of(error: &hyper_util::client::legacy::Error, node: &Node, settings: &str) -> Self {
        let mut said = causes::joined("", std::error::Error::source(error));
        if said.is_empty() {
            said = error.to_string();
        }
        // in TLS 1.3 a client hears of it after it has connected
        if ALERTS.iter().any(|alert| said.contains(alert)) {
            said = format!(
                "refused our certificate ({said}): see {settings}.tls.cert and {settings}.tls.key"
            );
        }
        // a connection that was not opened names the host and the setting already
        if error.is_connect() {
            Self::Before(said)
        } else {
            Self::After(format!("{node}: {said}"))
        }
    }
}
