//! How often services call each other: what segments say, and what the spans that are not sealed yet change of it.
//!
//! A trace that segments have spans of counts as what all of it is, less what its sealed part was.

use std::collections::BTreeMap;

use hashbrown::HashSet;
use model::{Str, TraceId};

use super::Damage;
use super::fetch::Fetcher;
use super::trace::{Located, calls_of, locate};
use crate::embedded::calls::{self, HOUR_NS, Services};
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
    let mut sum: BTreeMap<(String, String), i64> = BTreeMap::new();
    let mut add = |parent: &str, child: &str, count: i64| {
        let sum = sum
            .entry((parent.to_owned(), child.to_owned()))
            .or_default();
        *sum = sum.saturating_add(count);
    };
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
                let counted = calls
                    .0
                    .iter()
                    .filter(|((hour, _, _), _)| hours.contains(hour));
                counted.for_each(|((_, parent, child), count)| add(parent, child, *count));
            }
            Err(error) => damage.note(source, 0, &error),
        }
    }
    let is_open = |source: &&Source| matches!(source, Source::Open { .. });
    let open: Snapshot = snapshot.iter().filter(is_open).cloned().collect();
    let (mut fetcher, mut services) = (Fetcher::default(), Services::default());
    let mut open_counts: BTreeMap<(u32, u32), i64> = BTreeMap::new();
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
            let mut count = |rows: &[Located], sign: i64| {
                let spans = calls_of(parts, rows, &mut services);
                calls::for_each(&spans, &services, |hour, parent, child| {
                    if hours.contains(&hour) {
                        *open_counts.entry((parent, child)).or_default() += sign;
                    }
                });
            };
            count(&rows, 1);
            // segments stand before the rest, in snapshots and so in rows
            let is_sealed = |l: &Located| l.place.is_none();
            let sealed = rows.partition_point(is_sealed);
            count(rows.get(..sealed).unwrap_or_default(), -1);
        }
    }
    for ((parent, child), count) in open_counts {
        add(services.name(parent), services.name(child), count);
    }
    // what retention took away may leave a difference below zero
    let counted = sum.into_iter().filter(|(_, count)| *count > 0);
    Ok(counted
        .map(|((parent, child), count)| DependencyLink {
            parent: Str::from(parent.as_str()),
            child: Str::from(child.as_str()),
            call_count: count.unsigned_abs(),
        })
        .collect())
}
