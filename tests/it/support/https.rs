//! Clients that post over HTTP/1.1, with TLS or without, and a load of them: some keep their connection, some open one for each request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tests::spoor::Spoor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::root;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// A request that is sent again and again.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'static str,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// How the body is compressed.
    pub(crate) encoding: Option<&'static str>,
    /// Whom to trust, and what to show; `None`: plaintext.
    pub(crate) tls: Option<TlsConnector>,
}

/// An open connection. It is gone with this value.
pub(crate) struct Connection {
    send: SendRequest<Full<Bytes>>,
    /// The certificate that was served, as DER.
    pub(crate) served: Vec<u8>,
    driver: JoinSet<()>,
}

/// Workers that post until they are told to stop, or until one fails if they end at that.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    one_more: Arc<Notify>,
    workers: JoinSet<Seen>,
}

/// One of them.
struct Worker {
    post: Post,
    keeps: bool,
    until_refused: bool,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicUsize>,
    one_more: Arc<Notify>,
}

/// What came of a load.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How long each request took that succeeded, its connection included if it was a new one.
    pub(crate) took: Vec<Duration>,
    /// What others came to.
    pub(crate) failures: Vec<String>,
    /// When the last request succeeded.
    pub(crate) last_success: Option<Instant>,
}

fn address(spoor: &Spoor, listener: &str) -> SocketAddr {
    spoor.address(listener).parse().unwrap()
}

/// One span to each of the receivers that take a POST.
pub(crate) fn posts(spoor: &Spoor) -> [Post; 3] {
    let fixture = "tests/fixtures/golden/thrift-128bit/input.jaeger-thrift-binary.bin";
    let batch = std::fs::read(root().join(fixture)).unwrap();
    let zipkin = r#"[{"traceId":"5b8efff798038103d269b633813fc60c","id":"eee19b7ec3c1b174","name":"get","localEndpoint":{"serviceName":"front"}}]"#;
    let otlp = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b174","name":"get","startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000000000001"}]}]}]}"#;
    let post = |listener, path, content_type, body| Post {
        address: address(spoor, listener),
        path,
        content_type,
        body,
        encoding: None,
        tls: None,
    };
    [
        post(
            "jaeger-thrift",
            "/api/traces",
            "application/x-thrift",
            Bytes::from(batch),
        ),
        post(
            "zipkin",
            "/api/v2/spans",
            "application/json",
            Bytes::from(zipkin),
        ),
        post(
            "otlp-http",
            "/v1/traces",
            "application/json",
            Bytes::from(otlp),
        ),
    ]
}

// === impl Post ===

impl Post {
    /// The same with other TLS.
    pub(crate) fn over(&self, tls: TlsConnector) -> Self {
        Self {
            tls: Some(tls),
            ..self.clone()
        }
    }

    pub(crate) async fn connect(&self) -> Result<Connection, String> {
        let connecting = async {
            let stream = TcpStream::connect(self.address).await?;
            stream.set_nodelay(true)?;
            let Some(tls) = &self.tls else {
                return Ok((Connection::over(stream).await, Vec::new()));
            };
            let name = ServerName::try_from("localhost").unwrap();
            let stream = tls.connect(name, stream).await?;
            let (_, session) = stream.get_ref();
            let served = session.peer_certificates().map(|chain| chain[0].to_vec());
            Ok((Connection::over(stream).await, served.unwrap_or_default()))
        };
        let connected: std::io::Result<_> = tokio::time::timeout(PATIENCE, connecting)
            .await
            .map_err(|_| "no connection".to_owned())?;
        let (connection, served) = connected.map_err(|error| error.to_string())?;
        let connection = connection.map_err(|error| error.to_string())?;
        Ok(Connection {
            served,
            ..connection
        })
    }

    /// On a connection of its own.
    pub(crate) async fn once(&self) -> Result<(), String> {
        self.connect().await?.post(self).await
    }
}

// === impl Connection ===

impl Connection {
    async fn over<S>(stream: S) -> hyper::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (send, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async { drop(connection.await) });
        Ok(Self {
            send,
            served: Vec::new(),
            driver,
        })
    }

    /// Status of the answer, and its words.
    async fn answer(&mut self, post: &Post) -> Result<(StatusCode, String), String> {
        let mut request = http::Request::post(post.path)
            .header("host", "localhost")
            .header("content-type", post.content_type);
        if let Some(encoding) = post.encoding {
            request = request.header("content-encoding", encoding);
        }
        let request = request.body(Full::new(post.body.clone())).unwrap();
        let answering = async {
            self.send.ready().await?;
            let answer = self.send.send_request(request).await?;
            let status = answer.status();
            let said = answer.into_body().collect().await?.to_bytes();
            Ok((status, String::from_utf8_lossy(&said).into_owned()))
        };
        let answered: Result<hyper::Result<_>, _> = tokio::time::timeout(PATIENCE, answering).await;
        let answered = answered.map_err(|_| "no answer".to_owned())?;
        answered.map_err(|error| format!("{error:?}"))
    }

    /// Status of the answer.
    pub(crate) async fn status(&mut self, post: &Post) -> Result<u16, String> {
        Ok(self.answer(post).await?.0.as_u16())
    }

    pub(crate) async fn post(&mut self, post: &Post) -> Result<(), String> {
        match self.answer(post).await? {
            (status, _) if status.is_success() => Ok(()),
            (status, said) => Err(format!("status {}: {said}", status.as_u16())),
        }
    }

    /// Waits until the other side closes it.
    pub(crate) async fn closed(&mut self) {
        self.driver.join_next().await;
    }
}

// === impl Load ===

impl Load {
    /// `workers` for each of `posts`, every other one with a connection that it keeps.
    pub(crate) fn start(posts: &[Post], workers: usize, until_refused: bool) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            done: Arc::default(),
            one_more: Arc::default(),
            workers: JoinSet::new(),
        };
        for post in posts {
            for number in 0..workers {
                let worker = Worker {
                    post: post.clone(),
                    keeps: number % 2 == 0,
                    until_refused,
                    stop: load.stop.clone(),
                    done: load.done.clone(),
                    one_more: load.one_more.clone(),
                };
                load.workers.spawn(worker.run());
            }
        }
        load
    }

    /// Ends it once it has made so many requests.
    pub(crate) async fn after(self, requests: usize) -> Seen {
        while self.done.load(Ordering::Relaxed) < requests {
            self.one_more.notified().await;
        }
        self.end(true).await
    }

    /// Ends it, or waits until it ended by itself.
    pub(crate) async fn end(mut self, now: bool) -> Seen {
        self.stop.store(now, Ordering::Relaxed);
        let mut seen = Seen::default();
        while let Some(part) = self.workers.join_next().await {
            seen.add(part.unwrap());
        }
        seen.took.sort_unstable();
        seen
    }
}

// === impl Worker ===

impl Worker {
    async fn run(self) -> Seen {
        let mut seen = Seen::default();
        let mut kept: Option<Connection> = None;
        while (seen.failures.is_empty() || !self.until_refused)
            && !self.stop.load(Ordering::Relaxed)
        {
            let began = Instant::now();
            let connection = match kept.take() {
                Some(connection) => Ok(connection),
                None => self.post.connect().await,
            };
            let posted = match connection {
                Ok(mut connection) => {
                    let posted = connection.post(&self.post).await;
                    kept = (self.keeps && posted.is_ok()).then_some(connection);
                    posted
                }
                Err(error) => Err(error),
            };
            match posted {
                Ok(()) => {
                    seen.took.push(began.elapsed());
                    seen.last_success = Some(Instant::now());
                }
                Err(error) => seen.failures.push(error),
            }
            self.done.fetch_add(1, Ordering::Relaxed);
            self.one_more.notify_one();
        }
        seen
    }
}

// === impl Seen ===

impl Seen {
    fn add(&mut self, part: Self) {
        self.took.extend(part.took);
        self.failures.extend(part.failures);
        self.last_success = self.last_success.max(part.last_success);
    }

    /// In milliseconds.
    pub(crate) fn p99(&self) -> f64 {
        let at = (self.took.len() as f64 * 0.99) as usize;
        let took = self.took.get(at).copied().unwrap_or_default();
        took.as_secs_f64() * 1000.0
    }
}
