use std::time::Duration;

use model::Instance;

use super::*;
use crate::layers::Counts;
use crate::layers::fake::{Fake, batch, ids, rejected, unavailable};

struct Setup {
    below: Arc<Fake>,
    letters: Arc<Fake>,
    ledger: Arc<Ledger>,
}

/// Now is 10 s; spans may be 3 s old and 2 s ahead.
fn layer(below: Fake, letters: Fake, keeps: bool) -> (Bury, Setup) {
    limited(below, letters, keeps, Limits::OPEN)
}

fn limited(below: Fake, letters: Fake, keeps: bool, limits: Limits) -> (Bury, Setup) {
    let setup = Setup {
        below: Arc::new(below),
        letters: Arc::new(letters),
        ledger: Arc::default(),
    };
    let window = Window {
        max_age: Duration::from_secs(3),
        max_future: Duration::from_secs(2),
    };
    let letters = keeps.then(|| setup.letters.clone() as Arc<dyn DeadLetters>);
    let bury = Bury::new(
        setup.below.clone(),
        letters,
        setup.ledger.clone(),
        window,
        limits,
        Arc::new(|| 10_000_000_000),
    );
    (bury, setup)
}

fn positions(spans: &[Unstorable]) -> Vec<usize> {
    spans.iter().map(|span| span.at).collect()
}

/// Writes as under a meter; gives the answer and the numbers.
async fn write(bury: &Bury, setup: &Setup, batch: Batch) -> (Result<(), WriteError>, Counts) {
    let mut spans = setup.ledger.account(&batch.instance).receive(batch.len());
    let answer = bury.write(batch).await;
    match &answer {
        Ok(()) => spans.durable(),
        Err(WriteError::Rejected(gone)) => {
            spans.give_up(gone.len());
            spans.durable();
        }
        Err(_) => spans.refused("test"),
    }
    let counts = setup.ledger.counts();
    assert!(counts.balance(), "{counts:?}");
    (answer, counts)
}

#[tokio::test]
async fn a_good_batch_passes_uncopied() {
    let (bury, setup) = layer(Fake::default(), Fake::default(), true);
    let batch = batch(8..11);
    let (answer, _) = write(&bury, &setup, batch.clone()).await;
    answer.unwrap();
    assert!(Arc::ptr_eq(&setup.below.written()[0].spans, &batch.spans));
    assert!(setup.letters.letters().is_empty());
}

#[tokio::test]
async fn spans_outside_the_window_are_buried_and_their_neighbours_written() {
    let (bury, setup) = layer(Fake::default(), Fake::default(), true);
    let (answer, counts) = write(&bury, &setup, batch(5..15)).await;
    let Err(WriteError::Rejected(spans)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(positions(&spans), [0, 1, 8, 9]);
    assert!(spans[0].reason.contains("span.max-age"), "{spans:?}");
    assert_eq!(ids(&setup.below.written()[0]), [7, 8, 9, 10, 11, 12]);
    let letters = setup.letters.letters();
    let reasons: Vec<_> = letters
        .iter()
        .map(|l| l.reason.contains("span.max-future"))
        .collect();
    assert_eq!(reasons, [false, false, true, true]);
    assert_eq!((counts.durable, counts.dead_lettered), (6, 4));
    let buried = open(&letters[2].payload).unwrap();
    assert_eq!(buried.span_id.to_u64(), 13);
    assert_eq!(buried.resource.service_name(), "svc");
}

#[tokio::test]
async fn spans_beyond_the_limits_are_buried_and_their_neighbours_written() {
    for (keeps, expect) in [(true, (2, 2, 0)), (false, (2, 0, 2))] {
        let limits = Limits {
            max_bytes: 4000,
            max_attributes: 9,
        };
        let (bury, setup) = limited(Fake::default(), Fake::default(), keeps, limits);
        let mut batch = batch(8..12);
        let spans = Arc::make_mut(&mut batch.spans);
        spans[1].name = "x".repeat(4000).into();
        spans[2].attributes = vec![model::KeyValue::new("k", true); 10];
        let (answer, counts) = write(&bury, &setup, batch).await;
        let Err(WriteError::Rejected(spans)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(positions(&spans), [1, 2]);
        assert!(spans[0].reason.contains("span.max-bytes"), "{spans:?}");
        assert_eq!(ids(&setup.below.written()[0]), [8, 11]);
        assert_eq!(
            (counts.durable, counts.dead_lettered, counts.dropped),
            expect
        );
        if keeps {
            let letters = setup.letters.letters();
            assert!(letters[1].reason.contains("span.max-attributes"));
            assert_eq!(open(&letters[1].payload).unwrap().attributes.len(), 10);
        }
    }
}

#[tokio::test]
async fn positions_from_below_are_those_of_the_callers_batch() {
    let below = Fake::answering([Err(rejected([1, 3]))]);
    let (bury, setup) = layer(below, Fake::default(), true);
    // 5 and 6 are too old, of 7..=11 the second and the fourth are poison
    let (answer, counts) = write(&bury, &setup, batch(5..12)).await;
    let Err(WriteError::Rejected(spans)) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(positions(&spans), [0, 1, 3, 5]);
    let letters = setup.letters.letters();
    assert_eq!(letters[2].reason, "it is poison");
    let buried: Vec<_> = letters
        .into_iter()
        .map(|l| open(&l.payload).unwrap().span_id.to_u64())
        .collect();
    assert_eq!(buried, [5, 6, 8, 10]);
    assert_eq!((counts.durable, counts.dead_lettered), (3, 4));
}

#[tokio::test]
async fn without_dead_letters_spans_are_dropped_and_counted() {
    let (bury, setup) = layer(Fake::default(), Fake::default(), false);
    let (answer, counts) = write(&bury, &setup, batch(0..3)).await;
    assert!(matches!(answer, Err(WriteError::Rejected(spans)) if positions(&spans) == [0, 1, 2]));
    assert_eq!((counts.dropped, counts.dead_lettered), (3, 0));
    assert!(setup.below.written().is_empty());
}

#[tokio::test]
async fn nothing_is_buried_when_the_neighbours_have_to_be_sent_again() {
    let (bury, setup) = layer(Fake::answering([Err(unavailable())]), Fake::default(), true);
    let (answer, counts) = write(&bury, &setup, batch(5..9)).await;
    assert_eq!(answer, Err(unavailable()));
    assert_eq!((counts.refused, counts.dead_lettered), (4, 0));
    assert!(setup.letters.letters().is_empty());
}

#[tokio::test]
async fn when_letters_cannot_be_buried_the_whole_is_retryable() {
    for (error, expect) in [
        (unavailable(), unavailable()),
        (
            rejected([0]),
            WriteError::Unavailable {
                reason: "dead letters were rejected: it is poison".to_owned(),
            },
        ),
    ] {
        let (bury, setup) = layer(Fake::default(), Fake::answering([Err(error)]), true);
        let (answer, counts) = write(&bury, &setup, batch(5..9)).await;
        assert_eq!(answer, Err(expect));
        assert_eq!((counts.refused, counts.dead_lettered), (4, 0));
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_while_letters_are_buried_leaves_the_ledger_balanced() {
    let (bury, setup) = layer(Fake::default(), Fake::default().closed(), true);
    let spans = setup.ledger.account(&Instance::default()).receive(4);
    let mut write = bury.write(batch(5..9));
    assert!(futures_util::poll!(&mut write).is_pending());
    drop(write);
    drop(spans);
    let counts = setup.ledger.counts();
    assert!(counts.balance());
    assert_eq!((counts.refused, counts.in_flight), (4, 0));
}

#[tokio::test]
async fn an_empty_batch_reaches_the_store() {
    let (bury, setup) = layer(Fake::default(), Fake::default(), true);
    bury.write(batch(0..0)).await.unwrap();
    assert_eq!(setup.below.written().len(), 1);
}

#[tokio::test]
async fn spans_that_can_never_be_stored_are_told_now_and_then_with_what_to_do() {
    for (keeps, kept) in [(true, "kept=true"), (false, "kept=false")] {
        let (bury, setup) = layer(Fake::default(), Fake::default(), keeps);
        let (logs, _guard) = crate::logs::Logs::collect();
        for _ in 0..3 {
            write(&bury, &setup, batch(5..9)).await.0.unwrap_err();
        }
        let lines = logs.lines("can never be stored");
        assert_eq!(lines.len(), 1, "{lines:?}");
        for part in [
            "WARN",
            "spans=2",
            kept,
            "more than span.max-age allows",
            "setting=\"span.max-age\"",
        ] {
            assert!(lines[0].contains(part), "{part} is not in {}", lines[0]);
        }
    }
}
