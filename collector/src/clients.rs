//! What Jaeger's clients say of themselves in their batches: a number for each batch, and how many spans they lost since they started.
//!
//! In: a client's name, its batch's number and counts, and the time. Out: by how much the totals grow. Numbers that were left out are batches
//! that got lost on the way: they grow what was sent, and not what was received.
//!
//! A client's first batch grows nothing: it may have run for long. A batch that is older than one already seen grows nothing either, since
//! later counts hold its own. Who is not heard of for an hour is forgotten, and the longest unheard of makes room when there are too many:
//! names come from strangers.
//!
//! Source: `jaegertracing/jaeger: cmd/agent/app/reporter/client_metrics.go` v1.60.0.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::time::{Duration, Instant};

use wire::thrift::ClientStats;

/// A client that is silent for longer is forgotten.
const REMEMBERED: Duration = Duration::from_secs(3600);
/// How many clients are remembered.
const MOST: usize = 10_000;

/// The clients that are remembered.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// By a hash of their names, which may be as long as a datagram. Nobody outside can make two collide: its keys are secret.
    clients: HashMap<u64, Client>,
    /// By when they were last heard of.
    order: BTreeMap<(Instant, u64), u64>,
    hasher: RandomState,
    /// Tells clients apart that were heard of at one instant.
    turn: u64,
}

/// By how much the totals grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Growth {
    /// Batches sent.
    pub(crate) sent: u64,
    /// Spans lost because the client's queue was full.
    pub(crate) full_queue: u64,
    /// Spans lost because they were larger than a datagram.
    pub(crate) too_large: u64,
    /// Spans lost because they could not be sent.
    pub(crate) failed: u64,
}

#[derive(Debug)]
struct Client {
    heard: (Instant, u64),
    sequence: i64,
    stats: ClientStats,
}

// === impl Clients ===

impl Clients {
    /// A batch with this number came from the client called `name`.
    pub(crate) fn hear(
        &mut self,
        name: &str,
        sequence: i64,
        stats: Option<ClientStats>,
        now: Instant,
    ) -> Growth {
        self.forget(now);
        let key = self.hasher.hash_one(name);
        self.turn += 1;
        let heard = (now, self.turn);
        let Some(client) = self.clients.get_mut(&key) else {
            self.remember(key, heard, sequence, stats);
            return Growth::default();
        };
        if sequence <= client.sequence {
            return Growth::default();
        }
        let mut growth = Growth::default();
        // without a number of 1 or more before it there is nothing to compare with
        if client.sequence > 0 {
            growth.sent = grown(sequence, client.sequence);
            if let Some(new) = stats {
                let old = client.stats;
                growth.full_queue =
                    grown(new.full_queue_dropped_spans, old.full_queue_dropped_spans);
                growth.too_large = grown(new.too_large_dropped_spans, old.too_large_dropped_spans);
                growth.failed = grown(new.failed_to_emit_spans, old.failed_to_emit_spans);
            }
        }
        client.sequence = sequence;
        client.stats = stats.unwrap_or(client.stats);
        self.order.remove(&client.heard);
        client.heard = heard;
        self.order.insert(heard, key);
        growth
    }

    /// How many clients are remembered.
    pub(crate) fn count(&mut self, now: Instant) -> usize {
        self.forget(now);
        self.clients.len()
    }

    fn remember(
        &mut self,
        key: u64,
        heard: (Instant, u64),
        sequence: i64,
        stats: Option<ClientStats>,
    ) {
        while self.clients.len() >= MOST {
            let Some((_, oldest)) = self.order.pop_first() else {
                break;
            };
            self.clients.remove(&oldest);
        }
        let client = Client {
            heard,
            sequence: sequence.max(0),
            stats: stats.unwrap_or_default(),
        };
        self.clients.insert(key, client);
        self.order.insert(heard, key);
    }

    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.order.first_entry() {
            let (heard, _) = *oldest.key();
            if now.saturating_duration_since(heard) <= REMEMBERED {
                break;
            }
            let key = oldest.remove();
            self.clients.remove(&key);
        }
    }
}

/// From a stranger: it may shrink, and totals do not.
fn grown(new: i64, old: i64) -> u64 {
    u64::try_from(new.saturating_sub(old)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
