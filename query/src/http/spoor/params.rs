//! The parameters of Spoor's own API.
//!
//! In: a [`Form`]. Out: ids, words and pages, or the error of a 400 that names the parameter. An empty value and a bare name are the same as none.

use std::collections::HashSet;

use model::{SpanId, TraceId};

use super::words::Words;
use crate::http::form::Form;
use crate::http::go;
use crate::http::v3::Error;

/// So many spans are given at once.
const IDS: usize = 500;
/// So many events are given at once that does not say how many.
const EVENTS: usize = 500;
const MOST_EVENTS: usize = 5000;

/// Which events of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// How many go before.
    pub(super) from: usize,
    /// How many at most.
    pub(super) limit: usize,
}

/// A trace's id as it stands in the path.
pub(super) fn trace_id(text: &str) -> Result<TraceId, Error> {
    TraceId::parse(text).map_err(|why| Error::malformed("traceID", &why.to_string()))
}

/// Whether the corrections are left out.
pub(super) fn raw(form: &Form) -> Result<bool, Error> {
    match form.first("raw") {
        "" => Ok(false),
        text => go::parse_bool(text).map_err(|why| Error::malformed("raw", &why)),
    }
}

/// All of `id`.
pub(super) fn span_ids(form: &Form) -> Result<HashSet<SpanId>, Error> {
    let mut ids = HashSet::new();
    // the same one twice counts twice, as the description has it
    if form.all("id").nth(IDS).is_some() {
        let why = format!("more than {IDS} spans are asked for at once");
        return Err(Error::malformed("id", &why));
    }
    for text in form.all("id") {
        let id = SpanId::parse(text).map_err(|why| Error::malformed("id", &why.to_string()))?;
        ids.insert(id);
    }
    match ids.is_empty() {
        true => Err(Error::bad_request("parameter id is required".to_owned())),
        false => Ok(ids),
    }
}

/// A text that has to be there.
pub(super) fn required(form: &Form, name: &str) -> Result<String, Error> {
    match form.first(name) {
        "" => Err(Error::bad_request(format!("parameter {name} is required"))),
        text => Ok(text.to_owned()),
    }
}

/// What is looked for in a trace.
pub(super) fn words(form: &Form) -> Result<Words, Error> {
    let text = required(form, "text")?;
    Words::parse(&text).map_err(|why| Error::malformed("text", &why))
}

/// `from` and `limit`.
pub(super) fn page(form: &Form) -> Result<Page, Error> {
    let number = |name: &str, default: usize| match form.first(name) {
        "" => Ok(default),
        text => {
            let number = go::parse_int(text, 64).map_err(|why| Error::malformed(name, &why))?;
            usize::try_from(number)
                .map_err(|_| Error::malformed(name, &format!("{number} is negative")))
        }
    };
    let page = Page {
        from: number("from", 0)?,
        limit: number("limit", EVENTS)?,
    };
    if page.limit > MOST_EVENTS {
        let why = format!("{} is more than {MOST_EVENTS}", page.limit);
        return Err(Error::malformed("limit", &why));
    }
    Ok(page)
}
