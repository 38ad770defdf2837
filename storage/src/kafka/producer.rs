//! A producer that is made anew when its certificates or its password change, and when librdkafka gives it up.
//!
//! In: records. Out: a report each. The producer before goes on delivering what it has for a moment, then is closed with its connections; what it did not deliver is reported as purged, and whoever
//! wrote it writes it again. Bounded by bytes: more than `queue_bytes` on their way are refused. A broker refuses a batch as a whole: where a topic takes less than a batch may have, it is made anew
//! with smaller ones.
//!
//! Source: librdkafka's CONFIGURATION.md and INTRODUCTION.md 2.12, "Idempotent Producer".

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::ProducerContext;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use trust::Dialer;

use super::config::Tuning;
use super::connection::{Connection, Unusable};
use super::delivery::Mark;
use super::live::Live;
use super::metrics::Metrics;
use super::trouble::{self, Trouble};
use crate::layers::occasional::Occasional;

/// How often files are compared with those in use.
const COMPARE_EVERY: Duration = Duration::from_millis(500);
/// How long a producer that was replaced goes on delivering: with a period of its thread's, a removed authority is let go of within a second.
const FAREWELL: Duration = Duration::from_millis(250);
/// How often brokers that nothing was heard of for a while are asked, and how long for.
const PROBE_EVERY: Duration = Duration::from_secs(2);
const PROBE_PATIENCE: Duration = Duration::from_secs(2);
/// By how much batches get smaller that are refused, and what every topic takes.
const NARROWER: usize = 4;
pub(super) const SMALLEST_BATCH: usize = 1_000;

/// A producer.
pub(super) struct Producer {
    connection: Connection,
    tuning: Tuning,
    dialer: Option<Dialer>,
    live: ArcSwap<Live>,
    /// Of the files that it was made of.
    made_of: Mutex<u64>,
    /// Bytes that a batch may have, of the next that is made.
    batch_bytes: AtomicUsize,
    narrowing: tokio::sync::Mutex<()>,
    /// Files that cannot be used are told of now and then.
    refused: Occasional,
    pub(super) trouble: Arc<Trouble>,
    gave_up: Arc<Notify>,
    metrics: Metrics,
}

/// Hears what librdkafka says.
pub(super) struct Context {
    trouble: Arc<Trouble>,
    gave_up: Arc<Notify>,
}

// === impl Context ===

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        trouble::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(Code::Fatal) {
            self.gave_up.notify_one();
        }
        self.trouble.heard(&error, reason);
    }
}

impl ProducerContext for Context {
    type DeliveryOpaque = Box<Mark>;

    fn delivery(&self, result: &DeliveryResult<'_>, mark: Box<Mark>) {
        let failed = result
            .as_ref()
            .err()
            .map(|(error, _)| error.rdkafka_error_code().unwrap_or(Code::Fail));
        if failed.is_none() {
            self.trouble.passed();
        }
        mark.report(failed);
    }
}

// === impl Producer ===

impl Producer {
    /// Connects to nobody yet: brokers may be away. Blocks.
    pub(super) fn new(
        connection: Connection,
        tuning: Tuning,
        metrics: Metrics,
    ) -> Result<Self, Unusable> {
        let dialer = connection.dialer();
        let made_of = connection.fingerprint(dialer.as_ref());
        let trouble = Arc::new(Trouble::new(&connection.settings, connection.shown()));
        let gave_up = Arc::new(Notify::new());
        let live = make(&connection, dialer.as_ref(), &tuning, &trouble, &gave_up)?;
        let batch_bytes = AtomicUsize::new(tuning.most_of_a_batch());
        Ok(Self {
            connection,
            tuning,
            dialer,
            live: ArcSwap::from_pointee(live),
            made_of: Mutex::new(made_of),
            batch_bytes,
            narrowing: tokio::sync::Mutex::default(),
            refused: Occasional::default(),
            trouble,
            gave_up,
            metrics,
        })
    }

    /// The one that takes records now.
    pub(super) fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// Batches of up to `refused` bytes were too large for a topic: from now on they are smaller.
    pub(super) async fn narrow(self: &Arc<Self>, refused: usize) {
        // whoever finds it out too waits until they are
        let _one = self.narrowing.lock().await;
        if self.live().batch_bytes() != refused {
            return;
        }
        let to = (refused / NARROWER).max(SMALLEST_BATCH);
        self.batch_bytes.store(to, Ordering::Release);
        let settings = &self.connection.settings;
        tracing::warn!(
            brokers = self.connection.shown(),
            bytes = refused,
            now = to,
            "a broker refuses batches as too large: they are smaller from now on; raise the topic's max.message.bytes, or lower {settings}.batch-size"
        );
        let renewing = self.clone();
        renewing
            .blocking(|producer| producer.renew(Some("batches are smaller")))
            .await;
    }

    /// Compares files, replaces a producer that was given up, and asks brokers that are said to be away, until `ending`.
    pub(super) async fn keep(self: Arc<Self>, ending: CancellationToken) {
        let mut compare = tokio::time::interval(COMPARE_EVERY);
        compare.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut probe = tokio::time::interval(PROBE_EVERY);
        probe.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let reason = tokio::select! {
                () = ending.cancelled() => return,
                () = self.gave_up.notified() => Some("given up"),
                _ = compare.tick() => None,
                _ = probe.tick() => {
                    self.clone().blocking(Self::probe).await;
                    continue;
                }
            };
            self.clone()
                .blocking(move |producer| producer.renew(reason))
                .await;
        }
    }

    async fn blocking(self: Arc<Self>, what: impl FnOnce(&Self) + Send + 'static) {
        // a panic in there is said by the runtime
        tokio::task::spawn_blocking(move || what(&self)).await.ok();
    }

    /// Brokers that nobody writes to are asked whether they are there again.
    fn probe(&self) {
        let is_up = self.trouble.said().is_none() || self.live().is_answered(PROBE_PATIENCE);
        if is_up {
            self.trouble.passed();
        }
        self.metrics.up(is_up);
    }

    /// Makes it anew when files changed, or for `reason`.
    fn renew(&self, reason: Option<&'static str>) {
        let now = self.connection.fingerprint(self.dialer.as_ref());
        let changed = std::mem::replace(&mut *self.made_of.lock(), now) != now;
        let Some(reason) = reason.or_else(|| changed.then_some("files changed")) else {
            return;
        };
        let tuning = Tuning {
            batch_bytes: self.batch_bytes.load(Ordering::Acquire),
            ..self.tuning.clone()
        };
        let made = make(
            &self.connection,
            self.dialer.as_ref(),
            &tuning,
            &self.trouble,
            &self.gave_up,
        );
        match made {
            Ok(made) => {
                let before = self.live.swap(Arc::new(made));
                self.metrics.renewed();
                tracing::info!(
                    settings = self.connection.settings,
                    brokers = self.connection.shown(),
                    reason,
                    "the connection to Kafka is made anew"
                );
                // whoever still hands records to it is done within a moment, and dropping it closes it
                if before.flush(FAREWELL).is_err() {
                    before.purge();
                }
            }
            Err(error) => {
                // tried again at the next look
                *self.made_of.lock() = now.wrapping_add(1);
                if self.refused.due(Instant::now(), 0).is_some() {
                    tracing::warn!(
                        settings = self.connection.settings,
                        %error,
                        "new certificates or a new password cannot be used, the last good ones stay in use"
                    );
                }
            }
        }
    }

    /// Delivers what it has, as long as `patience` goes, and is over. Blocks.
    pub(super) fn end(&self, patience: Duration) {
        let live = self.live();
        if let Err(error) = live.flush(patience) {
            tracing::warn!(
                records = live.records(),
                %error,
                "records were not taken by Kafka before the end: their senders were told"
            );
            live.purge();
        }
        live.end();
    }
}

fn make(
    connection: &Connection,
    dialer: Option<&Dialer>,
    tuning: &Tuning,
    trouble: &Arc<Trouble>,
    gave_up: &Arc<Notify>,
) -> Result<Live, Unusable> {
    let mut client = connection.client(dialer)?;
    tuning.set(&mut client);
    let context = Context {
        trouble: trouble.clone(),
        gave_up: gave_up.clone(),
    };
    let batch_bytes = tuning.most_of_a_batch();
    Live::new(&client, context, batch_bytes)
        .map_err(|error| Unusable::of(&connection.settings, &error))
}
