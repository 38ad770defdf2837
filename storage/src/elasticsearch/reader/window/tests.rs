use model::{Instance, TraceId};

use super::*;
use crate::elasticsearch::config::Place;
use crate::elasticsearch::metrics::Families;
use crate::elasticsearch::store::Store;

/// 2026-11-23T07:54:29Z
const NOW: u64 = 1_795_420_469_000_000_000;

fn reader(use_aliases: bool, is_archive: bool) -> Reader {
    let mut place = Place::default();
    place.indices.use_aliases = use_aliases;
    place.indices.is_archive = is_archive;
    let instance = Instance::default();
    let metrics = Families::new().of(&instance, "main");
    Reader::new(&Store::open(instance, place, metrics).unwrap())
}

fn hinted(reader: &Reader, start_ns: Option<u64>, end_ns: Option<u64>) -> Window {
    let get = GetTrace {
        start_ns,
        end_ns,
        ..GetTrace::by_id(TraceId::from_halves(0, 1))
    };
    reader.hinted(&get, NOW)
}

#[track_caller]
fn check(reader: &Reader, window: Window, indices: &[&str], is_asked: bool) {
    assert_eq!(reader.indices(window), indices);
    assert_eq!(reader.within(window).is_some(), is_asked);
}

const DAYS: [&str; 4] = [
    "jaeger-span-2026-11-23",
    "jaeger-span-2026-11-22",
    "jaeger-span-2026-11-21",
    "jaeger-span-2026-11-20",
];

#[test]
fn a_trace_is_where_it_is_said_to_be_or_within_the_age_of_spans() {
    let reader = reader(false, false);
    check(&reader, hinted(&reader, None, None), &DAYS, false);
    let day = Some(NOW - DAY_NS);
    check(&reader, hinted(&reader, day, day), &DAYS[1..2], false);
    check(&reader, hinted(&reader, day, None), &DAYS[..2], false);
    check(&reader, hinted(&reader, None, day), &DAYS[1..], false);
    // an hour around it: the day before
    let midnight = Some(NOW - NOW % DAY_NS);
    check(
        &reader,
        hinted(&reader, midnight, midnight),
        &DAYS[..2],
        false,
    );
}

#[test]
fn found_traces_are_read_around_query_and_span() {
    let reader = reader(false, false);
    let query = |from, until| TraceQuery {
        start_min_ns: from,
        start_max_ns: until,
        ..TraceQuery::default()
    };
    let narrow = reader.around(NOW - DAY_NS, &query(NOW - DAY_NS, NOW - DAY_NS));
    check(&reader, narrow, &DAYS[..3], false);
    let wide = reader.around(NOW - DAY_NS, &query(NOW - 3 * DAY_NS, NOW));
    check(&reader, wide, &DAYS, false);
}

#[test]
fn behind_one_name_the_time_is_asked_for() {
    let aliased = reader(true, false);
    let read = ["jaeger-span-read"];
    check(&aliased, hinted(&aliased, None, None), &read, false);
    let hint = hinted(&aliased, Some(NOW), Some(NOW));
    check(&aliased, hint, &read, true);
    assert_eq!(
        aliased.within(hint),
        Some(
            json!({"range": {"startTimeMillis": {"gte": 1_795_416_869_000_u64, "lte": 1_795_424_069_000_u64}}})
        )
    );
    let archive = reader(false, true);
    let hint = hinted(&archive, Some(0), Some(0));
    check(&archive, hint, &["jaeger-span-archive"], false);
}
