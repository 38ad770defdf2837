//! Gives a span of its own id back to the server's half of a Zipkin call.
//!
//! Rule: Zipkin's clients and servers share one span id. A `span.kind=server` span whose id a `client` span of the trace has too gets
//! the smallest unused id counting up from 1, and the shared id becomes its parent. Every other span whose parent was that id then hangs
//! below the server's. With two servers on one id (a retried call) both stay children of the client and the later one gets the children;
//! Jaeger would hang the first below the second.
//!
//! Source: `jaegertracing/jaeger: internal/model/adjuster zipkin_span_id_uniquify.go`.

use std::collections::{HashMap, HashSet};

use model::{RefType, SpanId, Str};
use wire::jaeger::{Reference, Span};

const EXHAUSTED: &str = "cannot assign unique span ID, too many spans in the trace";

pub(super) fn adjust(spans: &mut [Span]) {
    // id → whether a client has it
    let mut used: HashMap<SpanId, bool> = HashMap::with_capacity(spans.len());
    for span in spans.iter() {
        *used.entry(span.span_id).or_default() |= super::has_kind(span, "client");
    }
    let mut last_new = 0;
    let mut renamed: HashMap<SpanId, SpanId> = HashMap::new();
    let mut servers: HashSet<SpanId> = HashSet::new();
    for span in spans.iter_mut() {
        let shared = used.get(&span.span_id).copied().unwrap_or_default();
        if !shared || !super::has_kind(span, "server") {
            continue;
        }
        let Some(new) = unused_after(last_new, &used) else {
            span.warnings.push(Str::from(EXHAUSTED));
            continue;
        };
        last_new = new.to_u64();
        servers.insert(new);
        renamed.insert(span.span_id, new);
        replace_parent(span, span.span_id);
        span.span_id = new;
    }
    if renamed.is_empty() {
        return;
    }
    for span in spans {
        if let Some(&new) = super::parent(span).and_then(|old| renamed.get(&old))
            && !servers.contains(&span.span_id)
        {
            replace_parent(span, new);
        }
    }
}

fn unused_after(last: u64, used: &HashMap<SpanId, bool>) -> Option<SpanId> {
    (last.checked_add(1)?..u64::MAX)
        .map(SpanId::from_u64)
        .find(|id| !used.contains_key(id))
}

/// The reference that names the parent now names `parent`; a span without one gets one.
fn replace_parent(span: &mut Span, parent: SpanId) {
    let at = super::parent_position(span);
    match at.and_then(|at| span.references.get_mut(at)) {
        Some(reference) => reference.span_id = parent,
        None => span.references.push(Reference {
            ref_type: RefType::ChildOf,
            trace_id: span.trace_id,
            span_id: parent,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::*;
    use super::*;

    fn ids(spans: &[Span]) -> Vec<(u64, u64)> {
        spans
            .iter()
            .map(|s| {
                (
                    s.span_id.to_u64(),
                    super::super::parent(s).map_or(0, SpanId::to_u64),
                )
            })
            .collect()
    }

    #[test]
    fn the_server_of_a_shared_id_gets_one_of_its_own_and_the_children() {
        let mut spans = vec![
            kind(span(5, 0), "client"),
            kind(span(5, 0), "server"),
            span(1, 5),
            span(7, 1),
        ];
        adjust(&mut spans);
        assert_eq!(ids(&spans), [(5, 0), (2, 5), (1, 2), (7, 1)]);
    }

    #[test]
    fn ids_that_no_client_shares_stay() {
        for kinds in [["server", "server"], ["client", "client"], ["x", "server"]] {
            let mut spans = vec![kind(span(5, 0), kinds[0]), kind(span(5, 0), kinds[1])];
            let before = spans.clone();
            adjust(&mut spans);
            assert_eq!(spans, before, "{kinds:?}");
        }
    }

    #[test]
    fn two_servers_of_one_call_are_both_children_of_the_client() {
        let mut spans = vec![
            kind(span(9, 3), "server"),
            kind(span(9, 3), "client"),
            kind(span(9, 3), "server"),
            span(4, 9),
        ];
        adjust(&mut spans);
        assert_eq!(ids(&spans), [(1, 9), (9, 3), (2, 9), (4, 2)]);
    }
}
