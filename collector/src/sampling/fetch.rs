//! Strategies from a URL.
//!
//! In: a URL of HTTP or HTTPS. Out: the text that lies there, or why there is none: whether asking again may help is part of that. As in Jaeger a 503 means
//! that there are no strategies yet, nobody waits longer than a second, and a server may point elsewhere.
//!
//! Source: `jaegertracing/jaeger: internal/sampling/samplingstrategy/file/provider.go` v1.76.0.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HOST, LOCATION};
use http::uri::Authority;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use settings::tls::ClientTls;
use tokio::time::timeout;
use trust::Dialer;

/// How long an answer may take, with all that it takes to get there.
const PATIENCE: Duration = Duration::from_secs(1);
/// Longer ones are no strategies.
const MOST_BYTES: usize = 4 << 20;
/// How often a server may point elsewhere.
const MOST_TURNS: usize = 10;
/// What stands for "none yet".
const NOTHING: &[u8] = b"null";

/// Where strategies lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// Its scheme is http or https.
    pub url: Uri,
    /// Whom to trust, where it is of HTTPS.
    pub tls: ClientTls,
    /// Whom to trust where `tls` names nobody.
    pub trust: trust::Store,
}

/// Why there is no text.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// It may be there later.
    #[error("{0}")]
    Away(String),
    /// It will not.
    #[error("{0}")]
    Wrong(String),
}

/// Asks again and again.
pub(super) struct Fetch {
    url: Uri,
    plaintext: Dialer,
    tls: Dialer,
}

// === impl Fetch ===

impl Fetch {
    pub(super) fn new(from: &Url) -> Self {
        Self {
            url: from.url.clone(),
            plaintext: Dialer::plaintext(),
            tls: Dialer::tls(from.tls.clone(), &from.trust).for_http1(),
        }
    }

    pub(super) async fn get(&self) -> Result<Vec<u8>, Failed> {
        let got = timeout(PATIENCE, self.follow()).await;
        got.unwrap_or_else(|_| Err(Failed::Away("no answer within a second".to_owned())))
    }

    async fn follow(&self) -> Result<Vec<u8>, Failed> {
        let mut url = self.url.clone();
        for _ in 0..MOST_TURNS {
            let (answer, _connection) = self.ask(&url).await?;
            match answer.status() {
                StatusCode::OK => return read(answer).await,
                StatusCode::SERVICE_UNAVAILABLE => return Ok(NOTHING.to_owned()),
                status if status.is_redirection() => url = next(&url, &answer)?,
                status if status.is_server_error() => {
                    return Err(Failed::Away(format!("it answered {status}")));
                }
                status => return Err(Failed::Wrong(format!("it answered {status}"))),
            }
        }
        Err(Failed::Wrong(format!(
            "it points elsewhere more than {MOST_TURNS} times"
        )))
    }

    /// The answer, with the connection that brings it.
    async fn ask(&self, url: &Uri) -> Result<(Response<Incoming>, Driver), Failed> {
        let is_tls = url.scheme_str() == Some("https");
        let authority = url.authority().ok_or_else(|| no_host(url))?;
        let host = authority.host().trim_matches(['[', ']']);
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let dialer = if is_tls { &self.tls } else { &self.plaintext };
        let stream = connect(dialer, host, port).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failed::Away(error.to_string()))?;
        let mut driver = Driver::new();
        driver.spawn(async move { drop(connection.await) });
        let request = request(url, authority).map_err(|error| Failed::Wrong(error.to_string()))?;
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(|error| Failed::Away(error.to_string()))?;
        Ok((answer, driver))
    }
}

/// Ends with the request that it was spawned for.
type Driver = tokio::task::JoinSet<()>;

/// The first of the host's addresses that can be connected to.
async fn connect(dialer: &Dialer, host: &str, port: u16) -> Result<trust::Stream, Failed> {
    let addresses = tokio::net::lookup_host((host, port)).await;
    let addresses = addresses.map_err(|e| Failed::Away(format!("cannot look up {host}: {e}")))?;
    let mut failed = format!("{host} has no address");
    for address in addresses {
        match dialer.dial(host, address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error.to_string(),
        }
    }
    Err(Failed::Away(failed))
}

fn request(url: &Uri, authority: &Authority) -> Result<Request<Empty<Bytes>>, http::Error> {
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let (user, host) = match authority.as_str().rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority.as_str()),
    };
    let mut request = Request::get(path)
        .header(HOST, host)
        .header(ACCEPT, "application/json");
    if let Some(user) = user {
        let user: Vec<u8> = percent_decode_str(user).collect();
        let encoded = BASE64_STANDARD.encode(user);
        request = request.header(AUTHORIZATION, format!("Basic {encoded}"));
    }
    request.body(Empty::new())
}

async fn read(answer: Response<Incoming>) -> Result<Vec<u8>, Failed> {
    let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
    body.map(|body| body.to_bytes().to_vec()).map_err(|error| {
        Failed::Away(format!(
            "its answer broke off or is longer than {MOST_BYTES} bytes: {error}"
        ))
    })
}

/// Where a server points: a whole URL, or a path on the same host.
fn next<T>(url: &Uri, answer: &Response<T>) -> Result<Uri, Failed> {
    let to = answer
        .headers()
        .get(LOCATION)
        .and_then(|to| to.to_str().ok());
    let next = to.and_then(|to| {
        if to.contains("://") {
            return to.parse::<Uri>().ok();
        }
        // beside what was asked for, or anywhere on the same host
        let folder = url.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = match to.starts_with('/') {
            true => to.to_owned(),
            false => format!("{folder}/{to}"),
        };
        let mut parts = url.clone().into_parts();
        parts.path_and_query = Some(path.parse().ok()?);
        Uri::from_parts(parts).ok()
    });
    // never from https to what anybody in between can change
    let is_safe = |next: &Uri| match next.scheme_str() {
        Some("https") => true,
        Some("http") => url.scheme_str() == Some("http"),
        _ => false,
    };
    next.filter(is_safe)
        .ok_or_else(|| Failed::Wrong("it points to somewhere that is not asked".to_owned()))
}

fn no_host(url: &Uri) -> Failed {
    Failed::Wrong(format!("{} names no host", url.path()))
}
