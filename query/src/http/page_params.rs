//! The parameters `sort` and `cursor` of a search: in which order, and where a page begins.
//!
//! In: a [`Form`], and the query that the other parameters made. Out: the query with its order and place, and what the next page's cursor needs.
//! A cursor is of a search: with other conditions it is refused. It carries the window of the first page, so that pages are of one answer
//! though the clock goes on.
//!
//! Answers to clients that ask for none of this are what they are to Jaeger's.

use storage::TraceQuery;
use storage::query::{Cursor, Place};

use super::form::Form;
use super::params::unable;

/// What makes a search another one.
const CONDITIONS: [&str; 7] = [
    "service",
    "operation",
    "q",
    "minDuration",
    "maxDuration",
    "tag",
    "tags",
];

/// How the next page of an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    /// The client asked for something that Jaeger does not know: it may be told more.
    is_wanted: bool,
    search: u64,
}

// === impl Paging ===

impl Paging {
    /// Reads `sort` and `cursor` into `query`.
    pub(super) fn parse(form: &Form, query: &mut TraceQuery) -> Result<Self, String> {
        let (sort, cursor) = (form.first("sort"), form.first("cursor"));
        let asks = [sort, cursor, form.first("q")];
        let paging = Self {
            is_wanted: asks.iter().any(|text| !text.is_empty()),
            search: search(form),
        };
        if !sort.is_empty() {
            query.order = sort.parse().map_err(|why: String| unable("sort", &why))?;
        }
        if !cursor.is_empty() {
            let cursor = Cursor::parse(cursor, paging.search)
                .map_err(|why| unable("cursor", &why.to_string()))?;
            if !sort.is_empty() && cursor.order != query.order {
                return Err(unable("cursor", &format!("it is of sort={}", cursor.order)));
            }
            query.order = cursor.order;
            query.start_min_ns = cursor.start_min_ns;
            query.start_max_ns = cursor.start_max_ns;
            query.after = Some(cursor.after);
        }
        Ok(paging)
    }

    /// Whether the answer says where the next page begins.
    pub(super) fn is_wanted(self) -> bool {
        self.is_wanted
    }

    /// The cursor of the page behind `after`.
    pub(super) fn cursor(self, query: &TraceQuery, after: Place) -> String {
        let cursor = Cursor {
            order: query.order,
            start_min_ns: query.start_min_ns,
            start_max_ns: query.start_max_ns,
            after,
            search: self.search,
        };
        cursor.to_string()
    }
}

fn search(form: &Form) -> u64 {
    let mut parts = Vec::new();
    for name in CONDITIONS {
        for value in form.all(name) {
            parts.extend([name, value]);
        }
    }
    Cursor::search(parts)
}
