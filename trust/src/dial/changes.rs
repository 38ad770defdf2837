//! Whether connections that are open may still be used.
//!
//! In: a dialer. Out: now and then, that what its connections are made of has changed since it was asked last: whoever keeps connections opens others then, so that an authority that was removed is
//! trusted no longer on old ones either.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::Dialer;

/// How often files are compared at most.
const COMPARED: Duration = Duration::from_millis(500);

/// What connections are made of, as one who keeps them knows it.
pub struct Changes {
    dialer: Arc<Dialer>,
    compared: Mutex<Compared>,
}

#[derive(Default)]
struct Compared {
    at: Option<Instant>,
    fingerprint: Option<u64>,
}

// === impl Changes ===

impl Changes {
    /// Of this dialer's connections. The first look is the one that later ones are compared with: ask before the first is opened.
    #[must_use]
    pub fn of(dialer: Arc<Dialer>) -> Self {
        Self {
            dialer,
            compared: Mutex::default(),
        }
    }

    /// Whether connections of before may not be used any more: true once for each change. Files are compared twice a second at most; in between, and without TLS, it is false.
    pub async fn are_there(&self) -> bool {
        if !self.dialer.is_tls() || !self.is_time() {
            return false;
        }
        let dialer = self.dialer.clone();
        let Ok(now) = tokio::task::spawn_blocking(move || dialer.fingerprint()).await else {
            return false;
        };
        let before = self.compared.lock().fingerprint.replace(now);
        before.is_some_and(|before| before != now)
    }

    fn is_time(&self) -> bool {
        let mut compared = self.compared.lock();
        let is_time = compared.at.is_none_or(|at| at.elapsed() >= COMPARED);
        if is_time {
            compared.at = Some(Instant::now());
        }
        is_time
    }
}
