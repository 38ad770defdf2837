//! A method, from an HTTP/2 request to its answer.
//!
//! In: a request with one message. Out: the stream of its answer. A method with one message each way is a stream of one: that looks the same on the wire, and
//! can say in a trailer what its answer lacks. Messages are bytes already when they get here, for traces are written by the encoders of `wire`.
//!
//! Source: "gRPC over HTTP2", `grpc/grpc: doc/PROTOCOL-HTTP2.md`; of compression, an answer is compressed as its request was, as Go's servers do.

use std::future::{Future, Ready, ready};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use access::{Denied, Unproved};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::routing::post;
use bytes::BufMut as _;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use listen::grpc::{is_grpc, patience};
use prost::Message;
use tonic::codec::{Codec, CompressionEncoding, EncodeBuf, Encoder};
use tonic::server::{Grpc, ServerStreamingService};
use tonic::{Code, Status};
use tonic_prost::{ProstCodec, ProstDecoder};
use trust::Astray;

use super::Api;
use super::answer::{Answer, End, Outlet};
use crate::credentials;
use crate::own::Traced;
use crate::service::{Call, Caller};

/// The longest message that is taken, as in Jaeger: 4 MiB, inflated.
const MAX_MESSAGE: usize = 4 << 20;

/// A service by its name, which reflection and health know it by, and what answers each of its methods.
macro_rules! service {
    ($name:literal, $($method:literal => $answer:expr,)+) => {
        /// Its name.
        pub(super) const SERVICE: &str = $name;

        /// Adds its methods to `router`.
        pub(super) fn add(router: Router, api: &Arc<Api>) -> Router {
            $(let router = method::add(router, api, concat!("/", $name, "/", $method), $answer);)+
            router
        }
    };
}
pub(super) use service;

/// What is asked.
pub(super) struct Question<M> {
    /// What every request needs.
    pub(super) api: Arc<Api>,
    head: Parts,
    /// The message.
    pub(super) message: M,
}

/// Adds the method at `path` to `router`.
pub(super) fn add<M, F, W>(router: Router, api: &Arc<Api>, path: &'static str, answer: F) -> Router
where
    M: Message + Default + 'static,
    F: Fn(Question<M>, Outlet) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = Result<End, Status>> + Send + 'static,
{
    let api = api.clone();
    router.route(
        path,
        post(move |request: Request| serve(api.clone(), path, answer.clone(), request)),
    )
}

async fn serve<M, F, W>(api: Arc<Api>, path: &'static str, answer: F, request: Request) -> Response
where
    M: Message + Default + 'static,
    F: Fn(Question<M>, Outlet) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = Result<End, Status>> + Send + 'static,
{
    if !is_grpc(request.headers()) {
        return super::not_grpc();
    }
    let (mut head, body) = request.into_parts();
    if let Err(shown) = api.service.admit(api.listener, &mut head).await {
        return unproved(&shown).into_http();
    }
    let traced = api.service.traced(&head.headers);
    if let Some(traced) = &traced {
        head.extensions.insert(traced.clone());
    }
    let mut grpc = Grpc::new(Messages::<M>(PhantomData))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(MAX_MESSAGE);
    if head
        .headers
        .get("grpc-encoding")
        .is_some_and(|e| e == "gzip")
    {
        grpc = grpc.send_compressed(CompressionEncoding::Gzip);
    }
    let began = Instant::now();
    let request = http::Request::from_parts(head.clone(), body);
    let method = Method {
        api: api.clone(),
        path,
        head: Some(head),
        answer,
    };
    let response = grpc.server_streaming(method, request).await;
    let mut response = response.map(Body::new);
    if let Some(told) = traced.and_then(|traced| traced.response()) {
        response.headers_mut().insert("traceresponse", told);
    }
    // what was read has its status in trailers: this is of a message that could not be
    if let Some(status) = response.headers_mut().get_mut("grpc-status") {
        if status == "11" {
            // too long: Go's servers have another word for it
            *status = HeaderValue::from(Code::ResourceExhausted as i32);
        }
        let code = Code::from_bytes(status.as_bytes());
        let metrics = api.service.metrics();
        metrics.answered_grpc(name(path), code, began.elapsed());
    }
    response
}

/// A method's name, without the slash in front.
fn name(path: &'static str) -> &'static str {
    path.strip_prefix('/').unwrap_or(path)
}

/// A method while its message is read.
struct Method<F> {
    api: Arc<Api>,
    path: &'static str,
    head: Option<Parts>,
    answer: F,
}

// === impl Method ===

impl<M, F, W> ServerStreamingService<M> for Method<F>
where
    M: Message + Default + 'static,
    F: Fn(Question<M>, Outlet) -> W,
    W: Future<Output = Result<End, Status>> + Send + 'static,
{
    type Response = Vec<u8>;
    type ResponseStream = Answer;
    type Future = Ready<Result<tonic::Response<Answer>, Status>>;

    fn call(&mut self, request: tonic::Request<M>) -> Self::Future {
        let Some(head) = self.head.take() else {
            return ready(Err(Status::internal("a request is answered once")));
        };
        let traced = head.extensions.get::<Traced>().cloned();
        let question = Question {
            api: self.api.clone(),
            head,
            message: request.into_inner(),
        };
        let answer = Answer::new(self.api.clone(), name(self.path), traced, |outlet| {
            (self.answer)(question, outlet)
        });
        ready(Ok(tonic::Response::new(answer)))
    }
}

// === impl Question ===

impl<M> Question<M> {
    /// Begins to answer it.
    ///
    /// # Errors
    /// When nothing says whose traces are asked for.
    pub(super) fn call(&self) -> Result<Call<'_>, Status> {
        let headers: &HeaderMap = &self.head.headers;
        let credentials = credentials::of_metadata(headers)
            .map_err(|several| Status::unknown(several.to_string()))?;
        let caller = Caller {
            listener: self.api.listener,
            head: &self.head,
            named: None,
            credentials,
            patience: patience(headers),
        };
        self.api
            .service
            .call_of(caller)
            .map_err(|denied| refused(&denied))
    }
}

/// Of strangers in Jaeger's words.
fn refused(denied: &Denied) -> Status {
    let code = match denied {
        Denied::Astray(Astray::Stranger(stranger)) if stranger.is_nameless() => {
            Code::Unauthenticated
        }
        Denied::Astray(Astray::Stranger(_) | Astray::Contradiction) => Code::PermissionDenied,
        Denied::Astray(Astray::Elsewhere) => Code::NotFound,
        Denied::Astray(Astray::Several(_)) => Code::InvalidArgument,
        Denied::SignIn => Code::Unauthenticated,
        Denied::Nothing { .. } | Denied::Writing { .. } => Code::PermissionDenied,
    };
    Status::new(code, denied.to_string())
}

/// What a client showed proves nothing.
fn unproved(unproved: &Unproved) -> Status {
    let code = Code::from(i32::from(unproved.grpc()));
    Status::new(code, unproved.to_string())
}

/// Reads a message, and writes those that are bytes.
struct Messages<M>(PhantomData<M>);

/// Writes messages that are bytes.
struct Bytes;

// === impl Messages ===

impl<M: Message + Default + 'static> Codec for Messages<M> {
    type Encode = Vec<u8>;
    type Decode = M;
    type Encoder = Bytes;
    type Decoder = ProstDecoder<M>;

    fn encoder(&mut self) -> Bytes {
        Bytes
    }

    fn decoder(&mut self) -> ProstDecoder<M> {
        ProstCodec::<M, M>::default().decoder()
    }
}

// === impl Bytes ===

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(message.len());
        out.put_slice(&message);
        Ok(())
    }
}
