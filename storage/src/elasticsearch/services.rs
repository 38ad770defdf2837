//! Which service documents are known to lie in which index.
//!
//! In: an index, a service, an operation. Out: whether their document has to be written. What is remembered was confirmed, belongs to one index and ends by itself: where indices
//! rotate, are rolled over or are deleted, names come back into the lists without a restart.

use std::sync::OnceLock;
use std::time::Duration;

use moka::sync::Cache;

/// Jaeger's bound.
const MOST: u64 = 100_000;
/// Shorter than Jaeger's 12 h: so long a name is missing after its index was deleted.
const REMEMBERED: Duration = Duration::from_secs(3600);

pub(crate) struct Services {
    ttl: Duration,
    /// Made for the first that is confirmed: there may be a thousand instances that nothing is written for, and an empty one costs tens of kibibytes.
    confirmed: OnceLock<Cache<u128, ()>>,
}

// === impl Services ===

impl Services {
    /// `service-cache-ttl`; zero: an hour.
    pub(crate) fn new(ttl: Duration) -> Self {
        let ttl = if ttl.is_zero() { REMEMBERED } else { ttl };
        Self {
            ttl,
            confirmed: OnceLock::new(),
        }
    }

    /// What stands for a document.
    pub(crate) fn key(index: &str, service: &str, operation: &str) -> u128 {
        let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
        for part in [index, service, operation] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.digest128()
    }

    pub(crate) fn is_known(&self, key: u128) -> bool {
        let known = self.confirmed.get();
        known.is_some_and(|known| known.contains_key(&key))
    }

    /// The cluster confirmed it.
    pub(crate) fn confirm(&self, key: u128) {
        let make = || {
            let cache = Cache::builder().max_capacity(MOST);
            cache.time_to_live(self.ttl).build()
        };
        self.confirmed.get_or_init(make).insert(key, ());
    }

    /// Indices may be gone: after the cluster was away.
    pub(crate) fn forget(&self) {
        if let Some(known) = self.confirmed.get() {
            known.invalidate_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_in_the_index_it_was_confirmed_in() {
        let services = Services::new(Duration::ZERO);
        let key = |index: &str| Services::key(index, "a", "bc");
        assert!(!services.is_known(key("one")));
        services.confirm(key("one"));
        assert!(services.is_known(key("one")));
        assert!(!services.is_known(key("two")));
        assert!(!services.is_known(Services::key("one", "ab", "c")));
        services.forget();
        assert!(!services.is_known(key("one")));
    }
}
