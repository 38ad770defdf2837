//! Every way in but Jaeger's gRPC: OTLP, Thrift over HTTP and UDP, Zipkin, and what SDKs are told about sampling. Clients by language.

mod go;
mod java;
mod node;
mod python;

use std::process::Command;

use serde_json::{Value, json};
use tests::clients;
use tests::corpus;
use tests::spoor::Spoor;

use crate::support::client::{both_spans, printed, python, said, span, tag};
use crate::support::{eventually, get, get_json, root, setup, trace};

/// A client that a test drives, and that docs/ways-in.md names.
struct Client {
    name: &'static str,
    /// The file of `tests/clients` that pins it.
    pins: &'static str,
    package: &'static str,
}

impl Client {
    fn version(&self) -> String {
        clients::version(self.pins, self.package).unwrap()
    }

    /// Tells what was sent and found: the tests' record of who was driven here.
    fn found(&self, transport: &str, trace: &Value) {
        let (name, version) = (self.name, self.version());
        let found = trace["spans"].as_array().unwrap().len();
        println!("{name} {version}, {transport}: 2 spans sent, {found} found");
    }
}

/// Runs a client that sends a trace for each service, way and address; the traces' ids.
fn sends(command: &mut Command, ways: &[(&str, &str, String)]) -> Vec<String> {
    for (service, way, to) in ways {
        command.args([service, way, to.as_str()]);
    }
    let said = printed(command);
    let ids: Vec<_> = said.lines().map(str::to_owned).collect();
    assert_eq!(ids.len(), ways.len(), "{command:?} said {said}");
    ids
}

/// What every client but Zipkin's sends here: two spans, the second with an error and a number.
async fn check_two_spans(spoor: &Spoor, id: &str, service: &str) -> Value {
    let trace = both_spans(spoor, id).await;
    assert_eq!(trace["processes"]["p1"]["serviceName"], service);
    let (root, child) = (span(&trace, "checkout"), span(&trace, "charge card"));
    let reference = &child["references"][0];
    assert_eq!(reference["refType"], "CHILD_OF", "{service}");
    assert_eq!(reference["spanID"], root["spanID"], "{service}");
    assert_eq!(tag(child, "error"), true, "{service}");
    assert_eq!(tag(child, "cart.items"), 3, "{service}");
    trace
}

async fn check_jaeger(spoor: &Spoor, client: &Client, way: &str, id: &str, service: &str) {
    let trace = check_two_spans(spoor, id, service).await;
    let child = span(&trace, "charge card");
    assert_eq!(tag(child, "@jaeger@format"), "jaeger", "{service}");
    client.found(way, &trace);
}

async fn check_otlp(spoor: &Spoor, client: &Client, way: &str, id: &str, service: &str) {
    let trace = check_two_spans(spoor, id, service).await;
    let child = span(&trace, "charge card");
    let message = tag(child, "otel.status_description");
    assert_eq!(message, "card declined", "{service}");
    client.found(way, &trace);
}

/// Zipkin's tags are text. `error` says that a span failed, and why; in Thrift it becomes a bool beside `error.message`, as Jaeger did.
async fn check_zipkin(spoor: &Spoor, client: &Client, way: &str, id: &str, service: &str) {
    let trace = both_spans(spoor, id).await;
    assert_eq!(trace["processes"]["p1"]["serviceName"], service);
    let (root, child) = (span(&trace, "checkout"), span(&trace, "charge card"));
    assert_eq!(child["references"][0]["spanID"], root["spanID"], "{way}");
    assert_eq!(tag(root, "span.kind"), "server", "{way}");
    assert_eq!(tag(child, "span.kind"), "client", "{way}");
    assert_eq!(tag(root, "cart.items"), "3", "{way}");
    assert_eq!(child["logs"][0]["fields"][0]["value"], "retried", "{way}");
    let why = if way == "v1-thrift" {
        assert_eq!(tag(child, "error"), true, "{way}");
        "error.message"
    } else {
        "error"
    };
    assert_eq!(tag(child, why), "declined", "{way}");
    client.found(way, &trace);
}

#[tokio::test]
async fn every_way_in_works_where_there_is_only_ipv6() {
    let (_folder, mut setup) = setup();
    for setting in tests::spoor::ADDRESSES {
        setup = setup.arg(format!("--{setting}=[::1]:0"));
    }
    let spoor = setup.start().unwrap();
    let program = clients::go_client("uber").unwrap();
    let url = format!("{}/api/traces", spoor.url("jaeger-thrift"));
    for (service, way, to) in [
        ("six-udp", "udp", spoor.address("jaeger-compact")),
        ("six-http", "http", &url),
    ] {
        assert!(to.contains("[::1]"), "{to}");
        let id = said(Command::new(&program).args([service, way, to]));
        check_jaeger(&spoor, &go::UBER, way, &id, service).await;
    }
    let url = format!("{}/api/v2/spans", spoor.url("zipkin"));
    let id = python(
        "jaeger_client",
        "zipkin.py",
        &["v2-json", &url, "six-zipkin"],
    );
    assert_eq!(
        trace(&spoor, &id).await["processes"]["p1"]["serviceName"],
        "six-zipkin"
    );
    let url = format!("{}/sampling?service=any", spoor.url("sampling-http"));
    assert_eq!(get_json(&url).await["strategyType"], "PROBABILISTIC");
}

#[test]
fn the_list_of_clients_names_the_versions_that_are_driven() {
    let list = std::fs::read_to_string(root().join("docs/ways-in.md")).unwrap();
    let old_exporter = Client {
        name: "`opentelemetry-exporter-jaeger-proto-grpc` for Python",
        pins: "jaeger.txt",
        package: "opentelemetry-exporter-jaeger-proto-grpc",
    };
    for client in [
        old_exporter,
        go::OTEL,
        go::UBER,
        java::JAEGER,
        java::OTEL,
        java::ZIPKIN,
        node::OTEL,
        node::UBER,
        python::OLD_OTEL,
        python::OTEL,
        python::UBER,
        python::ZIPKIN,
    ] {
        let row = format!("| {} | {} | ", client.name, client.version());
        assert!(list.contains(&row), "docs/ways-in.md lacks {row}");
    }
    let generator = clients::TELEMETRYGEN.trim_start_matches('v');
    assert!(list.contains(&format!("| `telemetrygen` | {generator} | ")));
}

#[tokio::test]
async fn sampling_is_answered_as_it_was_recorded() {
    let (folder, mut setup) = setup();
    let golden = root().join("tests/fixtures/golden");
    let recorded = corpus::read(&golden.join("_api/v1.76.0.sampling-14268.json"));
    let file = folder.path().join("strategies.json");
    std::fs::write(&file, recorded["strategies_file"].to_string()).unwrap();
    setup = setup.arg(format!("--sampling.strategies-file={}", file.display()));
    let spoor = setup.start().unwrap();
    let mut compared = 0;
    for (request, expect) in recorded["answers"].as_object().unwrap() {
        let (status, content_type, body) =
            get(&format!("{}{request}", spoor.url("jaeger-thrift"))).await;
        let got = json!({"status": status, "content_type": content_type, "body": body});
        assert_eq!(got, *expect, "{request}");
        if let Some((_, query)) = request.split_once('?') {
            let agent = format!("{}/sampling?{query}", spoor.url("sampling-http"));
            assert_eq!(get(&agent).await, (status, content_type, body), "{agent}");
        }
        compared += 1;
    }
    assert_eq!(compared, 6);
    let legacy = get_json(&format!("{}/?service=bar", spoor.url("sampling-http"))).await;
    assert_eq!(legacy["strategyType"], 1);
    assert_eq!(legacy["rateLimitingSampling"]["maxTracesPerSecond"], 5);
}

#[tokio::test]
async fn ubers_client_samples_at_the_rate_that_the_strategies_say() {
    let (folder, mut setup) = setup();
    let file = folder.path().join("strategies.json");
    let strategies = json!({"service_strategies": [
        {"service": "half", "type": "probabilistic", "param": 0.5},
    ]});
    std::fs::write(&file, strategies.to_string()).unwrap();
    setup = setup.arg(format!("--sampling.strategies-file={}", file.display()));
    let spoor = setup.start().unwrap();
    let (udp, http) = (
        spoor.address("jaeger-compact"),
        spoor.address("sampling-http"),
    );
    let sampled: u64 = python(
        "jaeger_client",
        "uber_python.py",
        &["half", udp, http, "1000"],
    )
    .parse()
    .unwrap();
    // 1,000 throws of a coin are within four standard deviations of 500 but for one time in 16,000
    assert!((437..=563).contains(&sampled), "{sampled} of 1,000");
    let url = format!(
        "{}/api/traces?service=half&limit=2000&lookback=1h",
        spoor.url("query-http")
    );
    eventually(
        "every sampled trace is found",
        || async { get_json(&url).await["data"].as_array().map_or(0, Vec::len) as u64 },
        |found| *found == sampled,
    )
    .await;
}

#[tokio::test]
async fn what_is_wrong_is_told_in_jaegers_words() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let client = reqwest::Client::new();
    let thrift = format!("{}/api/traces", spoor.url("jaeger-thrift"));
    for (content_type, body, expect) in [
        (
            None,
            &b""[..],
            "Cannot parse content type: mime: no media type",
        ),
        (
            Some("text/<b>"),
            b"",
            "Unsupported content type: text/&lt;b&gt;",
        ),
        (
            Some("application/x-thrift"),
            b"\x0c",
            "Unable to process request body: message ends inside",
        ),
    ] {
        let mut request = client.post(&thrift).body(body);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let text = answer.text().await.unwrap();
        assert!(text.starts_with(expect) && text.ends_with('\n'), "{text}");
    }
    assert_eq!(client.get(&thrift).send().await.unwrap().status(), 405);
    let spans = format!("{}/api/v2/spans", spoor.url("zipkin"));
    let answer = client.post(&spans).body("{").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    // datagrams that are no messages, and one that is longer than it may be
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let udp = spoor.address("jaeger-compact");
    socket.send_to(b"junk", udp).unwrap();
    socket.send_to(&vec![0; 65_001], udp).unwrap();
    let metrics = format!("{}/metrics", spoor.url("admin"));
    for reason in ["undecodable", "too_large"] {
        let line = format!("reason=\"{reason}\"");
        eventually(
            reason,
            || async {
                let (_, _, text) = get(&metrics).await;
                text.lines()
                    .any(|l| l.contains("jaeger-compact") && l.contains(&line))
            },
            |counted| *counted,
        )
        .await;
    }
}

#[tokio::test]
async fn spans_under_the_lower_half_of_an_id_are_in_the_trace_of_the_whole_one() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_micros();
    let (long, short) = ("0123456789abcdeffedcba9876543210", "fedcba9876543210");
    // a proxy that knows 64 bits between two services that know 128
    let spans = json!([
        {"traceId": long, "id": "a1", "name": "front", "timestamp": now, "duration": 9, "localEndpoint": {"serviceName": "front"}},
        {"traceId": short, "id": "a2", "parentId": "a1", "name": "proxy", "timestamp": now + 1, "duration": 7, "localEndpoint": {"serviceName": "proxy"}},
        {"traceId": long, "id": "a3", "parentId": "a2", "name": "back", "timestamp": now + 2, "duration": 5, "localEndpoint": {"serviceName": "back"}},
    ]);
    let url = format!("{}/api/v2/spans", spoor.url("zipkin"));
    let answer = reqwest::Client::new().post(url).json(&spans).send().await;
    assert_eq!(answer.unwrap().status(), 202);
    let whole = trace(&spoor, long).await;
    assert_eq!(whole["spans"].as_array().unwrap().len(), 3);
    for span in whole["spans"].as_array().unwrap() {
        assert_eq!(span["traceID"], long);
        assert_eq!(span["warnings"], Value::Null, "{span}");
    }
    assert_eq!(span(&whole, "proxy")["references"][0]["traceID"], long);
    assert_eq!(
        trace(&spoor, short).await["spans"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
