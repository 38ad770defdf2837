//! A request on its way to the store and back, and what the rules make of both ways.

use std::io::Read as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use http::{HeaderMap, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::bulk::Bulk;
use super::{Drawn, Fault, Shared};

/// Inflated bodies of tests are smaller.
const MAX_INFLATED: u64 = 256 << 20;

/// What is between two hops only, or no longer right for a body that was read.
const NOT_FORWARDED: [header::HeaderName; 5] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The way from one client's connection to the store.
#[derive(Debug)]
pub(super) struct Upstream {
    shared: Arc<Shared>,
    send: Option<SendRequest<Full<Bytes>>>,
    driver: JoinSet<()>,
}

/// A request that was read to its end.
struct Read {
    head: request::Parts,
    body: Bytes,
    bulk: Option<Bulk>,
}

// === impl Upstream ===

impl Upstream {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            send: None,
            driver: JoinSet::new(),
        }
    }

    /// The store's answer, or what the rules make of it. An error is a connection that is cut.
    pub(super) async fn answer(
        &mut self,
        request: Request<Incoming>,
    ) -> anyhow::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let inflated = inflate(&head.headers, &body)?;
        let path = head.uri.path().to_owned();
        let bulk = path.ends_with("/_bulk").then(|| Bulk::parse(&inflated));
        let mut request = Read {
            head,
            body,
            bulk: bulk.flatten(),
        };
        let items = request.items();
        self.shared.count(|counts| {
            counts.requests += 1;
            counts.bytes += request.body.len() as u64;
            counts.documents += items as u64;
        });

        let mut after = None;
        for Drawn { fault, items, .. } in self.shared.draw(&path, inflated.len(), items) {
            match fault {
                Fault::Delay(time) => tokio::time::sleep(time).await,
                Fault::CutBefore => bail!("cut before the store"),
                Fault::Status(status) => return error(StatusCode::from_u16(status)?),
                Fault::TooLarge(_) => return error(StatusCode::PAYLOAD_TOO_LARGE),
                Fault::Html => return Ok(page()),
                Fault::RejectItems { status, error, .. } => {
                    if let Some(bulk) = &mut request.bulk {
                        bulk.reject(&items, status, error);
                    }
                }
                Fault::CutAfter | Fault::Truncated | Fault::ItemMissing => {
                    after = after.or(Some(fault));
                }
            }
        }
        self.pass(request, after).await
    }

    /// What the store gets, and what its answer becomes.
    async fn pass(
        &mut self,
        request: Read,
        after: Option<Fault>,
    ) -> anyhow::Result<Response<Full<Bytes>>> {
        let Read { head, body, bulk } = request;
        let mut headers = head.headers;
        for name in NOT_FORWARDED {
            headers.remove(name);
        }
        let documents = bulk.as_ref().map_or(0, Bulk::kept);
        let bulk = bulk.filter(|bulk| bulk.kept() < bulk.len());
        let bends = bulk.is_some() || after.is_some();
        if bends {
            headers.remove(header::ACCEPT_ENCODING);
        }
        let body = match &bulk {
            Some(bulk) if bulk.kept() == 0 => return json_answer(bulk.answer(None)?),
            Some(bulk) => {
                headers.remove(header::CONTENT_ENCODING);
                bulk.body()
            }
            None => body,
        };
        let mut request = Request::builder()
            .method(head.method)
            .uri(head.uri.path_and_query().map_or("/", |p| p.as_str()))
            .body(Full::new(body))?;
        *request.headers_mut() = headers;
        let (head, body) = self.send(request, documents).await?.into_parts();
        let body = match (&bulk, head.status) {
            (Some(bulk), StatusCode::OK) => bulk.answer(Some(&body))?,
            _ => body,
        };
        let body = match after {
            Some(Fault::CutAfter) => bail!("cut after the store"),
            Some(Fault::Truncated) => body.slice(..body.len() / 2),
            Some(Fault::ItemMissing) => without_last(&body)?,
            _ => body,
        };
        let mut answer = Response::builder()
            .status(head.status)
            .body(Full::new(body))?;
        *answer.headers_mut() = head.headers;
        for name in NOT_FORWARDED {
            answer.headers_mut().remove(name);
        }
        Ok(answer)
    }

    /// On the connection to the store, which is opened if there is none.
    async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        documents: usize,
    ) -> anyhow::Result<Response<Bytes>> {
        let mut send = match self.send.take() {
            Some(send) if !send.is_closed() => send,
            _ => self.connect().await?,
        };
        send.ready().await?;
        self.shared.count(|counts| {
            counts.forwarded += 1;
            counts.documents_forwarded += documents as u64;
        });
        let (head, body) = send.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        self.send = Some(send);
        Ok(Response::from_parts(head, body))
    }

    async fn connect(&mut self) -> anyhow::Result<SendRequest<Full<Bytes>>> {
        let stream = TcpStream::connect(self.shared.upstream).await?;
        stream.set_nodelay(true)?;
        let (send, connection) = http1::handshake(TokioIo::new(stream)).await?;
        self.driver.spawn(async { drop(connection.await) });
        Ok(send)
    }
}

// === impl Read ===

impl Read {
    fn items(&self) -> usize {
        self.bulk.as_ref().map_or(0, Bulk::len)
    }
}

fn inflate(headers: &HeaderMap, body: &Bytes) -> anyhow::Result<Bytes> {
    match headers.get(header::CONTENT_ENCODING) {
        None => Ok(body.clone()),
        Some(encoding) if encoding == "gzip" => {
            let mut inflated = Vec::new();
            MultiGzDecoder::new(body.as_ref())
                .take(MAX_INFLATED)
                .read_to_end(&mut inflated)?;
            Ok(inflated.into())
        }
        Some(encoding) => bail!("the content-encoding {encoding:?} is not known here"),
    }
}

/// An error as the store writes them.
fn error(status: StatusCode) -> anyhow::Result<Response<Full<Bytes>>> {
    let kind = match status.as_u16() {
        429 => "es_rejected_execution_exception",
        503 => "unavailable_shards_exception",
        413 => "content_too_long_exception",
        _ => "exception",
    };
    let reason = "answered by a test";
    let error = json!({"error": {"type": kind, "reason": reason}, "status": status.as_u16()});
    let mut answer = json_answer(error.to_string().into())?;
    *answer.status_mut() = status;
    Ok(answer)
}

fn json_answer(body: Bytes) -> anyhow::Result<Response<Full<Bytes>>> {
    let answer = Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header("x-elastic-product", "Elasticsearch");
    Ok(answer.body(Full::new(body))?)
}

fn page() -> Response<Full<Bytes>> {
    let page = "<html><body><h1>It works!</h1></body></html>";
    let mut answer = Response::new(Full::new(page.into()));
    let html = header::HeaderValue::from_static("text/html");
    answer.headers_mut().insert(header::CONTENT_TYPE, html);
    answer
}

fn without_last(answer: &[u8]) -> anyhow::Result<Bytes> {
    let mut answer: Value = serde_json::from_slice(answer)?;
    answer["items"].as_array_mut().context("no items")?.pop();
    Ok(serde_json::to_vec(&answer)?.into())
}
