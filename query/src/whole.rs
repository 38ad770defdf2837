//! A trace that is asked for part by part: a page draws all of it from a few numbers a span, and asks for the rest when somebody looks.
//!
//! In: the spans of one trace, as the store gave them. Out: a [`Whole`]: Jaeger's view of them, corrected unless it is asked for raw, in an order that all
//! parts share. What is kept of a request or of a page of the store is its text alone, each text once: it is held for a while.
//!
//! Deliberately absent: the forms in which parts are sent (`http/spoor`), and how long one is kept (`service/kept`).

mod order;

use std::collections::HashMap;
use std::sync::Arc;

use model::{SpanId, Str, TraceId};
use wire::jaeger::{Log, Process, Reference, Span, Tag, TagValue};

use crate::fingerprint::Fingerprints;
use crate::service::Assembled;
use crate::{Adjuster, Trace};

pub(crate) use order::{Parent, parents};

/// What a text takes beside its bytes.
const TEXT: usize = 96;

/// One trace with all its spans.
#[derive(Debug)]
pub(crate) struct Whole {
    /// Its id.
    pub(crate) trace_id: TraceId,
    /// The spans by start, then id: the order that positions are of.
    pub(crate) trace: Trace,
    /// What produced the spans, each once, by first appearance.
    pub(crate) processes: Vec<Arc<Process>>,
    /// For each span, which of them did.
    pub(crate) places: Vec<u32>,
    /// The same for the same spans in the same order: positions of two answers go together where it is equal.
    pub(crate) fingerprint: String,
    /// Why spans may be missing.
    pub(crate) short: Option<String>,
    /// Bytes of memory that it takes.
    weight: usize,
}

// === impl Whole ===

impl Whole {
    /// Puts it together; without `adjuster` as it was sent. Takes a while for large ones.
    pub(crate) fn of(assembled: Assembled, adjuster: Option<Adjuster>) -> Self {
        let Assembled {
            trace_id,
            spans,
            short,
        } = assembled;
        let mut trace = Trace::from_model(&spans);
        drop(spans);
        if let Some(adjuster) = adjuster {
            adjuster.adjust(&mut trace);
        }
        order::sort(&mut trace.spans);
        let mut texts = Texts::default();
        let (processes, places) = placed(&mut trace.spans, &mut texts);
        for span in &mut trace.spans {
            texts.own(span);
        }
        if let Some(reason) = &short {
            let warning = format!("spans may be missing: {reason}");
            trace.warnings.push(warning);
        }
        Self {
            trace_id,
            fingerprint: order::fingerprint(&trace.spans),
            weight: texts.bytes + trace.spans.len() * size_of::<u32>(),
            trace,
            processes,
            places,
            short,
        }
    }

    /// Its spans.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.trace.spans
    }

    /// Bytes of memory that it takes, roughly.
    pub(crate) fn weight(&self) -> usize {
        self.weight
    }

    /// These spans of it, as a trace of their own.
    pub(crate) fn only(&self, is_wanted: impl Fn(SpanId) -> bool) -> Trace {
        let wanted = self.spans().iter().filter(|span| is_wanted(span.span_id));
        Trace {
            spans: wanted.cloned().collect(),
            warnings: self.trace.warnings.clone(),
        }
    }
}

/// Equal processes made one, with a number for each span.
fn placed(spans: &mut [Span], texts: &mut Texts) -> (Vec<Arc<Process>>, Vec<u32>) {
    let mut fingerprints = Fingerprints::default();
    let mut numbers: HashMap<u128, u32> = HashMap::new();
    let mut processes: Vec<Arc<Process>> = Vec::new();
    let mut places = Vec::with_capacity(spans.len());
    for span in spans {
        let known = numbers.entry(fingerprints.of_process(&span.process));
        let number = *known.or_insert_with(|| {
            let mut process = Process::clone(&span.process);
            texts.own_text(&mut process.service_name);
            texts.own_tags(&mut process.tags);
            processes.push(Arc::new(process));
            u32::try_from(processes.len() - 1).unwrap_or(u32::MAX)
        });
        if let Some(process) = processes.get(number as usize) {
            span.process = process.clone();
        }
        places.push(number);
    }
    (processes, places)
}

/// Texts that keep nothing else alive, each once, and what all takes that was given one.
#[derive(Default)]
struct Texts {
    known: HashMap<Str, Str>,
    bytes: usize,
}

// === impl Texts ===

impl Texts {
    fn own(&mut self, span: &mut Span) {
        self.bytes += size_of::<Span>()
            + span.references.len() * size_of::<Reference>()
            + span.logs.len() * size_of::<Log>()
            + span.warnings.len() * size_of::<Str>();
        self.own_text(&mut span.operation_name);
        self.own_tags(&mut span.tags);
        span.warnings
            .iter_mut()
            .for_each(|text| self.own_text(text));
        for log in &mut span.logs {
            self.own_tags(&mut log.fields);
        }
    }

    fn own_tags(&mut self, tags: &mut Vec<Tag>) {
        tags.shrink_to_fit();
        self.bytes += tags.len() * size_of::<Tag>();
        for tag in tags {
            self.own_text(&mut tag.key);
            match &mut tag.value {
                TagValue::String(text) => self.own_text(text),
                TagValue::Binary(bytes) => {
                    *bytes = bytes.detach();
                    self.bytes += TEXT + bytes.len();
                }
                TagValue::Bool(_) | TagValue::Int(_) | TagValue::Double(_) => {}
            }
        }
    }

    fn own_text(&mut self, text: &mut Str) {
        if let Some(known) = self.known.get(text.as_str()) {
            *text = known.clone();
            return;
        }
        let own = text.detach();
        self.bytes += TEXT + own.len();
        self.known.insert(own.clone(), own.clone());
        *text = own;
    }
}

#[cfg(test)]
mod tests;
