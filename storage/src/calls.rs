//! Which services call which, and what else they call: from the spans of one trace. The only place for the rule, whatever store the spans lie in.
//!
//! In: what links are made of, of each span of a trace that is known. Out: single calls, each with the hour that its span starts in. What a call is stands at
//! [`DependencyReader`](crate::port::DependencyReader). It is the same in whatever order spans came and wherever they stand; the time it takes grows with the number of spans, whatever they say.
//!
//! Deliberately absent: which spans a trace has, and which hours somebody asks for.

mod peer;
mod tally;

use std::collections::BTreeSet;

use hashbrown::{HashMap, HashSet};
use model::{Span, SpanKind, StatusCode};

pub(crate) use crate::port::HOUR_NS;
use crate::port::{LinkKind, NEAR_NS};

pub(crate) use tally::{Ends, Tally, Totals};

/// A span, as far as links go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    pub(crate) span_id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) start_ns: u64,
    pub(crate) duration_ns: u64,
    pub(crate) kind: SpanKind,
    pub(crate) is_error: bool,
    /// Its service, by number.
    pub(crate) service: u32,
    pub(crate) peer: Option<Peer>,
}

/// What a span says that it calls, or is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer {
    pub(crate) kind: LinkKind,
    /// Its name, by number.
    pub(crate) name: u32,
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// Since the Unix epoch.
    pub(crate) hour: u64,
    pub(crate) ends: Ends<u32>,
    pub(crate) is_error: bool,
    pub(crate) duration_us: u64,
}

/// Services and peers by number.
#[derive(Default)]
pub(crate) struct Names {
    names: Vec<String>,
    number_of: HashMap<String, u32>,
    /// What operations of segments are, so that each is read once.
    sealed: HashMap<(u64, u32), Option<(SpanKind, u32)>>,
}

/// Spans of one id.
#[derive(Default)]
struct Halves<'a> {
    client: Option<&'a Call>,
    server: Option<&'a Call>,
    any: Option<&'a Call>,
    /// When what answers a span of this id starts.
    answers: BTreeSet<u64>,
}

/// Whether a span of this kind may name a peer.
pub(crate) fn names_peers(kind: SpanKind) -> bool {
    matches!(
        kind,
        SpanKind::Client | SpanKind::Producer | SpanKind::Consumer
    )
}

/// Shows every call in a trace.
pub(crate) fn for_each(spans: &[Call], names: &Names, mut each: impl FnMut(Found)) {
    let service = spans.first().map(|first| first.service);
    // most traces have one service in one place
    if (spans.iter()).all(|s| Some(s.service) == service && s.peer.is_none()) {
        return;
    }
    let mut alike = HashSet::with_capacity(spans.len());
    let spans: Vec<&Call> = spans.iter().filter(|span| alike.insert(**span)).collect();
    let mut by_id: HashMap<u64, Halves<'_>> = HashMap::with_capacity(spans.len());
    for span in spans.iter().copied() {
        by_id.entry(span.span_id).or_default().add(span, names);
        let (answers, shares) = (span.answers(), span.kind == SpanKind::Server);
        let asked = [
            span.parent_id().filter(|_| answers),
            Some(span.span_id).filter(|_| shares),
        ];
        for id in asked.into_iter().flatten() {
            by_id.entry(id).or_default().answers.insert(span.start_ns);
        }
    }
    for span in spans {
        let caller = span.caller(&by_id);
        let called = caller.filter(|caller| caller.service != span.service);
        if let Some(caller) = called {
            each(span.found(LinkKind::Call, caller.service, span.service));
        }
        let Some(Peer { kind, name }) = span.peer else {
            continue;
        };
        if kind == LinkKind::Consume {
            // what is received and then processed was taken out once
            let again = caller.is_some_and(|caller| caller.kind == SpanKind::Consumer);
            if called.is_none() && !again {
                each(span.found(kind, name, span.service));
            }
        } else if !span.is_answered(&by_id) {
            each(span.found(kind, span.service, name));
        }
    }
}

// === impl Call ===

impl Call {
    /// Of a span that is at hand.
    pub(crate) fn of(span: &Span, names: &mut Names) -> Self {
        Self {
            span_id: span.span_id.to_u64(),
            parent: span.parent_span_id.map(model::SpanId::to_u64),
            start_ns: span.start_ns,
            duration_ns: span.duration_ns(),
            kind: span.kind,
            is_error: span.status.code == StatusCode::Error,
            service: names.number(span.resource.service_name()),
            peer: Peer::of(span, names),
        }
    }

    /// The id of another span.
    pub(crate) fn parent_id(&self) -> Option<u64> {
        self.parent.filter(|id| *id != self.span_id)
    }

    fn answers(&self) -> bool {
        let kind = matches!(
            self.kind,
            SpanKind::Server | SpanKind::Consumer | SpanKind::Unspecified
        );
        kind || self.peer.is_some()
    }

    fn caller<'a>(&self, by_id: &HashMap<u64, Halves<'a>>) -> Option<&'a Call> {
        if self.kind == SpanKind::Server
            && let Some(client) = by_id.get(&self.span_id).and_then(|halves| halves.client)
        {
            return Some(client);
        }
        let halves = by_id.get(&self.parent_id()?)?;
        halves.server.or(halves.any)
    }

    fn is_answered(&self, by_id: &HashMap<u64, Halves<'_>>) -> bool {
        let near = self.start_ns.saturating_sub(NEAR_NS)..=self.start_ns.saturating_add(NEAR_NS);
        let halves = by_id.get(&self.span_id);
        halves.is_some_and(|halves| halves.answers.range(near).next().is_some())
    }

    fn found(&self, kind: LinkKind, parent: u32, child: u32) -> Found {
        Found {
            hour: self.start_ns / HOUR_NS,
            ends: Ends {
                parent,
                child,
                kind,
            },
            is_error: self.is_error,
            duration_us: self.duration_ns / 1_000,
        }
    }
}

// === impl Halves ===

impl<'a> Halves<'a> {
    fn add(&mut self, span: &'a Call, names: &Names) {
        let of_kind = match span.kind {
            SpanKind::Client => Some(&mut self.client),
            SpanKind::Server => Some(&mut self.server),
            _ => None,
        };
        let before = |span: &Call, other: &Call| {
            let order = span.start_ns.cmp(&other.start_ns);
            let order = order.then_with(|| names.name(span.service).cmp(names.name(other.service)));
            order
                .then(span.kind.number().cmp(&other.kind.number()))
                .is_lt()
        };
        for first in of_kind.into_iter().chain([&mut self.any]) {
            if first.is_none_or(|first| before(span, first)) {
                *first = Some(span);
            }
        }
    }
}

// === impl Names ===

impl Names {
    /// A name's number, a new one if it has none.
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.number_of.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.number_of.insert(name.to_owned(), number);
        number
    }

    /// The kind and the service of a segment's operation, by `read` when it is asked for the first time.
    pub(crate) fn sealed(
        &mut self,
        segment: u64,
        operation: u32,
        read: impl FnOnce() -> Option<(SpanKind, String)>,
    ) -> Option<(SpanKind, u32)> {
        let key = (segment, operation);
        if let Some(known) = self.sealed.get(&key) {
            return *known;
        }
        let found = read().map(|(kind, service)| (kind, self.number(&service)));
        self.sealed.insert(key, found);
        found
    }

    /// A name by number.
    pub(crate) fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }
}

#[cfg(test)]
mod tests;
