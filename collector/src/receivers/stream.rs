//! A gRPC method with many messages one way and one the other.
//!
//! In: an HTTP/2 request, which may stay open for as long as its sender lives. Out: the framed reply once all messages are durable and no more come. Messages
//! that come soon after each other are written together: they hold repeated fields, so that bytes behind bytes are one message with all of them. A stream on which
//! nothing comes holds no memory.

use std::time::Duration;

use access::Caller;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use listen::Encoding;
use listen::grpc::is_grpc;
use model::Instance;

use super::unary::{self, Method, Served};
use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::inflate;
use crate::inflow::Inflow;
use crate::instance;
use crate::intake::{Payload, Receiver, Stored};

/// How much is written together.
const TOGETHER: usize = 1 << 20;
/// How long the next message is waited for before those that are there are written.
const SOON: Duration = Duration::from_millis(2);

/// Adds `method` to `router`.
pub(crate) fn route(router: Router, receiver: Receiver, method: Method) -> Router {
    unary::served_by(router, receiver, method, serve)
}

async fn serve(served: Served, request: Request) -> Response {
    let (receiver, method) = &*served;
    if !is_grpc(request.headers()) {
        return unary::not_grpc();
    }
    let (parts, body) = request.into_parts();
    let sender = instance::sender(receiver, &parts).await;
    let whose = |sender: &Option<Caller>| instance::of(receiver, &parts, sender.as_ref());
    let (taken, instance) = match sender {
        Ok(sender) => {
            // of each message: rules may change while a stream goes on
            let taken = take_all(receiver, method, || whose(&sender), &parts, body).await;
            (taken, whose(&sender).ok())
        }
        Err(fault) => (Err(fault), None),
    };
    match taken {
        Ok(()) => {
            let mut response = unary::framed(&(method.reply)(&Stored::default()));
            let accepted = HeaderValue::from_static(Encoding::ACCEPTED);
            response
                .headers_mut()
                .insert(unary::ACCEPT_ENCODING, accepted);
            response
        }
        Err(fault) => {
            receiver.count(&fault, instance.as_ref());
            (method.status)(&fault).into_http()
        }
    }
}

async fn take_all(
    receiver: &Receiver,
    method: &Method,
    whose: impl Fn() -> Result<Instance, Fault>,
    parts: &Parts,
    body: Body,
) -> Result<(), Fault> {
    let named = inflate::encoding(parts.headers.get("grpc-encoding"))?;
    let mut inflow = Inflow::new(body);
    let mut head = unary::message_head(&mut inflow, named, receiver.limit).await?;
    while let Some((encoding, len)) = head.take() {
        let instance = whose()?;
        let room = match encoding {
            Encoding::Identity => len.max(TOGETHER.min(receiver.limit.bytes)),
            _ => len,
        };
        let mut permit = receiver.charge(instance, room, encoding)?;
        let mut gathered = inflow.exactly(len, &mut permit).await?;
        loop {
            let more = tokio::time::timeout(SOON, inflow.has_more()).await;
            // nothing of a message is left behind: whether there is one is all that was waited for
            if !matches!(more, Ok(Ok(true))) {
                break;
            }
            head = unary::message_head(&mut inflow, named, receiver.limit).await?;
            match head {
                Some((Encoding::Identity, len))
                    if encoding == Encoding::Identity && gathered.len() + len <= room =>
                {
                    gathered.extend(inflow.exactly(len, &mut permit).await?);
                    head = None;
                }
                _ => break,
            }
        }
        let payload = Payload {
            body: gathered,
            encoding,
            permit,
        };
        // of each write, not of the stream: that has no end of its own
        let deadline = Deadline::new(&HeaderMap::new(), receiver.intake.write_timeout);
        receiver.take(payload, method.decode, &deadline).await?;
        if head.is_none() {
            head = unary::message_head(&mut inflow, named, receiver.limit).await?;
        }
    }
    Ok(())
}
