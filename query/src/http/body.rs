//! The body of a request, read within bounds.
//!
//! In: a body as it arrives, compressed or not. Out: its bytes, or why not. It is read within the request's time, and never longer than it may be,
//! neither as it came nor inflated. Who is refused while still sending is listened to for a moment, so that the answer is read.
//!
//! Source: the bound and the encodings of `jaegertracing/jaeger` v1.76.0, whose servers are those of the OpenTelemetry Collector.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::request::Parts;
use http_body::Body as _;
use listen::{Encoding, InflateError, inflate};

use super::envelope::Error;

/// The longest body, as it came and inflated.
pub(super) const LIMIT: usize = 20 << 20;
/// How long, and for how many bytes, one who is refused is listened to.
const LINGER: (Duration, usize) = (Duration::from_millis(500), 2 * LIMIT);

/// The whole body, inflated. `within` is how long it may take to come.
pub(super) async fn read(parts: &Parts, body: Body, within: Duration) -> Result<Bytes, Error> {
    let encoding = Encoding::from_header(parts.headers.get(CONTENT_ENCODING));
    let mut body = body;
    let declared = parts.headers.get(CONTENT_LENGTH);
    let declared = declared.and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let taken = match encoding {
        Err(name) => Err(Error::bad_request(format!(
            "unsupported Content-Encoding: {name}"
        ))),
        Ok(_) if declared.is_some_and(|len| len > LIMIT) => Err(too_large()),
        Ok(encoding) => match tokio::time::timeout(within, whole(&mut body)).await {
            Ok(bytes) => bytes.map(|bytes| (encoding, bytes)),
            Err(_) => Err(Error::new(
                StatusCode::REQUEST_TIMEOUT,
                format!(
                    "the body did not come within query.timeout={}",
                    settings::GoDuration::from(within)
                ),
            )),
        },
    };
    let (encoding, bytes) = match taken {
        Ok(taken) => taken,
        Err(error) => {
            discard(&mut body).await;
            return Err(error);
        }
    };
    if encoding == Encoding::Identity {
        return Ok(bytes.into());
    }
    let inflated = tokio::task::spawn_blocking(move || {
        let room = &mut |_: &mut Vec<u8>, _| Ok::<(), Infallible>(());
        inflate(encoding, bytes, LIMIT, room)
    });
    match inflated.await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(InflateError::TooLong(_))) => Err(too_large()),
        Ok(Err(InflateError::Corrupt(why))) => Err(Error::bad_request(why)),
        Ok(Err(InflateError::NoRoom(never))) => match never {},
        Err(error) => Err(Error::bad_request(format!("inflating the body: {error}"))),
    }
}

async fn whole(body: &mut Body) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(data) = next(body).await? {
        if bytes.len() + data.len() > LIMIT {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// The next piece, empty for what carries no bytes; `None` at the end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, Error> {
    match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        None => Ok(None),
        Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
        Some(Err(error)) => Err(Error::bad_request(format!("reading the body: {error}"))),
    }
}

async fn discard(body: &mut Body) {
    let (time, bytes) = LINGER;
    let reading = async {
        let mut seen = 0;
        while seen < bytes
            && let Ok(Some(data)) = next(body).await
        {
            seen += data.len();
        }
    };
    // running out of time is the point of it
    drop(tokio::time::timeout(time, reading).await);
}

fn too_large() -> Error {
    Error::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("http: request body too large: more than {LIMIT} bytes"),
    )
}
