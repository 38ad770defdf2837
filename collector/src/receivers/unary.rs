//! A gRPC method with one message each way, down to the bytes of that message.
//!
//! In: an HTTP/2 request. Out: the message, charged for before it was read, and the framed reply.
//!
//! The five bytes in front of a gRPC message say how long it is, so that a body without `content-length` is charged in full before any of
//! it takes room, and is inflated by the same bounded code as HTTP bodies. tonic's `server::Grpc` reserves that room before any code of
//! ours sees the length, and inflates without asking; of tonic, this uses the statuses and the router.
//!
//! Source: "gRPC over HTTP2", `grpc/grpc: doc/PROTOCOL-HTTP2.md`, and `doc/compression.md`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use listen::Encoding;
use listen::grpc::is_grpc;
use model::Instance;
use tonic::Status;

use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::inflate;
use crate::inflow::{Inflow, Limit};
use crate::instance;
use crate::intake::{Decode, Payload, Receiver, Stored};

/// How long the rest of a refused message is waited for, so that refusals stay quick.
const LINGER: Duration = Duration::from_millis(30);
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
pub(super) const ACCEPT_ENCODING: &str = "grpc-accept-encoding";
const NOT_GRPC: &str = "this port speaks gRPC: send content-type application/grpc over HTTP/2, or use the port for OTLP over HTTP (4318)\n";

/// A method: its path, how its message is decoded, and its words for answers.
pub(crate) struct Method {
    pub(crate) path: &'static str,
    pub(crate) decode: Decode,
    /// The reply's message, encoded.
    pub(crate) reply: fn(&Stored) -> Bytes,
    pub(crate) status: fn(&Fault) -> Status,
}

/// A method and what takes its messages.
pub(super) type Served = Arc<(Receiver, Method)>;

/// Adds `method` to `router`.
pub(crate) fn route(router: Router, receiver: Receiver, method: Method) -> Router {
    served_by(router, receiver, method, serve)
}

/// Adds `method` to `router`, answered by `serve`.
pub(super) fn served_by<F>(
    router: Router,
    receiver: Receiver,
    method: Method,
    serve: fn(Served, Request) -> F,
) -> Router
where
    F: Future<Output = Response> + Send + 'static,
{
    let path = method.path;
    let served = Arc::new((receiver, method));
    router.route(
        path,
        post(move |request: Request| serve(served.clone(), request)),
    )
}

/// Answers what is no method of this port.
pub(crate) async fn unimplemented(request: Request) -> Result<Response, Infallible> {
    if !is_grpc(request.headers()) {
        return Ok(not_grpc());
    }
    let message = format!("unknown method {}", request.uri().path());
    Ok(Status::unimplemented(message).into_http())
}

async fn serve(served: Served, request: Request) -> Response {
    let (receiver, method) = &*served;
    if !is_grpc(request.headers()) {
        return not_grpc();
    }
    let (parts, body) = request.into_parts();
    let deadline = Deadline::new(&parts.headers, receiver.intake.write_timeout);
    let instance = instance::of_request(receiver, &parts).await;
    let whose = instance.as_ref().ok().cloned();
    let read = read(receiver, &parts, instance, body, &deadline).await;
    let taken = match read {
        Ok(payload) => receiver.take(payload, method.decode, &deadline).await,
        Err(fault) => Err(fault),
    };
    let mut response = match taken {
        Ok(stored) => framed(&(method.reply)(&stored)),
        Err(fault) => {
            receiver.count(&fault, whose.as_ref());
            (method.status)(&fault).into_http()
        }
    };
    response.headers_mut().insert(
        ACCEPT_ENCODING,
        HeaderValue::from_static(Encoding::ACCEPTED),
    );
    response
}

/// The one message of the request. Nothing of it is read before it is paid for.
async fn read(
    receiver: &Receiver,
    parts: &http::request::Parts,
    instance: Result<Instance, Fault>,
    body: Body,
    deadline: &Deadline,
) -> Result<Payload, Fault> {
    let named = inflate::encoding(parts.headers.get("grpc-encoding"))?;
    let reading = async {
        let mut inflow = Inflow::new(body);
        let head = message_head(&mut inflow, named, receiver.limit).await?;
        let Some((encoding, len)) = head else {
            return Err(Fault::Undecodable("there is no message".to_owned()));
        };
        let charged = instance.and_then(|instance| receiver.charge(instance, len, encoding));
        let mut permit = match charged {
            Ok(permit) => permit,
            Err(fault) => {
                linger(&mut inflow, len).await;
                return Err(fault);
            }
        };
        let body = inflow.exactly(len, &mut permit).await?;
        if !inflow.at_end().await? {
            return Err(Fault::Undecodable(
                "there is more than one message".to_owned(),
            ));
        }
        Ok(Payload {
            body,
            encoding,
            permit,
        })
    };
    match deadline.read() {
        Some(until) => tokio::time::timeout_at(until, reading)
            .await
            .unwrap_or_else(|_| Err(Fault::Broken("its own deadline passed".to_owned()))),
        None => reading.await,
    }
}

/// How the next message is compressed and how long it is; `None`: there is none. `named` is what the request says of compression.
pub(super) async fn message_head(
    inflow: &mut Inflow,
    named: Encoding,
    limit: Limit,
) -> Result<Option<(Encoding, usize)>, Fault> {
    let Some([flag, a, b, c, d]) = inflow.head().await? else {
        return Ok(None);
    };
    let encoding = match (flag, named) {
        (0, _) => Encoding::Identity,
        (1, Encoding::Identity) => {
            return Err(Fault::Undecodable(
                "the message is compressed and grpc-encoding does not say how".to_owned(),
            ));
        }
        (1, named) => named,
        (flag, _) => {
            return Err(Fault::Undecodable(format!(
                "invalid compression flag {flag}"
            )));
        }
    };
    let len = u32::from_be_bytes([a, b, c, d]) as usize;
    if len > limit.bytes {
        return Err(limit.exceeded("message"));
    }
    Ok(Some((encoding, len)))
}

/// Lets a refused message arrive and throws it away. Ending its stream at once would reset it, and an HTTP/2 connection ends after some
/// number of frames that arrive for streams it reset and forgot: all that share it would pay for an overload.
async fn linger(inflow: &mut Inflow, len: usize) {
    // a sender too slow for this is reset after all
    drop(tokio::time::timeout(LINGER, inflow.discard(len)).await);
}

pub(super) fn framed(message: &[u8]) -> Response {
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    // a reply is a few hundred bytes at most
    frame.put_u32(message.len() as u32);
    frame.put_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    // as two frames, so that no content-length is put before the trailers
    let frames = [Frame::data(frame.freeze()), Frame::trailers(trailers)];
    let body = StreamBody::new(stream::iter(frames.map(Ok::<_, Infallible>)));
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}

pub(super) fn not_grpc() -> Response {
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, NOT_GRPC).into_response()
}
