//! Calls, added up by their ends, so that what was counted wrongly can be taken back.
//!
//! In: single calls, to be added or taken away. Out: links of what is left. A number may be below zero for a while: a span that comes late can give an older one another parent, and the two are
//! counted in different places.

use std::collections::BTreeMap;

use model::Str;

use super::{Found, Names};
use crate::port::{DependencyLink, Durations, LinkKind};

/// What stands at the ends of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ends<N> {
    pub(crate) parent: N,
    pub(crate) child: N,
    pub(crate) kind: LinkKind,
}

/// How many, how they ended, how long they took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: i64,
    pub(crate) errors: i64,
    pub(crate) sum_us: i64,
    /// See [`Durations::bucket`].
    pub(crate) buckets: BTreeMap<u16, i64>,
}

/// By their ends, with names as numbers.
#[derive(Default)]
pub(crate) struct Totals(pub(crate) BTreeMap<Ends<u32>, Tally>);

// === impl Tally ===

impl Tally {
    /// Adds one call (1), or takes it back (-1).
    pub(crate) fn count(&mut self, found: &Found, sign: i64) {
        self.calls += sign;
        self.errors += sign * i64::from(found.is_error);
        let us = i64::try_from(found.duration_us).unwrap_or(i64::MAX);
        self.sum_us = self.sum_us.saturating_add(us.saturating_mul(sign));
        let bucket = Durations::bucket(found.duration_us);
        *self.buckets.entry(bucket).or_default() += sign;
    }

    /// Adds what another has.
    pub(crate) fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.errors = self.errors.saturating_add(other.errors);
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        for (bucket, count) in &other.buckets {
            let sum = self.buckets.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// Whether it changes nothing.
    pub(crate) fn is_nothing(&self) -> bool {
        let counts = self.buckets.values();
        (self.calls, self.errors, self.sum_us) == (0, 0, 0) && counts.into_iter().all(|n| *n == 0)
    }

    /// None: there is no call. What is below zero counts as nothing: what it was taken from is gone.
    pub(crate) fn link(&self, ends: Ends<&str>) -> Option<DependencyLink> {
        let call_count = u64::try_from(self.calls).ok().filter(|calls| *calls > 0)?;
        let natural = |number: i64| u64::try_from(number).unwrap_or(0);
        let buckets = self.buckets.iter().filter(|(_, count)| **count > 0);
        Some(DependencyLink {
            parent: Str::from(ends.parent),
            child: Str::from(ends.child),
            kind: ends.kind,
            call_count,
            error_count: natural(self.errors).min(call_count),
            durations: Durations {
                sum_us: natural(self.sum_us),
                buckets: buckets.map(|(at, count)| (*at, natural(*count))).collect(),
            },
        })
    }
}

// === impl Totals ===

impl Totals {
    /// Adds one call (1), or takes it back (-1).
    pub(crate) fn count(&mut self, found: &Found, sign: i64) {
        self.0.entry(found.ends).or_default().count(found, sign);
    }

    /// Sorted by parent, then child, then kind.
    pub(crate) fn into_links(self, names: &Names) -> Vec<DependencyLink> {
        let links = self.0.iter().filter_map(|(ends, tally)| {
            tally.link(Ends {
                parent: names.name(ends.parent),
                child: names.name(ends.child),
                kind: ends.kind,
            })
        });
        // in the order of their names, not of their numbers
        DependencyLink::sum(links)
    }
}
