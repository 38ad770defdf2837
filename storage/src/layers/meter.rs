//! Counts what is written, and how long it takes: the layer in front of all others.
//!
//! In: batches. Out: the answers from below, unchanged; what they say goes into the [`Ledger`]. A write whose caller went away counts
//! as refused.

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use model::Batch;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use super::ledger::{Ledger, THROTTLED, UNAVAILABLE};
use crate::port::{TraceWriter, WriteError};

/// The layer.
///
/// Rejected spans are taken out of the account by the layer that disposes of them, [`Bury`](super::Bury): there must be one below, and
/// nothing in between may wait after it has answered.
pub struct Meter {
    inner: Arc<dyn TraceWriter>,
    ledger: Arc<Ledger>,
    seconds: Histogram,
}

// === impl Meter ===

impl Meter {
    /// Counts in `ledger` what `inner` is given.
    pub fn new(inner: Arc<dyn TraceWriter>, ledger: Arc<Ledger>) -> Self {
        Self {
            inner,
            ledger,
            // 0.5 ms to 8 s
            seconds: Histogram::new(exponential_buckets(0.0005, 2.0, 15)),
        }
    }

    /// Puts `spoor_write_seconds` into `registry`: how long writes took until they were answered.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "spoor_write_seconds",
            "Seconds from handing a batch to storage until storage answered",
            self.seconds.clone(),
        );
    }
}

impl TraceWriter for Meter {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let mut spans = self.ledger.account(&batch.instance).receive(batch.len());
            let start = Instant::now();
            let result = self.inner.write(batch).await;
            self.seconds.observe(start.elapsed().as_secs_f64());
            match &result {
                Ok(()) => spans.durable(),
                Err(WriteError::Rejected(rejected)) => {
                    spans.give_up(rejected.len());
                    spans.durable();
                }
                Err(WriteError::Unavailable { .. }) => spans.refused(UNAVAILABLE),
                Err(WriteError::Throttled { .. } | WriteError::Deferred { .. }) => {
                    spans.refused(THROTTLED);
                }
            }
            result
        })
    }
}

#[cfg(test)]
mod tests;
