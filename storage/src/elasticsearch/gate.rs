//! Holds an instance's writes back while its cluster does not take them.
//!
//! In: how each write went. Out: whether the next may be tried. After a failure one write in a while is, and the others are sent home at once: what waits for a cluster that is away would only
//! use memory up that other instances need. Says once that it shut, why, and once that it is open again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use model::Instance;
use parking_lot::Mutex;

use super::metrics::Metrics;
use crate::http_client::Error;

/// Until the first write is tried after a failure; each further pause is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

pub(crate) struct Gate {
    instance: Instance,
    metrics: Metrics,
    shut: Mutex<Option<Shut>>,
    /// Another stands in its place, and says whether the cluster takes spans.
    left: AtomicBool,
}

struct Shut {
    error: Error,
    since: Instant,
    pause: Duration,
    until: Instant,
}

// === impl Gate ===

impl Gate {
    pub(crate) fn new(instance: Instance, metrics: Metrics) -> Self {
        metrics.up(true);
        Self {
            instance,
            metrics,
            shut: Mutex::new(None),
            left: AtomicBool::new(false),
        }
    }

    /// What it finds from now on concerns nobody but those who are under way.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }

    fn up(&self, is_up: bool) {
        if !self.left.load(Ordering::Acquire) {
            self.metrics.up(is_up);
        }
    }

    /// `Err` with what went wrong, while it is too early to try again; else whether this is a try, after a failure.
    pub(crate) fn enter(&self) -> Result<bool, Error> {
        let mut shut = self.shut.lock();
        let Some(shut) = shut.as_mut() else {
            return Ok(false);
        };
        let now = Instant::now();
        if now < shut.until {
            return Err(shut.error.clone());
        }
        // this one tries, the others wait for what it finds
        shut.until = now + shut.pause;
        Ok(true)
    }

    /// A write went well; whether it was shut before.
    pub(crate) fn passed(&self) -> bool {
        let Some(shut) = self.shut.lock().take() else {
            return false;
        };
        self.up(true);
        tracing::info!(
            instance = %self.instance,
            after_s = shut.since.elapsed().as_secs(),
            "the cluster takes spans again"
        );
        true
    }

    /// A write failed.
    pub(crate) fn failed(&self, error: &Error) {
        let mut shut = self.shut.lock();
        let now = Instant::now();
        let pause = shut
            .as_ref()
            .map_or(PAUSE, |shut| (shut.pause * 2).min(LONGEST_PAUSE));
        let before = shut
            .as_ref()
            .map(|shut| std::mem::discriminant(&shut.error));
        if before != Some(std::mem::discriminant(error)) {
            self.up(false);
            tracing::warn!(
                instance = %self.instance,
                error = %error,
                "the cluster takes no spans: senders are told to come again"
            );
        }
        *shut = Some(Shut {
            error: error.clone(),
            since: shut.as_ref().map_or(now, |shut| shut.since),
            pause,
            until: now + pause,
        });
    }

    /// What went wrong, while it is shut.
    pub(crate) fn health(&self) -> Result<(), String> {
        match &*self.shut.lock() {
            None => Ok(()),
            Some(shut) => Err(format!(
                "no spans are taken for {} since {}s: {}",
                self.instance,
                shut.since.elapsed().as_secs(),
                shut.error
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elasticsearch::metrics::Families;

    #[test]
    fn one_write_in_a_while_is_tried_while_the_cluster_is_away() {
        let instance = Instance::default();
        let gate = Gate::new(instance.clone(), Families::new().of(&instance, "main"));
        let away = Error::Unreachable("es is away".to_owned());
        assert_eq!(gate.enter(), Ok(false));
        gate.failed(&away);
        assert_eq!(gate.enter(), Err(away.clone()));
        assert!(gate.health().unwrap_err().contains("es is away"));
        gate.shut.lock().as_mut().unwrap().until = Instant::now();
        assert_eq!(gate.enter(), Ok(true));
        assert_eq!(gate.enter(), Err(away.clone()));
        for _ in 0..20 {
            gate.failed(&away);
        }
        assert_eq!(gate.shut.lock().as_ref().unwrap().pause, LONGEST_PAUSE);
        assert!(gate.passed());
        assert!(!gate.passed());
        assert_eq!((gate.enter(), gate.health()), (Ok(false), Ok(())));
    }
}
