//! Asks a server by itself, past all of our code: what tests compare with comes from here.
//!
//! A connection for each question; nothing is tried again.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who asks a server.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    tls: Option<TlsConnector>,
    authorization: Option<HeaderValue>,
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// As sent.
    pub status: StatusCode,
    /// As sent.
    pub body: Bytes,
}

/// Runs `future` to its end on a thread of its own, whatever runs the caller.
pub(super) fn block_on<T: Send>(future: impl Future<Output = T> + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            Ok(runtime.enable_all().build()?.block_on(future))
        });
        running
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

// === impl Client ===

impl Client {
    /// In plaintext, without a name.
    pub fn new(port: u16) -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            tls: None,
            authorization: None,
        }
    }

    /// The same over TLS.
    #[must_use]
    pub fn over(mut self, tls: TlsConnector) -> Self {
        self.tls = Some(tls);
        self
    }

    /// The same as a user with a password.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        self.authorization = HeaderValue::try_from(format!("Basic {pair}")).ok();
        self
    }

    /// Whether it asks in plaintext.
    pub fn is_plain(&self) -> bool {
        self.tls.is_none()
    }

    /// The JSON of a GET that succeeds.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.send(Method::GET, path, "").await?.json()
    }

    /// A request whose body is JSON, or lines of JSON for `_bulk`.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        let lines = path.contains("_bulk") || path.contains("_msearch");
        let content_type = if lines {
            "application/x-ndjson"
        } else {
            "application/json"
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, content_type);
        self.ask(request.body(body.into())?).await
    }

    /// Any request; its URI is a path. Who asks is added.
    pub async fn ask(&self, mut request: Request<Bytes>) -> anyhow::Result<Answer> {
        let host = HeaderValue::try_from(self.address.to_string())?;
        request.headers_mut().insert(header::HOST, host);
        if let Some(authorization) = &self.authorization {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, authorization.clone());
        }
        let shown = format!("{} {}", request.method(), request.uri());
        let answering = async {
            let stream = TcpStream::connect(self.address).await?;
            match &self.tls {
                Some(tls) => {
                    let name = ServerName::try_from("localhost")?;
                    exchange(tls.connect(name, stream).await?, request).await
                }
                None => exchange(stream, request).await,
            }
        };
        let answer = tokio::time::timeout(PATIENCE, answering)
            .await
            .with_context(|| format!("no answer to {shown} within {PATIENCE:?}"))?;
        answer.with_context(|| shown)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("address", &self.address)
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

async fn exchange<S>(stream: S, request: Request<Bytes>) -> anyhow::Result<Answer>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut send, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut driver = JoinSet::new();
    driver.spawn(async { drop(connection.await) });
    let answer = send.send_request(request.map(Full::new)).await?;
    Ok(Answer {
        status: answer.status(),
        body: answer.into_body().collect().await?.to_bytes(),
    })
}

// === impl Answer ===

impl Answer {
    /// The JSON of a success; anything else is an error that shows it.
    pub fn json(&self) -> anyhow::Result<Value> {
        let text = String::from_utf8_lossy(&self.body);
        anyhow::ensure!(self.status.is_success(), "{} {text}", self.status);
        serde_json::from_slice(&self.body).with_context(|| text.into_owned())
    }
}
