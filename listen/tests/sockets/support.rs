//! A listener on a free port, clients of every kind, and certificates.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::StreamExt;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use listen::{BodyStalled, Config, Limits, Metrics, Peer, ServeError};
use prometheus_client::registry::Registry;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use settings::tls::ServerTls;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

/// Longer than anything here should take.
pub(crate) const LONG: Duration = Duration::from_secs(10);

pub(crate) fn config(addrs: &[&str]) -> Config {
    let limits = Limits {
        first_byte: Duration::from_millis(400),
        handshake: Duration::from_millis(400),
        headers: Duration::from_millis(400),
        body_progress: Duration::from_millis(400),
        send_progress: Duration::from_millis(600),
        shutdown_grace: Duration::from_secs(5),
        ..Limits::default()
    };
    let addrs = addrs.iter().map(|addr| addr.parse().unwrap()).collect();
    Config {
        limits,
        ..Config::new("test", "test.host-port", addrs)
    }
}

/// A listener that serves [`routes`].
pub(crate) struct Running {
    pub(crate) addrs: Vec<SocketAddr>,
    pub(crate) registry: Registry,
    pub(crate) stop: CancellationToken,
    /// Lets `/wait` answer.
    pub(crate) go: Arc<Notify>,
    /// Told when `/wait` began.
    pub(crate) waiting: Arc<Notify>,
    serving: JoinSet<Result<(), ServeError>>,
}

impl Running {
    pub(crate) async fn start(config: Config) -> Self {
        let mut registry = Registry::default();
        let listener = listen::bind(&config, &Metrics::register(&mut registry))
            .await
            .unwrap();
        let addrs = listener.local_addrs().to_vec();
        let stop = CancellationToken::new();
        let (go, waiting) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let mut serving = JoinSet::new();
        serving.spawn(listener.serve(routes(go.clone(), waiting.clone()), stop.clone()));
        Self {
            addrs,
            registry,
            stop,
            go,
            waiting,
            serving,
        }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addrs[0]
    }

    pub(crate) async fn ended(&mut self) {
        within(self.serving.join_next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
    }

    /// The value of the metric line that begins with `line`.
    pub(crate) fn metric(&self, line: &str) -> i64 {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).unwrap();
        let found = text
            .lines()
            .find_map(|found| found.strip_prefix(line)?.strip_prefix(' '));
        found.map_or(0, |value| value.parse().unwrap())
    }

    pub(crate) fn refused(&self, reason: &str) -> i64 {
        self.metric(&format!(
            "spoor_listener_connections_refused_total{{listener=\"test\",reason=\"{reason}\"}}"
        ))
    }

    pub(crate) fn closed(&self, reason: &str) -> i64 {
        self.metric(&format!(
            "spoor_listener_connections_closed_total{{listener=\"test\",reason=\"{reason}\"}}"
        ))
    }

    pub(crate) fn open(&self) -> i64 {
        self.metric("spoor_listener_connections{listener=\"test\"}")
    }
}

fn routes(go: Arc<Notify>, waiting: Arc<Notify>) -> Router {
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/peer", get(peer))
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .route(
            "/wait",
            get(|| async move {
                waiting.notify_one();
                go.notified().await;
                "waited"
            }),
        )
        .route("/length", post(length))
        .route(
            "/endless",
            get(|| async {
                Body::from_stream(futures_util::stream::repeat(Ok::<_, std::fmt::Error>(
                    Bytes::from(vec![7; 64 << 10]),
                )))
            }),
        )
        .route(
            "/drip",
            get(|| async {
                Body::from_stream(futures_util::stream::iter(0..3).then(|piece| async move {
                    tokio::time::sleep(Duration::from_millis(700)).await;
                    Ok::<_, axum::Error>(Bytes::from(piece.to_string()))
                }))
            }),
        )
}

async fn peer(request: Request) -> String {
    let peer = request.extensions().get::<Peer>().unwrap();
    let name = peer
        .certificate
        .as_ref()
        .map_or("nobody", |certificate| certificate.subject.as_str());
    format!("{name} tls={} from {}", peer.tls, peer.addr.ip())
}

async fn length(request: Request) -> (StatusCode, String) {
    match request.into_body().collect().await {
        Ok(body) => (StatusCode::OK, body.to_bytes().len().to_string()),
        Err(error) => {
            let error = error.into_inner();
            let stalled = error.downcast_ref::<BodyStalled>().is_some();
            (
                if stalled {
                    StatusCode::REQUEST_TIMEOUT
                } else {
                    StatusCode::BAD_REQUEST
                },
                error.to_string(),
            )
        }
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(LONG, future)
        .await
        .expect("it takes too long")
}

/// Waits until `is_so`, looking again and again.
pub(crate) async fn eventually(what: &'static str, is_so: impl Fn() -> bool) {
    let deadline = tokio::time::Instant::now() + LONG;
    while !is_so() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "never happened: {what}"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Writes `bytes` and reads until the other side closes.
pub(crate) async fn raw(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    read_all(&mut stream).await
}

/// Reads until the other side closes, even harshly.
pub(crate) async fn read_all(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut read = Vec::new();
    within(stream.read_to_end(&mut read)).await.ok();
    read
}

/// An HTTP/1 client on one connection, its task ending with it.
pub(crate) struct Http1(
    pub(crate) http1::SendRequest<Full<Bytes>>,
    #[allow(dead_code)] JoinSet<()>,
);

/// An HTTP/2 client on one connection.
pub(crate) struct Http2(
    pub(crate) http2::SendRequest<Full<Bytes>>,
    #[allow(dead_code)] JoinSet<()>,
);

pub(crate) async fn http1_over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
) -> hyper::Result<Http1> {
    let (send, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut task = JoinSet::new();
    task.spawn(async { drop(connection.await) });
    Ok(Http1(send, task))
}

pub(crate) async fn http2_over<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
) -> hyper::Result<Http2> {
    let (send, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
    let mut task = JoinSet::new();
    task.spawn(async { drop(connection.await) });
    Ok(Http2(send, task))
}

pub(crate) async fn http1(addr: SocketAddr) -> Http1 {
    http1_over(TcpStream::connect(addr).await.unwrap())
        .await
        .unwrap()
}

pub(crate) async fn http2(addr: SocketAddr) -> Http2 {
    http2_over(TcpStream::connect(addr).await.unwrap())
        .await
        .unwrap()
}

pub(crate) fn get_request(path: &str) -> http::Request<Full<Bytes>> {
    http::Request::get(format!("http://localhost{path}"))
        .header("host", "localhost")
        .body(Full::default())
        .unwrap()
}

async fn text(answer: http::Response<hyper::body::Incoming>) -> (u16, String) {
    let status = answer.status().as_u16();
    let body = within(answer.into_body().collect())
        .await
        .unwrap()
        .to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

impl Http1 {
    pub(crate) async fn get(&mut self, path: &str) -> hyper::Result<(u16, String)> {
        within(self.0.ready()).await?;
        Ok(text(within(self.0.send_request(get_request(path))).await?).await)
    }
}

impl Http2 {
    pub(crate) async fn get(&mut self, path: &str) -> hyper::Result<(u16, String)> {
        within(self.0.ready()).await?;
        Ok(text(within(self.0.send_request(get_request(path))).await?).await)
    }
}

/// A folder of PEM files, and the authority behind them.
pub(crate) struct Pki {
    pub(crate) folder: tempfile::TempDir,
}

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A leaf as PEM: certificate, key.
pub(crate) type Leaf = (String, String);

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn leaf(&self, name: &str) -> Leaf {
        let mut params =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        (
            params.signed_by(&key, &self.0).unwrap().pem(),
            key.serialize_pem(),
        )
    }

    pub(crate) fn expired_leaf(&self) -> Leaf {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        let key = KeyPair::generate().unwrap();
        (
            params.signed_by(&key, &self.0).unwrap().pem(),
            key.serialize_pem(),
        )
    }
}

impl Pki {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        // As careful writers do it: the file is never half there.
        let (fresh, path) = (self.path(&format!("{name}.new")), self.path(name));
        std::fs::write(&fresh, text).unwrap();
        std::fs::rename(fresh, path).unwrap();
    }

    pub(crate) fn write_leaf(&self, (cert, key): &Leaf) {
        self.write("tls.crt", cert);
        self.write("tls.key", key);
    }

    pub(crate) fn settings(&self) -> ServerTls {
        settings_in(self.folder.path())
    }

    pub(crate) fn mutual(&self) -> ServerTls {
        ServerTls {
            client_ca: Some(self.path("ca.crt")),
            ..self.settings()
        }
    }
}

pub(crate) fn settings_in(folder: &Path) -> ServerTls {
    ServerTls {
        prefix: "test.tls".to_owned(),
        cert: Some(folder.join("tls.crt")),
        key: Some(folder.join("tls.key")),
        ..ServerTls::default()
    }
}

pub(crate) fn tls_config(tls: ServerTls) -> Config {
    Config {
        tls: Some(tls),
        ..config(&["127.0.0.1:0"])
    }
}

/// A client that trusts `authority`, and shows `leaf` when asked.
pub(crate) fn client(authority: &Authority, leaf: Option<&Leaf>, alpn: &[&str]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match leaf {
        Some((cert, key)) => builder
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()],
                PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
            )
            .unwrap(),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

pub(crate) type TlsStream = tokio_rustls::client::TlsStream<TcpStream>;

pub(crate) async fn handshake(
    connector: &TlsConnector,
    addr: SocketAddr,
) -> std::io::Result<TlsStream> {
    let stream = TcpStream::connect(addr).await?;
    within(connector.connect(ServerName::try_from("localhost").unwrap(), stream)).await
}

/// One request on a connection of its own.
pub(crate) async fn get_over_tls(
    connector: &TlsConnector,
    addr: SocketAddr,
    path: &str,
) -> Result<(u16, String), String> {
    let stream = handshake(connector, addr)
        .await
        .map_err(|error| error.to_string())?;
    let mut client = http1_over(stream)
        .await
        .map_err(|error| error.to_string())?;
    client.get(path).await.map_err(|error| error.to_string())
}
