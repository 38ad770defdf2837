//! Whether this collector is the one that calculates: by a lease in the store, which it has to say again and again that it holds.
//!
//! In: a store. Out: [`Leadership::is_held`], false from the moment the lease ends by this collector's own clock, whatever the store does.
//! The leader says so often; the others try seldom, at random times, so that they do not all wait for the same moment. The lease is given
//! back at the shutdown.
//!
//! Source: `jaegertracing/jaeger: internal/leaderelection/leader_election.go` v1.76.0.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use storage::port::SamplingStore;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Config;
use super::metrics::Metrics;

/// The lease's name, as in Jaeger.
const LEASE: &str = "sampling_store_leader";
/// How long a shutdown waits for the store to take it back; else it ends by itself.
const RESIGNING: Duration = Duration::from_secs(2);

/// Whether this collector leads.
pub(super) struct Leadership {
    store: Arc<dyn SamplingStore>,
    /// No other collector has this name, on this machine or another.
    holder: String,
    until: Mutex<Option<Instant>>,
    leader_interval: Duration,
    follower_interval: Duration,
}

// === impl Leadership ===

impl Leadership {
    pub(super) fn new(store: Arc<dyn SamplingStore>, host: &str, config: &Config) -> Self {
        Self {
            store,
            holder: format!("{host}-{:016x}", random()),
            until: Mutex::new(None),
            leader_interval: config.leader_lease_refresh_interval,
            follower_interval: config.follower_lease_refresh_interval,
        }
    }

    /// Who it is, to the others.
    pub(super) fn holder(&self) -> &str {
        &self.holder
    }

    /// Whether no other collector can have the lease now.
    pub(super) fn is_held(&self) -> bool {
        self.until
            .lock()
            .is_some_and(|until| Instant::now() < until)
    }

    /// Holds the lease or tries to, until `shutdown`, and gives it back.
    pub(super) async fn keep(&self, shutdown: CancellationToken, metrics: &Metrics) {
        let mut led = None;
        let keeping = async {
            loop {
                self.acquire(metrics).await;
                let leads = self.is_held();
                metrics.leader.set(u64::from(leads));
                if led.replace(leads) != Some(leads) {
                    tell(leads);
                }
                sleep(self.pause(leads)).await;
            }
        };
        let ended: Option<()> = shutdown.run_until_cancelled(keeping).await;
        debug_assert!(ended.is_none(), "it goes on for ever");
        self.resign(metrics).await;
    }

    async fn acquire(&self, metrics: &Metrics) {
        // counted from before it is asked for: the store's clock began no earlier
        let asked = Instant::now();
        let ttl = self.follower_interval;
        let acquired = self.store.acquire_lease(LEASE, &self.holder, ttl);
        match acquired.await {
            Ok(true) => *self.until.lock() = asked.checked_add(ttl),
            Ok(false) => *self.until.lock() = None,
            // what is held is held until it ends
            Err(error) => metrics.store_error("acquire_lease", &error),
        }
    }

    async fn resign(&self, metrics: &Metrics) {
        let held = self.until.lock().take();
        metrics.leader.set(0);
        // the store may have given it without the answer having come
        let resigned = timeout(RESIGNING, self.store.resign_lease(LEASE, &self.holder)).await;
        match resigned {
            Ok(Ok(())) if held.is_some() => {
                tracing::info!("adaptive sampling: gave the lead back");
            }
            Ok(Ok(())) => {}
            Ok(Err(error)) => metrics.store_error("resign_lease", &error),
            Err(late) => metrics.store_error("resign_lease", &late),
        }
    }

    fn pause(&self, leads: bool) -> Duration {
        if leads {
            return self.leader_interval;
        }
        let share = random() as f64 / u64::MAX as f64;
        self.follower_interval.mul_f64(0.5 + share / 2.0)
    }
}

fn tell(leads: bool) {
    if leads {
        tracing::info!("adaptive sampling: this collector leads, and calculates for all");
    } else {
        tracing::info!("adaptive sampling: another collector leads, and this one follows");
    }
}

/// Another number each time, in every process. No secret.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
