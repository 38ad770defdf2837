//! Spoor's own API, below `/api/spoor`: what a web UI asks for that Jaeger's API has no answer to.
//!
//! In: a question and its parameters. Out: one trace part by part (an outline of all spans in bytes, the rest as it is looked at). Errors are
//! api_v3's. All parts of a trace speak of its spans by their position, and say by a fingerprint which order that is.
//!
//! Deliberately absent: promises to others than Spoor's own web UI. What is here changes with it.

mod attributes;
mod demo;
mod events;
mod find;
mod instances;
mod ledger;
mod params;
mod skeleton;
mod tags;
mod words;

pub(super) use instances::{InstanceJson, instances};

use std::collections::HashSet;
use std::sync::Arc;

use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use model::{SpanId, TraceId};
use serde::Serialize;
use wire::go_json;

use super::bare::Bare;
use super::envelope::{self, Envelope};
use super::form::Form;
use super::json;
use super::pieces::Pieces;
use super::route::{Part, Spoor};
use super::v3::Error;
use crate::service::{Age, Call, Found, Turn, off_thread};
use crate::whole::Whole;

/// The type of a skeleton.
const SKELETON: HeaderValue = HeaderValue::from_static("application/vnd.spoor.skeleton");

pub(super) async fn answer(
    route: Spoor<'_>,
    call: Call<'_>,
    parts: &Parts,
    form: &Form,
) -> Result<Response, Error> {
    let inflow = call.inflow();
    let pretty = super::is_pretty(form);
    match route {
        Spoor::Trace(part, id) => trace(part, &call, id, form, pretty).await,
        Spoor::TagKeys => Ok(tags::keys(call, form).await?.into_response(pretty)),
        Spoor::TagValues => Ok(tags::values(call, form).await?.into_response(pretty)),
        Spoor::Ledger => Ok(ledger::ledger(&call, &inflow).await?.into_response(pretty)),
        Spoor::Receivers => Ok(ledger::receivers(&inflow).into_response(pretty)),
        Spoor::Demo => Ok(demo::make(&call, &inflow, parts)
            .await?
            .into_response(pretty)),
    }
}

/// A part of one trace.
async fn trace(
    part: Part,
    call: &Call<'_>,
    id: &str,
    form: &Form,
    pretty: bool,
) -> Result<Response, Error> {
    let id = params::trace_id(id)?;
    let raw = params::raw(form)?;
    match part {
        Part::Skeleton => {
            // what a page begins with is how it is now; its parts are of that
            let (found, turn) = whole(call, id, raw, Age::New).await?;
            let short = found.whole.short.clone();
            let made = made(&found, move |found| {
                skeleton::encode(&found.whole, found.archived)
            });
            let body = Pieces::body(made.await?, false, Some(turn));
            let mut response = envelope::json(body, short.as_deref());
            response.headers_mut().insert(CONTENT_TYPE, SKELETON);
            Ok(response)
        }
        Part::Spans => {
            let wanted = params::span_ids(form)?;
            let (found, turn) = whole(call, id, raw, Age::Kept).await?;
            spans(&found, wanted, turn, pretty).await
        }
        Part::Attributes => {
            let (found, turn) = whole(call, id, raw, Age::Kept).await?;
            let keys = made(&found, |found| attributes::keys(&found.whole)).await?;
            Ok(part_of(&found, turn, &keys, keys.cut(), pretty))
        }
        Part::Attribute => {
            let key = params::required(form, "key")?;
            let (found, turn) = whole(call, id, raw, Age::Kept).await?;
            let column = made(&found, move |found| attributes::column(&found.whole, &key));
            Ok(part_of(&found, turn, &column.await?, None, pretty))
        }
        Part::Find => {
            let words = params::words(form)?;
            let (found, turn) = whole(call, id, raw, Age::Kept).await?;
            let positions = made(&found, move |found| find::find(&found.whole, &words));
            Ok(part_of(&found, turn, &positions.await?, None, pretty))
        }
        Part::Events => {
            let page = params::page(form)?;
            let (found, turn) = whole(call, id, raw, Age::Kept).await?;
            let events = made(&found, move |found| events::page(&found.whole, page)).await?;
            Ok(bare(events, found.whole.short.clone(), turn, pretty))
        }
    }
}

async fn whole(call: &Call<'_>, id: TraceId, raw: bool, age: Age) -> Result<(Found, Turn), Error> {
    call.whole(id, raw, age).await?.ok_or_else(Error::not_found)
}

/// Does `work` on a trace, on a blocking thread when it is a large one.
async fn made<T: Send + 'static>(
    found: &Found,
    work: impl FnOnce(&Found) -> T + Send + 'static,
) -> Result<T, Error> {
    let whole: &Arc<Whole> = &found.whole;
    let (id, spans) = (whole.trace_id, whole.spans().len());
    let found = found.clone();
    Ok(off_thread(id, spans, move || work(&found)).await?)
}

/// Some spans, in the envelope and the words in which Jaeger's API gives a whole trace.
async fn spans(
    found: &Found,
    wanted: HashSet<SpanId>,
    turn: Turn,
    pretty: bool,
) -> Result<Response, Error> {
    let only = made(found, move |found| {
        let only = found.whole.only(|id| wanted.contains(&id));
        (!only.spans.is_empty()).then(|| json::pieces(&only))
    });
    let items: Vec<Vec<Vec<u8>>> = only.await?.into_iter().collect();
    let mut envelope = Envelope::of_items(items, turn);
    if let Some(reason) = found.whole.short.clone() {
        envelope.cut(reason);
    }
    Ok(envelope.into_response(pretty))
}

/// What speaks of spans by their position.
#[derive(Serialize)]
struct PartJson<'a, T> {
    fingerprint: &'a str,
    #[serde(flatten)]
    part: &'a T,
}

fn part_of<T: Serialize>(
    found: &Found,
    turn: Turn,
    part: &T,
    cut: Option<String>,
    pretty: bool,
) -> Response {
    let fingerprint = &found.whole.fingerprint;
    let json = go_json::to_vec(&PartJson { fingerprint, part });
    bare(json, found.whole.short.clone().or(cut), turn, pretty)
}

/// An object that was written whole, and why it lacks something.
fn bare(mut object: Vec<u8>, partial: Option<String>, turn: Turn, pretty: bool) -> Response {
    // the last brace comes behind what is said of the answer
    object.pop();
    let bare = Bare::new(vec![object]).holding(turn).cut(partial);
    bare.into_response(pretty)
}

#[cfg(test)]
pub(super) use skeleton::tests::Skeleton;
#[cfg(test)]
mod tests;
