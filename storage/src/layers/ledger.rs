//! The ledger: what became of every span that was received, per instance.
//!
//! `received = durable + refused + dead_lettered + dropped + in_flight`, at every moment in which no call is in the middle of counting,
//! and always when nothing is under way. Spans are counted as received once, and leave `in_flight` once: an [`InFlight`] that is dropped
//! before anyone said what became of it counts as refused, since its sender got no answer.
//!
//! Payloads that could not be decoded are no spans yet: they are counted as requests that were turned away, and not in that sum.

mod closing;
mod reasons;
mod turned_away;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use model::Instance;
use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::owner::Owner;
use reasons::ByReason;
pub use reasons::Reasons;
use turned_away::Refusals;
pub use turned_away::TurnedAway;

/// Why spans are refused whose sender went away before it got an answer.
pub const CANCELLED: &str = "cancelled";
/// Why spans are refused that the store did not confirm before we had to answer.
pub const LATE: &str = "late";
/// Why spans are refused while the store is away.
pub const UNAVAILABLE: &str = "unavailable";
/// Why spans are refused while the store is full or slow.
pub const THROTTLED: &str = "throttled";
/// Why spans are refused for which there was no room.
pub const OVER_BUDGET: &str = "budget";
/// Why spans are disposed of that the store can never take.
pub const UNSTORABLE: &str = "unstorable";
/// Why spans are disposed of that are not among the share of traces that is kept.
pub const DOWNSAMPLED: &str = "downsampled";
/// Why spans are disposed of that could not be decoded.
pub const UNDECODABLE: &str = "undecodable";
/// Why spans are disposed of that started too long ago.
pub const TOO_OLD: &str = "too_old";
/// Why spans are disposed of that start too far ahead.
pub const TOO_NEW: &str = "too_new";
/// Why spans are disposed of that take too many bytes.
pub const TOO_LARGE: &str = "too_large";
/// Why spans are disposed of that have too many attributes.
pub const TOO_MANY_ATTRIBUTES: &str = "too_many_attributes";

/// Shown at zero from the start, so that the sum can be made from the start: of spans that are refused,
const REFUSED: &[&str] = &[CANCELLED, LATE, UNAVAILABLE, THROTTLED];
/// and of spans that are disposed of.
const DISPOSED: &[&str] = &[
    UNSTORABLE,
    UNDECODABLE,
    TOO_OLD,
    TOO_NEW,
    TOO_LARGE,
    TOO_MANY_ATTRIBUTES,
];

thread_local! {
    /// Why spans are refused that are dropped on this thread right now.
    static DROPPED: Cell<&'static str> = const { Cell::new(CANCELLED) };
}

/// Drops `work`, a write that is not waited for any longer; spans that it leaves without an answer are refused because of `reason`, and
/// not because their sender went away.
pub fn abandon<T>(work: T, reason: &'static str) {
    let before = DROPPED.replace(reason);
    drop(work);
    DROPPED.set(before);
}

/// All accounts of the process, and their metrics.
#[derive(Debug, Default)]
pub struct Ledger {
    metrics: Metrics,
    accounts: RwLock<HashMap<Instance, Arc<Account>>>,
}

/// The account of one instance.
#[derive(Debug)]
pub struct Account {
    owner: Owner,
    received: Counter,
    durable: Counter,
    in_flight: Gauge,
    refused: ByReason,
    dead_lettered: ByReason,
    dropped: ByReason,
    turned_away: Refusals,
}

/// Spans that were received and of which nobody yet said what became of them. Say it, or they count as refused.
#[must_use = "dropping it counts its spans as refused"]
#[derive(Debug)]
pub struct InFlight {
    account: Arc<Account>,
    spans: u64,
}

/// An account's numbers, in spans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken in.
    pub received: u64,
    /// Stored, and confirmed to be.
    pub durable: u64,
    /// Answered retryably, or not at all.
    pub refused: u64,
    /// Never to be stored, and kept for a person to look at.
    pub dead_lettered: u64,
    /// Never to be stored, and gone.
    pub dropped: u64,
    /// Under way.
    pub in_flight: u64,
}

#[derive(Debug, Default)]
struct Metrics {
    received: Family<Owner, Counter>,
    durable: Family<Owner, Counter>,
    in_flight: Family<Owner, Gauge>,
    refused: Family<OwnerReason, Counter>,
    dead_lettered: Family<OwnerReason, Counter>,
    dropped: Family<OwnerReason, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OwnerReason {
    namespace: String,
    instance: String,
    reason: &'static str,
}

// === impl Ledger ===

impl Ledger {
    /// With no accounts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts the ledger's metrics into `registry`: `spoor_spans_received_total`, `…_durable_total`, `…_in_flight` by namespace and
    /// instance; `…_refused_total`, `…_dead_lettered_total`, `…_dropped_total` by reason too.
    pub fn register(&self, registry: &mut Registry) {
        let metrics = &self.metrics;
        let counters = [
            (
                "received",
                "Spans taken in, each time they were sent",
                metrics.received.clone(),
            ),
            (
                "durable",
                "Spans that the store confirmed",
                metrics.durable.clone(),
            ),
        ];
        for (name, help, family) in counters {
            registry.register(format!("spoor_spans_{name}"), help, family);
        }
        let by_reason = [
            (
                "refused",
                "Spans answered retryably, or not at all",
                metrics.refused.clone(),
            ),
            (
                "dead_lettered",
                "Spans that can never be stored, kept as dead letters",
                metrics.dead_lettered.clone(),
            ),
            (
                "dropped",
                "Spans that can never be stored, and were not kept",
                metrics.dropped.clone(),
            ),
        ];
        for (name, help, family) in by_reason {
            registry.register(format!("spoor_spans_{name}"), help, family);
        }
        registry.register(
            "spoor_spans_in_flight",
            "Spans taken in and not yet answered",
            metrics.in_flight.clone(),
        );
    }

    /// The account of `instance`, opened when there is none. Instances come from configuration, so that there are few.
    pub fn account(&self, instance: &Instance) -> Arc<Account> {
        if let Some(account) = self.accounts.read().get(instance) {
            return account.clone();
        }
        self.accounts
            .write()
            .entry(instance.clone())
            .or_insert_with(|| Arc::new(Account::open(instance, &self.metrics)))
            .clone()
    }

    /// The numbers of all accounts together.
    pub fn counts(&self) -> Counts {
        let accounts = self.accounts.read();
        accounts
            .values()
            .map(|a| a.counts())
            .fold(Counts::default(), |sum, one| Counts {
                received: sum.received + one.received,
                durable: sum.durable + one.durable,
                refused: sum.refused + one.refused,
                dead_lettered: sum.dead_lettered + one.dead_lettered,
                dropped: sum.dropped + one.dropped,
                in_flight: sum.in_flight + one.in_flight,
            })
    }
}

// === impl Account ===

impl Account {
    fn open(instance: &Instance, metrics: &Metrics) -> Self {
        let owner = Owner::from(instance);
        Self {
            received: metrics.received.get_or_create_owned(&owner),
            durable: metrics.durable.get_or_create_owned(&owner),
            in_flight: metrics.in_flight.get_or_create_owned(&owner),
            refused: ByReason::open(&metrics.refused, &owner, REFUSED),
            dead_lettered: ByReason::open(&metrics.dead_lettered, &owner, DISPOSED),
            dropped: ByReason::open(&metrics.dropped, &owner, DISPOSED),
            turned_away: Refusals::default(),
            owner,
        }
    }

    /// Counts `spans` as received and in flight.
    pub fn receive(self: &Arc<Self>, spans: usize) -> InFlight {
        let spans = spans as u64;
        self.received.inc_by(spans);
        self.in_flight.inc_by(spans as i64);
        InFlight {
            account: self.clone(),
            spans,
        }
    }

    /// The numbers as they are now.
    pub fn counts(&self) -> Counts {
        Counts {
            received: self.received.get(),
            durable: self.durable.get(),
            refused: self.refused.sum(),
            dead_lettered: self.dead_lettered.sum(),
            dropped: self.dropped.sum(),
            in_flight: self.in_flight.get().try_into().unwrap_or_default(),
        }
    }

    /// Why spans were not stored, and how many, most first.
    pub fn reasons(&self) -> Reasons {
        Reasons {
            refused: self.refused.all(),
            dead_lettered: self.dead_lettered.all(),
            dropped: self.dropped.all(),
        }
    }

    /// Notes a request that `receiver` turned away whole, and what its sender was told. `receiver` and `reason` are of few words.
    pub fn turn_away(&self, receiver: &'static str, reason: &'static str, said: String) {
        self.turned_away.add(receiver, reason, said);
    }

    /// Requests that were turned away, the latest first.
    pub fn turned_away(&self) -> Vec<TurnedAway> {
        self.turned_away.all()
    }

    /// Takes `spans` over that a layer above received, to say what became of them. The layer above must give them up with
    /// [`InFlight::give_up`] before anything can interrupt it.
    pub(crate) fn take_over(self: &Arc<Self>, spans: usize) -> InFlight {
        InFlight {
            account: self.clone(),
            spans: spans as u64,
        }
    }
}

// === impl InFlight ===

impl InFlight {
    /// How many spans.
    pub fn len(&self) -> usize {
        self.spans as usize
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spans == 0
    }

    /// They are stored.
    pub fn durable(mut self) {
        let spans = self.settle();
        self.account.durable.inc_by(spans);
    }

    /// They were answered retryably. `reason` is a label: one of few words.
    pub fn refused(mut self, reason: &'static str) {
        self.refuse(reason);
    }

    /// They can never be stored, and their dead letters are durable. `reason` is a label: one of few words.
    pub fn dead_lettered(mut self, reason: &'static str) {
        let spans = self.settle();
        let account = &self.account;
        account.dead_lettered.add(&account.owner, reason, spans);
    }

    /// They can never be stored, and nothing keeps them. `reason` is a label: one of few words.
    pub fn dropped(mut self, reason: &'static str) {
        let spans = self.settle();
        let account = &self.account;
        account.dropped.add(&account.owner, reason, spans);
    }

    /// Takes `spans` of them out, so that something else can become of them; at most all.
    pub fn split(&mut self, spans: usize) -> InFlight {
        let spans = self.spans.min(spans as u64);
        self.spans -= spans;
        InFlight {
            account: self.account.clone(),
            spans,
        }
    }

    /// Forgets `spans` of them: a layer below took them over and said what became of them.
    pub(crate) fn give_up(&mut self, spans: usize) {
        self.spans = self.spans.saturating_sub(spans as u64);
    }

    fn refuse(&mut self, reason: &'static str) {
        let spans = self.settle();
        let account = &self.account;
        account.refused.add(&account.owner, reason, spans);
    }

    fn settle(&mut self) -> u64 {
        let spans = std::mem::take(&mut self.spans);
        self.account.in_flight.dec_by(spans as i64);
        spans
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.spans > 0 {
            self.refuse(DROPPED.get());
        }
    }
}

// === impl Counts ===

impl Counts {
    /// Whether every span received is accounted for.
    pub fn balance(&self) -> bool {
        self.received
            == self.durable + self.refused + self.dead_lettered + self.dropped + self.in_flight
    }
}

// === impl Owner ===

impl Owner {
    fn because(&self, reason: &'static str) -> OwnerReason {
        OwnerReason {
            namespace: self.namespace.clone(),
            instance: self.instance.clone(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(ledger: &Ledger) -> Arc<Account> {
        ledger.account(&Instance::default())
    }

    #[test]
    fn every_span_leaves_in_flight_once() {
        let ledger = Ledger::new();
        let mut spans = account(&ledger).receive(10);
        assert_eq!(ledger.counts().in_flight, 10);
        spans.split(2).dead_lettered(UNSTORABLE);
        spans.split(1).dropped(UNDECODABLE);
        spans.split(1).refused(LATE);
        spans.split(2).refused(THROTTLED);
        spans.split(99).durable();
        drop(spans);
        let expect = Counts {
            received: 10,
            durable: 4,
            refused: 3,
            dead_lettered: 2,
            dropped: 1,
            in_flight: 0,
        };
        assert_eq!(ledger.counts(), expect);
        let reasons = Reasons {
            refused: vec![(THROTTLED, 2), (LATE, 1)],
            dead_lettered: vec![(UNSTORABLE, 2)],
            dropped: vec![(UNDECODABLE, 1)],
        };
        assert_eq!(account(&ledger).reasons(), reasons);
        assert!(expect.balance());
    }

    #[test]
    fn spans_that_nobody_answered_for_are_refused() {
        let ledger = Ledger::new();
        drop(account(&ledger).receive(7));
        assert_eq!((ledger.counts().refused, ledger.counts().in_flight), (7, 0));
    }

    #[test]
    fn instances_have_accounts_of_their_own() {
        let ledger = Ledger::new();
        let prod = Instance::parse("prod/jaeger").unwrap();
        ledger.account(&prod).receive(3).durable();
        account(&ledger).receive(4).durable();
        assert_eq!(ledger.account(&prod).counts().durable, 3);
        assert_eq!(ledger.counts().durable, 7);
    }

    #[test]
    fn every_term_of_the_sum_is_shown_at_zero_from_the_start() {
        let ledger = Ledger::new();
        let mut registry = Registry::default();
        ledger.register(&mut registry);
        account(&ledger);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let owner = "namespace=\"default\",instance=\"jaeger\"";
        for (name, reasons) in [
            (
                "refused",
                ["cancelled", "unavailable", "throttled"].as_slice(),
            ),
            ("dead_lettered", DISPOSED),
            ("dropped", DISPOSED),
        ] {
            for reason in reasons {
                let line = format!("spoor_spans_{name}_total{{{owner},reason=\"{reason}\"}} 0");
                assert!(text.contains(&line), "{line} is not in\n{text}");
            }
        }
    }

    #[test]
    fn metrics_carry_the_names_that_the_documentation_gives_them() {
        let ledger = Ledger::new();
        let mut registry = Registry::default();
        ledger.register(&mut registry);
        let mut spans = account(&ledger).receive(6);
        spans.split(1).durable();
        spans.split(1).refused(THROTTLED);
        spans.split(1).dead_lettered(UNSTORABLE);
        spans.split(1).dropped(UNSTORABLE);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let owner = "namespace=\"default\",instance=\"jaeger\"";
        for line in [
            format!("spoor_spans_received_total{{{owner}}} 6"),
            format!("spoor_spans_durable_total{{{owner}}} 1"),
            format!("spoor_spans_in_flight{{{owner}}} 2"),
            format!("spoor_spans_refused_total{{{owner},reason=\"throttled\"}} 1"),
            format!("spoor_spans_dead_lettered_total{{{owner},reason=\"unstorable\"}} 1"),
            format!("spoor_spans_dropped_total{{{owner},reason=\"unstorable\"}} 1"),
        ] {
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
        spans.durable();
    }
}
