//! Who hands records over, and who waits: while the brokers are to answer for some, others gather and go together.
//!
//! In: writes to one topic, each with its size. Out: a [`Turn`] each, to be kept until its records were answered for.
//!
//! librdkafka has one request under way for each partition of an idempotent producer. Records behind it that have waited for their linger make its thread ask in a loop, without a pause, whether the
//! answer is there (`rd_kafka_msgq_allow_wakeup_at` says "now", `rd_kafka_toppar_producer_serve` then sends nothing): half of all that a collector used. Records that come when the answer did wait for
//! nothing. Only that is at stake here: whoever waited for [`PATIENCE`], behind a partition that has no leader or a topic that is not there, goes at once.
//!
//! Deliberately absent: an order among writes, which have none, and a bound, which callers and the producer's queue have.
//!
//! Source: librdkafka 2.12.1, `rdkafka_broker.c` and `rdkafka_msg.c`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// The turns of one topic.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Whose records are not answered for.
    under_way: usize,
    waiting: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    bytes: usize,
    turn: oneshot::Sender<Turn>,
}

/// The right to hand records over. To be dropped when they were answered for, or are not waited for any longer.
#[derive(Debug)]
pub(super) struct Turn(Arc<Turns>);

/// How long others are waited for.
const PATIENCE: Duration = Duration::from_millis(250);
/// How much goes together, as it lies in memory: about what a partition's request holds.
const TOGETHER_BYTES: usize = 2 << 20;

// === impl Turns ===

impl Turns {
    /// Waits until those before are done.
    pub(super) async fn turn(self: &Arc<Self>, bytes: usize) -> Turn {
        let waits = {
            let mut state = self.0.lock();
            if state.under_way == 0 {
                state.under_way = 1;
                return Turn(self.clone());
            }
            let (turn, waits) = oneshot::channel();
            state.waiting.push_back(Waiting { bytes, turn });
            waits
        };
        match tokio::time::timeout(PATIENCE, waits).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(_)) | Err(_) => {
                self.0.lock().under_way += 1;
                Turn(self.clone())
            }
        }
    }

    fn done(self: &Arc<Self>) {
        let next = {
            let mut state = self.0.lock();
            state.under_way -= 1;
            if state.under_way > 0 {
                return;
            }
            state.next()
        };
        for waiting in next {
            // whoever went away just now gives it back by dropping it
            drop(waiting.turn.send(Turn(self.clone())));
        }
    }
}

impl State {
    /// Those who go together; they count as under way.
    fn next(&mut self) -> Vec<Waiting> {
        let mut together = Vec::new();
        let mut bytes = 0;
        while let Some(first) = self.waiting.front() {
            if !together.is_empty() && bytes + first.bytes > TOGETHER_BYTES {
                break;
            }
            let Some(first) = self.waiting.pop_front() else {
                break;
            };
            if !first.turn.is_closed() {
                bytes += first.bytes;
                together.push(first);
            }
        }
        self.under_way = together.len();
        together
    }
}

// === impl Turn ===

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.done();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    const HALF: usize = TOGETHER_BYTES / 2;

    #[tokio::test(start_paused = true)]
    async fn whoever_comes_meanwhile_goes_together_as_far_as_there_is_room() {
        let turns = Arc::new(Turns::default());
        let first = turns.turn(1).await;
        let mut second = Box::pin(turns.turn(HALF));
        let mut third = Box::pin(turns.turn(HALF));
        let mut fourth = Box::pin(turns.turn(HALF));
        assert!(poll!(&mut second).is_pending());
        assert!(poll!(&mut third).is_pending());
        assert!(poll!(&mut fourth).is_pending());
        drop(first);
        let (second, third) = (second.await, third.await);
        assert!(poll!(&mut fourth).is_pending());
        drop(second);
        assert!(poll!(&mut fourth).is_pending());
        drop(third);
        drop(fourth.await);
        assert_eq!(turns.0.lock().under_way, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_went_away_holds_nobody_up() {
        let turns = Arc::new(Turns::default());
        let first = turns.turn(1).await;
        let mut gone = Box::pin(turns.turn(1));
        let mut late = Box::pin(turns.turn(1));
        assert!(poll!(&mut gone).is_pending());
        assert!(poll!(&mut late).is_pending());
        drop(gone);
        drop(first);
        // told, and gone before it heard of it
        drop(late);
        drop(turns.turn(1).await);
        assert_eq!(turns.0.lock().under_way, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_long_behind_records_that_are_stuck() {
        let turns = Arc::new(Turns::default());
        let _stuck = turns.turn(1).await;
        let began = tokio::time::Instant::now();
        drop(turns.turn(1).await);
        assert_eq!(began.elapsed(), PATIENCE);
        assert_eq!(turns.0.lock().under_way, 1);
    }
}
