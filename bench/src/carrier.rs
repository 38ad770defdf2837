//! How messages get to a receiver: gRPC, HTTP/1.1 or datagrams.
//!
//! In: messages that are already written. Out: whether success was answered; of datagrams, which are answered by nothing, whether they were sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::{Buf as _, BufMut as _, Bytes};
use tokio::net::UdpSocket;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::Protocol;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const POST_SPANS: &str = "/jaeger.api_v2.CollectorService/PostSpans";

/// The one detail of a status that lets a client of OTLP send again what had no room.
const RETRY_INFO: &[u8] = b"google.rpc.RetryInfo";

/// Why messages were not taken.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// What errors are counted by.
    pub(crate) said: String,
    /// The sender may send the same again, by the rules of OTLP: the answer says so, or there was none.
    pub(crate) may_pass: bool,
    /// When, if the answer says it.
    pub(crate) after: Option<Duration>,
}

/// One connection, or over HTTP/1.1 a pool of them. Clones share it.
#[derive(Clone, Debug)]
pub(crate) enum Carrier {
    Grpc(tonic::client::Grpc<Channel>, PathAndQuery),
    Http {
        client: reqwest::Client,
        url: String,
        content_type: &'static str,
    },
    Datagrams(Arc<UdpSocket>),
}

// === impl Carrier ===

impl Carrier {
    pub(crate) async fn connect(protocol: Protocol, target: &str) -> anyhow::Result<Self> {
        let http = |path: &str, content_type| {
            // the receiver is what is measured: no proxy stands before it
            let client = reqwest::Client::builder().no_proxy().http1_only();
            anyhow::Ok(Self::Http {
                client: client.tcp_nodelay(true).build()?,
                url: format!("{target}{path}"),
                content_type,
            })
        };
        Ok(match protocol {
            Protocol::OtlpGrpc => Self::grpc(target, EXPORT).await?,
            Protocol::JaegerGrpc => Self::grpc(target, POST_SPANS).await?,
            Protocol::OtlpHttp => http("/v1/traces", "application/x-protobuf")?,
            Protocol::ThriftHttp => http("/api/traces", "application/x-thrift")?,
            Protocol::ZipkinJson => http("/api/v2/spans", "application/json")?,
            Protocol::ZipkinProto => http("/api/v2/spans", "application/x-protobuf")?,
            Protocol::ThriftUdp => {
                let address = target.strip_prefix("udp://").unwrap_or(target);
                let to: SocketAddr = tokio::net::lookup_host(address)
                    .await?
                    .next()
                    .with_context(|| format!("{address} is no address"))?;
                let from = if to.is_ipv6() {
                    "[::1]:0"
                } else {
                    "127.0.0.1:0"
                };
                let socket = UdpSocket::bind(from).await?;
                socket.connect(to).await?;
                Self::Datagrams(Arc::new(socket))
            }
        })
    }

    async fn grpc(target: &str, path: &'static str) -> anyhow::Result<Self> {
        let channel = Endpoint::from_shared(target.to_owned())?
            .connect_timeout(Duration::from_secs(5))
            .tcp_nodelay(true)
            .initial_connection_window_size(16 << 20)
            .initial_stream_window_size(8 << 20)
            .connect()
            .await?;
        let client = tonic::client::Grpc::new(channel);
        Ok(Self::Grpc(client, PathAndQuery::from_static(path)))
    }

    /// Sends messages one after the other; all of them have to succeed.
    pub(crate) async fn send(&mut self, messages: Vec<Bytes>) -> Result<(), Refusal> {
        for message in messages {
            match self {
                Self::Grpc(client, path) => call(client, path.clone(), message)
                    .await
                    .map_err(|status| Refusal::of_status(&status))?,
                Self::Http {
                    client,
                    url,
                    content_type,
                } => {
                    let request = client.post(url.as_str()).body(message);
                    let answer = request.header("content-type", *content_type).send().await;
                    let answer =
                        answer.map_err(|error| Refusal::unanswered(&error.without_url()))?;
                    let status = answer.status().as_u16();
                    let after = answer.headers().get("retry-after");
                    let after = after.and_then(|value| value.to_str().ok()?.parse().ok());
                    let succeeded = answer.status().is_success();
                    let text = answer.text().await.unwrap_or_default();
                    if !succeeded {
                        return Err(Refusal {
                            said: format!("{status}: {}", text.trim()),
                            may_pass: match status {
                                429 | 503 => after.is_some(),
                                status => matches!(status, 502 | 504),
                            },
                            after: after.map(Duration::from_secs),
                        });
                    }
                }
                Self::Datagrams(socket) => {
                    let sent = socket.send(&message).await;
                    sent.map_err(|error| Refusal::unanswered(&error))?;
                }
            }
        }
        Ok(())
    }
}

// === impl Refusal ===

impl Refusal {
    fn unanswered(error: &impl ToString) -> Self {
        Self {
            said: error.to_string(),
            may_pass: true,
            after: None,
        }
    }

    fn of_status(status: &Status) -> Self {
        let details = status.details();
        let name = details
            .windows(RETRY_INFO.len())
            .position(|w| w == RETRY_INFO);
        let info = name.and_then(|at| details.get(at + RETRY_INFO.len()..));
        // its one field is a duration, of which few seconds are one byte
        let after = info.map(|info| match info {
            [0x12, _, 0x0a, _, 0x08, seconds @ ..=0x7f, ..] => {
                Duration::from_secs(u64::from(*seconds))
            }
            _ => Duration::ZERO,
        });
        // what the transport made of a connection that broke has a source, an answer has none
        let is_answer = std::error::Error::source(status).is_none();
        Self {
            said: format!("{:?}: {}", status.code(), status.message()),
            may_pass: match status.code() {
                Code::ResourceExhausted => after.is_some(),
                Code::Cancelled
                | Code::DeadlineExceeded
                | Code::Aborted
                | Code::OutOfRange
                | Code::Unavailable
                | Code::DataLoss => true,
                _ => !is_answer,
            },
            after,
        }
    }
}

/// Sends one `PostSpansRequest` to Jaeger's gRPC receiver at `http://host:port`.
pub async fn post_spans(target: &str, body: Bytes) -> anyhow::Result<()> {
    let channel = Endpoint::from_shared(target.to_owned())?.connect().await?;
    let path = PathAndQuery::from_static(POST_SPANS);
    Ok(call(&mut tonic::client::Grpc::new(channel), path, body).await?)
}

/// Sends one `ExportTraceServiceRequest` to an OTLP receiver over a connection that is open already.
pub(crate) async fn export_on(channel: Channel, body: Bytes) -> anyhow::Result<()> {
    Ok(export(&mut tonic::client::Grpc::new(channel), body).await?)
}

/// One export of a request that is already written.
async fn export(client: &mut tonic::client::Grpc<Channel>, body: Bytes) -> Result<(), Status> {
    call(client, PathAndQuery::from_static(EXPORT), body).await
}

async fn call(
    client: &mut tonic::client::Grpc<Channel>,
    path: PathAndQuery,
    body: Bytes,
) -> Result<(), Status> {
    client
        .ready()
        .await
        .map_err(|e| Status::unavailable(e.to_string()))?;
    let answer = client
        .unary(Request::new(body), path, RawCodec)
        .await?
        .into_inner();
    // success is the empty message; a partial one names spans that were not taken
    if answer.is_empty() {
        Ok(())
    } else {
        Err(Status::failed_precondition("partial success"))
    }
}

/// Messages as bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct RawCodec;

// === impl RawCodec ===

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, dst: &mut EncodeBuf<'_>) -> Result<(), Status> {
        dst.reserve(item.len());
        dst.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(src.copy_to_bytes(src.remaining())))
    }
}
