//! Where the spans of a trace are looked for.
//!
//! In: what the caller knows of its time. Out: a span of time, from which indices follow, and whether it has to be asked for. Indices of a day
//! or an hour are looked through whole, as in Jaeger; behind one name for all times only what has a start in the span of time is.
//!
//! Source: `elasticsearch.md` 3: v1.76 reads what was found an hour around the query, v2.20 a day around the trace; both are read here.

use serde_json::{Value, json};

use super::Reader;
use crate::port::{GetTrace, HOUR_NS};
use crate::query::TraceQuery;

const DAY_NS: u64 = 24 * HOUR_NS;

/// A span of time, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    from_ns: u64,
    until_ns: u64,
    /// The caller said so, and may be wrong.
    pub(super) is_hint: bool,
}

// === impl Window ===

impl Window {
    /// Its ends.
    pub(super) fn times(self) -> (u64, u64) {
        (self.from_ns, self.until_ns)
    }
}

// === impl Reader ===

impl Reader {
    /// Where the caller says that a trace is; if it does not, everywhere.
    pub(super) fn hinted(&self, get: &GetTrace, now_ns: u64) -> Window {
        let everywhere = self.everywhere(now_ns);
        if get.start_ns.is_none() && get.end_ns.is_none() {
            return everywhere;
        }
        let start = get.start_ns.map(|ns| ns.saturating_sub(HOUR_NS));
        let end = get.end_ns.map(|ns| ns.saturating_add(HOUR_NS));
        Window {
            from_ns: start.unwrap_or(everywhere.from_ns),
            until_ns: end.unwrap_or(everywhere.until_ns),
            is_hint: true,
        }
    }

    /// All that is not too old.
    pub(super) fn everywhere(&self, now_ns: u64) -> Window {
        let age_ns = u64::try_from(self.limits.max_span_age.as_nanos()).unwrap_or(u64::MAX);
        Window {
            from_ns: now_ns.saturating_sub(age_ns).saturating_sub(HOUR_NS),
            until_ns: now_ns.saturating_add(HOUR_NS),
            is_hint: false,
        }
    }

    /// Around the query, and around a span of the trace that answers it.
    pub(super) fn around(&self, start_ns: u64, query: &TraceQuery) -> Window {
        let from_ns = query.start_min_ns.saturating_sub(HOUR_NS);
        let until_ns = query.start_max_ns.saturating_add(HOUR_NS);
        Window {
            from_ns: start_ns.saturating_sub(DAY_NS).min(from_ns),
            until_ns: start_ns.saturating_add(DAY_NS).max(until_ns),
            is_hint: true,
        }
    }

    pub(super) fn indices(&self, window: Window) -> Vec<String> {
        self.names.spans.read(window.from_ns, window.until_ns)
    }

    /// What is asked of a document beside its trace id.
    pub(super) fn within(&self, window: Window) -> Option<Value> {
        // whoever asks for all of it wants what an alias holds, however old
        if !self.has_one_name || self.is_archive || !window.is_hint {
            return None;
        }
        let (from, until) = (window.from_ns / 1_000_000, window.until_ns / 1_000_000);
        Some(json!({"range": {"startTimeMillis": {"gte": from, "lte": until}}}))
    }
}

#[cfg(test)]
mod tests;
