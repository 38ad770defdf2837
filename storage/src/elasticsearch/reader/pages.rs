//! Pages of one trace's documents: what is asked for, and what an answer becomes.
//!
//! In: a trace id and where the last page ended. Out: spans that were not seen before. Equal documents come once, and so do those that share an id
//! of our own making: a write that was repeated after an index was rolled over left two.
//!
//! Source: `elasticsearch.md` 5.2, whose pages lose spans at their borders (quirk 72), and 5.3, the spellings of an id.

use std::collections::VecDeque;

use hashbrown::HashSet;
use model::{Span, TraceId};
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_128;

use crate::elasticsearch::document::Decoder;
use crate::elasticsearch::metrics::Metrics;
use crate::elasticsearch::search::{Answer, Hit, Position, Trouble, span, with};

/// Characters of an id that we made; a cluster's own have 20.
const OWN_ID: usize = 22;

/// A page, read.
pub(super) struct Page {
    pub(super) hits: usize,
    pub(super) spans: Vec<Kept>,
    /// Where it ends.
    pub(super) last: Option<Position>,
    pub(super) trouble: Trouble,
}

/// A span, and what it is known by.
pub(super) struct Kept {
    pub(super) span: Span,
    /// What it keeps in memory.
    pub(super) bytes: usize,
    document: u128,
    own_id: Option<u128>,
}

/// Documents of a trace that were read. Two numbers each: as many as the limits of an answer allow.
#[derive(Default)]
pub(super) struct Seen(HashSet<u128>);

/// Asks for at most `size` documents of a trace, the earliest first.
pub(super) fn body(
    id: TraceId,
    within: Option<Value>,
    after: Option<&Position>,
    size: usize,
) -> Value {
    let mut filter = vec![json!({"terms": {"traceID": spellings(id)}})];
    filter.extend(within);
    let body = json!({
        "query": {"bool": {"filter": filter}},
        "size": size,
        "track_total_hits": false,
        "sort": Position::sort("asc"),
    });
    with(body, "search_after", after.map(Position::and_newer))
}

/// As versions have written it: all 32 digits, 16 when the upper half is zero, no leading zeros.
pub(in crate::elasticsearch) fn spellings(id: TraceId) -> Vec<String> {
    let (high, low) = (id.high(), id.low());
    let mut all = vec![format!("{high:016x}{low:016x}")];
    let stripped = if high == 0 {
        all.push(format!("{low:016x}"));
        format!("{low:x}")
    } else {
        format!("{high:x}{low:016x}")
    };
    if !all.contains(&stripped) {
        all.push(stripped);
    }
    all
}

// === impl Page ===

impl Page {
    /// Reads `answer`. What is no span is passed over, counted and said.
    pub(super) fn read<'a>(
        answer: Answer<'a>,
        decoder: &mut Decoder<'a>,
        metrics: &Metrics,
    ) -> Self {
        let mut page = Self {
            hits: answer.hits.len(),
            spans: Vec::with_capacity(answer.hits.len()),
            last: answer.hits.last().and_then(Position::of),
            trouble: answer.trouble,
        };
        for hit in &answer.hits {
            match span(decoder, hit) {
                Ok(span) => page.spans.push(Kept::new(span, hit)),
                Err(odd) => {
                    metrics.odd();
                    page.trouble.note(format!("{odd}, and was passed over"));
                }
            }
        }
        page
    }
}

// === impl Kept ===

impl Kept {
    fn new(span: Span, hit: &Hit<'_>) -> Self {
        let source = hit.source.map_or("", |raw| raw.get());
        let is_own = hit.id.len() == OWN_ID;
        Self {
            bytes: span.size() + source.len(),
            document: xxh3_128(source.as_bytes()),
            own_id: is_own.then(|| xxh3_128(hit.id.as_bytes())),
            span,
        }
    }
}

// === impl Seen ===

impl Seen {
    /// Those of `spans` that were not seen.
    pub(super) fn new_of(&mut self, spans: Vec<Kept>) -> VecDeque<Kept> {
        let mut is_new = |kept: &Kept| {
            let is_document_new = self.0.insert(kept.document);
            kept.own_id.is_none_or(|id| self.0.insert(id)) && is_document_new
        };
        spans.into_iter().filter(|kept| is_new(kept)).collect()
    }
}

#[cfg(test)]
mod tests;
