//! Which services call which: counted over the spans of whole traces.
//!
//! In: a trace's spans, no two equal. Out: pairs of services. A call is a span whose parent is a span of another service.
//!
//! Two spans may share an id, as Zipkin's client and server halves do: then the server half is the client half's child, and a span whose
//! parent has that id is the server half's child. Of several that fit it is the one that starts first, then that of the first service by
//! name, so that the order in which spans came does not matter.

use std::collections::{BTreeMap, HashMap};

use model::{Span, SpanId, SpanKind, Str};

use crate::port::DependencyLink;

/// Calls, counted.
#[derive(Default)]
pub(super) struct Calls(BTreeMap<(Str, Str), u64>);

// === impl Calls ===

impl Calls {
    /// Counts the calls of one trace by spans that start in `[start_ns, end_ns]`.
    pub(super) fn count<'a>(
        &mut self,
        spans: impl Iterator<Item = &'a Span> + Clone,
        start_ns: u64,
        end_ns: u64,
    ) {
        let mut by_id: HashMap<SpanId, Vec<&Span>> = HashMap::new();
        for span in spans.clone() {
            by_id.entry(span.span_id).or_default().push(span);
        }
        for span in spans.filter(|s| (start_ns..=end_ns).contains(&s.start_ns)) {
            let Some(parent) = parent(span, &by_id) else {
                continue;
            };
            let (from, to) = (parent.resource.service_name(), span.resource.service_name());
            if from != to {
                *self.0.entry((from.into(), to.into())).or_default() += 1;
            }
        }
    }

    /// Sorted by parent, then child.
    pub(super) fn into_links(self) -> Vec<DependencyLink> {
        self.0
            .into_iter()
            .map(|((parent, child), call_count)| DependencyLink {
                parent,
                child,
                call_count,
            })
            .collect()
    }
}

fn parent<'a>(span: &Span, by_id: &HashMap<SpanId, Vec<&'a Span>>) -> Option<&'a Span> {
    let all = |id: &SpanId| by_id.get(id).map(Vec::as_slice).unwrap_or_default();
    let first = |spans: &[&'a Span], kind: Option<SpanKind>| {
        let fit = spans.iter().filter(|s| kind.is_none_or(|k| k == s.kind));
        fit.copied()
            .min_by_key(|s| (s.start_ns, s.resource.service_name()))
    };
    if span.kind == SpanKind::Server
        && let Some(client) = first(all(&span.span_id), Some(SpanKind::Client))
    {
        return Some(client);
    }
    let id = span.parent_span_id.filter(|id| *id != span.span_id)?;
    let parents = all(&id);
    first(parents, Some(SpanKind::Server)).or_else(|| first(parents, None))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::Resource;

    use super::*;

    fn span(service: &str, id: u64, parent: u64, kind: SpanKind) -> Span {
        Span {
            span_id: SpanId::from_u64(id),
            parent_span_id: (parent > 0).then(|| SpanId::from_u64(parent)),
            kind,
            start_ns: id,
            resource: Arc::new(Resource::of_service(service)),
            ..Span::default()
        }
    }

    #[track_caller]
    fn check(spans: &[Span], expect: &[(&str, &str, u64)]) {
        let mut calls = Calls::default();
        calls.count(spans.iter(), 0, u64::MAX);
        let links = calls.into_links();
        let links: Vec<_> = links
            .iter()
            .map(|l| (l.parent.as_str(), l.child.as_str(), l.call_count))
            .collect();
        assert_eq!(links, expect);
    }

    #[test]
    fn a_call_is_a_span_whose_parent_is_of_another_service() {
        use SpanKind::Unspecified as Any;
        let spans = [
            span("a", 1, 0, Any),
            span("a", 2, 1, Any),
            span("b", 3, 2, Any),
            span("c", 4, 3, Any),
            span("b", 5, 1, Any),
            span("x", 6, 99, Any),
            span("y", 7, 7, Any),
        ];
        check(&spans, &[("a", "b", 2), ("b", "c", 1)]);
    }

    #[test]
    fn a_shared_id_is_a_call_from_its_client_to_its_server() {
        use SpanKind::{Client, Server};
        let spans = [
            span("root", 1, 0, Server),
            span("a", 2, 1, Client),
            span("b", 2, 1, Server),
            span("c", 3, 2, Server),
        ];
        check(&spans, &[("a", "b", 1), ("b", "c", 1), ("root", "a", 1)]);
    }
}
