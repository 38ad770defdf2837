//! Which services call which, from the spans of one trace.
//!
//! A call is a span whose parent is a span of another service, and counts in the hour its span starts in. A server's half of a shared span
//! is called by the client's half; where a parent's id has two halves, the server's is the parent. Of several that fit it is the one that
//! starts first, then the one whose service comes first by name: the same in whatever order spans came and wherever they stand.

use hashbrown::HashMap;
use model::SpanKind;

pub(crate) use crate::port::HOUR_NS;

/// A span, as far as calls go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) span_id: u64,
    pub(crate) parent: Option<u64>,
    pub(crate) start_ns: u64,
    pub(crate) kind: SpanKind,
    /// Its service, by number.
    pub(crate) service: u32,
}

/// Services by number.
#[derive(Default)]
pub(crate) struct Services {
    names: Vec<String>,
    number_of: HashMap<String, u32>,
    /// What operations of segments are, so that each is read once.
    sealed: HashMap<(u64, u32), Option<(SpanKind, u32)>>,
}

/// Shows every call in a trace: its hour, the parent and the child. Equal spans must have been made one.
pub(crate) fn for_each(spans: &[Call], services: &Services, mut each: impl FnMut(u64, u32, u32)) {
    // most traces have one service in one place
    if spans
        .iter()
        .all(|s| Some(s.service) == spans.first().map(|f| f.service))
    {
        return;
    }
    let mut by_id: HashMap<u64, Vec<&Call>> = HashMap::with_capacity(spans.len());
    for span in spans {
        by_id.entry(span.span_id).or_default().push(span);
    }
    for span in spans {
        if let Some(parent) = parent(span, &by_id, services)
            && parent.service != span.service
        {
            each(span.start_ns / HOUR_NS, parent.service, span.service);
        }
    }
}

fn parent<'a>(
    span: &Call,
    by_id: &HashMap<u64, Vec<&'a Call>>,
    services: &Services,
) -> Option<&'a Call> {
    let all = |id: u64| by_id.get(&id).map(Vec::as_slice).unwrap_or_default();
    let first = |spans: &[&'a Call], kind: Option<SpanKind>| {
        let fit = spans.iter().filter(|s| kind.is_none_or(|k| k == s.kind));
        fit.copied()
            .min_by_key(|s| (s.start_ns, services.name(s.service)))
    };
    if span.kind == SpanKind::Server
        && let Some(client) = first(all(span.span_id), Some(SpanKind::Client))
    {
        return Some(client);
    }
    let parents = all(span.parent.filter(|id| *id != span.span_id)?);
    first(parents, Some(SpanKind::Server)).or_else(|| first(parents, None))
}

// === impl Services ===

impl Services {
    /// A service's number, a new one if it has none.
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

    /// A service by number.
    pub(crate) fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }
}
