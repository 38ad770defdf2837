//! Requests to the provider.
//!
//! In: a URL, and what is sent there. Out: the answer, or a sentence that says what kept it, with the host. Each request has a connection of its own, so that who is not
//! trusted any more is asked nothing; it is bounded in time and in bytes. No redirect is followed: what is meant for the provider goes to nobody else.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use trust::{DialError, Dialer, Stream};

use super::config::Config;
use crate::refusal::shown;

/// The whole of a request, connecting included.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;
/// How many addresses of one host are tried.
const MOST_ADDRESSES: usize = 4;

/// Speaks HTTP/1.1 with the provider.
pub(super) struct Client {
    plaintext: Dialer,
    tls: Dialer,
}

/// What the provider answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

/// Why there is no answer, or none that helps.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("cannot look up {host}: {source}")]
    Lookup {
        host: String,
        source: std::io::Error,
    },
    #[error("{0} has no address")]
    NoAddress(String),
    #[error("{0}")]
    Dial(Box<DialError>),
    #[error("{url} did not answer within {} s", PATIENCE.as_secs())]
    Silent { url: Uri },
    #[error("{url} cut the connection: {source}")]
    Cut { url: Uri, source: hyper::Error },
    #[error("{url} answered with more than {MAX_BYTES} bytes")]
    TooLong { url: Uri },
    #[error("the answer of {url} was cut off: {source}")]
    Body {
        url: Uri,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("{url} sends us on to \"{to}\", and we follow nobody: set the address that answers")]
    Redirected { url: Uri, to: String },
    #[error("{url} answered with the status {status}")]
    Status { url: Uri, status: StatusCode },
    #[error("what {url} answered is not what it should be: {problem}")]
    Content { url: Uri, problem: String },
}

// === impl Client ===

impl Client {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            plaintext: Dialer::plaintext(),
            tls: Dialer::tls(config.tls.clone(), &config.store).for_http1(),
        }
    }

    /// The JSON at `url`, asked for with a token if there is one.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        url: &Uri,
        authorization: Option<HeaderValue>,
    ) -> Result<T, Trouble> {
        let answer = self
            .ask(Method::GET, url, authorization, Bytes::new())
            .await?;
        if answer.status != StatusCode::OK {
            return Err(Trouble::Status {
                url: url.clone(),
                status: answer.status,
            });
        }
        answer.json(url)
    }

    /// Sends a form; whatever the answer's status is.
    pub(super) async fn post(
        &self,
        url: &Uri,
        authorization: Option<HeaderValue>,
        form: String,
    ) -> Result<Answer, Trouble> {
        let form = Bytes::from(form);
        self.ask(Method::POST, url, authorization, form).await
    }

    async fn ask(
        &self,
        method: Method,
        url: &Uri,
        authorization: Option<HeaderValue>,
        body: Bytes,
    ) -> Result<Answer, Trouble> {
        let asking = self.exchange(method, url, authorization, body);
        let answered = tokio::time::timeout(PATIENCE, Box::pin(asking)).await;
        answered.unwrap_or_else(|_| Err(Trouble::Silent { url: url.clone() }))
    }

    async fn exchange(
        &self,
        method: Method,
        url: &Uri,
        authorization: Option<HeaderValue>,
        body: Bytes,
    ) -> Result<Answer, Trouble> {
        let cut = |source| Trouble::Cut {
            url: url.clone(),
            source,
        };
        let stream = self.connect(url).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(cut)?;
        let request = request(&method, url, authorization, body)?;
        let exchange = async {
            let answer = sender.send_request(request).await.map_err(cut)?;
            let status = answer.status();
            if status.is_redirection() {
                let to = answer.headers().get(LOCATION).map(HeaderValue::as_bytes);
                let to = shown(&String::from_utf8_lossy(to.unwrap_or_default()));
                let url = url.clone();
                return Err(Trouble::Redirected { url, to });
            }
            let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await;
            let body = body.map_err(|source| {
                let url = url.clone();
                match source.is::<LengthLimitError>() {
                    true => Trouble::TooLong { url },
                    false => Trouble::Body { url, source },
                }
            })?;
            Ok(Answer {
                status,
                body: body.to_bytes(),
            })
        };
        // how the connection ends is told by the exchange
        let driven = async {
            drop(connection.await);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            answer = exchange => answer,
            () = driven => Err(Trouble::Silent { url: url.clone() }),
        }
    }

    /// To the first of the host's addresses that answers.
    async fn connect(&self, url: &Uri) -> Result<Stream, Trouble> {
        let is_tls = url.scheme_str() == Some("https");
        let dialer = if is_tls { &self.tls } else { &self.plaintext };
        let host = url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let addresses = tokio::net::lookup_host((host, port))
            .await
            .map_err(|source| Trouble::Lookup {
                host: host.to_owned(),
                source,
            })?;
        let mut failed = Trouble::NoAddress(host.to_owned());
        for address in addresses.take(MOST_ADDRESSES) {
            match dialer.dial(host, address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = Trouble::Dial(Box::new(error)),
            }
        }
        Err(failed)
    }
}

fn request(
    method: &Method,
    url: &Uri,
    authorization: Option<HeaderValue>,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, Trouble> {
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let host = url.authority().map_or("", |authority| authority.as_str());
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, host)
        .header(ACCEPT, "application/json")
        .header(USER_AGENT, "spoor");
    if *method == Method::POST {
        request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    }
    if let Some(mut value) = authorization {
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    request
        .body(Full::new(body))
        .map_err(|error| Trouble::Content {
            url: url.clone(),
            problem: format!("it cannot be asked: {error}"),
        })
}

// === impl Answer ===

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self, url: &Uri) -> Result<T, Trouble> {
        // where in the text it is wrong is said, and nothing of the text: there are tokens in some
        serde_json::from_slice(&self.body).map_err(|error| Trouble::Content {
            url: url.clone(),
            problem: match error.classify() {
                serde_json::error::Category::Data => {
                    format!(
                        "a member is missing or of another type (column {})",
                        error.column()
                    )
                }
                _ => "it is no JSON".to_owned(),
            },
        })
    }
}
