//! Promises of [`SamplingStore`], for stores that have one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Subject;
use super::data::t0;
use crate::port::{Probabilities, Rate, SamplingStore, Throughput, ThroughputRows};

const SECOND: u64 = 1_000_000_000;
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3600);

fn store(s: &Subject) -> Option<Arc<dyn SamplingStore>> {
    let store = s.backend.sampling_store();
    assert_eq!(store.is_some(), s.backend.capabilities().sampling_store);
    store
}

fn row(service: &str, operation: &str, count: u64) -> Throughput {
    Throughput {
        service: service.to_owned(),
        operation: operation.to_owned(),
        count,
        probabilities: ["0.001000".to_owned(), "1.000000".to_owned()].into(),
    }
}

fn probabilities(time_ns: u64, probability: f64) -> Probabilities {
    let rate = Rate {
        probability,
        qps: 1.0 / 3.0,
    };
    let operations = BTreeMap::from([("GET /ä".to_owned(), rate), (String::new(), rate)]);
    Probabilities {
        host: format!("host-{time_ns}"),
        time_ns,
        services: [
            ("shop".to_owned(), operations),
            ("idle".to_owned(), BTreeMap::new()),
        ]
        .into(),
        asked: ["cart".to_owned(), "shop".to_owned()].into(),
    }
}

/// A store has a sampling store when it says so; rows come back as they were appended, the oldest first, by their times: after one, and
/// until the other.
pub async fn throughput_comes_back_by_its_time(s: Subject) {
    let Some(store) = store(&s) else { return };
    assert_eq!(store.get_throughput(0, u64::MAX).await.unwrap(), []);
    let append = |time_ns, rows: &[Throughput]| {
        store.append_throughput(ThroughputRows {
            time_ns,
            unread_until_ns: 0,
            rows: rows.to_vec(),
        })
    };
    // an index counts with a sign
    let most = if s.backend.capabilities().lossless {
        u64::MAX
    } else {
        i64::MAX as u64
    };
    let (a, b, c) = (row("a", "", 0), row("b", "x", 1), row("b", "y", most));
    append(10 * SECOND, std::slice::from_ref(&a)).await.unwrap();
    append(30 * SECOND, std::slice::from_ref(&c)).await.unwrap();
    append(20 * SECOND, &[b.clone(), b.clone()]).await.unwrap();
    append(20 * SECOND, &[]).await.unwrap();
    s.settle().await;
    let read = async |after: u64, until: u64| {
        let read = store.get_throughput(after * SECOND, until * SECOND);
        read.await.unwrap()
    };
    assert_eq!(read(0, 40).await, [a, b.clone(), b.clone(), c.clone()]);
    assert_eq!(read(10, 20).await, [b.clone(), b]);
    assert_eq!(read(20, 30).await, [c]);
    assert_eq!(read(30, 40).await, []);
    assert_eq!(read(40, 10).await, []);
}

/// Rows that are said to be read by nobody may go; the others stay.
pub async fn throughput_that_is_read_stays(s: Subject) {
    let Some(store) = store(&s) else { return };
    for at in 1..=5 {
        let rows = ThroughputRows {
            time_ns: at * SECOND,
            unread_until_ns: at.saturating_sub(2) * SECOND,
            rows: vec![row("a", "x", at)],
        };
        store.append_throughput(rows).await.unwrap();
    }
    s.settle().await;
    let read = store.get_throughput(3 * SECOND, u64::MAX).await.unwrap();
    assert_eq!(read, [row("a", "x", 4), row("a", "x", 5)]);
}

/// The probabilities with the latest time come back bit by bit, whoever put them, and in whichever order.
pub async fn the_latest_probabilities_come_back(s: Subject) {
    let Some(store) = store(&s) else { return };
    assert_eq!(store.get_probabilities().await.unwrap(), None);
    let [early, late] = [
        probabilities(t0() + 7 * SECOND, 0.1),
        probabilities(t0() + 9 * SECOND, 1e-5 / 3.0),
    ];
    store.put_probabilities(early.clone()).await.unwrap();
    s.settle().await;
    let read = store.get_probabilities().await.unwrap();
    assert_eq!(read.as_ref(), Some(&early));
    store.put_probabilities(late.clone()).await.unwrap();
    store.put_probabilities(early).await.unwrap();
    s.settle().await;
    assert_eq!(store.get_probabilities().await.unwrap(), Some(late));
}

/// One holds a lease at a time, may hold it for longer, and others have it once it was given back. Names are apart.
pub async fn a_lease_has_one_holder(s: Subject) {
    let Some(store) = store(&s) else { return };
    let acquire = async |name, holder| store.acquire_lease(name, holder, LONG).await.unwrap();
    assert!(acquire("one", "a").await);
    assert!(!acquire("one", "b").await);
    assert!(acquire("one", "a").await);
    assert!(acquire("two", "b").await);
    store.resign_lease("one", "b").await.unwrap();
    assert!(!acquire("one", "b").await, "it was not its own to resign");
    store.resign_lease("one", "a").await.unwrap();
    assert!(acquire("one", "b").await);
    assert!(!acquire("one", "a").await);
}

/// A lease that is not held for longer ends.
pub async fn a_lease_ends(s: Subject) {
    let Some(store) = store(&s) else { return };
    let ttl = Duration::from_secs(1);
    let began = Instant::now();
    assert!(store.acquire_lease("one", "a", ttl).await.unwrap());
    while !store.acquire_lease("one", "b", ttl).await.unwrap() {
        assert!(began.elapsed() < ttl * 20, "it did not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() >= ttl, "it ended early");
}

/// Of many that ask at once, one gets it.
pub async fn a_lease_is_given_to_one_of_many(s: Subject) {
    let Some(store) = store(&s) else { return };
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..16 {
        let store = store.clone();
        asking.spawn(async move {
            let holder = format!("holder-{n}");
            store.acquire_lease("one", &holder, LONG).await.unwrap()
        });
    }
    let answers = asking.join_all().await;
    assert_eq!(answers.into_iter().filter(|got| *got).count(), 1);
}
