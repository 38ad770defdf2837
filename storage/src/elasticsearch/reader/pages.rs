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

use crate::elasticsearch::config::{Documents, TagsAsFields};
use crate::elasticsearch::document::Decoder;
use crate::elasticsearch::metrics::Metrics;
use crate::elasticsearch::search::{Answer, Hit, Position, Trouble, span, with};
use crate::port::outline::{RESOURCE_KEYS, SPAN_KEYS};

/// Characters of an id that we made; a cluster's own have 20.
const OWN_ID: usize = 22;

/// How much is read of each document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// All of it.
    Whole,
    /// What an outline has. Documents whose ids are of our making are told apart by these, for they may differ in what is not read; others by what is.
    Outline,
}

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

// === impl Detail ===

impl Detail {
    /// `body`, asking for no more than that.
    pub(super) fn ask(self, body: Value, documents: &Documents) -> Value {
        let source = (self == Self::Outline).then(|| outline(&documents.tags_as_fields));
        with(body, "_source", source)
    }
}

/// The members of a document that an outline has. Of tags in a list all are: a filter sees no keys there.
fn outline(fields: &TagsAsFields) -> Value {
    let dot = &fields.dot_replacement;
    // what a filter may take for its own signs hides no key
    let is_plain = !dot.is_empty() && !dot.contains(['.', '*', '\\']);
    let keys = |object: &str, keys: &[&str]| match is_plain {
        true => (keys.iter())
            .map(|key| format!("{object}.{}", key.replace('.', dot)))
            .collect::<Vec<_>>(),
        false => vec![object.to_owned()],
    };
    let always = [
        "traceID",
        "spanID",
        "parentSpanID",
        "references",
        "operationName",
        "startTime",
        "startTimeMillis",
        "duration",
        "tags",
        "process.serviceName",
        "process.tags",
    ];
    let mut members: Vec<String> = always.map(str::to_owned).into();
    members.extend(keys("tag", &SPAN_KEYS));
    members.extend(keys("process.tag", &RESOURCE_KEYS));
    json!(members)
}

// === impl Page ===

impl Page {
    /// Reads `answer`. What is no span is passed over, counted and said.
    pub(super) fn read<'a>(
        answer: Answer<'a>,
        detail: Detail,
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
                Ok(span) => page.spans.push(Kept::new(span, hit, detail)),
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
    fn new(span: Span, hit: &Hit<'_>, detail: Detail) -> Self {
        let source = hit.source.map_or("", |raw| raw.get());
        let document = || xxh3_128(source.as_bytes());
        let is_own = hit.id.len() == OWN_ID;
        let own_id = is_own.then(|| xxh3_128(hit.id.as_bytes()));
        match detail {
            Detail::Whole => Self {
                bytes: span.size() + source.len(),
                document: document(),
                own_id,
                span,
            },
            Detail::Outline => Self {
                // no more of it is held than a page
                bytes: 0,
                document: own_id.unwrap_or_else(document),
                own_id: None,
                span,
            },
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
