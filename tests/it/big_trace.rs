//! A trace of very many spans through every API that answers spans: whole, each span once, or marked as cut; and within bounded memory.
//!
//! `SPOOR_SOAK=1` raises it from 6,000 spans to 120,000.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use model::{KeyValue, Resource, Scope, Span, SpanId, TraceId};
use prost_types::Timestamp;
use serde_json::Value;
use tests::servers::{Kind, shared};
use tests::spoor::{Setup, Spoor};
use wire::r#gen::{api_v2, api_v3};

use crate::elasticsearch::collector::peak_mib;
use crate::query_grpc::client::{Answer, Client};
use crate::support::{eventually, get, setup, soak};

const TRACE: u64 = 0x0b16;
const SERVICE: &str = "service-0";
/// Spans of a request.
const BATCH: u64 = 2_000;
/// An answer may hold `query.max-bytes` of spans, as much of what Jaeger's form adds to them, and as much of JSON.
const MEMORY_MIB: u64 = 3 * 128;

/// What an API gave.
struct Given {
    ids: Vec<u64>,
    /// By what limit it is cut.
    partial: Option<String>,
}

// === impl Given ===

impl Given {
    /// Of OTLP's JSON, in which a span is called so once.
    fn of_otlp_json(text: &str, partial: Option<String>) -> Self {
        let ids = text.split("\"spanId\":\"").skip(1);
        Self {
            ids: ids.map(|rest| hex(&rest[..16])).collect(),
            partial,
        }
    }

    fn of_ui_json(text: &str, partial: Option<String>) -> Self {
        let body: Value = serde_json::from_str(text).unwrap();
        let spans = body["data"].as_array().into_iter().flatten();
        let spans = spans.flat_map(|trace| trace["spans"].as_array().into_iter().flatten());
        Self {
            ids: spans
                .map(|span| hex(span["spanID"].as_str().unwrap()))
                .collect(),
            partial,
        }
    }

    fn of_chunks(answer: &Answer) -> Self {
        let chunks: Vec<api_v2::SpansResponseChunk> = answer.decoded();
        let spans = chunks.iter().flat_map(|chunk| &chunk.spans);
        Self::of_ids(answer, spans.map(|span| &span.span_id[..]))
    }

    fn of_otlp(answer: &Answer) -> Self {
        let mut ids = Vec::new();
        for message in &answer.messages {
            let spans = wire::otlp::decode(message.clone()).unwrap().spans;
            ids.extend(spans.iter().map(|span| span.span_id.to_u64()));
        }
        Self {
            ids,
            partial: partial(answer),
        }
    }

    fn of_ids<'a>(answer: &Answer, ids: impl Iterator<Item = &'a [u8]>) -> Self {
        Self {
            ids: ids
                .map(|id| u64::from_be_bytes(id.try_into().unwrap()))
                .collect(),
            partial: partial(answer),
        }
    }
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text, 16).unwrap()
}

fn partial(answer: &Answer) -> Option<String> {
    let line = answer.trailers.get("spoor-partial")?;
    Some(line.to_str().unwrap().to_owned())
}

/// Text and mark of a GET.
async fn text(url: &str) -> (String, Option<String>) {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 200, "{url}");
    let partial = answer.headers().get("spoor-partial");
    let partial = partial.map(|line| line.to_str().unwrap().to_owned());
    (answer.text().await.unwrap(), partial)
}

/// A tree in which each span has up to ten children, over eight services.
fn spans(all: u64, began_ns: u64) -> impl Iterator<Item = Span> {
    let resources: Vec<Arc<Resource>> = (0..8)
        .map(|n| {
            Arc::new(Resource {
                attributes: vec![KeyValue::new("hostname", format!("host-{n}").as_str())],
                ..Resource::of_service(format!("service-{n}").as_str())
            })
        })
        .collect();
    let scope = Arc::new(Scope::default());
    (1..=all).map(move |id| Span {
        trace_id: TraceId::from_halves(TRACE, TRACE),
        span_id: SpanId::from_u64(id),
        parent_span_id: (id >= 10).then(|| SpanId::from_u64(id / 10)),
        name: "step".into(),
        start_ns: began_ns + id * 1_000,
        end_ns: began_ns + all * 2_000 - id * 1_000,
        attributes: (0..8)
            .map(|n| {
                KeyValue::new(
                    format!("key.{n}").as_str(),
                    format!("value of {id}").as_str(),
                )
            })
            .collect(),
        resource: resources[(id - 1) as usize % 8].clone(),
        scope: scope.clone(),
        ..Span::default()
    })
}

/// A batch that is told to come again comes again.
async fn send(spoor: &Spoor, all: u64, began_ns: u64) {
    let client = reqwest::Client::new();
    let mut spans = spans(all, began_ns).peekable();
    while spans.peek().is_some() {
        let batch: Vec<Span> = spans.by_ref().take(BATCH as usize).collect();
        let body = Bytes::from(wire::otlp::encode(&batch));
        let post = || {
            let url = format!("{}/v1/traces", spoor.url("otlp-http"));
            let post = client.post(url).body(body.clone());
            post.header("content-type", "application/x-protobuf")
        };
        eventually(
            "a batch is taken",
            || async { post().send().await.unwrap().status().as_u16() },
            |status: &u16| *status == 200,
        )
        .await;
    }
}

/// The most memory since the last time, in MiB.
fn peak_since(spoor: &Spoor) -> u64 {
    let mib = peak_mib(spoor);
    std::fs::write(format!("/proc/{}/clear_refs", spoor.pid()), "5").unwrap();
    mib
}

/// Asks every API for the trace of `all` spans.
async fn ask_all(spoor: &Spoor, all: u64, began_ns: u64) {
    let id = format!("{TRACE:016x}{TRACE:016x}");
    let http = spoor.url("query-http");
    let second = began_ns / 1_000_000_000;
    let (from_us, to_us) = ((second - 60) * 1_000_000, (second + 3_600) * 1_000_000);
    let mut grpc = Client::of(spoor).await;
    let at = |seconds: u64| {
        Some(Timestamp {
            seconds: seconds as i64,
            nanos: 0,
        })
    };
    let before = peak_since(spoor);
    let mut report = String::new();
    let mut see = |name: &str, given: Given| {
        let distinct: BTreeSet<u64> = given.ids.iter().copied().collect();
        let (count, peak) = (given.ids.len(), peak_since(spoor));
        writeln!(
            report,
            "  {name}: {count} spans, {}, peak {peak} MiB",
            given.partial.as_deref().unwrap_or("complete")
        )
        .unwrap();
        assert_eq!(count, distinct.len(), "{name} gave a span twice");
        assert!(distinct.iter().all(|id| (1..=all).contains(id)), "{name}");
        assert!(
            given.partial.is_some() || count as u64 == all,
            "{name} gave {count} of {all} spans, and does not say that it is cut"
        );
        assert!(count > 0, "{name}");
        assert!(
            peak < before + MEMORY_MIB,
            "{name} took {peak} MiB, {before} before\n{report}"
        );
    };

    for query in ["", "?raw=true", "?prettyPrint=true"] {
        let (text, partial) = text(&format!("{http}/api/traces/{id}{query}")).await;
        see(
            &format!("GET /api/traces/id{query}"),
            Given::of_ui_json(&text, partial),
        );
    }
    let search = format!("service={SERVICE}&start={from_us}&end={to_us}&limit=20");
    for query in [search, format!("traceID={id}")] {
        let (text, partial) = text(&format!("{http}/api/traces?{query}")).await;
        let name = query.split('=').next().unwrap();
        see(
            &format!("GET /api/traces?{name}"),
            Given::of_ui_json(&text, partial),
        );
    }
    let times = "query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2100-01-01T00:00:00Z";
    for (name, path) in [
        ("GET /api/v3/traces/id", format!("traces/{id}")),
        (
            "GET /api/v3/traces",
            format!("traces?query.serviceName={SERVICE}&{times}"),
        ),
    ] {
        let (text, partial) = text(&format!("{http}/api/v3/{path}")).await;
        see(name, Given::of_otlp_json(&text, partial));
    }

    let get = api_v2::GetTraceRequest {
        trace_id: TraceId::from_halves(TRACE, TRACE).0.to_vec(),
        ..Default::default()
    };
    let v2 = "/jaeger.api_v2.QueryService";
    let answer = grpc.ask(&format!("{v2}/GetTrace"), &get).await;
    see("api_v2 GetTrace", Given::of_chunks(&answer));
    let find = api_v2::FindTracesRequest {
        query: Some(api_v2::TraceQueryParameters {
            service_name: SERVICE.to_owned(),
            start_time_min: at(second - 60),
            start_time_max: at(second + 3_600),
            ..Default::default()
        }),
    };
    let answer = grpc.ask(&format!("{v2}/FindTraces"), &find).await;
    see("api_v2 FindTraces", Given::of_chunks(&answer));
    let get = api_v3::GetTraceRequest {
        trace_id: id.clone(),
        ..Default::default()
    };
    let v3 = "/jaeger.api_v3.QueryService";
    let answer = grpc.ask(&format!("{v3}/GetTrace"), &get).await;
    see("api_v3 GetTrace", Given::of_otlp(&answer));
    let query = Some(api_v3::TraceQueryParameters {
        service_name: SERVICE.to_owned(),
        start_time_min: at(second - 60),
        start_time_max: at(second + 3_600),
        search_depth: 20,
        ..Default::default()
    });
    let find = api_v3::FindTracesRequest { query };
    let answer = grpc.ask(&format!("{v3}/FindTraces"), &find).await;
    see("api_v3 FindTraces", Given::of_otlp(&answer));

    println!("a trace of {all} spans, {before} MiB before:\n{report}");
}

/// Asks for what is told of the trace and not of its spans: it counts all of them, for none is held.
async fn ask_summaries(spoor: &Spoor, all: u64) {
    let mut grpc = Client::of(spoor).await;
    let at = |seconds: i64| Some(Timestamp { seconds, nanos: 0 });
    let find = api_v3::FindTraceSummariesRequest {
        query: Some(api_v3::TraceQueryParameters {
            service_name: SERVICE.to_owned(),
            start_time_min: at(1_600_000_000),
            start_time_max: at(4_000_000_000),
            ..Default::default()
        }),
    };
    let before = peak_since(spoor);
    let path = "/jaeger.api_v3.QueryService/FindTraceSummaries";
    let answer = grpc.ask(path, &find).await;
    let told: Vec<api_v3::FindTraceSummariesResponse> = answer.decoded();
    let summary = &told[0].summaries[0];
    assert_eq!((summary.span_count as u64, partial(&answer)), (all, None));
    assert_eq!(summary.services.len(), 8);
    let (text, cut) = text(&summaries_of(spoor)).await;
    let told: Value = serde_json::from_str(&text).unwrap();
    let summary = &told["summaries"][0];
    assert_eq!(summary["spanCount"], all, "{summary}");
    assert_eq!(cut, None);
    let peak = peak_since(spoor);
    println!("summaries of {all} spans: {before} MiB before, peak {peak} MiB");
}

fn summaries_of(spoor: &Spoor) -> String {
    format!(
        "{}/api/v3/trace-summaries?query.serviceName={SERVICE}&query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2100-01-01T00:00:00Z",
        spoor.url("query-http")
    )
}

/// A Spoor that has a trace of so many spans, and when it began.
async fn with_trace(setup: Setup, all: u64) -> (Spoor, u64) {
    // all of it is wanted, however long that takes
    let spoor = setup.arg("--query.search-timeout=30s").start().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let began_ns = (now - Duration::from_secs(30)).as_nanos() as u64;
    send(&spoor, all, began_ns).await;
    let url = summaries_of(&spoor);
    let wanted = format!("\"spanCount\":{all}");
    // a cluster finds what it has confirmed a second later
    eventually(
        "all of it is found",
        || async { get(&url).await.2 },
        |text: &String| text.contains(&wanted),
    )
    .await;
    (spoor, began_ns)
}

async fn check(setup: Setup) {
    let all = if soak() { 120_000 } else { 6_000 };
    let (spoor, began_ns) = with_trace(setup, all).await;
    ask_all(&spoor, all, began_ns).await;
    ask_summaries(&spoor, all).await;
}

/// With room for a fraction of the spans.
async fn check_narrow(setup: Setup) {
    let all = if soak() { 40_000 } else { 4_000 };
    let (spoor, _) = with_trace(setup.arg("--query.max-bytes=1MiB"), all).await;
    let url = format!("{}/api/traces?service={SERVICE}", spoor.url("query-http"));
    let (_, cut) = text(&url).await;
    let cut = cut.expect("whole spans have no room");
    assert!(cut.contains("query.max-bytes"), "{cut}");
    ask_summaries(&spoor, all).await;
}

fn on_cluster(setup: Setup, prefix: &str) -> Setup {
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    setup
        .arg("--span-storage.type=elasticsearch")
        .arg(format!("--es.server-urls={}", server.url()))
        .arg(format!("--es.index-prefix={prefix}"))
        .arg("--es.num-shards=1")
        .arg("--es.num-replicas=0")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_api_gives_all_of_a_huge_trace_of_the_embedded_store() {
    let (_folder, setup) = setup();
    check(setup).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_api_gives_all_of_a_huge_trace_of_a_cluster() {
    let (_folder, setup) = setup();
    check(on_cluster(setup, "every-api")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn summaries_count_spans_that_have_no_room_in_the_embedded_store() {
    let (_folder, setup) = setup();
    check_narrow(setup).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn summaries_count_spans_that_have_no_room_in_a_cluster() {
    let (_folder, setup) = setup();
    check_narrow(on_cluster(setup, "no-room")).await;
}
