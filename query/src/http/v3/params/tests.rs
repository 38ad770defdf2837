use axum::response::IntoResponse as _;
use http_body_util::BodyExt as _;

use super::*;

const TIMES: &str =
    "query.startTimeMin=2026-11-23T06:54:29Z&query.startTimeMax=2026-11-23T08:54:29Z";

fn parsed(query: &str) -> Result<TraceQuery, Error> {
    search(&Form::parse(query), true)
}

async fn message(error: Error) -> String {
    let body = error.into_response().into_body().collect().await.unwrap();
    let json: serde_json::Value = serde_json::from_slice(&body.to_bytes()).unwrap();
    assert_eq!(json["error"]["httpCode"], 400);
    json["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn both_spellings_say_the_same() {
    let today = "query.serviceName=a&query.operationName=b&query.startTimeMin=2026-11-23T06:54:29Z&query.startTimeMax=2026-11-23T08:54:29Z\
        &query.durationMin=1ms&query.durationMax=2s&query.searchDepth=7";
    let before = "query.service_name=a&query.operation_name=b&query.start_time_min=2026-11-23T06:54:29Z&query.start_time_max=2026-11-23T08:54:29Z\
        &query.duration_min=1ms&query.duration_max=2s&query.search_depth=7";
    let renamed = before.replace("search_depth", "num_traces");
    for query in [today, before, &renamed] {
        let query = parsed(query).unwrap();
        assert_eq!(query.service.as_deref(), Some("a"));
        assert_eq!(query.operation.as_deref(), Some("b"));
        assert_eq!(query.start_min_ns, 1_795_416_869_000_000_000);
        assert_eq!(query.start_max_ns, 1_795_424_069_000_000_000);
        assert_eq!(query.duration_min_ns, Some(1_000_000));
        assert_eq!(query.duration_max_ns, Some(2_000_000_000));
        assert_eq!(query.limit, 7);
    }
    let both = format!("{TIMES}&query.service_name=old&query.serviceName=new");
    assert_eq!(parsed(&both).unwrap().service.as_deref(), Some("new"));
}

#[test]
fn a_search_needs_times_alone() {
    let query = parsed(TIMES).unwrap();
    assert_eq!((query.service, query.limit), (None, 100));
    assert!(query.filter.is_always_true());
    let grafana = "query.start_time_min=2026-11-23T07:54:29+01:00&query.start_time_max=2026-11-23T08:54:29.000Z";
    let query = parsed(grafana).unwrap();
    assert_eq!(query.start_min_ns, 1_795_416_869_000_000_000);
    let depth = |text: &str| parsed(&format!("{TIMES}&{text}")).unwrap().limit;
    assert_eq!(depth("query.searchDepth=0"), 100);
    assert_eq!(depth("query.num_traces=-1"), 100);
    let tags = format!("{TIMES}&query.attributes=%7B%22a%22%3A%22b%22%7D");
    assert!(!parsed(&tags).unwrap().filter.is_always_true());
}

#[tokio::test]
async fn what_is_wrong_is_said_by_its_name() {
    for (query, why) in [
        (
            "query.service_name=a",
            "query.start_time_min and query.start_time_max are required",
        ),
        (
            "",
            "query.start_time_min and query.start_time_max are required",
        ),
        (
            "query.serviceName=a&query.start_time_min=2026-11-23T06:54:29Z",
            "query.startTimeMin and query.startTimeMax are required",
        ),
        (
            "query.start_time_min=x&query.start_time_max=y",
            "malformed parameter query.start_time_min: parsing time \"x\" as \"2006-01-02T15:04:05.999999999Z07:00\": cannot parse \"x\" as \"2006\"",
        ),
        (
            "query.startTimeMin=2026-11-23T08:54:29Z&query.startTimeMax=2026-11-23T06:54:29Z",
            "query.startTimeMin must be before query.startTimeMax",
        ),
        (
            "TIMES&query.searchDepth=x",
            "malformed parameter query.searchDepth: strconv.ParseUint: parsing \"x\": invalid syntax",
        ),
        (
            "TIMES&query.search_depth=-1",
            "malformed parameter query.search_depth: strconv.ParseUint: parsing \"-1\": invalid syntax",
        ),
        (
            "TIMES&query.num_traces=x",
            "malformed parameter query.num_traces: strconv.Atoi: parsing \"x\": invalid syntax",
        ),
        (
            "TIMES&query.duration_min=5",
            "malformed parameter query.duration_min: time: missing unit in duration \"5\"",
        ),
        (
            "TIMES&query.durationMin=5s&query.durationMax=1s",
            "query.durationMax should be greater than query.durationMin",
        ),
    ] {
        let query = query.replace("TIMES", TIMES);
        assert_eq!(message(parsed(&query).unwrap_err()).await, why, "{query}");
    }
    let bad = format!("{TIMES}&query.attributes=x");
    let why = message(parsed(&bad).unwrap_err()).await;
    assert!(
        why.starts_with("malformed parameter query.attributes: "),
        "{why}"
    );
    let raw = is_raw(&Form::parse("raw_traces=x"), &RAW_TRACES).unwrap_err();
    assert_eq!(
        message(raw).await,
        "malformed parameter raw_traces: strconv.ParseBool: parsing \"x\": invalid syntax"
    );
}

#[tokio::test]
async fn a_period_has_both_ends_in_order() {
    let of = |query: &str| period(&Form::parse(query));
    assert_eq!(
        of("startTime=1970-01-01T00:00:01Z&end_time=1970-01-01T00:00:02Z").ok(),
        Some((1_000_000_000, 2_000_000_000))
    );
    for (query, why) in [
        ("end_time=1970-01-01T00:00:02Z", "startTime is required"),
        ("start_time=1970-01-01T00:00:02Z", "endTime is required"),
        (
            "start_time=1970-01-01T00:00:02Z&end_time=1970-01-01T00:00:02Z",
            "end_time must be after start_time",
        ),
    ] {
        assert_eq!(message(of(query).unwrap_err()).await, why, "{query}");
    }
}

#[tokio::test]
async fn an_id_is_hex_or_base64() {
    let whole = TraceId::from_halves(0x00f0_67aa_0ba9_02b7, 0xfbff_efbf_ffef_bfff);
    for text in [
        "00f067aa0ba902b7fbffefbfffefbfff",
        "F067AA0BA902B7FBFFEFBFFFEFBFFF",
        "APBnqgupArf7/++//++//w==",
        "APBnqgupArf7/++//++//w",
        "APBnqgupArf7_--__--__w==",
        "APBnqgupArf7_--__--__w",
    ] {
        assert_eq!(id(text).ok(), Some(whole), "{text}");
    }
    let low = TraceId::from_halves(0, 0x00f0_67aa_0ba9_02b7);
    assert_eq!(id("APBnqgupArc=").ok(), Some(low));
    // hex comes first where a text is both
    assert_eq!(id("abcd").ok(), Some(TraceId::from_halves(0, 0xabcd)));
    for (text, why) in [
        (
            "xyz",
            "malformed parameter trace_id: strconv.ParseUint: parsing \"xyz\": invalid syntax",
        ),
        (
            "",
            "malformed parameter trace_id: strconv.ParseUint: parsing \"\": invalid syntax",
        ),
    ] {
        assert_eq!(message(id(text).unwrap_err()).await, why);
    }
}
