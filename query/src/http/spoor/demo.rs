//! `/api/spoor/demo`: a small shop's traces, for who has none yet.
//!
//! In: a request with a header of its own, which a page of somebody else cannot make a browser send. Out: how many traces and spans were made and are durable. They go the way of all
//! spans, through the collector.

use std::time::SystemTime;

use http::StatusCode;
use http::request::Parts;
use serde::Serialize;

use super::ledger::object;
use crate::demo::{self, Demo};
use crate::http::bare::Bare;
use crate::http::params::ns;
use crate::http::v3::Error;
use crate::inflow::Inflow;
use crate::service::Call;

/// Has to be there.
const HEADER: &str = "spoor-demo";
/// So many spans go in one message.
const TOGETHER: usize = 500;

#[derive(Serialize)]
struct MadeJson {
    traces: usize,
    spans: usize,
}

/// Makes them.
pub(super) async fn make(call: &Call<'_>, inflow: &Inflow, parts: &Parts) -> Result<Bare, Error> {
    let Some(put) = &inflow.put else {
        let why = "this process takes no spans, or query.demo is false";
        return Err(Error::new(StatusCode::NOT_FOUND, why.to_owned()));
    };
    if parts.headers.get(HEADER).is_none_or(|value| value != "1") {
        let why = "the header Spoor-Demo: 1 is required".to_owned();
        return Err(Error::new(StatusCode::FORBIDDEN, why));
    }
    let now_ns = ns(SystemTime::now());
    let made = tokio::task::spawn_blocking(move || Demo::before(now_ns).traces());
    let traces = made
        .await
        .map_err(|error| Error::unknown(error.to_string()))?;
    let spans: usize = traces.iter().map(Vec::len).sum();
    for batch in demo::batches(&traces, TOGETHER) {
        let body = wire::otlp::encode(&batch);
        put(call.instance().clone(), body)
            .await
            .map_err(Error::unknown)?;
    }
    Ok(object(&MadeJson {
        traces: traces.len(),
        spans,
    }))
}
