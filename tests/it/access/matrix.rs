//! Five namespaces × who sends × who asks × every endpoint and protocol: only the diagonal is let in.

use std::collections::BTreeSet;
use std::process::Command;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};
use tests::clients;
use tests::spoor::Spoor;
use tonic::{Code, Request};

use super::{TEAMS, basic, five_teams, password};
use crate::query_grpc::client::Client;
use crate::support::{eventually, get, setup};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const POST_SPANS: &str = "/jaeger.api_v2.CollectorService/PostSpans";

/// The trace that every team has one of, under one id.
const TRACE: &str = "000000000000000000000000000000ab";

/// Whoever asks or sends.
struct Person {
    name: String,
    authorization: Option<String>,
    /// The team whose traces are theirs.
    team: Option<usize>,
    /// Status over HTTP, and code over gRPC, of what is refused where nothing says which instance it is about.
    refused: (u16, &'static str),
}

fn people() -> Vec<Person> {
    let of_team = |n| Person {
        name: format!("user-{n}"),
        authorization: Some(basic(&format!("user-{n}"), &password(n))),
        team: Some(n),
        refused: (404, "NotFound"),
    };
    let mut people: Vec<Person> = (1..=TEAMS).map(of_team).collect();
    let outsider = |name: &str, authorization, refused| Person {
        name: name.to_owned(),
        authorization,
        team: None,
        refused,
    };
    people.push(outsider("nobody", None, (401, "Unauthenticated")));
    let wrong = Some(basic("user-1", "password-2"));
    people.push(outsider("wrong password", wrong, (401, "Unauthenticated")));
    let stranger = Some(basic("stranger", "password-0"));
    people.push(outsider("stranger", stranger, (403, "PermissionDenied")));
    people
}

fn now_us() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.unwrap().as_micros()).unwrap() - 1_000_000
}

fn otlp(service: &str) -> Value {
    let now = (now_us() * 1000).to_string();
    json!({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": [{"traceId": TRACE, "spanId": "00000000000000cd", "name": "checkout", "kind": 2,
            "startTimeUnixNano": now, "endTimeUnixNano": now}]}]}]})
}

fn zipkin(service: &str) -> Value {
    json!([{"traceId": TRACE, "id": "00000000000000ce", "name": "checkout", "timestamp": now_us(), "duration": 5,
        "localEndpoint": {"serviceName": service}}])
}

/// A batch of one span in Thrift's binary protocol.
fn thrift(service: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let text = |out: &mut Vec<u8>, id: u8, text: &str| {
        out.extend([11, 0, id]);
        out.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        out.extend(text.as_bytes());
    };
    let long = |out: &mut Vec<u8>, id: u8, value: u64| {
        out.extend([10, 0, id]);
        out.extend(value.to_be_bytes());
    };
    out.extend([12, 0, 1]);
    text(&mut out, 1, service);
    out.push(0);
    out.extend([15, 0, 2, 12, 0, 0, 0, 1]);
    for (id, value) in [(1, 0xab), (2, 0), (3, 0xcf), (4, 0)] {
        long(&mut out, id, value);
    }
    text(&mut out, 5, "checkout");
    out.extend([8, 0, 7, 0, 0, 0, 1]);
    long(&mut out, 8, now_us());
    long(&mut out, 9, 5);
    out.extend([0, 0]);
    out
}

/// Status of a POST.
async fn post(url: &str, content_type: &str, body: Vec<u8>, person: &Person) -> u16 {
    let mut request = reqwest::Client::new().post(url).body(body);
    request = request.header("content-type", content_type);
    if let Some(authorization) = &person.authorization {
        request = request.header("authorization", authorization);
    }
    request.send().await.unwrap().status().as_u16()
}

/// The code of a gRPC call by grpcurl, `OK` when it went well, and what it said.
fn grpc(address: &str, method: &str, message: &Value, person: &Person) -> (String, String) {
    let mut command = Command::new(clients::grpcurl().unwrap());
    command.args(["-plaintext", "-max-time", "10"]);
    if let Some(authorization) = &person.authorization {
        // reflection is asked without it
        command.args(["-rpc-header", &format!("authorization: {authorization}")]);
    }
    let output = command
        .args(["-d", &message.to_string(), address, method])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let code = complaints
        .lines()
        .find_map(|line| line.trim().strip_prefix("Code: "));
    let code = match (output.status.success(), code) {
        (true, _) => "OK".to_owned(),
        (false, Some(code)) => code.to_owned(),
        (false, None) => panic!("{method}: {complaints}"),
    };
    (code, said)
}

/// The code that a message is answered with.
async fn send(
    spoor: &Spoor,
    listener: &str,
    method: &str,
    message: Vec<u8>,
    person: &Person,
) -> Code {
    let mut client = Client::at(spoor.url(listener)).await;
    let mut request = Request::new(Bytes::from(message));
    if let Some(authorization) = &person.authorization {
        let value = authorization.parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    client.send(method, request).await.code
}

/// Sends a span over each protocol, to services named for who sends and how. How many cells that is.
async fn everybody_sends(spoor: &Spoor) -> usize {
    let mut cells = 0;
    for person in people() {
        let word = person.name.replace(' ', "-");
        let is_ok = person.team.is_some();
        let http = [
            ("otlp-http", "/v1/traces", "application/json"),
            ("zipkin", "/api/v2/spans", "application/json"),
            ("jaeger-thrift", "/api/traces", "application/x-thrift"),
        ];
        for (listener, path, content_type) in http {
            let service = format!("{word}-{listener}");
            let body = match listener {
                "otlp-http" => otlp(&service).to_string().into_bytes(),
                "zipkin" => zipkin(&service).to_string().into_bytes(),
                _ => thrift(&service),
            };
            let url = format!("{}{path}", spoor.url(listener));
            let status = post(&url, content_type, body, &person).await;
            let expect = if is_ok {
                status < 300
            } else {
                status == person.refused.0
            };
            assert!(expect, "{} {listener}: {status}", person.name);
            cells += 1;
        }
        let spans = |listener: &str| {
            let sent = otlp(&format!("{word}-{listener}")).to_string();
            wire::otlp::decode_json(sent.into_bytes().into())
                .unwrap()
                .spans
        };
        let message = wire::otlp::encode(&spans("otlp-grpc"));
        let code = send(spoor, "otlp-grpc", EXPORT, message, &person).await;
        let message = wire::jaeger::proto::encode_post_spans(&spans("jaeger-grpc"));
        let second = send(spoor, "jaeger-grpc", POST_SPANS, message, &person).await;
        for code in [code, second] {
            let code = format!("{code:?}");
            let expect = if is_ok { "Ok" } else { person.refused.1 };
            assert_eq!(code, expect, "{} sends over grpc", person.name);
            cells += 1;
        }
    }
    cells
}

fn rfc3339(us: u64) -> String {
    let output = Command::new("date")
        .args([
            "-u",
            "-d",
            &format!("@{}", us / 1_000_000),
            "+%Y-%m-%dT%H:%M:%SZ",
        ])
        .output();
    String::from_utf8_lossy(&output.unwrap().stdout)
        .trim()
        .to_owned()
}

/// Every question over HTTP about the instance of a team.
fn questions(team: usize) -> Vec<(Method, String)> {
    let get = |path: &str| (Method::GET, path.to_owned());
    let (end, begin) = (now_us() / 1000 + 10_000, now_us() / 1000 - 60_000);
    let mut all = vec![
        get("/api/services"),
        get("/api/services/x/operations"),
        get("/api/operations?service=x"),
        get("/api/traces?service=x"),
        get(&format!("/api/traces/{TRACE}")),
        get(&format!("/api/traces/{TRACE}?raw=true")),
        get(&format!("/api/dependencies?endTs={end}&lookback=60000")),
        get("/api/metrics/minstep"),
        get("/api/metrics/calls?service=x"),
        get("/api/metrics/errors?service=x"),
        get("/api/metrics/latencies?service=x&quantile=0.5"),
        get("/api/v3/services"),
        get("/api/v3/operations?service=x"),
        get(&format!("/api/v3/traces/{TRACE}")),
        get("/api/spoor/tag-keys?service=x"),
        get("/api/spoor/tag-values?service=x&key=a"),
        get("/api/spoor/ledger"),
        get("/api/spoor/receivers"),
        get(&format!("/api/spoor/traces/{TRACE}/skeleton")),
        get("/api/openapi.json"),
        get("/search"),
        get(&format!("/trace/{TRACE}")),
        get("/static/nothing.js"),
        (Method::POST, format!("/api/archive/{TRACE}")),
    ];
    let times = format!(
        "query.start_time_min={}&query.start_time_max={}",
        rfc3339(begin * 1000),
        rfc3339(end * 1000)
    );
    for what in ["traces", "trace-summaries"] {
        all.push(get(&format!(
            "/api/v3/{what}?query.service_name=user-{team}-zipkin&{times}"
        )));
    }
    all
}

async fn ask(url: &str, method: &Method, person: &Person) -> (u16, String) {
    let mut request = reqwest::Client::new().request(method.clone(), url);
    if let Some(authorization) = &person.authorization {
        request = request.header("authorization", authorization);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// Asks everything about every team's instance. How many cells that is.
async fn everybody_asks(spoor: &Spoor) -> usize {
    let base = spoor.url("query-http");
    let mut cells = 0;
    for person in people() {
        for n in 1..=TEAMS {
            for (method, path) in questions(n) {
                let url = format!("{base}/ns/team-{n}/jaeger{path}");
                let (status, text) = ask(&url, &method, &person).await;
                let which = format!(
                    "{} {method} {path} of team-{n}: {status} {text}",
                    person.name
                );
                let foreign = (1..=TEAMS).filter(|other| Some(*other) != person.team);
                for other in foreign {
                    assert!(!text.contains(&format!("user-{other}-")), "{which}");
                }
                if person.team == Some(n) {
                    let is_missing_file = path.starts_with("/static/") && status == 404;
                    assert!(status == 200 || is_missing_file, "{which}");
                } else {
                    assert_eq!(status, person.refused.0, "{which}");
                }
                cells += 1;
            }
        }
    }
    cells
}

/// Asks over gRPC, where no path names an instance: everybody gets their own. How many cells that is.
fn everybody_asks_over_grpc(spoor: &Spoor) -> usize {
    let address = spoor.address("query-grpc");
    let trace = json!({"trace_id": "AAAAAAAAAAAAAAAAAAAAqw=="});
    let (begin, end) = (
        rfc3339(now_us() - 3_600_000_000),
        rfc3339(now_us() + 10_000_000),
    );
    let v2 =
        json!({"query": {"service_name": "x", "start_time_min": begin, "start_time_max": end}});
    let v3 = json!({"query": {"service_name": "x", "start_time_min": begin, "start_time_max": end, "search_depth": 5}});
    let calls = [
        ("jaeger.api_v2.QueryService/GetServices", json!({})),
        (
            "jaeger.api_v2.QueryService/GetOperations",
            json!({"service": "x"}),
        ),
        ("jaeger.api_v2.QueryService/GetTrace", trace.clone()),
        ("jaeger.api_v2.QueryService/ArchiveTrace", trace),
        ("jaeger.api_v2.QueryService/FindTraces", v2),
        (
            "jaeger.api_v2.QueryService/GetDependencies",
            json!({"start_time": begin, "end_time": end}),
        ),
        ("jaeger.api_v3.QueryService/GetServices", json!({})),
        (
            "jaeger.api_v3.QueryService/GetOperations",
            json!({"service": "x"}),
        ),
        (
            "jaeger.api_v3.QueryService/GetTrace",
            json!({"trace_id": TRACE}),
        ),
        ("jaeger.api_v3.QueryService/FindTraces", v3),
    ];
    let mut cells = 0;
    for person in people() {
        for (method, message) in &calls {
            let (code, said) = grpc(address, method, message, &person);
            match person.team {
                Some(_) => assert_eq!(code, "OK", "{} {method}", person.name),
                None => assert_eq!(code, person.refused.1, "{} {method}", person.name),
            }
            for other in (1..=TEAMS).filter(|other| Some(*other) != person.team) {
                assert!(!said.contains(&format!("user-{other}-")), "{said}");
            }
            cells += 1;
        }
    }
    cells
}

#[tokio::test]
async fn only_the_diagonal_is_let_in() {
    let (folder, setup) = setup();
    let spoor = five_teams(setup, folder.path()).start().unwrap();
    let sent = everybody_sends(&spoor).await;
    // what came in is where it belongs, and nowhere else
    let own = people().into_iter().filter(|person| person.team.is_some());
    for person in own {
        let url = format!("{}/api/services", spoor.url("query-http"));
        let (_, text) = ask(&url, &Method::GET, &person).await;
        let found: Value = serde_json::from_str(&text).unwrap();
        let found: BTreeSet<&str> = (found["data"].as_array().unwrap().iter())
            .map(|service| service.as_str().unwrap())
            .collect();
        let listeners = [
            "jaeger-grpc",
            "jaeger-thrift",
            "otlp-grpc",
            "otlp-http",
            "zipkin",
        ];
        let expect: Vec<String> = listeners
            .map(|word| format!("{}-{word}", person.name))
            .into();
        let expect: BTreeSet<&str> = expect.iter().map(String::as_str).collect();
        assert_eq!(found, expect);
    }
    let asked = everybody_asks(&spoor).await;
    let over_grpc = everybody_asks_over_grpc(&spoor);
    // a datagram proves nothing
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let datagram = [
        0x82, 0x21, 1, 9, b'e', b'm', b'i', b't', b'B', b'a', b't', b'c', b'h', 0,
    ];
    udp.send_to(&datagram, spoor.address("jaeger-compact"))
        .unwrap();
    let metrics = || async { get(&format!("{}/metrics", spoor.url("admin"))).await.2 };
    let refused = r#"spoor_collector_payloads_rejected_total{receiver="jaeger-compact",reason="not_signed_in"} 1"#;
    let metrics = eventually("a refused datagram", metrics, |text| text.contains(refused)).await;
    for reason in [
        "not_signed_in",
        "wrong_password",
        "not_granted",
        "no_such_instance",
    ] {
        let counted = format!("spoor_query_refused_total{{reason=\"{reason}\"}}");
        assert!(metrics.contains(&counted), "{counted}");
    }
    println!(
        "cells: {sent} of senders, {asked} of questions over http, {over_grpc} over grpc, and a datagram"
    );
}
