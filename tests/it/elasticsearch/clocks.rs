//! A collector whose clock is not ours: UTC midnight at sixty times the speed, and jumps of 25 hours to and fro.
//!
//! The clock is bent by libfaketime in the collector's process alone; time that is measured and not told goes on as it does after a real jump.
//! `SPOOR_SOAK=1`: an hour around midnight, and forty jumps.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bench::Protocol;
use serde_json::json;
use tests::clients::libfaketime;
use tests::servers::client::Client;
use tests::servers::{Kind, Server, shared};

use super::collector::{Collector, Tally, balanced};
use super::sender::each_hit;
use crate::support::soak;

const DAY: u64 = 86_400;

/// Nobody may wait longer.
const STALL: Duration = Duration::from_secs(5);

fn cluster() -> &'static Server {
    tokio::task::block_in_place(|| shared(Kind::Elasticsearch7))
}

/// With a clock that these variables of libfaketime bend.
fn with_clock(mut collector: Collector, variables: &[(&str, &str)]) -> Collector {
    let library = libfaketime().unwrap();
    let own = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
        ("TZ", "UTC"),
    ];
    let all = own.iter().chain(variables);
    let all = all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    collector.setup.variables.extend(all);
    collector
}

fn now_s() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs()
}

/// `2026-01-31`, of seconds since 1970.
fn date(seconds: u64) -> String {
    // days since 0000-03-01, by Howard Hinnant's `civil_from_days`
    let days = seconds / DAY + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// How many spans lie in the index of each day; all of them began on that day.
async fn days(store: &Client, prefix: &str) -> BTreeMap<String, usize> {
    let mut days = BTreeMap::new();
    let indices = format!("{prefix}-jaeger-span-*");
    each_hit(store, &indices, json!(["startTimeMillis"]), |hit| {
        let began = hit["_source"]["startTimeMillis"].as_u64().unwrap() / 1_000;
        let index = hit["_index"].as_str().unwrap();
        assert!(index.ends_with(&date(began)), "{index}: {hit}");
        *days.entry(date(began)).or_default() += 1;
    })
    .await;
    days
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_midnight_spans_go_into_the_index_of_their_own_day_and_nobody_waits() {
    let seconds: u64 = if soak() { 60 } else { 5 };
    let server = cluster();
    // midnight is in the middle
    let midnight = now_s().div_ceil(DAY) * DAY;
    let begins = midnight - seconds * 30;
    let clock = format!(
        "@{} {:02}:{:02}:{:02} x60",
        date(begins),
        begins % DAY / 3_600,
        begins % 3_600 / 60,
        begins % 60
    );
    let collector = Collector::new(&server.url(), "midnight").arg("--span.max-future=1h");
    let collector = with_clock(collector, &[("FAKETIME", &clock)]);
    let began = Instant::now();
    let (spoor, _) = tokio::task::block_in_place(|| collector.start());
    let now_ns = || begins as i64 * 1_000_000_000 + began.elapsed().as_nanos() as i64 * 60;
    let tally = Tally::new(32);
    let url = collector.load(Protocol::OtlpHttp, 0.0).target + "/v1/traces";
    let client = reqwest::Client::new();
    let (mut slowest, mut spans) = (Duration::ZERO, 0);
    for number in 0.. {
        if began.elapsed() > Duration::from_secs(seconds) {
            break;
        }
        let request = number % tally.epoch.len();
        let body = tally.epoch.body(request, number as u64, now_ns());
        let asked = Instant::now();
        let sending = client
            .post(&url)
            .header("content-type", "application/x-protobuf")
            .body(body);
        let answer = sending.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
        slowest = slowest.max(asked.elapsed());
        spans += tally.epoch.spans(request) as usize;
    }
    let days = days(server.client(), "midnight").await;
    println!("midnight at 60 times the speed: {days:?}, slowest answer {slowest:?}");
    let expect = [date(midnight - 1), date(midnight)];
    assert_eq!(days.keys().cloned().collect::<Vec<_>>(), expect);
    assert_eq!(days.values().sum::<usize>(), spans);
    let metrics = balanced(&spoor).await;
    assert_eq!(metrics.sum("spoor_spans_durable_total") as usize, spans);
    assert!(slowest < STALL, "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_jumps_by_25_hours_holds_nobody_up() {
    let (jumps, pause) = if soak() { (40, 3.0) } else { (4, 1.0) };
    let server = cluster();
    let collector = Collector::new(&server.url(), "jumps")
        // the clock is 25 hours behind for a while
        .arg("--span.max-future=48h");
    let file = collector.folder().join("clock");
    let set = |offset: &str| put(&file, offset);
    set("+0");
    let clock = [
        ("FAKETIME_TIMESTAMP_FILE", file.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
    ];
    let collector = with_clock(collector, &clock);
    let (spoor, _) = tokio::task::block_in_place(|| collector.start());
    let mut tally = Tally::new(32);
    let sending =
        tokio::spawn(tally.send(collector.load(Protocol::OtlpGrpc, pause * f64::from(jumps + 1))));
    let mut offsets = Vec::new();
    for jump in 0..jumps {
        tokio::time::sleep(Duration::from_secs_f64(pause)).await;
        let offset = ["+25h", "-25h", "+25h", "+0"][jump as usize % 4];
        set(offset);
        offsets.push(offset);
    }
    let outcome = sending.await.unwrap();
    tally.add(&outcome);
    let mut answers: Vec<Duration> = outcome.sent.iter().map(|sent| sent.at).collect();
    answers.sort();
    let silence = answers.windows(2).map(|pair| pair[1] - pair[0]).max();
    let slowest = Duration::from_micros(outcome.latency_us.max());
    println!("{jumps} jumps of the clock: slowest answer {slowest:?}, longest silence {silence:?}");
    tally
        .check_all("jumps of the clock", server.client(), "jumps")
        .await;
    let days = days(server.client(), "jumps").await;
    assert!(days.len() <= 2, "indices of the collector's days: {days:?}");
    assert_eq!(outcome.for_good, 0, "{:?}", outcome.errors);
    let metrics = balanced(&spoor).await;
    assert_eq!(metrics.sum("spoor_spans_dead_lettered_total"), 0);
    assert!(
        slowest < STALL && silence < Some(STALL),
        "{slowest:?} {silence:?}"
    );
}

/// Never half there.
fn put(file: &Path, text: &str) {
    let new = file.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, file).unwrap();
}
