//! What became of the records of one write.
//!
//! In: one report a record, from librdkafka's thread. Out: once all are in, which were not taken and why. Who goes away meanwhile leaves the records on their way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use rdkafka::error::RDKafkaErrorCode;
use tokio::sync::Notify;

/// The records of one write.
#[derive(Debug)]
pub(super) struct Delivery {
    /// Reports that are still to come, and one for whoever hands the records over.
    open: AtomicUsize,
    failed: Mutex<Vec<Failed>>,
    done: Notify,
}

/// A record that brokers did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    /// Which of the write's.
    pub(super) at: usize,
    pub(super) code: RDKafkaErrorCode,
}

/// Goes with a record, and comes back with its report.
pub(super) struct Mark {
    delivery: Arc<Delivery>,
    at: usize,
}

// === impl Delivery ===

impl Delivery {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            open: AtomicUsize::new(1),
            failed: Mutex::default(),
            done: Notify::new(),
        })
    }

    /// For the next record.
    pub(super) fn mark(self: &Arc<Self>, at: usize) -> Box<Mark> {
        self.open.fetch_add(1, Ordering::Relaxed);
        Box::new(Mark {
            delivery: self.clone(),
            at,
        })
    }

    /// Waits for the reports of all records: those that failed. To be called once, after the last record.
    pub(super) async fn ended(&self) -> Vec<Failed> {
        self.close();
        while self.open.load(Ordering::Acquire) > 0 {
            self.done.notified().await;
        }
        std::mem::take(&mut self.failed.lock())
    }

    fn close(&self) {
        if self.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }
}

// === impl Mark ===

impl Mark {
    /// The record's report.
    pub(super) fn report(self, failed: Option<RDKafkaErrorCode>) {
        if let Some(code) = failed {
            self.delivery
                .failed
                .lock()
                .push(Failed { at: self.at, code });
        }
        self.delivery.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_is_when_each_record_has_its_report() {
        let delivery = Delivery::new();
        let (first, second) = (delivery.mark(0), delivery.mark(1));
        let waiting = delivery.clone();
        let mut waiting = Box::pin(async move { waiting.ended().await });
        first.report(None);
        assert!(futures_util::poll!(&mut waiting).is_pending());
        second.report(Some(RDKafkaErrorCode::QueueFull));
        let failed = waiting.await;
        let expect = Failed {
            at: 1,
            code: RDKafkaErrorCode::QueueFull,
        };
        assert_eq!(failed, [expect]);
    }

    #[tokio::test]
    async fn nothing_is_waited_for_where_nothing_was_sent() {
        assert_eq!(Delivery::new().ended().await, []);
    }
}
