//! One trace under two ids: a proxy or an SDK that knows 64 bits passes on the lower half of an id of 128.
//!
//! In: the ids that are asked for. Out: the store's answer, in which spans under the lower half stand in the trace of the whole id. Who asks for the
//! lower half alone gets what is stored under it alone: which whole ids it belongs to, nobody knows without looking at all of them.
//!
//! Source of the need: `jaegertracing/jaeger` issue 3084.

use std::collections::{HashMap, HashSet};

use futures_util::StreamExt as _;
use model::{Span, TraceId};
use storage::{GetTrace, ReadItem, TraceStream};

/// What the store is asked for.
pub(crate) struct Asked {
    /// The ids, each whole one followed by its lower half, unless that is asked for by itself or by another whole one.
    ids: Vec<GetTrace>,
    /// The whole id of each of these lower halves.
    whole: HashMap<TraceId, TraceId>,
}

// === impl Asked ===

impl Asked {
    pub(crate) fn of(ids: &[GetTrace]) -> Self {
        let whole = whole(ids);
        let mut all = Vec::with_capacity(ids.len() + whole.len());
        for get in ids {
            all.push(*get);
            if let Some(short) = short_of(get.trace_id).filter(|short| whole.contains_key(short)) {
                all.push(GetTrace {
                    trace_id: short,
                    ..*get
                });
            }
        }
        Self { ids: all, whole }
    }

    pub(crate) fn ids(&self) -> &[GetTrace] {
        &self.ids
    }

    /// The answer for these ids, put together: the two follow each other, so that they become one trace.
    pub(crate) fn join<'a>(&'a self, stream: TraceStream<'a>) -> TraceStream<'a> {
        if self.whole.is_empty() {
            return stream;
        }
        stream
            .map(|item| {
                item.map(|item| match item {
                    ReadItem::Spans(mut spans) => {
                        spans
                            .iter_mut()
                            .for_each(|span| lengthen(span, &self.whole));
                        ReadItem::Spans(spans)
                    }
                    end => end,
                })
            })
            .boxed()
    }
}

/// The whole id of each lower half that belongs to one of `ids` alone.
fn whole(ids: &[GetTrace]) -> HashMap<TraceId, TraceId> {
    let asked: HashSet<TraceId> = ids.iter().map(|get| get.trace_id).collect();
    let mut whole = HashMap::new();
    let mut shared = HashSet::new();
    for id in &asked {
        if let Some(short) = short_of(*id).filter(|short| !asked.contains(short))
            && whole.insert(short, *id).is_some()
        {
            shared.insert(short);
        }
    }
    whole.retain(|short, _| !shared.contains(short));
    whole
}

fn lengthen(span: &mut Span, whole: &HashMap<TraceId, TraceId>) {
    let links = span.links.iter_mut().map(|link| &mut link.trace_id);
    for id in links.chain([&mut span.trace_id]) {
        if let Some(long) = whole.get(id) {
            *id = *long;
        }
    }
}

/// The lower half as an id; none: it is one already.
fn short_of(id: TraceId) -> Option<TraceId> {
    let mut short = id;
    let (high, _) = short.0.split_at_mut(8);
    let is_long = high.iter().any(|byte| *byte != 0);
    high.fill(0);
    // an id of zeros is none
    (is_long && short.0.iter().any(|byte| *byte != 0)).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(high: u64, low: u64) -> GetTrace {
        GetTrace::by_id(TraceId::from_halves(high, low))
    }

    fn asked(ids: &[GetTrace]) -> Vec<GetTrace> {
        Asked::of(ids).ids
    }

    #[test]
    fn whole_ids_are_followed_by_their_lower_halves() {
        assert_eq!(asked(&[get(0, 1)]), [get(0, 1)]);
        assert_eq!(asked(&[get(9, 1)]), [get(9, 1), get(0, 1)]);
        // asked for by itself it is answered by itself
        assert_eq!(asked(&[get(9, 1), get(0, 1)]), [get(9, 1), get(0, 1)]);
        assert_eq!(asked(&[get(9, 0)]), [get(9, 0)]);
        // whose it is, nobody knows
        assert_eq!(asked(&[get(9, 1), get(8, 1)]), [get(9, 1), get(8, 1)]);
    }

    #[test]
    fn spans_and_what_they_refer_to_get_the_whole_id() {
        let mut span = Span {
            trace_id: TraceId::from_halves(0, 1),
            links: vec![
                model::Link {
                    trace_id: TraceId::from_halves(0, 1),
                    ..model::Link::default()
                },
                model::Link {
                    trace_id: TraceId::from_halves(0, 2),
                    ..model::Link::default()
                },
            ],
            ..Span::default()
        };
        let long = TraceId::from_halves(9, 1);
        lengthen(
            &mut span,
            &HashMap::from([(TraceId::from_halves(0, 1), long)]),
        );
        assert_eq!((span.trace_id, span.links[0].trace_id), (long, long));
        assert_eq!(span.links[1].trace_id, TraceId::from_halves(0, 2));
    }
}
