//! What a store says of calls between services, and to what has no spans of its own.
//!
//! In: counts of single calls. Out: links that add up: over hours, traces, collectors and instances, in any order. How long calls took is kept in buckets, so that quantiles of a sum can be
//! told; each is at most an eighth wider than its beginning, so that the middle of one is off by 1/16 at most.

use std::collections::BTreeMap;
use std::time::Duration;

use model::Str;

/// Buckets of each power of two, from eight on.
const STEPS: u32 = 8;

/// How often one calls another, how often that failed, and how long it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DependencyLink {
    /// Who calls: a service; with [`LinkKind::Consume`] the queue that is read.
    pub parent: Str,
    /// What is called: a service, or what the kind says.
    pub child: Str,
    /// What stands at its ends.
    pub kind: LinkKind,
    /// How often.
    pub call_count: u64,
    /// How many of these failed. 0 where nobody counted.
    pub error_count: u64,
    /// How long they took, as far as somebody counted.
    pub durations: Durations,
}

/// What stands at the ends of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// Services call each other, and both have spans. All that Jaeger knows.
    #[default]
    Call,
    /// A service calls a database.
    Database,
    /// A service puts something into a queue.
    Publish,
    /// A service takes something out of a queue: the queue is the parent.
    Consume,
    /// A service calls something else that has no spans.
    Peer,
}

/// How long calls took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Durations {
    /// All together, each in whole microseconds.
    pub sum_us: u64,
    /// How many there are in each bucket that has any: see [`Durations::bucket`].
    pub buckets: BTreeMap<u16, u64>,
}

// === impl DependencyLink ===

impl DependencyLink {
    /// Calls between services of which no more is known than how many they are.
    pub fn calls(parent: Str, child: Str, call_count: u64) -> Self {
        Self {
            parent,
            child,
            call_count,
            ..Self::default()
        }
    }

    /// Adds what `other` counted, whatever its ends are.
    pub fn add(&mut self, other: &Self) {
        self.call_count = self.call_count.saturating_add(other.call_count);
        self.error_count = self.error_count.saturating_add(other.error_count);
        self.durations.add(&other.durations);
    }

    /// Links with equal ends as one, sorted by parent, then child, then kind.
    pub fn sum(links: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut sums: BTreeMap<(Str, Str, LinkKind), Self> = BTreeMap::new();
        for link in links {
            let ends = (link.parent.clone(), link.child.clone(), link.kind);
            match sums.get_mut(&ends) {
                Some(sum) => sum.add(&link),
                None => drop(sums.insert(ends, link)),
            }
        }
        sums.into_values().collect()
    }
}

// === impl LinkKind ===

impl LinkKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Call,
        Self::Database,
        Self::Publish,
        Self::Consume,
        Self::Peer,
    ];

    /// As it is written: `call`, `database`, `publish`, `consume`, `peer`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Database => "database",
            Self::Publish => "publish",
            Self::Consume => "consume",
            Self::Peer => "peer",
        }
    }

    /// The kind that is written so.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

// === impl Durations ===

impl Durations {
    /// The bucket of a duration: its microseconds below 8; from there on eight equal ones for each power of two.
    pub fn bucket(duration_us: u64) -> u16 {
        if duration_us < u64::from(STEPS) {
            return duration_us as u16;
        }
        let power = duration_us.ilog2();
        // the three bits below the first
        let step = (duration_us >> (power - 3)) as u32 & (STEPS - 1);
        ((power - 2) * STEPS + step) as u16
    }

    /// The middle of a bucket, in microseconds.
    pub fn middle_us(bucket: u16) -> u64 {
        let bucket = u32::from(bucket);
        if bucket < STEPS {
            return u64::from(bucket);
        }
        let shift = (bucket / STEPS - 1).min(60);
        let start = u64::from(STEPS + bucket % STEPS) << shift;
        start + ((1_u64 << shift) >> 1)
    }

    /// Adds what `other` has.
    pub fn add(&mut self, other: &Self) {
        self.sum_us = self.sum_us.saturating_add(other.sum_us);
        for (bucket, count) in &other.buckets {
            let sum = self.buckets.entry(*bucket).or_default();
            *sum = sum.saturating_add(*count);
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        let counts = self.buckets.values();
        counts.fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// What they took on the average; `None`: there are none.
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.sum_us.checked_div(self.count())?;
        Some(Duration::from_micros(mean))
    }

    /// What a share of them, 0 to 1, took at most, off by 1/16 at most; `None`: there are none.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = (share.clamp(0.0, 1.0) * count as f64).ceil().max(1.0) as u64;
        let mut below = 0_u64;
        let found = self.buckets.iter().find(|(_, count)| {
            below = below.saturating_add(**count);
            below >= rank
        });
        let last = self.buckets.last_key_value();
        let (bucket, _) = found.or(last)?;
        Some(Duration::from_micros(Self::middle_us(*bucket)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_rise_with_durations_and_their_middles_are_near() {
        let mut before = 0;
        let mut us = 0_u64;
        while us < u64::MAX / 3 {
            let bucket = Durations::bucket(us);
            assert!(bucket >= before, "{us}");
            before = bucket;
            let off = Durations::middle_us(bucket).abs_diff(us);
            assert!(off as f64 <= us as f64 / 16.0, "{us} is off by {off}");
            us += 1 + us / 37;
        }
        assert_eq!(Durations::bucket(u64::MAX), 495);
        assert!(Durations::middle_us(495) > u64::MAX / 16 * 15);
        assert!(
            Durations::middle_us(u16::MAX) > 0,
            "whatever somebody wrote"
        );
    }

    #[test]
    fn quantiles_and_the_mean_are_those_of_what_was_added() {
        let mut durations = Durations::default();
        for us in 1..=1_000 {
            let one = Durations {
                sum_us: us,
                buckets: [(Durations::bucket(us), 1)].into(),
            };
            durations.add(&one);
        }
        assert_eq!(durations.mean(), Some(Duration::from_micros(500)));
        for (share, expect) in [(0.5, 500.0), (0.95, 950.0), (0.0, 1.0), (1.0, 1_000.0)] {
            let got = durations.quantile(share).unwrap().as_micros() as f64;
            assert!((got - expect).abs() <= expect / 16.0, "{share}: {got}");
        }
        assert_eq!(Durations::default().quantile(0.5), None);
        assert_eq!(Durations::default().mean(), None);
    }

    #[test]
    fn links_with_equal_ends_are_added() {
        let link = |child: &str, n| DependencyLink::calls("a".into(), child.into(), n);
        let peer = DependencyLink {
            kind: LinkKind::Peer,
            ..link("b", 4)
        };
        let sum = DependencyLink::sum([link("c", 1), peer.clone(), link("b", 2), link("c", 5)]);
        assert_eq!(sum, [link("b", 2), peer, link("c", 6)]);
        for kind in LinkKind::ALL {
            assert_eq!(LinkKind::parse(kind.as_str()), Some(kind));
        }
    }
}
