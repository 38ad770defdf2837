use std::ops::Range;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::poll;
use proptest::prelude::*;

use super::*;
use crate::layers::fake::{Fake, batch, ids, rejected, unavailable};

const ROOM: usize = 1 << 20;

fn coalesce(below: &Arc<Fake>) -> Coalesce {
    Coalesce::new(below.clone(), ROOM, ROOM, TaskTracker::new())
}

fn of_bytes(ids: Range<u64>, retained_bytes: usize) -> Batch {
    Batch {
        retained_bytes,
        ..batch(ids)
    }
}

/// Lets tasks run until `done`, for at most ten seconds.
async fn until(mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), wait)
        .await
        .expect("the condition holds in time");
}

/// Starts a write that stays in flight, so that others have to wait.
async fn occupy<'a>(layer: &'a Coalesce, below: &Fake) -> BoxFuture<'a, Result<(), WriteError>> {
    let mut first = layer.write(batch(0..1));
    assert!(poll!(&mut first).is_pending());
    until(|| below.written().len() == 1).await;
    first
}

#[tokio::test]
async fn callers_that_wait_share_the_next_write() {
    let below = Arc::new(Fake::default().closed());
    let layer = coalesce(&below);
    let first = occupy(&layer, &below).await;
    let mut rest = [10..12, 20..21, 30..30, 40..43].map(|r| layer.write(batch(r)));
    for write in &mut rest {
        assert!(poll!(write).is_pending());
    }
    below.let_through(2);
    first.await.unwrap();
    assert!(join_all(rest).await.iter().all(Result::is_ok));
    let written = below.written();
    assert_eq!(written.len(), 2);
    assert_eq!(ids(&written[1]), [10, 11, 20, 40, 41, 42]);
    assert!(written[1].retained_bytes > 4 * 100);
}

#[tokio::test]
async fn each_caller_gets_its_own_rejected_positions() {
    let below = Arc::new(Fake::answering([Ok(()), Err(rejected([1, 2, 5]))]).closed());
    let layer = coalesce(&below);
    let first = occupy(&layer, &below).await;
    let mut rest = [10..12, 20..22, 30..33].map(|r| layer.write(batch(r)));
    for write in &mut rest {
        assert!(poll!(write).is_pending());
    }
    below.let_through(2);
    first.await.unwrap();
    let answers = join_all(rest).await;
    assert_eq!(
        answers,
        [Err(rejected([1])), Err(rejected([0])), Err(rejected([1]))]
    );
}

#[tokio::test]
async fn who_has_no_rejected_span_is_told_ok() {
    let below = Arc::new(Fake::answering([Ok(()), Err(rejected([0]))]).closed());
    let layer = coalesce(&below);
    let first = occupy(&layer, &below).await;
    let mut rest = [10..12, 20..22].map(|r| layer.write(batch(r)));
    for write in &mut rest {
        assert!(poll!(write).is_pending());
    }
    below.let_through(2);
    first.await.unwrap();
    assert_eq!(join_all(rest).await, [Err(rejected([0])), Ok(())]);
}

#[tokio::test]
async fn a_retryable_answer_goes_to_all() {
    let below = Arc::new(Fake::answering([Ok(()), Err(unavailable())]).closed());
    let layer = coalesce(&below);
    let first = occupy(&layer, &below).await;
    let mut rest = [10..12, 20..22].map(|r| layer.write(batch(r)));
    for write in &mut rest {
        assert!(poll!(write).is_pending());
    }
    below.let_through(2);
    first.await.unwrap();
    assert_eq!(
        join_all(rest).await,
        [Err(unavailable()), Err(unavailable())]
    );
}

#[tokio::test]
async fn a_caller_that_goes_away_loses_nothing_for_others() {
    let below = Arc::new(Fake::default().closed());
    let layer = coalesce(&below);
    let first = occupy(&layer, &below).await;
    let mut gone = layer.write(batch(10..12));
    let mut stays = layer.write(batch(20..22));
    assert!(poll!(&mut gone).is_pending());
    assert!(poll!(&mut stays).is_pending());
    // the one in flight too
    drop(first);
    drop(gone);
    below.let_through(2);
    stays.await.unwrap();
    let written = below.written();
    assert_eq!(ids(&written[0]), [0]);
    assert_eq!(ids(&written[1]), [20, 21]);
}

#[tokio::test]
async fn a_write_is_at_most_as_large_as_said_unless_one_batch_is_larger() {
    let below = Arc::new(Fake::default().closed());
    let layer = Coalesce::new(below.clone(), 1000, ROOM, TaskTracker::new());
    let first = occupy(&layer, &below).await;
    let batches = [(10, 400), (20, 600), (30, 1), (40, 5000), (50, 999)];
    let mut rest = batches.map(|(id, bytes)| layer.write(of_bytes(id..id + 1, bytes)));
    for write in &mut rest {
        assert!(poll!(write).is_pending());
    }
    below.let_through(10);
    first.await.unwrap();
    join_all(rest).await;
    let written: Vec<_> = below.written().iter().map(ids).collect();
    assert_eq!(
        written,
        [vec![0], vec![10, 20], vec![30], vec![40], vec![50]]
    );
}

#[tokio::test]
async fn when_there_is_no_room_callers_wait_inside_their_request() {
    let below = Arc::new(Fake::default().closed());
    let layer = Coalesce::new(below.clone(), ROOM, 10 * UNIT_BYTES, TaskTracker::new());
    let first = occupy(&layer, &below).await;
    let mut large = layer.write(of_bytes(10..11, 100 * UNIT_BYTES));
    assert!(poll!(&mut large).is_pending());
    let mut small = layer.write(of_bytes(20..21, 1));
    assert!(poll!(&mut small).is_pending());
    assert!(layer.queue.0.lock().callers.is_empty());
    below.let_through(10);
    first.await.unwrap();
    large.await.unwrap();
    small.await.unwrap();
}

#[tokio::test]
async fn whoever_would_wait_longer_than_its_sender_is_told_at_once_to_come_again() {
    let below = Arc::new(Fake::default().closed());
    let layer = coalesce(&below);
    let first = occupy(&layer, &below).await;
    // the write under way began so long ago
    let began = |seconds| {
        let then = Instant::now() - Duration::from_secs(seconds);
        layer.queue.0.lock().pace.begin(100, then);
    };
    began(100);
    layer.queue.0.lock().pace.end(true, Instant::now());
    began(0);
    let mut large = layer.write(of_bytes(10..11, ROOM / 2));
    assert!(poll!(&mut large).is_pending(), "one may always wait");
    let small = || layer.write(of_bytes(30..31, 1));
    let more = small().await;
    assert!(
        matches!(more, Err(WriteError::Throttled { .. })),
        "{more:?}"
    );
    below.let_through(2);
    assert!(join_all([first, large]).await.iter().all(Result::is_ok));

    // the store is quick again, and then gets stuck
    let mut second = layer.write(batch(40..41));
    let mut waits = small();
    assert!(poll!(&mut second).is_pending());
    until(|| below.written().len() == 3).await;
    assert!(poll!(&mut waits).is_pending());
    began(3);
    let stuck = small().await;
    assert!(
        matches!(stuck, Err(WriteError::Throttled { .. })),
        "{stuck:?}"
    );
    below.let_through(2);
    assert!(join_all([second, waits]).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn instances_do_not_share_a_write() {
    let below = Arc::new(Fake::default().closed());
    let layer = coalesce(&below);
    let first = occupy(&layer, &below).await;
    let other = Batch {
        instance: model::Instance::parse("other/jaeger").unwrap(),
        ..batch(20..21)
    };
    let mut rest = [layer.write(batch(10..11)), layer.write(other)];
    for write in &mut rest {
        assert!(poll!(write).is_pending());
    }
    below.let_through(3);
    first.await.unwrap();
    join_all(rest).await;
    assert_eq!(below.written().len(), 3);
}

/// Panics at the first write, then works.
struct Panics(std::sync::atomic::AtomicBool);

impl TraceWriter for Panics {
    fn write(&self, _: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        let first = !self.0.swap(true, std::sync::atomic::Ordering::Relaxed);
        Box::pin(async move {
            tokio::task::yield_now().await;
            assert!(!first, "told to");
            Ok(())
        })
    }
}

#[tokio::test]
async fn a_panic_below_sends_those_who_wait_home_and_the_next_starts_anew() {
    let layer = Coalesce::new(
        Arc::new(Panics(false.into())),
        ROOM,
        ROOM,
        TaskTracker::new(),
    );
    let answers = join_all([layer.write(batch(0..1)), layer.write(batch(1..2))]).await;
    assert!(matches!(answers[0], Err(WriteError::Unavailable { .. })));
    layer.write(batch(2..3)).await.unwrap();
}

#[tokio::test]
async fn the_owner_can_wait_for_what_is_in_flight() {
    let below = Arc::new(Fake::default().closed());
    let tracker = TaskTracker::new();
    let layer = Coalesce::new(below.clone(), ROOM, ROOM, tracker.clone());
    let write = occupy(&layer, &below).await;
    tracker.close();
    let mut closed = Box::pin(tracker.wait());
    assert!(poll!(&mut closed).is_pending());
    below.let_through(1);
    write.await.unwrap();
    closed.await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever is rejected in the merged batch, each caller hears of exactly its own.
    #[test]
    fn rejected_positions_map_back(
        sizes in prop::collection::vec(0usize..6, 1..8),
        bad in prop::collection::btree_set(0usize..48, 0..20),
    ) {
        let total: usize = sizes.iter().sum();
        let bad: Vec<usize> = bad.into_iter().filter(|at| *at < total).collect();
        let room = Arc::new(Semaphore::new(100));
        let (mut parts, mut answers, mut end) = (Vec::new(), Vec::new(), 0);
        for size in &sizes {
            let (answer, answered) = oneshot::channel();
            end += size;
            let permit = room.clone().try_acquire_owned().unwrap();
            parts.push(Part { answer, end, _room: permit });
            answers.push(answered);
        }
        let whole = if bad.is_empty() { Ok(()) } else { Err(rejected(bad.clone())) };
        give(parts, &whole);
        let (mut start, mut heard) = (0, Vec::new());
        for (size, mut answer) in sizes.iter().zip(answers) {
            match answer.try_recv().unwrap() {
                Ok(()) => {}
                Err(WriteError::Rejected(spans)) => {
                    prop_assert!(spans.iter().all(|span| span.at < *size));
                    heard.extend(spans.iter().map(|span| span.at + start));
                }
                Err(other) => prop_assert!(false, "{other}"),
            }
            start += size;
        }
        prop_assert_eq!(heard, bad);
    }
}

#[test]
fn who_has_none_of_the_spans_that_wait_is_told_that_its_own_are_stored() {
    let deferred = Err(WriteError::Deferred {
        spans: vec![3],
        rejected: vec![Unstorable {
            at: 1,
            reason: "poison".into(),
        }],
        reason: "an old index is closed".to_owned(),
    });
    assert_eq!(own(&deferred, &(0..1)), Ok(()));
    assert_eq!(
        own(&deferred, &(1..3)),
        Err(WriteError::rejected([0], "poison"))
    );
    let waits = own(&deferred, &(3..5));
    assert!(
        matches!(waits, Err(WriteError::Throttled { .. })),
        "{waits:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_as_long_as_it_takes_is_not_sent_home() {
    let below = Arc::new(Fake::default().closed());
    let layer = Coalesce::new(below.clone(), ROOM, ROOM, TaskTracker::new());
    let layer = layer.patient();
    let first = occupy(&layer, &below).await;
    let mut second = layer.write(of_bytes(10..11, 1));
    assert!(poll!(&mut second).is_pending());
    // nobody knows how long the write under way may take
    tokio::time::advance(Duration::from_secs(60)).await;
    let mut third = layer.write(of_bytes(20..21, 1));
    assert!(poll!(&mut third).is_pending());
    below.let_through(10);
    first.await.unwrap();
    assert_eq!((second.await, third.await), (Ok(()), Ok(())));
}
