//! Closing the accounts of instances that are gone.
//!
//! In: the instances that there are. Out: no rows of others, so that instances may come and go for ever.

use std::collections::BTreeSet;

use model::Instance;

use super::{DISPOSED, DOWNSAMPLED, Ledger, OVER_BUDGET, REFUSED};

// === impl Ledger ===

impl Ledger {
    /// Closes the accounts of all but `known`, and takes their rows away. One with spans under way is left for the next time; whether there is none such.
    pub fn keep_only(&self, known: &BTreeSet<Instance>) -> bool {
        let metrics = &self.metrics;
        let mut is_done = true;
        self.accounts.write().retain(|instance, account| {
            if known.contains(instance) {
                return true;
            }
            if account.in_flight.get() != 0 {
                is_done = false;
                return true;
            }
            let owner = &account.owner;
            metrics.received.remove(owner);
            metrics.durable.remove(owner);
            metrics.in_flight.remove(owner);
            for reason in REFUSED.iter().chain(&[OVER_BUDGET]) {
                metrics.refused.remove(&owner.because(reason));
            }
            for reason in DISPOSED.iter().chain(&[DOWNSAMPLED]) {
                metrics.dead_lettered.remove(&owner.because(reason));
                metrics.dropped.remove(&owner.because(reason));
            }
            false
        });
        is_done
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn an_account_is_closed_when_its_instance_is_gone_and_nothing_is_under_way() {
        let ledger = Ledger::new();
        let mut registry = Registry::default();
        ledger.register(&mut registry);
        let shown = || {
            let mut text = String::new();
            prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
            text
        };
        let [stays, goes] = ["a/jaeger", "b/jaeger"].map(|text| Instance::parse(text).unwrap());
        ledger.account(&stays).receive(1).durable();
        let under_way = ledger.account(&goes).receive(1);
        ledger.account(&goes).receive(1).refused(OVER_BUDGET);
        let known = BTreeSet::from([stays]);
        assert!(!ledger.keep_only(&known));
        assert!(shown().contains("namespace=\"b\""), "{}", shown());
        under_way.dropped(DOWNSAMPLED);
        assert!(ledger.keep_only(&known));
        assert!(!shown().contains("namespace=\"b\""), "{}", shown());
        assert!(shown().contains("namespace=\"a\""), "{}", shown());
    }
}
