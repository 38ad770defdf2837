//! Kiali's calls, with their parameters: the probe, the traces of an application, the count of its errors, one trace.
//!
//! Source: `kiali/kiali: tracing/jaeger`, v2.x, as the contract's list of clients has it.

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use prost_types::Timestamp;
use tests::spoor::Spoor;
use tonic::{Code, Request};
use wire::r#gen::api_v2::{
    FindTracesRequest, GetServicesResponse, GetTraceRequest, SpansResponseChunk,
    TraceQueryParameters,
};

use super::client::{Answer, Client};
use crate::golden::{AT_ITS_TIME, corpus, send_all};
use crate::support::setup;

/// The corpus' instant, seconds.
const NOW: i64 = 1_795_420_469;
const TRACE: [u8; 16] = [0xa1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11];

/// A call as Kiali makes it: with its deadline, and metadata that is not for us.
async fn call(client: &mut Client, method: &str, message: Vec<u8>, seconds: u64) -> Answer {
    let mut request = Request::new(Bytes::from(message));
    request.set_timeout(Duration::from_secs(seconds));
    let metadata = request.metadata_mut();
    metadata.insert("authorization", "Bearer kiali".parse().unwrap());
    metadata.insert("x-custom", "header".parse().unwrap());
    let method = format!("/jaeger.api_v2.QueryService/{method}");
    client.send(&method, request).await
}

/// Go's clients send the first instant of year 1 for a time that is not set.
fn unset() -> Option<Timestamp> {
    Some(Timestamp {
        seconds: -62_135_596_800,
        nanos: 0,
    })
}

fn of_app(service: &str, tags: &[(&str, &str)], depth: i32) -> FindTracesRequest {
    let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
    let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    FindTracesRequest {
        query: Some(TraceQueryParameters {
            service_name: service.to_owned(),
            tags: tags.collect(),
            start_time_min: at(NOW - 600),
            start_time_max: at(NOW + 600),
            // always there, zero or not
            duration_min: Some(prost_types::Duration::default()),
            search_depth: depth,
            ..Default::default()
        }),
    }
}

async fn find(client: &mut Client, request: &FindTracesRequest) -> Vec<wire::r#gen::api_v2::Span> {
    let answer = call(client, "FindTraces", request.encode_to_vec(), 5).await;
    assert_eq!(answer.trailers.get("spoor-partial"), None);
    let chunks: Vec<SpansResponseChunk> = answer.decoded();
    chunks.into_iter().flat_map(|chunk| chunk.spans).collect()
}

async fn started() -> (tempfile::TempDir, Spoor) {
    let (folder, mut setup) = setup();
    let variables = AT_ITS_TIME.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.variables.extend(variables);
    let spoor = setup.start().unwrap();
    send_all(&spoor, &corpus()).await;
    (folder, spoor)
}

#[tokio::test]
async fn kiali_finds_its_applications_their_errors_and_their_traces() {
    let (_folder, spoor) = started().await;
    let mut client = Client::of(&spoor).await;

    let probe = call(&mut client, "GetServices", Vec::new(), 4).await;
    let services: Vec<GetServicesResponse> = probe.decoded();
    assert!(
        services[0]
            .services
            .contains(&"reviews.bookinfo".to_owned())
    );

    for tags in [
        &[][..],
        &[("istio.mesh_id", "cluster.local")],
        &[
            ("istio.mesh_id", "cluster.*"),
            ("istio.canonical_service", "reviews"),
        ],
    ] {
        let spans = find(&mut client, &of_app("reviews.bookinfo", tags, 10_000)).await;
        assert_eq!(spans.len(), 1, "{tags:?}");
        let span = &spans[0];
        assert_eq!(span.trace_id, TRACE);
        assert_eq!(
            span.operation_name,
            "ratings.bookinfo.svc.cluster.local:9080/*"
        );
        assert_eq!(
            span.process.as_ref().unwrap().service_name,
            "reviews.bookinfo"
        );
        let tag = |key: &str| {
            span.tags
                .iter()
                .find(|t| t.key == key)
                .map(|t| t.v_str.as_str())
        };
        assert_eq!(
            tag("node_id"),
            Some(
                "sidecar~10.128.2.14~reviews-v2-6c5bf657cf-abcde.bookinfo~bookinfo.svc.cluster.local"
            )
        );
        assert_eq!(tag("http.status_code"), Some("200"));
    }
    // the count of errors: no limit of its own
    let errors = of_app("reviews.bookinfo", &[("error", "true")], 0);
    assert!(find(&mut client, &errors).await.is_empty());
    let errors = of_app("golden-jaeger", &[("error", "true")], 0);
    assert!(!find(&mut client, &errors).await.is_empty());
    // a service that has none is an empty answer and no error
    assert!(
        find(&mut client, &of_app("nobody.bookinfo", &[], 20))
            .await
            .is_empty()
    );

    let mut asked = GetTraceRequest {
        trace_id: TRACE.to_vec(),
        start_time: unset(),
        end_time: unset(),
        raw_traces: false,
    };
    let answer = call(&mut client, "GetTrace", asked.encode_to_vec(), 4).await;
    let chunks: Vec<SpansResponseChunk> = answer.decoded();
    assert_eq!(chunks[0].spans.len(), 1);
    asked.trace_id = vec![7; 16];
    let answer = call(&mut client, "GetTrace", asked.encode_to_vec(), 4).await;
    assert_eq!(answer.code, Code::NotFound);
}

#[tokio::test]
async fn what_the_graph_filters_on_comes_as_it_was_sent() {
    let (_folder, spoor) = started().await;
    let mut client = Client::of(&spoor).await;
    let spans = find(&mut client, &of_app("golden-jaeger", &[], 20)).await;
    let hosts: Vec<_> = spans
        .iter()
        .flat_map(|s| &s.process.as_ref().unwrap().tags)
        .filter(|t| t.key == "hostname")
        .map(|t| t.v_str.as_str())
        .collect();
    assert!(hosts.contains(&"h1") && hosts.contains(&"h2"), "{hosts:?}");
}
