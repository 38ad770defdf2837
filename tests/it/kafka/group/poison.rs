//! Records that are none among those that are: neighbours are stored, each of the others is a dead letter that says where it lay, and the rest is hardly slower.
//!
//! `SPOOR_SOAK=1`: 200,000 spans, and no more than a twentieth slower.

use std::collections::BTreeSet;
use std::time::Instant;

use bench::rng::Rng;
use storage::Backend as _;
use tests::kafka::records::{self, Login, Record};
use tests::kafka::{Broker, Options, Version};
use tests::servers::client::Client;
use tests::servers::{Kind, shared};

use super::line::{Line, PARTITIONS, blocking};
use crate::elasticsearch::sender::{documents, span, stored};
use crate::kafka::line::{store, write};
use crate::support::soak;

/// One of so many is bad.
const ONE_OF: usize = 100;
const LARGE: usize = 10 << 20;
const ALLOWED: usize = 12 << 20;
/// A span as Jaeger's `json` has it.
const OTHER_ENCODING: &[u8] = br#"{"traceId":"AAAAAAAAAAAAAAAAAAAAAQ==","spanId":"AAAAAAAAAAE="}"#;

/// Records of spans with ids from 1 on, as a collector writes them.
async fn good(broker: &Broker, count: u64) -> Vec<Record> {
    let name = "poison-source";
    broker.admin().create_topic(name, 1).unwrap();
    let store = store(broker, name, |_| {});
    for first in (1..=count).step_by(1_000) {
        let spans = (first..first + 1_000).map(span).collect();
        write(&store, spans).await.unwrap();
    }
    store.close().await;
    blocking(|| records::read(broker, &Login::default(), name)).unwrap()
}

/// A record that cannot be read or is nobody's, made of one that can.
fn bad(nth: usize, good: &Record, rng: &mut Rng) -> Record {
    let value = good.value.as_deref().unwrap();
    let random = |length: usize, rng: &mut Rng| {
        let bytes = std::iter::repeat_with(|| rng.next_u64() as u8);
        // no field of a message begins so
        std::iter::once(0xff).chain(bytes).take(length).collect()
    };
    let mut record = good.clone();
    record.headers.push(("bad".to_owned(), None));
    match nth % 4 {
        _ if nth == 0 => record.value = Some(random(LARGE, rng)),
        0 => record.value = Some(random(200, rng)),
        1 => record.value = Some(value[..value.len() - 1].to_vec()),
        2 => record.value = Some(OTHER_ENCODING.to_vec()),
        _ => {
            let another = Some(b"another/jaeger".to_vec());
            record.headers[0] = ("spoor-instance".to_owned(), another);
        }
    }
    record
}

/// How many good records a second came through a new topic.
async fn through(
    broker: &Broker,
    url: &str,
    name: &'static str,
    records: &[Record],
    good: usize,
) -> f64 {
    let line = Line::new(broker, url, name);
    let login = Login::default().up_to(ALLOWED);
    blocking(|| records::write(broker, &login, name, records)).unwrap();
    let mut member = line.member(None, &[]);
    let began = Instant::now();
    member.start();
    line.drained().await;
    let took = began.elapsed();
    member.end();
    println!("{name}: {good} of {} records in {took:.2?}", records.len());
    good as f64 / took.as_secs_f64()
}

/// Where the bad records of a topic lie, by an independent client.
fn places(broker: &Broker, name: &str) -> BTreeSet<String> {
    let all = blocking(|| records::read(broker, &Login::default(), name)).unwrap();
    let is_bad = |record: &&Record| record.headers.iter().any(|(name, _)| name == "bad");
    all.iter()
        .filter(is_bad)
        .map(|bad| {
            format!(
                "topic {name}, partition {}, offset {}",
                bad.partition, bad.offset
            )
        })
        .collect()
}

async fn check_stored(store: &Client, name: &str, good: usize) {
    let stored = stored(store, name).await;
    let twice = stored.values().filter(|copies| **copies > 1).count();
    assert_eq!(
        (stored.len(), twice),
        (good, 0),
        "{name}: stored and doubled"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_bad_record_in_a_hundred_is_a_letter_and_costs_little() {
    // what is quick is also noisy, and the one large letter weighs there: only a halt would show
    let (count, least) = if soak() {
        (200_000, 0.95)
    } else {
        (20_000, 0.2)
    };
    let server = blocking(|| shared(Kind::Elasticsearch7));
    let options = Options::default().setting(&format!("message.max.bytes={ALLOWED}"));
    let broker = blocking(|| Broker::start(Version::V3_9, &options)).unwrap();
    let mut rng = Rng::new(9);
    let mut clean = good(&broker, count).await;
    let good = clean.len();
    for (nth, record) in clean.iter_mut().enumerate() {
        record.partition = (nth % usize::from(PARTITIONS)) as i32;
    }
    let mixed: Vec<Record> = clean
        .iter()
        .enumerate()
        .flat_map(|(nth, record)| {
            let bad = (nth % ONE_OF == 0).then(|| bad(nth / ONE_OF, record, &mut rng));
            bad.into_iter().chain([record.clone()])
        })
        .collect();
    let url = server.url();
    // the first of all makes what others find there
    through(&broker, &url, "poison-first", &clean[..1_000], 1_000).await;
    let without = through(&broker, &url, "poison-clean", &clean, good).await;
    let with = through(&broker, &url, "poison-mixed", &mixed, good).await;
    let without = without.min(through(&broker, &url, "poison-again", &clean, good).await);
    println!(
        "{without:.0} records a second without bad ones, {with:.0} with: {:.3}",
        with / without
    );
    for name in ["poison-clean", "poison-mixed"] {
        check_stored(server.client(), name, good).await;
    }
    let letters = documents(server.client(), "poison-mixed-spoor-dead-letter-*").await;
    let expect = places(&broker, "poison-mixed");
    assert_eq!(
        (letters.len(), expect.len()),
        (good / ONE_OF, good / ONE_OF)
    );
    let said: BTreeSet<String> = letters
        .iter()
        .map(|letter| {
            let (place, why) = letter["reason"].as_str().unwrap().split_once(": ").unwrap();
            assert!(!why.is_empty(), "{letter}");
            place.to_owned()
        })
        .collect();
    assert_eq!(said, expect);
    assert!(with / without >= least, "{with:.0} of {without:.0}");
}
