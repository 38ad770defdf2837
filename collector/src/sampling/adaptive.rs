//! Adaptive sampling: services are told to record so many traces of each operation that a target is met.
//!
//! In: the traces that came, of every protocol, and who asks. Out: probabilities. All collectors that share a store count (`aggregator`)
//! and write what they counted; the one that holds the lease (`leadership`) reads what all of them wrote, calculates (`calculator`),
//! answers by that, and writes it; the others read it and answer the same (`answers`).
//!
//! Unlike Jaeger, the leader answers what it calculated, whatever the protocol a trace is counted, and so is one whose sampler did not say
//! what it did, for services that ask. The reasons: `docs/adr/0008-adaptive-sampling.md`.
//!
//! Source: `jaegertracing/jaeger: internal/sampling/samplingstrategy/adaptive` v1.76.0.

mod aggregator;
mod answers;
mod bounds;
mod bucket;
mod calculator;
mod config;
mod leadership;
mod metrics;
mod roots;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use storage::layers::window::Clock;
use storage::port::{Probabilities, ReadError, SamplingStore, ThroughputRows};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use wire::r#gen::api_v2::SamplingStrategyResponse;

use super::{Error, Parts};
use aggregator::Aggregator;
use answers::Answers;
use bucket::Bucket;
use calculator::Calculator;
pub use config::Config;
use leadership::Leadership;
use metrics::Metrics;
pub(crate) use roots::Roots;

/// Collectors that follow read the latest probabilities this often, and at least once an interval.
const FOLLOW: Duration = Duration::from_secs(20);

/// Adaptive sampling of one collector.
pub(crate) struct Adaptive {
    config: Config,
    store: Arc<dyn SamplingStore>,
    clock: Clock,
    answers: RwLock<Arc<Answers>>,
    aggregator: Aggregator,
    leadership: Leadership,
    metrics: Metrics,
}

/// What the rounds of a leader remember.
struct Leading {
    calculator: Calculator,
    /// Until when rows were read, nanoseconds since the Unix epoch.
    until_ns: u64,
    /// The time of the latest probabilities in the store, by whose clock ever.
    written_ns: u64,
}

/// A probability as it is compared: Jaeger's text for it.
fn six(probability: f64) -> String {
    format!("{probability:.6}")
}

// === impl Adaptive ===

impl Adaptive {
    /// Answers what was last calculated, by whomever.
    pub(super) async fn open(config: &Config, parts: Parts<'_>) -> Result<Self, Error> {
        let store = parts.store.ok_or(Error::NoStore)?;
        let adaptive = Self {
            config: config.clone(),
            leadership: Leadership::new(store.clone(), parts.host, config),
            store,
            clock: parts.clock,
            answers: RwLock::new(Arc::new(Answers::new(Probabilities::default(), config))),
            aggregator: Aggregator::default(),
            metrics: Metrics::register(parts.registry),
        };
        adaptive.follow().await;
        Ok(adaptive)
    }

    /// What `service` is told.
    pub(super) fn of(&self, service: &str) -> SamplingStrategyResponse {
        if !self.aggregator.asked(service) {
            self.metrics.left_out.inc();
        }
        self.answers().of(service)
    }

    /// Counts traces that were stored.
    pub(super) fn count(&self, roots: &Roots) {
        let left_out = self.aggregator.count(roots, &self.answers());
        self.metrics.left_out.inc_by(left_out);
    }

    /// Counts, calculates and follows until `shutdown`, then gives the lead back.
    pub(super) async fn keep(&self, shutdown: CancellationToken) {
        tokio::join!(
            self.leadership.keep(shutdown.clone(), &self.metrics),
            shutdown.run_until_cancelled(self.keep_counting()),
            shutdown.run_until_cancelled(self.keep_following()),
        );
    }

    async fn keep_counting(&self) {
        let mut leading = None;
        let mut told = self.answers();
        loop {
            sleep(self.config.calculation_interval).await;
            self.flush(&told).await;
            told = self.answers();
            if self.leadership.is_held() {
                self.round(&mut leading).await;
            } else {
                leading = None;
            }
        }
    }

    async fn keep_following(&self) {
        loop {
            sleep(FOLLOW.min(self.config.calculation_interval)).await;
            if !self.leadership.is_held() {
                self.follow().await;
            }
        }
    }

    /// Takes the latest probabilities from the store.
    async fn follow(&self) {
        match self.latest().await {
            // the leader of before may know better than what it could write
            Ok(latest) if latest.time_ns >= self.answers().time_ns() => self.answer(latest),
            Ok(_) => {}
            Err(error) => self.metrics.store_error("get_probabilities", &error),
        }
    }

    /// Writes what was counted.
    async fn flush(&self, told: &Answers) {
        let rows = self.aggregator.take(told);
        if rows.is_empty() {
            return;
        }
        let time_ns = (self.clock)();
        // what a new leader reads, and one interval more for a clock that is behind
        let intervals = u32::try_from(self.config.aggregation_buckets).unwrap_or(u32::MAX);
        let interval = self.config.calculation_interval;
        let read = interval.saturating_mul(intervals.saturating_add(2));
        let read = read.saturating_add(self.config.delay);
        let rows = ThroughputRows {
            time_ns,
            unread_until_ns: time_ns.saturating_sub(nanos(read)),
            rows,
        };
        // not tried again: it is as if nothing had come in this interval
        if let Err(error) = self.store.append_throughput(rows).await {
            self.metrics.store_error("append_throughput", &error);
        }
    }

    /// One round of the leader. What fails is tried again in the next, over a longer time.
    async fn round(&self, leading: &mut Option<Leading>) {
        let now_ns = (self.clock)();
        let until_ns = now_ns.saturating_sub(nanos(self.config.delay));
        if leading.is_none() {
            match self.begin(until_ns).await {
                Ok(begun) => *leading = Some(begun),
                Err(error) => return self.metrics.store_error("get_throughput", &error),
            }
        }
        let Some(Leading {
            calculator,
            until_ns: after_ns,
            written_ns,
        }) = leading
        else {
            return;
        };
        // a clock that was set back
        if until_ns <= *after_ns {
            return;
        }
        let bucket = match self.bucket(*after_ns, until_ns).await {
            Ok(bucket) => bucket,
            Err(error) => return self.metrics.store_error("get_throughput", &error),
        };
        *after_ns = until_ns;
        let services = calculator.round(bucket);
        // the store may have been slow, and another may lead by now
        if !self.leadership.is_held() {
            return;
        }
        self.metrics.rounds.inc();
        // later than what is there, or it would not count
        *written_ns = now_ns.max(written_ns.saturating_add(1));
        let latest = Probabilities {
            host: self.leadership.holder().to_owned(),
            time_ns: *written_ns,
            services,
            asked: calculator.asked(),
        };
        self.answer(latest.clone());
        if let Err(error) = self.store.put_probabilities(latest).await {
            self.metrics.store_error("put_probabilities", &error);
        }
    }

    /// Takes the lead where the one before left it: its probabilities, and the intervals before the one that ends at `until_ns`.
    async fn begin(&self, until_ns: u64) -> Result<Leading, ReadError> {
        let interval_ns = nanos(self.config.calculation_interval);
        let latest = self.latest().await?;
        let begin_ns = until_ns.saturating_sub(interval_ns);
        let mut history = Vec::new();
        let mut end_ns = begin_ns;
        while history.len() + 1 < self.config.aggregation_buckets {
            let start_ns = end_ns.saturating_sub(interval_ns);
            let bucket = self.bucket(start_ns, end_ns).await?;
            if start_ns == 0 || (bucket.services.is_empty() && bucket.asked.is_empty()) {
                break;
            }
            history.push(bucket);
            end_ns = start_ns;
        }
        Ok(Leading {
            calculator: Calculator::new(&self.config, latest.services, history),
            until_ns: begin_ns,
            written_ns: latest.time_ns,
        })
    }

    async fn bucket(&self, after_ns: u64, until_ns: u64) -> Result<Bucket, ReadError> {
        let rows = self.store.get_throughput(after_ns, until_ns).await?;
        let interval = Duration::from_nanos(until_ns.saturating_sub(after_ns));
        Ok(Bucket::of(rows, interval))
    }

    /// The latest probabilities of the store, without those that are none.
    async fn latest(&self) -> Result<Probabilities, ReadError> {
        let mut latest = self.store.get_probabilities().await?.unwrap_or_default();
        for operations in latest.services.values_mut() {
            operations.retain(|_, rate| (0.0..=1.0).contains(&rate.probability));
        }
        Ok(latest)
    }

    fn answers(&self) -> Arc<Answers> {
        self.answers.read().clone()
    }

    fn answer(&self, latest: Probabilities) {
        let answers = Answers::new(latest, &self.config);
        self.metrics.operations.set(answers.operations() as u64);
        *self.answers.write() = Arc::new(answers);
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
