//! Spoor's own API: parts of a trace over HTTP.

use super::*;
use crate::http::spoor::Skeleton;

#[track_caller]
fn is_error_v3(answer: &Answer, code: u16, message: &str) {
    let expect = json!({"error": {"httpCode": code, "message": message}});
    assert_eq!((answer.status, answer.json()), (code, expect));
}

fn trace() -> Script {
    let mut root = span(1, 1);
    (root.start_ns, root.end_ns) = (5_000, 50_000);
    let mut child = span(1, 2);
    (child.start_ns, child.end_ns) = (6_000, 7_000);
    child.parent_span_id = Some(root.span_id);
    child.events.push(model::Event {
        time_ns: 6_500,
        name: "tick".into(),
        ..model::Event::default()
    });
    Script::of(vec![spans(vec![child, root]), complete()])
}

#[tokio::test]
async fn a_skeleton_is_bytes_of_a_type_of_its_own() {
    let answer = get(trace(), "/api/spoor/traces/1/skeleton").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-type"),
        "application/vnd.spoor.skeleton"
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("spoor-partial"), "");
    let read = Skeleton::decode(&answer.body);
    assert_eq!(read.header["startUnixNano"], "5000");
    assert_eq!(read.i32s("parent"), [-1, 0]);
    assert_eq!(read.f64s("start"), [0.0, 1_000.0]);
}

#[tokio::test]
async fn what_was_cut_says_so_in_every_part() {
    for part in [
        "skeleton",
        "spans?id=1",
        "attributes",
        "attribute?key=a",
        "find?text=a",
        "events",
    ] {
        let script = Script::of(vec![spans(vec![span(1, 1)]), partial("query.max-spans=1")]);
        let answer = get(script, &format!("/api/spoor/traces/1/{part}")).await;
        assert_eq!(answer.status, 200, "{part}");
        assert_eq!(
            answer.header("spoor-partial"),
            "query.max-spans=1",
            "{part}"
        );
        match part {
            "skeleton" => {
                let header = Skeleton::decode(&answer.body).header;
                assert_eq!(header["partial"], "query.max-spans=1");
            }
            _ => assert_eq!(answer.json()["partial"]["reason"], "query.max-spans=1"),
        }
    }
}

#[tokio::test]
async fn parts_are_of_one_reading_and_of_one_order() {
    let script = Arc::new(trace());
    let app = app(&script, &Config::default());
    let ask = |part: &str| {
        let uri = format!("/api/spoor/traces/1/{part}");
        send(app.clone(), request("GET", &uri))
    };
    let skeleton = ask("skeleton").await;
    let fingerprint = Skeleton::decode(&skeleton.body).header["fingerprint"].clone();
    let found = ask("find?text=op").await.json();
    assert_eq!(found, json!({"fingerprint": fingerprint, "spans": [0, 1]}));
    let column = ask("attribute?key=none").await.json();
    let expect = json!({"fingerprint": fingerprint, "values": [], "spans": [-1, -1]});
    assert_eq!(column, expect);
    assert_eq!(ask("attributes").await.json()["fingerprint"], fingerprint);
    let events = ask("events?limit=1").await.json();
    assert_eq!(events["total"], 1);
    assert_eq!(events["events"][0]["name"], "tick");
    let spans = ask("spans?id=2&id=77").await.json();
    let data = &spans["data"][0];
    assert_eq!(data["spans"].as_array().unwrap().len(), 1);
    assert_eq!(data["spans"][0]["spanID"], "0000000000000002");
    assert_eq!(data["processes"]["p1"]["serviceName"], "svc");
    assert_eq!(ask("spans?id=77").await.json()["data"], json!([]));
    assert_eq!(script.got.lock().unwrap().len(), 1, "read once");
    // raw is another order of other spans
    ask("find?text=op&raw=true").await;
    assert_eq!(script.got.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let many: String = (0..501).map(|id| format!("&id={id:x}")).collect();
    for (part, why) in [
        (
            "zz/skeleton",
            "malformed parameter traceID: strconv.ParseUint: parsing \"zz\": invalid syntax",
        ),
        (
            "1/skeleton?raw=maybe",
            "malformed parameter raw: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
        ("1/spans", "parameter id is required"),
        (
            &format!("1/spans?{many}"),
            "malformed parameter id: more than 500 spans are asked for at once",
        ),
        ("1/attribute", "parameter key is required"),
        ("1/find", "parameter text is required"),
        (
            "1/find?text=%20",
            "malformed parameter text: there is no word in it",
        ),
        (
            "1/events?from=-1",
            "malformed parameter from: -1 is negative",
        ),
        (
            "1/events?limit=5001",
            "malformed parameter limit: 5001 is more than 5000",
        ),
    ] {
        let script = Arc::new(trace());
        let uri = format!("/api/spoor/traces/{part}");
        let answer = send(app(&script, &Config::default()), request("GET", &uri)).await;
        is_error_v3(&answer, 400, why);
        assert!(script.got.lock().unwrap().is_empty(), "{part}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    for part in ["skeleton", "spans?id=1", "events"] {
        let uri = format!("/api/spoor/traces/1/{part}");
        let answer = get(Script::of(vec![complete()]), &uri).await;
        is_error_v3(&answer, 404, "No traces found");
        let answer = get(Script::of(vec![partial("away")]), &uri).await;
        assert_eq!(answer.status, 503, "{part}");
    }
}

#[tokio::test]
async fn a_trace_of_the_archive_says_so() {
    let script = Script {
        archives: true,
        ..Script::of(vec![complete()])
    };
    script.archived.lock().unwrap().push(span(1, 1));
    let answer = get(script, "/api/spoor/traces/1/skeleton").await;
    assert_eq!(Skeleton::decode(&answer.body).header["archived"], true);
    let answer = get(trace(), "/api/spoor/traces/1/skeleton").await;
    assert_eq!(Skeleton::decode(&answer.body).header["archived"], false);
}

#[tokio::test]
async fn tags_are_those_of_the_newest_traces_of_a_service() {
    let tagged = |id: u64, service: &str, method: &str| {
        let mut span = span(id, id);
        span.resource = Arc::new(model::Resource::of_service(service));
        let keys = [("http.method", method), ("long", &"x".repeat(300))];
        span.attributes
            .extend(keys.map(|(key, value)| model::KeyValue::new(key, value)));
        spans(vec![span])
    };
    let script = Arc::new(Script::of(vec![
        tagged(1, "a", "POST"),
        tagged(2, "a", "GET"),
        tagged(3, "a", "GET"),
        tagged(4, "b", "PUT"),
        partial("50 traces (query.max-traces)"),
    ]));
    let app = app(&script, &Config::default());
    let ask = |uri: &str| send(app.clone(), request("GET", &format!("/api/spoor/{uri}")));
    let keys = ask("tag-keys?service=a&lookback=5m").await;
    assert_eq!(keys.json(), json!({"keys": ["http.method", "long"]}));
    let values = ask("tag-values?service=a&lookback=5m&key=http.method").await;
    assert_eq!(values.json(), json!({"values": ["GET", "POST"]}));
    let long = ask("tag-values?service=a&lookback=5m&key=long").await;
    assert_eq!(long.json(), json!({"values": []}));
    let query = script.found.lock().unwrap()[0].clone();
    assert_eq!(query.service.as_deref(), Some("a"));
    assert_eq!(query.start_max_ns - query.start_min_ns, 300_000_000_000);
    let any = ask("tag-values?key=http.method").await;
    assert_eq!(any.json(), json!({"values": ["GET", "POST", "PUT"]}));
    is_error_v3(
        &ask("tag-values?service=a").await,
        400,
        "parameter key is required",
    );
    is_error_v3(
        &ask("tag-keys?lookback=-5m").await,
        400,
        "malformed parameter lookback: -5m is not above 0",
    );
    assert_eq!(ask("tag-keys?lookback=x").await.status, 400);
}
