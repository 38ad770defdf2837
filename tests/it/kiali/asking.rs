//! Kiali's client of Jaeger, over HTTP and over gRPC: its parameters, its headers, its deadlines, and what it makes of an answer.
//!
//! Over gRPC Kiali turns messages into the UI's JSON itself, so that all behind its client sees one form.
//!
//! Source: `kiali/kiali: tracing/client.go`, `tracing/jaeger/{http,grpc}_client.go`, v2.x; `jaeger/spans.go`, v1.24, for spellings of durations.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use prost_types::Timestamp;
use serde_json::{Value, json};
use tests::spoor::Spoor;
use tonic::{Code, Request};
use wire::r#gen::api_v2::{
    FindTracesRequest, GetServicesResponse, GetTraceRequest, SpansResponseChunk,
    TraceQueryParameters,
};

use super::mesh::Ask;
use crate::query_grpc::client::{Answer, Client};
use crate::query_grpc::ui::ui;

/// `external_services.tracing.query_timeout`, seconds.
const PATIENCE: u64 = 5;

/// One client, as `use_grpc` says.
pub(super) enum Kiali {
    Http {
        client: reqwest::Client,
        /// `internal_url`, with its base path.
        url: String,
    },
    Grpc(Client),
}

// === impl Kiali ===

impl Kiali {
    pub(super) fn http(spoor: &Spoor, base_path: &str) -> Self {
        let client = reqwest::Client::builder().timeout(Duration::from_secs(PATIENCE));
        Self::Http {
            client: client.build().unwrap(),
            url: format!("{}{base_path}", spoor.url("query-http")),
        }
    }

    pub(super) async fn grpc(spoor: &Spoor) -> Self {
        Self::Grpc(Client::of(spoor).await)
    }

    /// The probe: names of services.
    pub(super) async fn services(&mut self) -> Vec<String> {
        match self {
            Self::Http { client, url } => {
                let (status, body) = get(client, &format!("{url}/api/services"), &[]).await;
                assert_eq!(status, 200, "{body}");
                let names = body["data"].as_array().unwrap().iter();
                names
                    .map(|name| name.as_str().unwrap().to_owned())
                    .collect()
            }
            Self::Grpc(client) => {
                let probe = call(client, "GetServices", Vec::new(), 4).await;
                let [services] = &probe.decoded::<GetServicesResponse>()[..] else {
                    panic!("{probe:?}");
                };
                services.services.clone()
            }
        }
    }

    /// A search: the traces that were found, in the UI's form.
    pub(super) async fn find(&mut self, ask: &Ask) -> Vec<Value> {
        let mut found = match self {
            Self::Http { client, url } => {
                let url = format!("{url}/api/traces");
                let (status, body) = get(client, &url, &parameters(ask)).await;
                assert_eq!(status, 200, "{ask:?}: {body}");
                assert_eq!(body["errors"], Value::Null, "{ask:?}");
                assert_eq!(body.get("partial"), None, "{ask:?}");
                body
            }
            Self::Grpc(client) => {
                let message = message(ask).encode_to_vec();
                let answer = call(client, "FindTraces", message, PATIENCE).await;
                assert_eq!(answer.trailers.get("spoor-partial"), None, "{ask:?}");
                for chunk in answer.decoded::<SpansResponseChunk>() {
                    let first = &chunk.spans[0].trace_id;
                    assert!(chunk.spans.len() <= 10 && first.len() == 16);
                    assert!(chunk.spans.iter().all(|span| span.trace_id == *first));
                }
                ui(&answer.messages)
            }
        };
        let Value::Array(traces) = found["data"].take() else {
            panic!("{ask:?}: {found}");
        };
        traces
    }

    /// One trace by its id. `None`: there is none, in the way that Kiali knows.
    pub(super) async fn trace(&mut self, id: [u8; 16], text: &str) -> Option<Value> {
        let mut answer = match self {
            Self::Http { client, url } => {
                let (status, body) = get(client, &format!("{url}/api/traces/{text}"), &[]).await;
                // the status is not looked at: the body has to be an envelope, whatever it is
                let data = body["data"].as_array().map_or(0, Vec::len);
                let error = &body["errors"][0];
                assert_eq!(
                    (status == 200, data),
                    (data == 1, usize::from(error.is_null()))
                );
                assert!(error.is_null() || error["code"] == 404, "{body}");
                body
            }
            Self::Grpc(client) => {
                // Go's older messages hold the first instant of year 1 for a time that is not set
                let times = [
                    None,
                    Some(Timestamp {
                        seconds: -62_135_596_800,
                        nanos: 0,
                    }),
                ];
                let mut answers = Vec::new();
                for time in times {
                    let asked = GetTraceRequest {
                        trace_id: id.to_vec(),
                        start_time: time,
                        end_time: time,
                        raw_traces: false,
                    };
                    let answer = call(client, "GetTrace", asked.encode_to_vec(), 4).await;
                    assert!(matches!(answer.code, Code::Ok | Code::NotFound));
                    answers.push((answer.code, answer.messages));
                }
                assert_eq!(answers[0], answers[1]);
                let (code, messages) = answers.remove(0);
                assert_eq!(code == Code::NotFound, messages.is_empty());
                ui(&messages)
            }
        };
        answer.pointer_mut("/data/0").map(Value::take)
    }
}

/// Status and JSON of a GET, with the headers that Kiali sends and some that it is told to.
async fn get(client: &reqwest::Client, url: &str, query: &[(&str, String)]) -> (u16, Value) {
    let pairs = query.iter().map(|(key, value)| (key, value.as_str()));
    let url = reqwest::Url::parse_with_params(url, pairs).unwrap();
    let request = client.get(url.clone()).bearer_auth("kiali");
    let request = request.header("accept", "application/json");
    let request = request.header("content-type", "application/json");
    let answer = request.header("x-custom", "header").send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let body = serde_json::from_str(&text);
    (
        status,
        body.unwrap_or_else(|error| panic!("{url}: {error} in {text}")),
    )
}

/// In the order of Go's `url.Values`.
fn parameters(ask: &Ask) -> Vec<(&'static str, String)> {
    let mut parameters = vec![("end", (ask.end_s * 1_000_000).to_string())];
    if ask.limit > 0 {
        parameters.push(("limit", ask.limit.to_string()));
    }
    if ask.min_us > 0 {
        parameters.push(("minDuration", format!("{}us", ask.min_us)));
    }
    parameters.push(("service", ask.service.to_owned()));
    parameters.push(("start", (ask.start_s * 1_000_000).to_string()));
    if !ask.tags.is_empty() {
        let tags: BTreeMap<_, _> = ask.tags.iter().copied().collect();
        parameters.push(("tags", json!(tags).to_string()));
    }
    parameters
}

fn message(ask: &Ask) -> FindTracesRequest {
    let at = |seconds: u64| {
        Some(Timestamp {
            seconds: seconds as i64,
            nanos: 0,
        })
    };
    let tags = ask.tags.iter();
    let tags = tags.map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    FindTracesRequest {
        query: Some(TraceQueryParameters {
            service_name: ask.service.to_owned(),
            tags: tags.collect(),
            start_time_min: at(ask.start_s),
            start_time_max: at(ask.end_s),
            // always there, zero or not
            duration_min: Some(prost_types::Duration {
                seconds: 0,
                nanos: ask.min_us as i32 * 1_000,
            }),
            search_depth: ask.limit as i32,
            ..Default::default()
        }),
    }
}

/// A call with its deadline, and metadata that is not for us.
async fn call(client: &mut Client, method: &str, message: Vec<u8>, seconds: u64) -> Answer {
    let mut request = Request::new(Bytes::from(message));
    request.set_timeout(Duration::from_secs(seconds));
    let metadata = request.metadata_mut();
    metadata.insert("authorization", "Bearer kiali".parse().unwrap());
    metadata.insert("x-custom", "header".parse().unwrap());
    let method = format!("/jaeger.api_v2.QueryService/{method}");
    client.send(&method, request).await
}
