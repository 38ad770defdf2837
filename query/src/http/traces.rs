//! `/api/traces`, `/api/traces/{traceID}` and `/api/archive/{traceID}`.
//!
//! In: an id as written and parameters. Out: envelopes of traces, adjusted unless `raw`. A cut answer is 200, says so in body and header, and
//! warns on the trace that may be short.

use std::sync::Arc;
use std::time::SystemTime;

use http::StatusCode;
use model::TraceId;
use storage::{Completeness, GetTrace};

use super::envelope::{Envelope, Error};
use super::form::Form;
use super::params::{self, Search, Window};
use super::{Api, json};
use crate::service::{Answer, Assembled, Call, Prepare};
use crate::{Adjuster, Trace};

/// One trace.
pub(super) async fn get(
    api: &Api,
    call: Call<'_>,
    id: &str,
    form: &Form,
) -> Result<Envelope, Error> {
    let (id, window) = parse(id, form)?;
    let raw = params::raw(form).map_err(Error::bad_request)?;
    let answer = call
        .get_traces(&[wanted(id, window)], json_of(api, raw))
        .await?;
    if answer.traces.is_empty() {
        return Err(match answer.completeness {
            Completeness::Complete => Error::new(StatusCode::NOT_FOUND, "trace not found"),
            // it may well be there
            Completeness::Partial { reason } => Error::new(StatusCode::SERVICE_UNAVAILABLE, reason),
        });
    }
    Ok(envelope(answer))
}

/// A search, or several traces by id.
pub(super) async fn find(api: &Api, mut call: Call<'_>, form: &Form) -> Result<Envelope, Error> {
    let search = Search::parse(form, SystemTime::now(), api.tag_expressions);
    let search = search.map_err(Error::bad_request)?;
    let json = json_of(api, search.raw);
    if search.ids.is_empty() && search.paging.is_wanted() {
        let (answer, after) = call.find_page(&search.query, json).await?;
        let mut envelope = envelope(answer);
        if let Some(after) = after {
            envelope.goes_on(search.paging.cursor(&search.query, after));
        }
        return Ok(envelope);
    }
    if search.ids.is_empty() {
        return Ok(envelope(call.find_traces(&search.query, json).await?));
    }
    let ids: Vec<GetTrace> = search
        .ids
        .iter()
        .map(|&id| wanted(id, search.window))
        .collect();
    let answer = call.get_traces(&ids, json).await?;
    let missing: Vec<TraceId> = match answer.completeness {
        Completeness::Complete => {
            let found = |id: &TraceId| answer.traces.iter().any(|(f, _)| f == id);
            search.ids.into_iter().filter(|id| !found(id)).collect()
        }
        // which of them are there is not known
        Completeness::Partial { .. } => Vec::new(),
    };
    let mut envelope = envelope(answer);
    missing.into_iter().for_each(|id| envelope.not_found(id));
    Ok(envelope)
}

/// Keeping a trace for good.
pub(super) async fn archive(call: Call<'_>, id: &str, form: &Form) -> Result<Envelope, Error> {
    let (id, window) = parse(id, form)?;
    call.archive(wanted(id, window)).await?;
    Ok(Envelope::done())
}

fn parse(id: &str, form: &Form) -> Result<(TraceId, Window), Error> {
    let id = TraceId::parse(id).map_err(|error| Error::bad_request(error.to_string()))?;
    let window = Window::parse(form).map_err(Error::bad_request)?;
    Ok((id, window))
}

fn wanted(trace_id: TraceId, window: Window) -> GetTrace {
    GetTrace {
        trace_id,
        start_ns: window.start_ns,
        end_ns: window.end_ns,
    }
}

/// How a trace becomes JSON: done trace by trace, so that its spans can go before the next are read.
fn json_of(api: &Api, raw: bool) -> Prepare<Vec<Vec<u8>>> {
    let adjuster = (!raw).then(|| api.service.adjuster());
    Arc::new(move |assembled| to_json(assembled, adjuster))
}

fn to_json(assembled: Assembled, adjuster: Option<Adjuster>) -> Vec<Vec<u8>> {
    let mut trace = Trace::of_own(assembled.spans);
    if let Some(adjuster) = adjuster {
        adjuster.adjust(&mut trace);
    }
    if let Some(reason) = assembled.short {
        trace
            .warnings
            .push(format!("spans may be missing: {reason}"));
    }
    json::pieces(&trace)
}

fn envelope(answer: Answer<Vec<Vec<u8>>>) -> Envelope {
    let items = answer.traces.into_iter().map(|(_, json)| json).collect();
    let mut envelope = Envelope::of_items(items, answer.turn);
    if let Completeness::Partial { reason } = answer.completeness {
        envelope.cut(reason);
    }
    envelope
}
