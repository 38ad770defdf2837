//! `POST /api/transform`: traces that a person has as a file, shown as if they had been stored.
//!
//! In: OTLP in JSON, whatever it is called; nothing of it is stored. Out: an envelope of traces, each id once, in the order of the file. As a store
//! would, it gives a service's name to spans without one; adjusters are left out. Spans that no store could take are left out, and named among the
//! errors; when there are only such, that is a 400.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/http_handler.go`, `transformOTLP`, and `otlp_translator.go` v1.76.0.

use std::collections::HashMap;

use bytes::Bytes;
use http::StatusCode;
use model::{Span, TraceId, sanitize};
use wire::RejectedSpan;

use super::envelope::{Envelope, Error};
use super::json;
use crate::Trace;
use crate::service::Turn;

/// So many spans that were left out are named.
const NAMED: usize = 10;

/// The traces in `body`. `turn` is held until the answer is sent.
pub(super) async fn transform(body: Bytes, turn: Turn) -> Result<Envelope, Error> {
    let made = tokio::task::spawn_blocking(move || traces(body)).await;
    let (traces, rejected) = made.map_err(|error| {
        let why = format!("the traces could not be prepared: {error}");
        Error::new(StatusCode::INTERNAL_SERVER_ERROR, why)
    })??;
    let mut envelope = Envelope::of_items(traces, turn);
    for one in rejected.iter().take(NAMED) {
        envelope.left_out(left_out(one));
    }
    if let Some(more) = rejected.len().checked_sub(NAMED).filter(|more| *more > 0) {
        envelope.left_out(format!("{more} more spans were left out"));
    }
    Ok(envelope)
}

type Made = (Vec<Vec<Vec<u8>>>, Vec<RejectedSpan>);

fn traces(body: Bytes) -> Result<Made, Error> {
    let decoded = wire::otlp::decode_json(body)
        .map_err(|why| Error::bad_request(format!("cannot unmarshal OTLP : {why}")))?;
    let (mut spans, rejected) = (decoded.spans, decoded.rejected);
    if spans.is_empty()
        && let Some(first) = rejected.first()
    {
        return Err(Error::bad_request(format!(
            "cannot unmarshal OTLP : {}",
            left_out(first)
        )));
    }
    sanitize::spans(&mut spans);
    let traces = by_trace(spans);
    let traces = traces.into_iter().map(Trace::of_own);
    let traces = traces.map(|trace| json::pieces(&trace));
    Ok((traces.collect(), rejected))
}

fn by_trace(spans: Vec<Span>) -> Vec<Vec<Span>> {
    let mut traces: Vec<Vec<Span>> = Vec::new();
    let mut places: HashMap<TraceId, usize> = HashMap::new();
    for span in spans {
        let at = *places.entry(span.trace_id).or_insert(traces.len());
        match traces.get_mut(at) {
            Some(trace) => trace.push(span),
            None => traces.push(vec![span]),
        }
    }
    traces
}

fn left_out(one: &RejectedSpan) -> String {
    format!("a span was left out: {}", one.reason)
}
