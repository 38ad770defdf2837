//! Requests of one account that were turned away whole, by who refused them and why: what a sender was told last, kept for whoever asks where a trace is.
//!
//! In: two words and what was said. Out: a count and the last saying for each pair. Both words are of few, so that an account stays small whatever is sent.

use std::collections::BTreeMap;
use std::time::SystemTime;

use parking_lot::Mutex;

/// So much of what was said is kept.
const SAID: usize = 500;

/// Requests that were turned away for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAway {
    /// By which receiver.
    pub receiver: &'static str,
    /// Why: one of few words.
    pub reason: &'static str,
    /// How many requests.
    pub requests: u64,
    /// When the last was.
    pub last: SystemTime,
    /// What its sender was told.
    pub said: String,
}

/// Those of one account.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<BTreeMap<(&'static str, &'static str), TurnedAway>>);

// === impl Refusals ===

impl Refusals {
    pub(super) fn add(&self, receiver: &'static str, reason: &'static str, mut said: String) {
        said.truncate(said.floor_char_boundary(SAID));
        let last = SystemTime::now();
        let mut all = self.0.lock();
        let one = all.entry((receiver, reason)).or_insert(TurnedAway {
            receiver,
            reason,
            requests: 0,
            last,
            said: String::new(),
        });
        one.requests += 1;
        one.last = last;
        one.said = said;
    }

    /// The latest first.
    pub(super) fn all(&self) -> Vec<TurnedAway> {
        let mut all: Vec<TurnedAway> = self.0.lock().values().cloned().collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.last));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_kind_is_kept_with_how_many_there_were() {
        let refusals = Refusals::default();
        refusals.add("otlp-http", "undecodable", "first".to_owned());
        refusals.add("zipkin", "undecodable", "other".to_owned());
        refusals.add("otlp-http", "undecodable", "ä".repeat(SAID));
        let all = refusals.all();
        let shown: Vec<_> = all.iter().map(|one| (one.receiver, one.requests)).collect();
        assert_eq!(shown, [("otlp-http", 2), ("zipkin", 1)]);
        assert_eq!(all[0].said, "ä".repeat(SAID / 2));
    }
}
