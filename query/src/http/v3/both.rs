//! A search for summaries in the names of `/api/traces`, or of both APIs.
//!
//! In: a [`Form`]. Out: the search, made by the code that `/api/traces` makes its own with, whether it is raw, and how the next page is asked for. A parameter of api_v3 counts
//! before the one of `/api/traces` that means the same. Who uses none of the latter gets what api_v3 gives.

use std::time::SystemTime;

use storage::TraceQuery;

use super::error::Error;
use super::params;
use crate::http::form::Form;
use crate::http::page_params::Paging;
use crate::http::params::Search;

/// What makes a search one of `/api/traces`.
const NAMES: [&str; 11] = [
    "service",
    "operation",
    "tag",
    "tags",
    "start",
    "end",
    "minDuration",
    "maxDuration",
    "limit",
    "q",
    "sort",
];

/// A search, and how its next page is asked for.
pub(super) struct Asked {
    pub(super) query: TraceQuery,
    pub(super) raw: bool,
    pub(super) paging: Option<Paging>,
}

/// Reads it. With `expressions`, a tag's value may be one.
pub(super) fn search(form: &Form, expressions: bool) -> Result<Asked, Error> {
    let raw = params::is_raw(form, &params::QUERY_RAW_TRACES)?;
    // each is looked at, so that what is read is what is described
    let names = NAMES.iter().chain(&["cursor", "raw"]);
    let named = names.filter(|name| !form.first(name).is_empty()).count();
    if named == 0 {
        return Ok(Asked {
            query: params::search(form, expressions)?,
            raw,
            paging: None,
        });
    }
    let both = form.with_before(params::as_first_api(form)?);
    let search = Search::parse_of_any(&both, SystemTime::now(), expressions);
    let search = search.map_err(Error::bad_request)?;
    if !search.ids.is_empty() {
        let why = "summaries are searched for, not got by id";
        return Err(Error::malformed("traceID", why));
    }
    Ok(Asked {
        query: search.query,
        raw: raw || search.raw,
        paging: Some(search.paging),
    })
}
