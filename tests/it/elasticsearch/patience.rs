//! A cluster that answers slowly: a search is answered before its client gives up, with what was found by then, or with nothing but the reason.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use prost::Message as _;
use prost_types::Timestamp;
use serde_json::{Value, json};
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::{Kind, shared};
use tests::spoor::Spoor;
use tonic::Code;
use wire::r#gen::{api_v2, api_v3};

use crate::query_grpc::client::{Answer, Client};
use crate::support::{eventually, get_json, setup};

const SERVICE: &str = "slowly";
/// Three times as many as are read from a cluster together.
const TRACES: usize = 60;
/// How long Kiali waits.
const PATIENCE: Duration = Duration::from_secs(4);
const BOUND: &str = "query.search-timeout=3.5s";

/// Traces of one span each.
async fn send(spoor: &Spoor, now: Duration) {
    let spans: Vec<Value> = (1..=TRACES)
        .map(|n| {
            let at = (now.as_nanos() + n as u128 * 1_000).to_string();
            json!({
                "traceId": format!("{n:032x}"), "spanId": format!("{n:016x}"), "name": "step",
                "startTimeUnixNano": at, "endTimeUnixNano": at,
            })
        })
        .collect();
    let body = json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]},
        "scopeSpans": [{"spans": spans}],
    }]});
    let url = format!("{}/v1/traces", spoor.url("otlp-http"));
    let client = reqwest::Client::new();
    let sent = || async {
        let request = client.post(&url).json(&body);
        request.send().await.unwrap().status().as_u16()
    };
    eventually("spans are taken", sent, |status| *status == 200).await;
}

/// The cluster takes this long for each search.
fn slow(proxy: &FaultProxy, delay: Duration) {
    let rule = Rule::new(Fault::Delay(delay));
    proxy.set([rule.on(|path| path.ends_with("_search") || path.ends_with("_msearch"))]);
}

/// A search over gRPC, and how many traces or summaries an answer has.
type Search = (&'static str, Vec<u8>, fn(&Answer) -> usize);

fn searches(now: Duration) -> [Search; 2] {
    let at = |seconds: u64| {
        Some(Timestamp {
            seconds: seconds as i64,
            nanos: 0,
        })
    };
    let (min, max) = (at(now.as_secs() - 60), at(now.as_secs() + 60));
    let find = api_v2::FindTracesRequest {
        query: Some(api_v2::TraceQueryParameters {
            service_name: SERVICE.to_owned(),
            start_time_min: min,
            start_time_max: max,
            search_depth: TRACES as i32,
            ..Default::default()
        }),
    };
    let summaries = api_v3::FindTraceSummariesRequest {
        query: Some(api_v3::TraceQueryParameters {
            service_name: SERVICE.to_owned(),
            start_time_min: min,
            start_time_max: max,
            search_depth: TRACES as i32,
            ..Default::default()
        }),
    };
    [
        (
            "/jaeger.api_v2.QueryService/FindTraces",
            find.encode_to_vec(),
            |answer| answer.decoded::<api_v2::SpansResponseChunk>().len(),
        ),
        (
            "/jaeger.api_v3.QueryService/FindTraceSummaries",
            summaries.encode_to_vec(),
            |answer| answer.messages.len(),
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_of_a_slow_cluster_is_answered_before_its_client_gives_up() {
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let proxy = FaultProxy::start(server.port(), 1).unwrap();
    let (_folder, setup) = setup();
    let spoor = setup
        .arg("--span-storage.type=elasticsearch")
        .arg(format!("--es.server-urls={}", proxy.url()))
        .arg("--es.index-prefix=patience")
        .arg("--es.num-replicas=0")
        .start()
        .unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() - Duration::from_secs(10);
    send(&spoor, now).await;
    let http = spoor.url("query-http");
    let limit = TRACES;
    let times = "query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2100-01-01T00:00:00Z";
    let urls = [
        (
            format!("{http}/api/traces?service={SERVICE}&limit={limit}"),
            "data",
        ),
        (
            format!(
                "{http}/api/v3/trace-summaries?query.serviceName={SERVICE}&{times}&query.searchDepth={limit}"
            ),
            "summaries",
        ),
    ];
    let count = |json: &Value, list: &str| json[list].as_array().map_or(0, Vec::len);
    eventually(
        "all are found",
        || async { count(&get_json(&urls[0].0).await, "data") },
        |found| *found == TRACES,
    )
    .await;
    let mut grpc = Client::of(&spoor).await;

    // the ids and the first traces are there in time, the others are not
    slow(&proxy, Duration::from_millis(1_200));
    for (url, list) in &urls {
        let began = Instant::now();
        let answer = reqwest::get(url).await.unwrap();
        let status = answer.status();
        let partial = answer.headers().get("spoor-partial").cloned();
        let json: Value = answer.json().await.unwrap();
        let (took, found) = (began.elapsed(), count(&json, list));
        println!("{list}: {found} of {TRACES} after {took:?}");
        assert!(took < PATIENCE, "{url} took {took:?}");
        assert_eq!(status, 200, "{json}");
        assert!((1..TRACES).contains(&found), "{found}");
        let partial = partial.unwrap();
        assert!(partial.to_str().unwrap().contains(BOUND), "{partial:?}");
        let reason = json["partial"]["reason"].as_str().unwrap();
        assert!(reason.contains(BOUND), "{reason}");
    }
    for (path, message, count) in searches(now) {
        let began = Instant::now();
        let answer = grpc.raw(path, message).await;
        let took = began.elapsed();
        println!("{path}: {} of {TRACES} after {took:?}", count(&answer));
        assert!(took < PATIENCE, "{path} took {took:?}");
        assert!((1..TRACES).contains(&count(&answer)), "{path}");
        let partial = answer.trailers.get("spoor-partial").unwrap();
        assert!(partial.to_str().unwrap().contains(BOUND), "{partial:?}");
    }

    // nothing is there in time
    slow(&proxy, Duration::from_secs(5));
    for (url, _) in &urls {
        let began = Instant::now();
        let answer = reqwest::get(url).await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        let took = began.elapsed();
        println!("{status} after {took:?}");
        assert!(took < PATIENCE, "{url} took {took:?}");
        assert_eq!(status, 503, "{text}");
        assert!(text.contains(BOUND), "{text}");
    }
    for (path, message, _) in searches(now) {
        let began = Instant::now();
        let answer = grpc.raw(path, message).await;
        let took = began.elapsed();
        println!("{:?} after {took:?}", answer.code);
        assert!(took < PATIENCE, "{path} took {took:?}");
        assert_eq!(answer.code, Code::DeadlineExceeded, "{}", answer.details);
        assert!(answer.details.contains(BOUND), "{}", answer.details);
    }
    // a trace by its id is no search
    let began = Instant::now();
    let trace = get_json(&format!("{http}/api/traces/{:032x}", 7)).await;
    assert_eq!(count(&trace, "data"), 1);
    assert!(began.elapsed() > PATIENCE);
}
