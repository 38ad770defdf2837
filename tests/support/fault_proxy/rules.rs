//! What a test tells the proxy to do, to which requests, and how often.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bench::rng::{Rng, mix};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// It waits before it is sent on.
    Delay(Duration),
    /// The connection is closed; the store never hears of it.
    CutBefore,
    /// The connection is closed after the store applied it and before its answer.
    CutAfter,
    /// This status, with an error as the store writes them; the store never hears of it.
    Status(u16),
    /// 413 if the inflated body has more bytes than this; the store never hears of it.
    TooLarge(usize),
    /// A share of the items of a bulk is answered with this status and error, at their places; the store hears of the others only.
    RejectItems {
        /// Of all items.
        share: f64,
        /// `429`.
        status: u16,
        /// The store's name for it: `es_rejected_execution_exception`.
        error: &'static str,
    },
    /// 200 and a page that a proxy made; the store never hears of it.
    Html,
    /// The store applied it, and the second half of its answer is missing.
    Truncated,
    /// The store applied it, and its answer lacks the last item.
    ItemMissing,
}

/// A fault, and which requests it strikes.
#[derive(Clone)]
pub struct Rule {
    name: &'static str,
    fault: Fault,
    share: f64,
    times: u64,
    path: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// The rules that hold now.
#[derive(Debug)]
pub(super) struct Rules {
    seed: u64,
    rules: Vec<(Rule, Rng)>,
}

/// A fault that strikes a request.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) name: &'static str,
    pub(super) fault: Fault,
    /// 1, or the items that it strikes.
    pub(super) struck: u64,
    /// Which items it strikes; empty for faults of whole requests.
    pub(super) items: Vec<bool>,
}

// === impl Fault ===

impl Fault {
    /// Items that the store has no room for, as it says so itself.
    pub fn busy_items(share: f64) -> Self {
        Self::RejectItems {
            share,
            status: 429,
            error: "es_rejected_execution_exception",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Delay(_) => "delay",
            Self::CutBefore => "cut-before",
            Self::CutAfter => "cut-after",
            Self::Status(_) => "status",
            Self::TooLarge(_) => "too-large",
            Self::RejectItems { .. } => "reject-items",
            Self::Html => "html",
            Self::Truncated => "truncated",
            Self::ItemMissing => "item-missing",
        }
    }
}

// === impl Rule ===

impl Rule {
    /// Strikes every bulk.
    pub fn new(fault: Fault) -> Self {
        Self {
            name: fault.name(),
            fault,
            share: 1.0,
            times: u64::MAX,
            path: Arc::new(|path| path.ends_with("/_bulk")),
        }
    }

    /// Strikes this share of them, from 0 to 1.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Strikes so many requests and then no more.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// Strikes the requests whose path, without its query, is one of these; not bulks only.
    #[must_use]
    pub fn on(mut self, path: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.path = Arc::new(path);
        self
    }

    /// Is counted under this name, not under that of its fault.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.name = name;
        self
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("name", &self.name)
            .field("fault", &self.fault)
            .field("share", &self.share)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

// === impl Rules ===

impl Rules {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            rules: Vec::new(),
        }
    }

    pub(super) fn set(&mut self, rules: impl IntoIterator<Item = Rule>) {
        let seed = self.seed;
        self.rules = (0..)
            .zip(rules)
            .map(|(index, rule)| (rule, Rng::new(mix(seed, index))))
            .collect();
    }

    /// What strikes a request to `path` whose body has `inflated` bytes and `items` items.
    pub(super) fn draw(&mut self, path: &str, inflated: usize, items: usize) -> Vec<Drawn> {
        self.rules
            .iter_mut()
            .filter_map(|(rule, rng)| rule.draw(rng, path, inflated, items))
            .collect()
    }
}

impl Rule {
    fn draw(&mut self, rng: &mut Rng, path: &str, inflated: usize, items: usize) -> Option<Drawn> {
        let concerned = (self.path)(path)
            && self.times > 0
            && match self.fault {
                Fault::TooLarge(limit) => inflated > limit,
                Fault::RejectItems { .. } => items > 0,
                _ => true,
            };
        // a share of 1 is all: a unit is below 1
        if !concerned || rng.unit() >= self.share {
            return None;
        }
        let items: Vec<_> = match self.fault {
            Fault::RejectItems { share, .. } => (0..items).map(|_| rng.unit() < share).collect(),
            _ => Vec::new(),
        };
        let struck = match self.fault {
            Fault::RejectItems { .. } => items.iter().map(|struck| u64::from(*struck)).sum(),
            _ => 1,
        };
        if struck == 0 {
            return None;
        }
        self.times -= 1;
        Some(Drawn {
            name: self.name,
            fault: self.fault,
            struck,
            items,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn struck(rules: &mut Rules, requests: usize) -> Vec<bool> {
        (0..requests)
            .map(|_| !rules.draw("/spans/_bulk", 100, 10).is_empty())
            .collect()
    }

    #[test]
    fn a_seed_strikes_the_same_requests_again() {
        let rule = || [Rule::new(Fault::CutAfter).share(0.3)];
        let mut rules = Rules::new(7);
        rules.set(rule());
        let first = struck(&mut rules, 1000);
        let share = first.iter().filter(|s| **s).count();
        assert!((250..350).contains(&share), "{share}");
        rules.set(rule());
        assert_eq!(struck(&mut rules, 1000), first);
        let mut others = Rules::new(8);
        others.set(rule());
        assert_ne!(struck(&mut others, 1000), first);
    }

    #[test]
    fn a_rule_strikes_its_paths_its_sizes_and_so_many_times() {
        let mut rules = Rules::new(1);
        rules.set([Rule::new(Fault::TooLarge(100))]);
        assert!(rules.draw("/_bulk", 100, 1).is_empty());
        assert!(!rules.draw("/_bulk", 101, 1).is_empty());
        assert!(rules.draw("/_search", 101, 0).is_empty());
        rules.set([Rule::new(Fault::Status(503))
            .on(|path| path == "/_search")
            .times(2)]);
        assert!(rules.draw("/_bulk", 1, 1).is_empty());
        let answers: Vec<_> = (0..3).map(|_| rules.draw("/_search", 1, 0).len()).collect();
        assert_eq!(answers, [1, 1, 0]);
    }

    #[test]
    fn a_share_of_items_is_struck_in_each_bulk() {
        let mut rules = Rules::new(1);
        rules.set([Rule::new(Fault::busy_items(0.1))]);
        let drawn = rules.draw("/_bulk", 1, 10_000);
        assert!(
            (900..1100).contains(&drawn[0].struck),
            "{}",
            drawn[0].struck
        );
        assert_eq!(drawn[0].items.len(), 10_000);
    }
}
