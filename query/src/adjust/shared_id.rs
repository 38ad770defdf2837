//! Gives a span of its own id back to the server's half of a Zipkin call.
//!
//! Rule: Zipkin's clients and servers share one span id. A `span.kind=server` span whose id a `client` span of the trace has too gets
//! the smallest unused id counting up from 1, and the shared id becomes its parent. Every other span whose parent was that id then hangs
//! below the server's. With two servers on one id (a retried call) both stay children of the client and the later one gets the children;
//! Jaeger would hang the first below the second.
//!
//! Source: `jaegertracing/jaeger: internal/model/adjuster zipkin_span_id_uniquify.go`.

use std::collections::{HashMap, HashSet};

use model::{SpanId, SpanKind};

use super::Adjustable;

const EXHAUSTED: &str = "cannot assign unique span ID, too many spans in the trace";

pub(crate) fn adjust<S: Adjustable>(spans: &mut [S]) {
    // id → whether a client has it
    let mut used: HashMap<SpanId, bool> = HashMap::with_capacity(spans.len());
    for span in spans.iter() {
        *used.entry(span.id()).or_default() |= span.is(SpanKind::Client);
    }
    let mut last_new = 0;
    let mut renamed: HashMap<SpanId, SpanId> = HashMap::new();
    let mut servers: HashSet<SpanId> = HashSet::new();
    for span in spans.iter_mut() {
        let old = span.id();
        let shared = used.get(&old).copied().unwrap_or_default();
        if !shared || !span.is(SpanKind::Server) {
            continue;
        }
        let Some(new) = unused_after(last_new, &used) else {
            span.warn(EXHAUSTED.to_owned());
            continue;
        };
        last_new = new.to_u64();
        servers.insert(new);
        renamed.insert(old, new);
        span.set_parent(old);
        span.set_id(new);
    }
    if renamed.is_empty() {
        return;
    }
    for span in spans {
        if let Some(&new) = span.parent().and_then(|old| renamed.get(&old))
            && !servers.contains(&span.id())
        {
            span.set_parent(new);
        }
    }
}

fn unused_after(last: u64, used: &HashMap<SpanId, bool>) -> Option<SpanId> {
    (last.checked_add(1)?..u64::MAX)
        .map(SpanId::from_u64)
        .find(|id| !used.contains_key(id))
}

#[cfg(test)]
mod tests {
    use wire::jaeger::Span;

    use super::super::testing::*;
    use super::*;

    fn ids(spans: &[Span]) -> Vec<(u64, u64)> {
        spans
            .iter()
            .map(|s| (s.span_id.to_u64(), s.parent().map_or(0, SpanId::to_u64)))
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
