//! librdkafka's producer, with a thread that hears its reports.
//!
//! In: records. Out: a report each, to the context. rdkafka's own `ThreadedProducer` does the same in periods of 100 ms, and asks without a pause in the last millisecond of each, for what is left of
//! it counts as none: a hundredth of a core for nothing. Here the periods are longer, and end a little after a millisecond.
//!
//! Deliberately absent: being made anew, which is the [`producer`](super::producer)'s.
//!
//! Source: `fede1024/rust-rdkafka: src/producer/base_producer.rs` 0.39.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::error::{KafkaResult, RDKafkaErrorCode as Code};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, PurgeConfig};

use super::delivery::Mark;
use super::producer::Context;

/// A producer that works.
pub(super) struct Live {
    producer: Arc<BaseProducer<Context>>,
    ending: Arc<AtomicBool>,
    hears: Mutex<Option<JoinHandle<()>>>,
    batch_bytes: usize,
}

/// A record, as it is handed over.
pub(super) struct Record<'a> {
    pub(super) topic: &'a str,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: &'a [u8],
    pub(super) headers: OwnedHeaders,
}

/// How long reports are listened for before the thread looks whether it is still wanted. librdkafka counts whole milliseconds, and sleeps somewhat longer than it says: what is beyond them is less than
/// that, so that nothing is left when it wakes.
const PERIOD: Duration = Duration::from_micros(250_020);

// === impl Live ===

impl Live {
    /// Connects to nobody yet: brokers may be away. Batches of `client` have up to `batch_bytes`.
    ///
    /// # Errors
    /// What librdkafka does not take, or a thread that there is no room for.
    pub(super) fn new(
        client: &ClientConfig,
        context: Context,
        batch_bytes: usize,
    ) -> Result<Self, String> {
        let producer: BaseProducer<Context> = client
            .create_with_context(context)
            .map_err(|error| error.to_string())?;
        let producer = Arc::new(producer);
        let ending = Arc::new(AtomicBool::new(false));
        let (heard, until) = (producer.clone(), ending.clone());
        let hears = std::thread::Builder::new()
            .name("kafka-reports".to_owned())
            .spawn(move || {
                while !until.load(Ordering::Relaxed) {
                    heard.poll(PERIOD);
                }
                // whoever lets go of it last closes its connections, which takes a moment
            })
            .map_err(|error| error.to_string())?;
        Ok(Self {
            producer,
            ending,
            hears: Mutex::new(Some(hears)),
            batch_bytes,
        })
    }

    /// Bytes that a batch may have; a record of as many is alone in its own.
    pub(super) fn batch_bytes(&self) -> usize {
        self.batch_bytes
    }

    /// Hands a record over; the mark comes back when it is not taken.
    pub(super) fn send(
        &self,
        record: Record<'_>,
        mark: Box<Mark>,
    ) -> Result<(), (Code, Box<Mark>)> {
        let record = BaseRecord {
            topic: record.topic,
            partition: None,
            payload: Some(record.value),
            key: record.key,
            timestamp: None,
            headers: Some(record.headers),
            delivery_opaque: mark,
        };
        self.producer.send(record).map_err(|(error, record)| {
            let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
            (code, record.delivery_opaque)
        })
    }

    /// Delivers what it has, as long as `patience` goes. Blocks.
    ///
    /// # Errors
    /// Something is left.
    pub(super) fn flush(&self, patience: Duration) -> KafkaResult<()> {
        self.producer.flush(patience)
    }

    /// Gives up what it has: each record is reported.
    pub(super) fn purge(&self) {
        self.producer
            .purge(PurgeConfig::default().queue().inflight());
    }

    /// How many records are not reported.
    pub(super) fn records(&self) -> i32 {
        self.producer.in_flight_count()
    }

    /// Whether some broker answers within `patience`. Blocks.
    pub(super) fn is_answered(&self, patience: Duration) -> bool {
        self.producer
            .client()
            .fetch_metadata(None, patience)
            .is_ok()
    }

    /// Hears the reports that there are, and no more. Blocks for a period.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        let hears = self.hears.lock().take();
        if hears.is_some_and(|hears| hears.join().is_err()) {
            tracing::error!("the thread that hears Kafka's reports panicked");
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::Relaxed);
    }
}
