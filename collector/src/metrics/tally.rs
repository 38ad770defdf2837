//! A batch's spans, grouped by what they are counted by: service, debug, and for root spans the sampler.
//!
//! Made before the batch is handed to the store, which keeps the only copy of the spans; asked afterwards, when it is known what became of
//! them. Positions are those in the batch.

use std::ops::Range;
use std::sync::Arc;

use model::{Dialect, Resource, Span};

use super::service::{Label, Services};

/// Jaeger's debug flag.
const DEBUG: u32 = 2;

/// The groups.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Neighbours of one service, in order, without gaps.
    groups: Vec<(Label, Range<usize>)>,
    /// Which spans are marked for debugging: few, if any.
    debug: Vec<usize>,
    /// Which spans are roots, and their sampler.
    roots: Vec<(usize, &'static str)>,
}

/// Numbers by label.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) spans: Vec<(Label, bool, u64)>,
    pub(super) traces: Vec<(Label, bool, &'static str, u64)>,
}

// === impl Tally ===

impl Tally {
    /// Of `spans`.
    pub(super) fn of(spans: &[Span], services: &Services) -> Self {
        let mut tally = Self::default();
        let mut last: Option<&Arc<Resource>> = None;
        for (at, span) in spans.iter().enumerate() {
            let same = last.is_some_and(|last| {
                Arc::ptr_eq(last, &span.resource)
                    || last.service_name() == span.resource.service_name()
            });
            match tally.groups.last_mut() {
                Some((_, range)) if same => range.end = at + 1,
                _ => {
                    let label = services.label(span.resource.service_name());
                    tally.groups.push((label, at..at + 1));
                }
            }
            last = Some(&span.resource);
            if span.dialect == Dialect::Jaeger && span.flags & DEBUG != 0 {
                tally.debug.push(at);
            }
            if span.parent_span_id.is_none() {
                tally.roots.push((at, sampler_type(span)));
            }
        }
        tally
    }

    /// How many spans there are.
    pub(crate) fn spans(&self) -> usize {
        self.groups.last().map_or(0, |(_, range)| range.end)
    }

    /// All of them.
    pub(super) fn all(&self) -> Counts {
        self.without(&[])
    }

    /// Only those at `positions`, rising.
    pub(super) fn only(&self, positions: &[usize]) -> Counts {
        self.count(
            |range| within(positions, range, |p| *p).len() as u64,
            |range| {
                within(positions, range, |p| *p)
                    .iter()
                    .filter(|p| self.is_debug(**p))
                    .count() as u64
            },
            |at| positions.binary_search(&at).is_ok(),
        )
    }

    /// All but those at `positions`, rising.
    pub(super) fn without(&self, positions: &[usize]) -> Counts {
        self.count(
            |range| (range.len() - within(positions, range, |p| *p).len()) as u64,
            |range| {
                within(&self.debug, range, |p| *p)
                    .iter()
                    .filter(|p| positions.binary_search(p).is_err())
                    .count() as u64
            },
            |at| positions.binary_search(&at).is_err(),
        )
    }

    fn count(
        &self,
        spans: impl Fn(&Range<usize>) -> u64,
        debug: impl Fn(&Range<usize>) -> u64,
        counted: impl Fn(usize) -> bool,
    ) -> Counts {
        let mut counts = Counts::default();
        for (label, range) in &self.groups {
            let (all, debug) = (spans(range), debug(range));
            for (is_debug, count) in [(false, all.saturating_sub(debug)), (true, debug)] {
                if count > 0 {
                    counts.spans.push((label.clone(), is_debug, count));
                }
            }
            let first = counts.traces.len();
            for (at, sampler) in within(&self.roots, range, |root| root.0) {
                if counted(*at) {
                    count_trace(
                        &mut counts.traces,
                        first,
                        label,
                        self.is_debug(*at),
                        sampler,
                    );
                }
            }
        }
        counts
    }

    fn is_debug(&self, at: usize) -> bool {
        self.debug.binary_search(&at).is_ok()
    }
}

/// Adds one to the entry of this group (they begin at `first`) that has these labels: there are a handful.
fn count_trace(
    traces: &mut Vec<(Label, bool, &'static str, u64)>,
    first: usize,
    label: &Label,
    debug: bool,
    sampler: &'static str,
) {
    let of_group = traces.get_mut(first..).unwrap_or_default();
    match of_group.iter_mut().find(|t| t.1 == debug && t.2 == sampler) {
        Some(entry) => entry.3 += 1,
        None => traces.push((label.clone(), debug, sampler, 1)),
    }
}

/// The part of a rising list whose positions lie in `range`.
fn within<'a, T>(list: &'a [T], range: &Range<usize>, position: impl Fn(&T) -> usize) -> &'a [T] {
    let start = list.partition_point(|item| position(item) < range.start);
    let end = list.partition_point(|item| position(item) < range.end);
    list.get(start..end).unwrap_or_default()
}

fn sampler_type(span: &Span) -> &'static str {
    let tag = span.attributes.iter().find(|a| a.key == "sampler.type");
    match tag.and_then(|tag| tag.value.as_str()) {
        Some("const") => "const",
        Some("probabilistic") => "probabilistic",
        Some("ratelimiting") => "ratelimiting",
        Some("lowerbound") => "lowerbound",
        Some("remote") => "remote",
        _ => "unrecognized",
    }
}

#[cfg(test)]
mod tests {
    use model::{KeyValue, SpanId};

    use super::*;

    fn span(resource: &Arc<Resource>, debug: bool, root: Option<&str>) -> Span {
        Span {
            dialect: Dialect::Jaeger,
            flags: if debug { 3 } else { 1 },
            parent_span_id: root.is_none().then(|| SpanId::from_u64(1)),
            attributes: root
                .map(|sampler| KeyValue::new("sampler.type", sampler))
                .into_iter()
                .collect(),
            resource: resource.clone(),
            ..Span::default()
        }
    }

    fn numbers(counts: Counts) -> Vec<(bool, u64)> {
        counts.spans.into_iter().map(|s| (s.1, s.2)).collect()
    }

    #[test]
    fn rejected_and_stored_spans_add_up_in_every_group() {
        let services = Services::default();
        let (a, b) = (
            Arc::new(Resource::of_service("a")),
            Arc::new(Resource::of_service("b")),
        );
        let a_again = Arc::new(Resource::of_service("a"));
        let spans = [
            span(&a, false, Some("const")),
            span(&a_again, true, None),
            span(&a, false, None),
            span(&b, true, Some("probabilistic")),
            span(&b, false, Some("odd")),
            span(&b, false, Some("odd")),
        ];
        let tally = Tally::of(&spans, &services);
        assert_eq!(tally.spans(), 6);
        assert_eq!(
            numbers(tally.all()),
            [(false, 2), (true, 1), (false, 2), (true, 1)]
        );
        assert_eq!(
            numbers(tally.only(&[1, 4])),
            [(true, 1), (false, 1)],
            "one of each group"
        );
        assert_eq!(
            numbers(tally.without(&[1, 4])),
            [(false, 2), (false, 1), (true, 1)]
        );
        let traces: Vec<_> = tally
            .all()
            .traces
            .into_iter()
            .map(|t| (t.1, t.2, t.3))
            .collect();
        assert_eq!(
            traces,
            [
                (false, "const", 1),
                (true, "probabilistic", 1),
                (false, "unrecognized", 2)
            ]
        );
    }

    #[test]
    fn nothing_counts_nothing() {
        let tally = Tally::of(&[], &Services::default());
        assert_eq!(tally.spans(), 0);
        assert_eq!(tally.all(), Counts::default());
    }
}
