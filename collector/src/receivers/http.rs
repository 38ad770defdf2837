//! What receivers over HTTP share: reading a body that is paid for, and the status of a fault.

use std::time::{Duration, Instant};

use access::Denied;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use listen::Encoding;
use model::Instance;
use trust::{Astray, Stranger};

use crate::admission::Refusal;
use crate::deadline::Deadline;
use crate::fault::Fault;
use crate::inflate;
use crate::inflow::Inflow;
use crate::instance;
use crate::intake::{Decode, Payload, Receiver, Stored};

/// What Go says of a path that is not there.
pub(super) const NOT_FOUND: &str = "404 page not found";
/// An HTTP/1.1 sender that is refused while it writes is listened to for this long, and this many bytes, so that it reads the answer.
const LINGER: (Duration, usize) = (Duration::from_millis(30), 1 << 20);

/// Counts an answer with the time that it takes.
pub(super) async fn counted(
    receiver: &Receiver,
    method: &Method,
    path: &'static str,
    answer: impl Future<Output = Response>,
) -> Response {
    let began = Instant::now();
    let response = answer.await;
    let status = response.status().as_u16();
    let metrics = &receiver.intake.metrics;
    metrics.answered(method, path, status, began.elapsed());
    response
}

/// Stores what a request holds. A fault is counted.
pub(super) async fn take(
    receiver: &Receiver,
    parts: &Parts,
    body: Body,
    decode: Decode,
) -> Result<Stored, Fault> {
    let deadline = Deadline::new(&parts.headers, receiver.intake.write_timeout);
    let mut inflow = Inflow::new(body);
    let instance = instance::of_request(receiver, parts).await;
    let whose = instance.as_ref().ok().cloned();
    let read = match instance {
        Ok(instance) => read(receiver, parts, instance, &mut inflow).await,
        Err(fault) => Err(fault),
    };
    let taken = match read {
        Ok(payload) => receiver.take(payload, decode, &deadline).await,
        Err(fault) => {
            linger(parts, &mut inflow).await;
            Err(fault)
        }
    };
    taken.inspect_err(|fault| receiver.count(fault, whose.as_ref()))
}

/// The content type without its parameters; `None`: there is none.
pub(super) fn essence(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}

/// 429 is about this sender's instance, 503 about the process or its store.
pub(super) fn status(fault: &Fault) -> StatusCode {
    match fault {
        Fault::Undecodable(_) | Fault::Encoding(_) | Fault::Broken(_) => StatusCode::BAD_REQUEST,
        Fault::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        // Jaeger's status for any trouble with its header
        Fault::Denied(
            Denied::SignIn
            | Denied::Astray(Astray::Stranger(
                Stranger::Missing | Stranger::Unknown | Stranger::Repeated | Stranger::Nameless,
            )),
        ) => StatusCode::UNAUTHORIZED,
        Fault::Denied(_) => StatusCode::FORBIDDEN,
        Fault::Unproved(unproved) => unproved.status(),
        Fault::Full(Refusal::Share | Refusal::Largest) | Fault::Throttled { .. } => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Fault::Full(Refusal::Process) | Fault::Crowded | Fault::Unavailable(_) | Fault::Late => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Says in the headers of an answer when to come back, and how to compress.
pub(super) fn advise(fault: &Fault, headers: &mut HeaderMap) {
    if let Some(after) = fault.retry_after()
        && !matches!(fault, Fault::Broken(_))
    {
        // whole seconds, rounded up: 0 would mean at once
        let seconds = after.as_millis().div_ceil(1000).max(1);
        if let Ok(value) = HeaderValue::from_str(&seconds.to_string()) {
            headers.insert(RETRY_AFTER, value);
        }
    }
    if matches!(fault, Fault::Encoding(_)) {
        headers.insert(
            ACCEPT_ENCODING,
            HeaderValue::from_static(Encoding::ACCEPTED),
        );
    }
}

/// An error as Go's `http.Error` writes it.
pub(super) fn error(status: StatusCode, text: &str) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, format!("{text}\n")).into_response()
}

/// The body. Nothing of it is read before it is paid for.
async fn read(
    receiver: &Receiver,
    parts: &Parts,
    instance: Instance,
    inflow: &mut Inflow,
) -> Result<Payload, Fault> {
    let encoding = inflate::encoding(parts.headers.get(CONTENT_ENCODING))?;
    let limit = receiver.limit;
    let declared = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let (body, permit) = match declared {
        Some(len) if len > limit.bytes => return Err(limit.exceeded("request body")),
        Some(len) => {
            let mut permit = receiver.charge(instance, len, encoding)?;
            let body = inflow.exactly(len, &mut permit).await?;
            (body, permit)
        }
        None => {
            let mut permit = receiver.charge(instance, 0, encoding)?;
            let body = inflow.rest_of_it(limit, &mut permit).await?;
            (body, permit)
        }
    };
    Ok(Payload {
        body,
        encoding,
        permit,
    })
}

/// An HTTP/1.1 connection that closes with unread bytes is reset, and the sender may never see our answer. HTTP/2 has no such trouble, and
/// a sender that waits for `100 Continue` has not written anything.
async fn linger(parts: &Parts, inflow: &mut Inflow) {
    if parts.version < Version::HTTP_2 && !parts.headers.contains_key(EXPECT) {
        let (time, bytes) = LINGER;
        // running out of time is the point of it
        drop(tokio::time::timeout(time, inflow.discard(bytes)).await);
    }
}
