use std::pin::pin;
use std::time::Duration;

use futures_util::poll;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use model::Instance;
use parking_lot::Mutex;
use proptest::prelude::*;
use tokio_util::task::TaskTracker;

use super::*;
use crate::layers::fake::{Fake, batch, rejected, unavailable};
use crate::layers::{Bury, Coalesce, Counts, Limits, Route, Sanitize, Window};
use crate::port::{DeadLetter, DeadLetters};

fn counts(ledger: &Ledger) -> Counts {
    let counts = ledger.counts();
    assert!(counts.balance(), "{counts:?}");
    counts
}

#[tokio::test]
async fn answers_from_below_go_into_the_ledger() {
    let below = Arc::new(Fake::answering([
        Ok(()),
        Err(unavailable()),
        Err(WriteError::Throttled {
            after: Duration::from_secs(1),
            reason: "full".to_owned(),
        }),
    ]));
    let ledger = Arc::new(Ledger::new());
    let meter = Meter::new(below, ledger.clone());
    meter.write(batch(0..3)).await.unwrap();
    meter.write(batch(0..4)).await.unwrap_err();
    meter.write(batch(0..5)).await.unwrap_err();
    let expect = Counts {
        received: 12,
        durable: 3,
        refused: 9,
        ..Counts::default()
    };
    assert_eq!(counts(&ledger), expect);
}

#[tokio::test]
async fn a_dropped_write_is_refused_and_an_unpolled_one_never_received() {
    let ledger = Arc::new(Ledger::new());
    let meter = Meter::new(Arc::new(Fake::default().closed()), ledger.clone());
    drop(meter.write(batch(0..3)));
    assert_eq!(counts(&ledger), Counts::default());
    let mut write = meter.write(batch(0..3));
    assert!(poll!(&mut write).is_pending());
    assert_eq!(counts(&ledger).in_flight, 3);
    drop(write);
    assert_eq!((counts(&ledger).refused, counts(&ledger).in_flight), (3, 0));
}

#[test]
fn the_time_of_writes_is_a_metric() {
    let meter = Meter::new(Arc::new(Fake::default()), Arc::default());
    let mut registry = Registry::default();
    meter.register(&mut registry);
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    assert!(text.contains("spoor_write_seconds_count 0"), "{text}");
}

/// Answers as a script says, after waiting as often as it says.
#[derive(Debug)]
struct Chaos(Mutex<Vec<(u8, u8)>>);

impl Chaos {
    async fn step(&self) -> u8 {
        let (outcome, yields) = self.0.lock().pop().unwrap_or((0, 1));
        for _ in 0..yields {
            tokio::task::yield_now().await;
        }
        outcome
    }
}

impl TraceWriter for Chaos {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            match self.step().await {
                0..4 => Ok(()),
                4 => Err(unavailable()),
                5 => Err(rejected(0..batch.len().min(1))).or_else(nothing_rejected),
                6 => Err(rejected((0..batch.len()).filter(|at| at % 2 == 1)))
                    .or_else(nothing_rejected),
                _ => Err(WriteError::Throttled {
                    after: Duration::from_secs(1),
                    reason: "full".to_owned(),
                }),
            }
        })
    }
}

fn nothing_rejected(error: WriteError) -> Result<(), WriteError> {
    match error {
        WriteError::Rejected(spans) if spans.is_empty() => Ok(()),
        other => Err(other),
    }
}

impl DeadLetters for Chaos {
    fn bury(&self, _: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            match self.step().await {
                0..6 => Ok(()),
                _ => Err(unavailable()),
            }
        })
    }
}

/// One caller: how many spans it sends, and after how many steps it goes away, if it does.
type Caller = (u64, Option<u8>);

async fn play(
    script: Vec<(u8, u8)>,
    callers: Vec<Caller>,
    letters: bool,
    merge: bool,
) -> Result<(), TestCaseError> {
    let ledger = Arc::new(Ledger::new());
    let chaos = Arc::new(Chaos(Mutex::new(script)));
    let tracker = TaskTracker::new();
    let mut writer: Arc<dyn TraceWriter> = chaos.clone();
    if merge {
        writer = Arc::new(Coalesce::new(writer, 2000, 4000, tracker.clone()));
    }
    // spans start at their id in seconds; with now at 3 s and one second back, 0 and 1 are too old
    let window = Window {
        max_age: Duration::from_secs(1),
        max_future: Duration::from_secs(5),
    };
    let writer = Arc::new(Bury::new(
        writer,
        letters.then_some(chaos as Arc<dyn DeadLetters>),
        ledger.clone(),
        window,
        Limits::OPEN,
        Arc::new(|| 3_000_000_000),
    ));
    let route = Route::new([(Instance::default(), writer as Arc<dyn TraceWriter>)]);
    let meter = Meter::new(Arc::new(Sanitize::new(Arc::new(route))), ledger.clone());

    let calls: FuturesUnordered<_> = callers
        .iter()
        .map(|(spans, patience)| async {
            let mut write = pin!(meter.write(batch(0..*spans)));
            let Some(patience) = patience else {
                return Some((*spans, write.await));
            };
            for _ in 0..*patience {
                if let std::task::Poll::Ready(answer) = poll!(&mut write) {
                    return Some((*spans, answer));
                }
                tokio::task::yield_now().await;
            }
            None
        })
        .collect();
    let answers: Vec<_> = calls.collect().await;
    tracker.close();
    tracker.wait().await;

    let counts = ledger.counts();
    prop_assert!(counts.balance(), "{counts:?}");
    prop_assert_eq!(counts.in_flight, 0);
    let mut durable = 0;
    let mut disposed = 0;
    for (spans, answer) in answers.into_iter().flatten() {
        match answer {
            Ok(()) => durable += spans,
            Err(WriteError::Rejected(rejected)) => {
                prop_assert!(rejected.is_sorted_by_key(|span| span.at) && !rejected.is_empty());
                durable += spans - rejected.len() as u64;
                disposed += rejected.len() as u64;
            }
            Err(_) => {}
        }
    }
    // what callers were told is what the ledger says; who went away was told nothing
    prop_assert_eq!(counts.durable, durable);
    prop_assert_eq!(counts.dead_lettered + counts.dropped, disposed);
    prop_assert_eq!(counts.dead_lettered == 0 || letters, true);
    prop_assert_eq!(counts.dropped == 0 || !letters, true);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_ledger_balances_whatever_happens(
        script in prop::collection::vec((0u8..8, 0u8..4), 0..40),
        callers in prop::collection::vec((0u64..12, prop::option::of(0u8..8)), 1..12),
        letters in any::<bool>(),
        merge in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(play(script, callers, letters, merge))?;
    }
}
