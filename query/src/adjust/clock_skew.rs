//! Moves spans whose host's clock is wrong to where their parent says they were.
//!
//! Rule: walk down from the roots. Where a child's host differs from its parent's, or is unknown, the shift is computed anew: a child
//! longer than its parent may not start before it, a shorter one that sticks out is centred in it. Children on the same host inherit
//! the shift. The host is the process tag `ip`, and nothing else: any other key would change recorded answers. A shift beyond the limit
//! is only told of in a warning; a limit of zero switches shifting off and keeps the warning, whose text people search for. Who is on which host, and
//! how a lost parent is told of, is the form's: api_v3 asks other keys ([`crate::v3`]).
//!
//! Times count in whole microseconds, which is what the API shows and Jaeger's index keeps, so that every store gives the same shifts.
//!
//! Source: `jaegertracing/jaeger: internal/model/adjuster clockskew.go`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use model::SpanId;
use settings::format_ns;
use wire::jaeger::{Span, TagValue};

use super::Adjustable;

const DUPLICATE: &str = "duplicate span IDs; skipping clock skew adjustment";

pub(crate) fn adjust<S: Adjustable>(spans: &mut [S], limit: Duration) {
    let limit_ns = i64::try_from(limit.as_nanos()).unwrap_or(i64::MAX);
    let forest = Forest::of(spans);
    let mut nodes: Vec<Node> = spans.iter().map(Node::of).collect();
    // a stack instead of recursion: a trace can be as deep as it is long
    let mut stack: Vec<Step> = forest.roots.iter().map(|&at| Step::root(at)).collect();
    while let Some(step) = stack.pop() {
        let delta_ns = delta_of(&step, &nodes);
        if let (Some(span), Some(node)) = (spans.get_mut(step.at), nodes.get_mut(step.at)) {
            apply(span, node, delta_ns, limit_ns);
        }
        for &child in forest.children.get(&step.at).into_iter().flatten() {
            stack.push(Step {
                at: child,
                parent: Some(step.at),
                inherited_ns: delta_ns,
            });
        }
    }
}

/// Who is whose child, by position.
struct Forest {
    roots: Vec<usize>,
    children: HashMap<usize, Vec<usize>>,
}

/// A span's times and host while shifts are computed.
struct Node {
    host: String,
    start_ns: i64,
    duration_ns: i64,
}

/// A span to visit after its parent.
struct Step {
    at: usize,
    parent: Option<usize>,
    inherited_ns: i64,
}

// === impl Forest ===

impl Forest {
    /// Spans whose parent is missing are roots, with a warning. Spans in a circle hang below no root and are left alone.
    fn of<S: Adjustable>(spans: &mut [S]) -> Self {
        let mut by_id: HashMap<SpanId, usize> = HashMap::with_capacity(spans.len());
        let mut unique = Vec::with_capacity(spans.len());
        for (at, span) in spans.iter_mut().enumerate() {
            match by_id.entry(span.id()) {
                Entry::Occupied(_) => span.warn(DUPLICATE.to_owned()),
                Entry::Vacant(free) => {
                    free.insert(at);
                    unique.push(at);
                }
            }
        }
        let mut forest = Self {
            roots: Vec::new(),
            children: HashMap::new(),
        };
        for at in unique {
            let Some(span) = spans.get_mut(at) else {
                continue;
            };
            match span.parent() {
                None => forest.roots.push(at),
                Some(parent) => match by_id.get(&parent) {
                    Some(&parent) => forest.children.entry(parent).or_default().push(at),
                    None => {
                        span.warn(S::lost_parent(parent));
                        forest.roots.push(at);
                    }
                },
            }
        }
        forest
    }
}

// === impl Node ===

impl Node {
    fn of<S: Adjustable>(span: &S) -> Self {
        Self {
            host: span.host(),
            start_ns: whole_us(span.start_ns()),
            duration_ns: whole_us(span.duration_ns()),
        }
    }
}

// === impl Step ===

impl Step {
    fn root(at: usize) -> Self {
        Self {
            at,
            parent: None,
            inherited_ns: 0,
        }
    }
}

fn whole_us(ns: u64) -> i64 {
    i64::try_from(ns / 1000 * 1000).unwrap_or(i64::MAX)
}

/// The shift of the span that `step` visits, in nanoseconds.
fn delta_of(step: &Step, nodes: &[Node]) -> i64 {
    let parent = step.parent.and_then(|at| nodes.get(at));
    match (nodes.get(step.at), parent) {
        (Some(child), Some(parent)) if child.host.is_empty() || child.host != parent.host => {
            fit(child, parent)
        }
        _ => step.inherited_ns,
    }
}

/// What moves `child` into `parent`, whose own shift is already in its start.
fn fit(child: &Node, parent: &Node) -> i64 {
    if child.duration_ns > parent.duration_ns {
        return parent.start_ns.saturating_sub(child.start_ns).max(0);
    }
    let end = |node: &Node| node.start_ns.saturating_add(node.duration_ns);
    if child.start_ns >= parent.start_ns && end(child) <= end(parent) {
        return 0;
    }
    let latency_ns = (parent.duration_ns - child.duration_ns) / 2;
    parent
        .start_ns
        .saturating_add(latency_ns)
        .saturating_sub(child.start_ns)
}

fn apply<S: Adjustable>(span: &mut S, node: &mut Node, delta_ns: i64, limit_ns: i64) {
    if delta_ns == 0 {
        return;
    }
    let delta = format_ns(delta_ns);
    if limit_ns == 0 {
        span.warn(format!(
            "clock skew adjustment disabled; not applying calculated delta of {delta}"
        ));
    } else if delta_ns.saturating_abs() > limit_ns {
        span.warn(format!(
            "max clock skew adjustment delta of {} exceeded; not applying calculated delta of {delta}",
            format_ns(limit_ns)
        ));
    } else {
        node.start_ns = node.start_ns.saturating_add(delta_ns);
        span.shift(delta_ns);
        span.warn(format!("This span's timestamps were adjusted by {delta}"));
    }
}

/// The process tag `ip` as text; empty when there is none, or none that can be an address.
pub(super) fn host(span: &Span) -> String {
    let tag = span.process.tags.iter().find(|t| t.key == "ip");
    match tag.map(|t| &t.value) {
        Some(TagValue::String(text)) => text.as_str().to_owned(),
        Some(TagValue::Int(number)) => super::ip_tags::address(*number).to_string(),
        Some(TagValue::Binary(bytes)) => {
            if let Ok(v4) = <[u8; 4]>::try_from(bytes.as_bytes()) {
                Ipv4Addr::from(v4).to_string()
            } else if let Ok(v6) = <[u8; 16]>::try_from(bytes.as_bytes()) {
                Ipv6Addr::from(v6).to_canonical().to_string()
            } else {
                String::new()
            }
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
