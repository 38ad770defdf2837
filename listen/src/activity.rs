//! What one connection is doing, so that its owner can tell slow from dead.
//!
//! In: marks set by the socket (a byte came), the requests (began, ended) and the bodies (a piece was sent). Out: whether a deadline has passed,
//! or when to look again. It closes nothing itself.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::config::Limits;

/// Marks of one connection, shared by its socket, its requests and its owner. Times are milliseconds since it was accepted, plus one: zero is "no".
#[derive(Debug)]
pub(crate) struct Activity {
    began: Instant,
    /// Only HTTP/1 is heard between requests: HTTP/2 also carries pings there.
    one_at_a_time: bool,
    in_flight: AtomicU32,
    quiet_since: AtomicU64,
    head_since: AtomicU64,
    clients_turn: AtomicU32,
    sent_at: AtomicU64,
    stalled: AtomicBool,
    pub(crate) stalled_now: Notify,
}

/// A deadline that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overdue {
    Headers,
    Body,
    Send,
    Idle,
}

impl Activity {
    /// Marks of a connection whose first bytes have just come.
    pub(crate) fn new(one_at_a_time: bool) -> Self {
        let made = Self {
            began: Instant::now(),
            one_at_a_time,
            in_flight: AtomicU32::new(0),
            quiet_since: AtomicU64::new(1),
            head_since: AtomicU64::new(0),
            clients_turn: AtomicU32::new(0),
            sent_at: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            stalled_now: Notify::new(),
        };
        made.heard();
        made
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Bytes came in.
    pub(crate) fn heard(&self) {
        if self.one_at_a_time
            && self.in_flight.load(Relaxed) == 0
            && self.head_since.load(Relaxed) == 0
        {
            self.head_since.store(self.now(), Relaxed);
        }
    }

    /// A request's head is complete.
    pub(crate) fn request_began(&self) {
        self.in_flight.fetch_add(1, Relaxed);
        self.head_since.store(0, Relaxed);
    }

    /// A request's answer was handed over, or will never be.
    pub(crate) fn request_ended(&self) {
        self.quiet_since.store(self.now(), Relaxed);
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// A piece of an answer was handed over: it is for the client to take it. `already` when it was the client's turn before.
    pub(crate) fn sent(&self, already: bool) {
        self.sent_at.store(self.now(), Relaxed);
        if !already {
            self.clients_turn.fetch_add(1, Relaxed);
        }
    }

    /// An answer is being made again, or is complete.
    pub(crate) fn our_turn(&self) {
        self.clients_turn.fetch_sub(1, Relaxed);
    }

    /// A request's body stopped coming.
    pub(crate) fn body_stalled(&self) {
        self.stalled.store(true, Relaxed);
        self.stalled_now.notify_one();
    }

    /// The head of a request has begun and not ended.
    pub(crate) fn is_hearing_a_head(&self) -> bool {
        self.head_since.load(Relaxed) != 0
    }

    /// Whether it did, ever.
    pub(crate) fn has_stalled(&self) -> bool {
        self.stalled.load(Relaxed)
    }

    /// The deadline that has passed, or how long until the next can.
    pub(crate) fn check(&self, limits: &Limits) -> Result<Duration, Overdue> {
        if self.stalled.load(Relaxed) {
            return Err(Overdue::Body);
        }
        let now = self.now();
        let mut next = limits.headers.min(limits.idle).min(limits.send_progress);
        let mut left = |since: u64, limit: Duration| match limit
            .checked_sub(Duration::from_millis(now.saturating_sub(since)))
        {
            Some(left) if !left.is_zero() => {
                next = next.min(left);
                true
            }
            _ => false,
        };
        let head = self.head_since.load(Relaxed);
        if head != 0 && !left(head, limits.headers) {
            return Err(Overdue::Headers);
        }
        if self.clients_turn.load(Relaxed) > 0
            && !left(self.sent_at.load(Relaxed), limits.send_progress)
        {
            return Err(Overdue::Send);
        }
        if self.in_flight.load(Relaxed) == 0
            && head == 0
            && !left(self.quiet_since.load(Relaxed), limits.idle)
        {
            return Err(Overdue::Idle);
        }
        Ok(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            headers: Duration::from_secs(2),
            idle: Duration::from_secs(10),
            send_progress: Duration::from_secs(5),
            ..Limits::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_end_is_overdue_after_its_deadline() {
        let activity = Activity::new(true);
        assert_eq!(activity.check(&limits()), Ok(Duration::from_secs(2)));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(activity.check(&limits()), Err(Overdue::Headers));
    }

    #[tokio::test(start_paused = true)]
    async fn pings_of_a_quiet_http2_connection_do_not_count_as_a_head() {
        let activity = Activity::new(false);
        tokio::time::advance(Duration::from_secs(9)).await;
        activity.heard();
        assert!(activity.check(&limits()).is_ok());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(activity.check(&limits()), Err(Overdue::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_handler_is_not_a_slow_client() {
        let activity = Activity::new(true);
        activity.request_began();
        tokio::time::advance(Duration::from_secs(100)).await;
        assert!(activity.check(&limits()).is_ok());
        activity.sent(false);
        tokio::time::advance(Duration::from_secs(4)).await;
        assert_eq!(activity.check(&limits()), Ok(Duration::from_secs(1)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(activity.check(&limits()), Err(Overdue::Send));
        activity.our_turn();
        activity.request_ended();
        assert!(activity.check(&limits()).is_ok());
    }
}
