//! How often services call each other: what segments say, and what the spans that are not sealed yet change of it.
//!
//! A trace that segments have spans of counts as what all of it is, less what its sealed part was.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use model::TraceId;

use super::Damage;
use super::fetch::Fetcher;
use super::trace::{Located, calls_of, locate};
use crate::calls::{self, Ends, HOUR_NS, Names, Tally, Totals};
use crate::embedded::head::{Snapshot, Source};
use crate::embedded::segment::filter;
use crate::port::{DependencyLink, ReadContext, ReadError};

/// The calls by spans that start in the hours of `[start_ns, end_ns]`, sorted by parent, then child.
pub(super) fn count(
    cx: &ReadContext,
    snapshot: &Snapshot,
    start_ns: u64,
    end_ns: u64,
    damage: &mut Damage,
) -> Result<Vec<DependencyLink>, ReadError> {
    cx.check()?;
    let hours = start_ns / HOUR_NS..=end_ns / HOUR_NS;
    let mut sum: BTreeMap<Ends<String>, Tally> = BTreeMap::new();
    let mut filters = Vec::new();
    for source in snapshot {
        let Source::Sealed(segment) = source else {
            continue;
        };
        match segment
            .calls()
            .and_then(|c| Ok((c, segment.trace_filter()?)))
        {
            Ok((calls, filter)) => {
                filters.push(filter);
                let counted = calls.0.iter().filter(|((hour, _), _)| hours.contains(hour));
                for ((_, ends), tally) in counted {
                    sum.entry(ends.clone()).or_default().add(tally);
                }
            }
            Err(error) => damage.note(source, 0, &error),
        }
    }
    let is_open = |source: &&Source| matches!(source, Source::Open { .. });
    let open: Snapshot = snapshot.iter().filter(is_open).cloned().collect();
    let (mut fetcher, mut names) = (Fetcher::default(), Names::default());
    let mut changed = Totals::default();
    let mut done: HashSet<TraceId> = HashSet::new();
    for source in &open {
        let Source::Open { part, .. } = source else {
            continue;
        };
        let ids = part.with(|columns| columns.trace_ids().to_vec());
        for (nth, id) in ids.into_iter().enumerate() {
            if nth.is_multiple_of(256) {
                cx.check()?;
            }
            // a trace may have rows in several parts, and is counted once
            if open.len() > 1 && !done.insert(id) {
                continue;
            }
            let hash = filter::trace(&id);
            let joined = filters.iter().any(|f| f.may_hold(hash));
            let parts = if joined { snapshot } else { &open };
            let rows = locate(parts, id, &mut fetcher, &mut |source, error| {
                damage.note(source, 0, error);
            });
            // segments stand before the rest, in snapshots and so in rows
            let is_sealed = |l: &Located| l.place.is_none();
            let (spans, sealed) = calls_of(parts, &rows, is_sealed, &mut fetcher, &mut names);
            let before = spans.get(..sealed).unwrap_or_default();
            for (spans, sign) in [(spans.as_slice(), 1), (before, -1)] {
                calls::for_each(spans, &names, |found| {
                    if hours.contains(&found.hour) {
                        changed.count(&found, sign);
                    }
                });
            }
        }
    }
    for (ends, tally) in changed.0 {
        let ends = Ends {
            parent: names.name(ends.parent).to_owned(),
            child: names.name(ends.child).to_owned(),
            kind: ends.kind,
        };
        sum.entry(ends).or_default().add(&tally);
    }
    // what retention took away may leave a difference below zero
    let links = sum.iter().filter_map(|(ends, tally)| {
        tally.link(Ends {
            parent: &ends.parent,
            child: &ends.child,
            kind: ends.kind,
        })
    });
    Ok(links.collect())
}
