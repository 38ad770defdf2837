//! Leases: who may do what only one should do, and for how long.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// More names are not given out: a collector has one.
const MOST: usize = 64;

/// Leases by name.
#[derive(Default)]
pub(crate) struct Leases(Mutex<HashMap<String, Lease>>);

struct Lease {
    holder: String,
    /// `None`: so late that no clock gets there.
    until: Option<Instant>,
}

// === impl Leases ===

impl Leases {
    /// Whether `holder` has it now, until `ttl` after `now`.
    pub(crate) fn acquire(&self, name: &str, holder: &str, ttl: Duration, now: Instant) -> bool {
        let mut leases = self.0.lock();
        match leases.get(name) {
            Some(held) if held.holder != holder && held.until.is_none_or(|until| until > now) => {
                return false;
            }
            None if leases.len() >= MOST => return false,
            _ => {}
        }
        let lease = Lease {
            holder: holder.to_owned(),
            until: now.checked_add(ttl),
        };
        leases.insert(name.to_owned(), lease);
        true
    }

    /// `holder` gives it back, if it has it.
    pub(crate) fn resign(&self, name: &str, holder: &str) {
        let mut leases = self.0.lock();
        if leases.get(name).is_some_and(|held| held.holder == holder) {
            leases.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_held_until_its_end_or_until_it_is_given_back() {
        let (leases, ttl) = (Leases::default(), Duration::from_secs(60));
        let now = Instant::now();
        assert!(leases.acquire("l", "a", ttl, now));
        assert!(!leases.acquire("l", "b", ttl, now + ttl / 2));
        assert!(leases.acquire("other", "b", ttl, now));
        assert!(leases.acquire("l", "a", ttl, now + ttl / 2));
        assert!(!leases.acquire("l", "b", ttl, now + ttl), "it was renewed");
        assert!(leases.acquire("l", "b", ttl, now + ttl * 2));
        leases.resign("l", "a");
        assert!(!leases.acquire("l", "a", ttl, now + ttl * 2), "not its own");
        leases.resign("l", "b");
        assert!(leases.acquire("l", "a", ttl, now + ttl * 2));
    }

    #[test]
    fn there_are_only_so_many() {
        let (leases, now) = (Leases::default(), Instant::now());
        for n in 0..MOST {
            assert!(leases.acquire(&n.to_string(), "a", Duration::ZERO, now));
        }
        assert!(!leases.acquire("more", "a", Duration::ZERO, now));
        assert!(leases.acquire("0", "b", Duration::ZERO, now));
    }
}
