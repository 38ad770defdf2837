//! Renewals of sessions, one at a time for each.
//!
//! In: a session whose time has come. Out: the next one, or why there is none. A browser sends many requests with one cookie at one time: the first of them begins the
//! renewal, all of them get what comes of it, and so do those that come a little later with the old cookie. For most providers take a refresh token once, and end the
//! session of whoever shows it again. A renewal that was begun is finished when nobody waits for it any more: what it gives would be lost.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::Core;
use super::session::Session;
use crate::refusal::Refusal;

/// How long what came of a renewal is given to who still has the old cookie.
const KEPT: Duration = Duration::from_secs(60);
/// The same for a renewal that failed and may be tried again.
const FAILED_KEPT: Duration = Duration::from_secs(5);
/// How many are kept and under way.
const MOST: usize = 4096;

/// What came of a renewal.
#[derive(Clone)]
pub(super) enum Outcome {
    /// The next session.
    Renewed(Arc<Session>),
    /// The provider ended it, or it is another's.
    Ended,
    /// The provider could not be asked.
    Failed(Refusal),
}

#[derive(Default)]
pub(super) struct Renewals {
    flights: Mutex<HashMap<Vec<u8>, Flight>>,
    tasks: TaskTracker,
}

struct Flight {
    begun: Instant,
    outcome: watch::Receiver<Option<Outcome>>,
}

// === impl Renewals ===

impl Renewals {
    /// The session after `session`, which has `refresh`.
    pub(super) async fn renew(
        &self,
        core: &Arc<Core>,
        session: &Session,
        refresh: &SecretString,
        now: u64,
    ) -> Outcome {
        let mut outcome = match self.flight(core, session, refresh, now) {
            Some(outcome) => outcome,
            None => return Outcome::Failed(Refusal::Busy),
        };
        let done = outcome.wait_for(Option::is_some).await;
        let done = done.ok().and_then(|done| done.clone());
        // whoever ends this process ends its requests
        done.unwrap_or(Outcome::Failed(Refusal::Busy))
    }

    /// The renewal that is under way or just done, or a new one; none when there are too many.
    fn flight(
        &self,
        core: &Arc<Core>,
        session: &Session,
        refresh: &SecretString,
        now: u64,
    ) -> Option<watch::Receiver<Option<Outcome>>> {
        let id = digest(&SHA256, refresh.expose_secret().as_bytes());
        let id = id.as_ref().to_vec();
        let mut flights = self.flights.lock();
        flights.retain(|_, flight| flight.is_kept());
        if let Some(flight) = flights.get(&id) {
            return Some(flight.outcome.clone());
        }
        if flights.len() >= MOST {
            return None;
        }
        let (sender, outcome) = watch::channel(None);
        let flight = Flight {
            begun: Instant::now(),
            outcome: outcome.clone(),
        };
        flights.insert(id, flight);
        let (core, session, refresh) = (core.clone(), session.clone(), refresh.clone());
        self.tasks.spawn(async move {
            let outcome = core.renew(&session, &refresh, now).await;
            sender.send_replace(Some(outcome));
        });
        Some(outcome)
    }

    /// Gives a refresh token back, in the background.
    pub(super) fn revoke(&self, core: &Arc<Core>, refresh: SecretString) {
        if self.tasks.len() >= MOST {
            return;
        }
        let core = core.clone();
        self.tasks.spawn(async move { core.revoke(&refresh).await });
    }

    /// Waits until what is under way is done: each is bounded in time.
    pub(super) async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

// === impl Flight ===

impl Flight {
    fn is_kept(&self) -> bool {
        let kept = match &*self.outcome.borrow() {
            None => return self.outcome.has_changed().is_ok(),
            Some(Outcome::Failed(_)) => FAILED_KEPT,
            Some(_) => KEPT,
        };
        self.begun.elapsed() < kept
    }
}

// === impl Core ===

impl Core {
    async fn renew(&self, session: &Session, refresh: &SecretString, now: u64) -> Outcome {
        let granted = match self.refresh(refresh, now).await {
            Ok(granted) => granted,
            Err(refusal @ (Refusal::Unreachable(_) | Refusal::Busy)) => {
                tracing::debug!("a session was not renewed: {refusal}");
                return Outcome::Failed(refusal);
            }
            Err(refusal) => {
                tracing::debug!(reason = refusal.reason(), "a session ended: {refusal}");
                return Outcome::Ended;
            }
        };
        let identity = granted.identity.unwrap_or_else(|| session.identity.clone());
        if identity.subject != session.identity.subject {
            tracing::warn!("the provider renewed a session with another user's token: it ended");
            return Outcome::Ended;
        }
        // who gives no new one lets the old one be used again
        let next = granted.refresh.unwrap_or_else(|| refresh.clone());
        let renewed = Session::new(identity, Some(next), now, granted.expires, session.ends);
        Outcome::Renewed(Arc::new(renewed))
    }
}
