//! Side by side with real Jaeger: the golden corpus goes in, and every message is compared with v1.76.0's recorded one, decoded.
//!
//! Jaeger's form is compared as the UI's JSON is, with the same permitted differences (`tests::golden`). OpenTelemetry's form was recorded on Elasticsearch,
//! which keeps less (quirk 106): both sides are brought down to that.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use model::{KeyValue, Span, TraceId};
use prost::Message;
use serde_json::{Value, json};
use tests::corpus::{self, Corpus};
use tests::golden::{self, Tally, reasons};
use tests::spoor::Spoor;
use wire::r#gen::{api_v2, api_v3};
use wire::jaeger::tags;

use super::client::{Answer, Client};
use super::ui::{envelope, ui};
use crate::golden::differences::{self, Api, Store};
use crate::golden::{AT_ITS_TIME, corpus, send_all};
use crate::support::setup;

/// What a recorded call is compared with.
struct Recorded {
    method: String,
    request: Vec<u8>,
    code: String,
    details: String,
    messages: Vec<Bytes>,
}

// === impl Recorded ===

impl Recorded {
    fn read(file: &std::path::Path) -> Self {
        let recorded = corpus::read(file);
        let text = |key: &str| recorded[key].as_str().unwrap().to_owned();
        let bytes = |value: &Value| BASE64.decode(value.as_str().unwrap()).unwrap();
        let messages = recorded["responses_base64"].as_array().unwrap();
        Self {
            method: text("method"),
            request: bytes(&recorded["request_base64"]),
            code: text("code"),
            details: text("details"),
            messages: messages.iter().map(|m| bytes(m).into()).collect(),
        }
    }
}

/// A list of names or of pairs of words, as data.
fn words(method: &str, messages: &[Bytes]) -> Value {
    let [message] = messages else {
        return envelope(&[]);
    };
    let message = message.clone();
    let pair = |name: String, kind: String| json!({"name": name, "spanKind": kind});
    let link = |parent: String, child: String, calls: u64| json!({"parent": parent, "child": child, "callCount": calls});
    let data: Vec<Value> = match method {
        "/jaeger.api_v2.QueryService/GetServices" => {
            let list = api_v2::GetServicesResponse::decode(message)
                .unwrap()
                .services;
            list.into_iter().map(Value::from).collect()
        }
        "/jaeger.api_v3.QueryService/GetServices" => {
            let list = api_v3::GetServicesResponse::decode(message)
                .unwrap()
                .services;
            list.into_iter().map(Value::from).collect()
        }
        "/jaeger.api_v2.QueryService/GetOperations" => {
            let list = api_v2::GetOperationsResponse::decode(message).unwrap();
            let unique: BTreeSet<&String> = list.operation_names.iter().collect();
            assert_eq!(unique.len(), list.operation_names.len(), "each name once");
            assert!(list.operations.iter().all(|o| unique.contains(&o.name)));
            list.operations
                .into_iter()
                .map(|o| pair(o.name, o.span_kind))
                .collect()
        }
        "/jaeger.api_v3.QueryService/GetOperations" => {
            let list = api_v3::GetOperationsResponse::decode(message).unwrap();
            list.operations
                .into_iter()
                .map(|o| pair(o.name, o.span_kind))
                .collect()
        }
        _ => {
            let list = api_v2::GetDependenciesResponse::decode(message).unwrap();
            let links = list.dependencies.into_iter();
            links
                .map(|l| link(l.parent, l.child, l.call_count))
                .collect()
        }
    };
    envelope(&data)
}

/// Spans of OpenTelemetry's form, field by field, with what Elasticsearch keeps of them.
fn kept(
    messages: impl IntoIterator<Item = Bytes>,
) -> BTreeMap<String, BTreeMap<&'static str, String>> {
    let mut kept = BTreeMap::new();
    for message in messages {
        for span in wire::otlp::decode(message).unwrap().spans {
            kept.insert(
                format!("{} {} {}", span.trace_id, span.span_id, span.name),
                of_span(&span),
            );
        }
    }
    kept
}

fn of_span(span: &Span) -> BTreeMap<&'static str, String> {
    let events = span.events.iter();
    let events = events.map(|e| format!("{} {} {}", e.time_ns / 1000, e.name, list(&e.attributes)));
    let links = span
        .links
        .iter()
        .map(|l| format!("{} {}", l.trace_id, l.span_id));
    let warnings = span.attributes.iter().find(|a| a.key == "@jaeger@warnings");
    let others: Vec<KeyValue> = (span.attributes.iter())
        .filter(|a| a.key != "@jaeger@warnings")
        .cloned()
        .collect();
    let resource = &span.resource;
    BTreeMap::from([
        ("parent", format!("{:?}", span.parent_span_id)),
        ("kind", format!("{:?}", span.kind)),
        ("status", format!("{:?}", span.status)),
        ("start", (span.start_ns / 1000).to_string()),
        ("duration", (span.duration_ns() / 1000).to_string()),
        ("attributes", list(&others)),
        (
            "warnings",
            warnings.map_or_else(String::new, |w| format!("{:?}", w.value)),
        ),
        ("events", events.collect::<Vec<_>>().join(", ")),
        ("links", links.collect::<Vec<_>>().join(", ")),
        ("trace state", span.trace_state.to_string()),
        (
            "scope",
            format!("{} {}", span.scope.name, span.scope.version),
        ),
        (
            "resource",
            format!("{} {}", resource.service_name(), list(&resource.attributes)),
        ),
    ])
}

/// Lists and maps are text there, and nothing is the empty text.
fn list(attributes: &[KeyValue]) -> String {
    let one = |a: &KeyValue| format!("{}={:?}", a.key, tags::value(&a.value).to_value());
    attributes.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Why a difference in OpenTelemetry's form is right; none: it is not.
fn permitted(case: &str, field: &str, recorded: &str, ours: &str) -> Option<&'static str> {
    const DUPLICATE: &str = "duplicate span IDs; skipping clock skew adjustment";
    let is_duplicate = |warnings: &str| warnings.is_empty() || warnings.contains(DUPLICATE);
    let is_kept = |warnings: &str| {
        warnings.contains("a client warning") || warnings.contains("Negative duration detected")
    };
    match (case, field) {
        ("events-links", "parent" | "warnings" | "links") => Some(reasons::DOCUMENTS),
        ("duplicate-spans", "warnings") if is_duplicate(recorded) && is_duplicate(ours) => {
            Some(reasons::ORDER)
        }
        (_, "warnings") if recorded.is_empty() && is_kept(ours) => Some(reasons::WARNINGS),
        ("events-links", "events") => Some(reasons::EVENT_NAMES),
        (_, "attributes")
            if recorded.contains("InvalidNegativeDuration")
                && !ours.contains("InvalidNegativeDuration") =>
        {
            Some(reasons::ZERO_DURATION)
        }
        ("zipkin-rpc", "attributes")
            if ours.contains("error=String") && !recorded.contains("error=") =>
        {
            Some(reasons::ZIPKIN_ERROR)
        }
        _ => None,
    }
}

/// What was compared, and what differs.
#[derive(Default)]
struct Compared {
    calls: usize,
    traces: usize,
    tally: Tally,
}

// === impl Compared ===

impl Compared {
    fn json(&mut self, name: &str, case: &str, recorded: &Value, ours: &Value) {
        for difference in golden::every_difference(case, recorded, ours) {
            self.tally.add(name, case, &difference);
        }
    }

    fn spans(
        &mut self,
        case: &str,
        recorded: &BTreeMap<String, BTreeMap<&'static str, String>>,
        ours: &BTreeMap<String, BTreeMap<&'static str, String>>,
    ) {
        for key in recorded.keys().chain(ours.keys()).collect::<BTreeSet<_>>() {
            let (Some(recorded), Some(ours)) = (recorded.get(key), ours.get(key)) else {
                self.tally
                    .wrong(format!("{case}: {key} is on one side alone"));
                continue;
            };
            for (field, recorded) in recorded {
                let ours = &ours[field];
                if recorded == ours {
                    continue;
                }
                match permitted(case, field, recorded, ours) {
                    Some(why) => self.tally.permit(case, why),
                    None => self.tally.wrong(format!(
                        "{case}: {key} {field}: recorded {recorded}, ours {ours}"
                    )),
                }
            }
        }
    }

    /// A recorded call over the whole corpus, of which `corpus` is a part.
    fn call(&mut self, corpus: &Corpus, name: &str, recorded: &Recorded, ours: &Answer) {
        self.calls += 1;
        if name == "v2-ArchiveTrace" && ours.code == tonic::Code::Ok {
            self.tally.permit(name, reasons::ARCHIVE);
            return;
        }
        let code = format!("{:?}", ours.code).to_lowercase();
        let expect = recorded.code.replace('_', "").to_lowercase();
        if (code.as_str(), &ours.details) != (expect.as_str(), &recorded.details) {
            self.tally.wrong(format!(
                "{name}: {code} {}, recorded {expect} {}",
                ours.details, recorded.details
            ));
        }
        let is_v3 = recorded.method.contains("api_v3");
        match recorded.method.rsplit('/').next().unwrap() {
            "GetTrace" | "FindTraces" if is_v3 => {
                let (ids, _) = corpus.known();
                let mut theirs = kept(recorded.messages.clone());
                theirs.retain(|key, _| ids.contains(key.split(' ').next().unwrap()));
                self.spans(name, &theirs, &kept(ours.messages.clone()));
            }
            "GetTrace" | "FindTraces" => {
                let recorded = corpus.restrict(&ui(&recorded.messages));
                self.json(name, name, &recorded, &ui(&ours.messages));
            }
            what => {
                let case = match what {
                    "GetOperations" if name.ends_with("-kind") => "operations-kind",
                    "GetOperations" => "operations-v2",
                    "GetDependencies" => "dependencies",
                    _ => "services",
                };
                let theirs = corpus.restrict(&words(&recorded.method, &recorded.messages));
                self.json(
                    name,
                    case,
                    &theirs,
                    &words(&recorded.method, &ours.messages),
                );
            }
        }
    }
}

/// Makes every recorded call, asks for each trace in both forms, and compares the answers.
pub(crate) async fn compare_calls(spoor: &Spoor, corpus: &Corpus, store: Store) {
    let mut client = Client::of(spoor).await;
    let mut compared = Compared::default();
    for (name, file) in corpus.recorded_calls("v1.76.0") {
        if name.starts_with("sampling-") {
            continue;
        }
        let recorded = Recorded::read(&file);
        let ours = client.raw(&recorded.method, recorded.request.clone()).await;
        compared.call(corpus, &name, &recorded, &ours);
    }
    for case in &corpus.cases {
        for (id, raw, file) in case.recorded_traces("v1.76.0") {
            if golden::is_another_answer(&case.name).is_some() {
                continue;
            }
            compared.traces += 1;
            let asked = api_v2::GetTraceRequest {
                trace_id: TraceId::parse(&id).unwrap().0.to_vec(),
                raw_traces: raw,
                ..Default::default()
            };
            let ours = client
                .ask("/jaeger.api_v2.QueryService/GetTrace", &asked)
                .await;
            let mut recorded = corpus::read(&file);
            // flags of zero are left out of the UI's JSON alone
            for span in recorded["data"][0]["spans"].as_array_mut().unwrap() {
                let flags = span["flags"].take();
                span["flags"] = if flags.is_null() { 0.into() } else { flags };
            }
            compared.json(&case.name, &case.name, &recorded, &big(ui(&ours.messages)));
            let v3 = case.file(&format!("v1.76.0.api-v3-trace.{id}.json"));
            if raw || !v3.exists() {
                continue;
            }
            compared.traces += 1;
            let asked = api_v3::GetTraceRequest {
                trace_id: id.clone(),
                ..Default::default()
            };
            let ours = client
                .ask("/jaeger.api_v3.QueryService/GetTrace", &asked)
                .await;
            let json = serde_json::to_vec(&corpus::read(&v3)["result"]).unwrap();
            let theirs = wire::otlp::decode_json(json.into()).unwrap().spans;
            let theirs = kept([Bytes::from(wire::otlp::encode(&theirs))]);
            compared.spans(&case.name, &theirs, &kept(ours.messages));
        }
    }
    let Compared {
        calls,
        traces,
        tally,
    } = compared;
    println!("compared {calls} calls and {traces} traces over gRPC");
    let listed = differences::of(Api::Grpc, store);
    tally.check_listed(&format!("gRPC, {store:?}"), listed);
    assert!(calls >= 18 && traces >= 55, "{calls} {traces}");
}

#[tokio::test]
async fn every_message_is_the_one_that_jaeger_sent() {
    let (_folder, mut setup) = setup();
    let variables = AT_ITS_TIME.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.variables.extend(variables);
    let spoor = setup.start().unwrap();
    let corpus = corpus();
    send_all(&spoor, &corpus).await;
    compare_calls(&spoor, &corpus, Store::Embedded).await;
}

/// Numbers that JavaScript cannot hold are text in the UI's JSON.
fn big(mut value: Value) -> Value {
    match &mut value {
        Value::Object(map) if map.get("type") == Some(&json!("int64")) => {
            let number = map["value"].as_i64().unwrap();
            if number.unsigned_abs() > (1 << 53) - 1 {
                map.insert("value".to_owned(), number.to_string().into());
            }
        }
        Value::Object(map) => map.values_mut().for_each(|v| *v = big(v.take())),
        Value::Array(list) => list.iter_mut().for_each(|v| *v = big(v.take())),
        _ => {}
    }
    value
}
