//! A batch, written to a store in another process.
//!
//! In: a batch. Out: `Ok` once the store confirmed each span. Messages are as long as gRPC's servers take; a message of which the store refuses some spans for
//! good is halved until it is known which, since its answer names none: what is sent twice is stored once.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use model::{Batch, Span};
use prost::Message as _;
use tonic::{Code, Status};
use wire::r#gen::otlp::ExportTraceServiceResponse;
use wire::jaeger::proto::encode_each;
use wire::pieces::pieces;

use super::client::{Client, Whose};
use super::protocol::{Method, Protocol};
use crate::port::{Unstorable, WriteError};

/// gRPC's servers take 4 MiB unless they are told otherwise: a bit less, for what stands around spans.
const MAX_MESSAGE: usize = (4 << 20) - (64 << 10);
/// Spans of one message.
const SPANS: usize = 10_000;
/// Spans of version 1 that are under way at once, where each is a call.
const AT_ONCE: usize = 32;

/// What became of a message.
enum Sent {
    /// All of its spans are durable.
    Taken,
    /// Some of its spans can never be stored, and the others are durable.
    Refused(String),
}

/// Writes `batch`, within the time that a write may take.
pub(super) async fn write(client: &Client, batch: Batch) -> Result<(), WriteError> {
    let writing = tokio::time::timeout(client.config.patience, all(client, &batch)).await;
    match writing {
        Ok(Ok(rejected)) if rejected.is_empty() => Ok(()),
        Ok(Ok(rejected)) => Err(WriteError::Rejected(rejected)),
        Ok(Err(status)) => Err(client.write_error(&status)),
        Err(_) => {
            let late = client.noted::<()>(Err(client.late()));
            late.map_err(|status| client.write_error(&status))
        }
    }
}

/// Those that can never be stored.
async fn all(client: &Client, batch: &Batch) -> Result<Vec<Unstorable>, Status> {
    let whose = Whose {
        instance: &batch.instance,
        credentials: None,
        patience: Some(client.config.patience),
    };
    let protocol = client.protocol(whose).await?;
    match protocol {
        Protocol::V1 { streams } if streams && batch.len() > 1 => {
            let path = protocol.path(Method::WriteStream);
            match client.many(whose, path, || each(&batch.spans)).await {
                // which of them it is, single calls say
                Err(status) if is_for_good(&status) => one_by_one(client, whose, batch).await,
                sent => sent.map(|()| Vec::new()),
            }
        }
        Protocol::V1 { .. } => one_by_one(client, whose, batch).await,
        Protocol::V2 => together(client, whose, batch, protocol, wire::otlp::encode).await,
        Protocol::Spoor => together(client, whose, batch, protocol, wire::otlp::encode_own).await,
    }
}

/// Each span as a message, made when it is sent.
fn each(spans: &Arc<Vec<Span>>) -> impl futures_util::Stream<Item = Bytes> + Send + use<> {
    let spans = spans.clone();
    stream::iter(0..spans.len()).map(move |at| {
        let one = spans.get(at..=at).unwrap_or_default();
        Bytes::from(encode_each(one))
    })
}

async fn one_by_one(
    client: &Client,
    whose: Whose<'_>,
    batch: &Batch,
) -> Result<Vec<Unstorable>, Status> {
    let calls = (0..batch.len()).map(|at| one(client, whose, batch, at));
    let mut rejected = Vec::new();
    let mut answers = stream::iter(calls).buffered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        rejected.extend(answer?);
    }
    Ok(rejected)
}

/// The span at `at`; what comes back is why it never can be stored.
async fn one(
    client: &Client,
    whose: Whose<'_>,
    batch: &Batch,
    at: usize,
) -> Result<Option<Unstorable>, Status> {
    let path = Protocol::V1 { streams: false }.path(Method::Write);
    let span = batch.spans.get(at..=at).unwrap_or_default();
    match client
        .only(whose, path, Bytes::from(encode_each(span)))
        .await
    {
        Ok(_) => Ok(None),
        Err(status) if is_for_good(&status) => Ok(Some(unstorable(at, status.message()))),
        Err(status) => Err(status),
    }
}

async fn together(
    client: &Client,
    whose: Whose<'_>,
    batch: &Batch,
    protocol: Protocol,
    encode: fn(&[Span]) -> Vec<u8>,
) -> Result<Vec<Unstorable>, Status> {
    let path = protocol.path(Method::Write);
    let mut rejected = Vec::new();
    for (range, message) in pieces(&batch.spans, SPANS, MAX_MESSAGE, encode) {
        let mut left = vec![range];
        let mut message = Some(message);
        while let Some(range) = left.pop() {
            let Range { start, end } = range;
            let encoded = message
                .take()
                .unwrap_or_else(|| encode(batch.spans.get(start..end).unwrap_or_default()));
            match send(client, whose, path, encoded, end - start).await? {
                Sent::Taken => {}
                Sent::Refused(why) if end - start == 1 => rejected.push(unstorable(start, &why)),
                Sent::Refused(_) => {
                    let middle = start + (end - start) / 2;
                    // the first half comes first, so that positions rise
                    left.extend([middle..end, start..middle]);
                }
            }
        }
    }
    Ok(rejected)
}

async fn send(
    client: &Client,
    whose: Whose<'_>,
    path: &'static str,
    message: Vec<u8>,
    spans: usize,
) -> Result<Sent, Status> {
    let answer = match client.only(whose, path, Bytes::from(message)).await {
        Ok((answer, _)) => answer.unwrap_or_default(),
        Err(status) if is_for_good(&status) => {
            return Ok(Sent::Refused(status.message().to_owned()));
        }
        Err(status) => return Err(status),
    };
    let answer = ExportTraceServiceResponse::decode(answer)
        .map_err(|error| Status::unknown(format!("its answer cannot be read: {error}")))?;
    match answer.partial_success {
        Some(partial) if partial.rejected_spans > 0 && spans > 0 => {
            Ok(Sent::Refused(partial.error_message))
        }
        _ => Ok(Sent::Taken),
    }
}

fn unstorable(at: usize, reason: &str) -> Unstorable {
    Unstorable {
        at,
        reason: Arc::from(reason),
    }
}

/// Whether the very same message would be refused again.
fn is_for_good(status: &Status) -> bool {
    match status.code() {
        Code::InvalidArgument | Code::OutOfRange => true,
        // too long, in Go's words and in ours
        Code::ResourceExhausted => status.message().contains("larger than"),
        _ => false,
    }
}
