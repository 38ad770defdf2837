//! How fast the graph is counted, and for how long: at most half of the time a question of its is with the cluster, and only while the lease is held.
//!
//! In: how long a question took. Out: the same time passes again; or an error once another process leads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::LEASE;
use crate::elasticsearch::lease::Leases;
use crate::http_client::Error;

/// The longest pause.
const LONGEST: Duration = Duration::from_secs(5);

/// See above.
pub(super) struct Pace {
    leases: Arc<Leases>,
    holder: Arc<str>,
    ttl: Duration,
    state: Mutex<State>,
}

struct State {
    /// When the lease was asked for last.
    renewed: Instant,
    is_lost: bool,
}

// === impl Pace ===

impl Pace {
    /// Of who has had the lease just now.
    pub(super) fn new(leases: Arc<Leases>, holder: Arc<str>, ttl: Duration) -> Self {
        Self {
            leases,
            holder,
            ttl,
            state: Mutex::new(State {
                renewed: Instant::now(),
                is_lost: false,
            }),
        }
    }

    /// After a question that took so long.
    pub(super) async fn rest(&self, took: Duration) -> Result<(), Error> {
        tokio::time::sleep(took.min(LONGEST)).await;
        self.renew().await
    }

    /// Holds the lease, when it is time to say so.
    pub(super) async fn renew(&self) -> Result<(), Error> {
        let asked = Instant::now();
        if asked.duration_since(self.state.lock().renewed) < self.ttl / 3 {
            return Ok(());
        }
        let is_held = self.leases.acquire(LEASE, &self.holder, self.ttl).await?;
        let mut state = self.state.lock();
        state.renewed = asked;
        state.is_lost = !is_held;
        if is_held {
            return Ok(());
        }
        Err(Error::Busy(
            "another process counts the graph of calls now".to_owned(),
        ))
    }

    /// Whether another process leads.
    pub(super) fn is_lost(&self) -> bool {
        self.state.lock().is_lost
    }
}
