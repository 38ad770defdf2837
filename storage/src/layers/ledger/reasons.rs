//! Spans of one account that were not stored, by reason: for metrics, and for whoever asks.
//!
//! In: spans and a word. Out: counters in a family that all accounts share, and this account's own sums.

use std::collections::BTreeMap;

use parking_lot::RwLock;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use super::OwnerReason;
use crate::owner::Owner;

/// An account's spans that were not stored, by reason; reasons without any are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    /// Answered retryably, or not at all.
    pub refused: Vec<(&'static str, u64)>,
    /// Never to be stored, and kept for a person to look at.
    pub dead_lettered: Vec<(&'static str, u64)>,
    /// Never to be stored, and gone.
    pub dropped: Vec<(&'static str, u64)>,
}

/// The counts of one account.
#[derive(Debug)]
pub(super) struct ByReason {
    family: Family<OwnerReason, Counter>,
    /// By reasons that there were.
    spans: RwLock<BTreeMap<&'static str, u64>>,
}

// === impl ByReason ===

impl ByReason {
    /// With these reasons shown at zero.
    pub(super) fn open(
        family: &Family<OwnerReason, Counter>,
        owner: &Owner,
        reasons: &[&'static str],
    ) -> Self {
        for reason in reasons {
            family.get_or_create_owned(&owner.because(reason));
        }
        Self {
            family: family.clone(),
            spans: RwLock::default(),
        }
    }

    /// Counts `spans` of `owner`.
    pub(super) fn add(&self, owner: &Owner, reason: &'static str, spans: u64) {
        if spans == 0 {
            return;
        }
        self.family
            .get_or_create(&owner.because(reason))
            .inc_by(spans);
        *self.spans.write().entry(reason).or_default() += spans;
    }

    pub(super) fn sum(&self) -> u64 {
        self.spans.read().values().sum()
    }

    /// Most spans first.
    pub(super) fn all(&self) -> Vec<(&'static str, u64)> {
        let mut all: Vec<_> = self.spans.read().iter().map(|(r, n)| (*r, *n)).collect();
        all.sort_by_key(|(_, spans)| std::cmp::Reverse(*spans));
        all
    }
}
