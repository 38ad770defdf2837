//! A search beyond Jaeger's through the whole program: sent over OTLP, asked for over HTTP, page by page.

use serde_json::{Value, json};

use crate::support::{get, get_json, setup};

/// Ten traces of one span: the status rises, the duration falls.
fn body(now_us: u64) -> Value {
    let span = |n: u64| {
        let start = (now_us - n * 1_000) * 1_000;
        json!({
            "traceId": format!("{n:032x}"), "spanId": format!("{n:016x}"), "name": "op", "kind": 2,
            "startTimeUnixNano": start.to_string(),
            "endTimeUnixNano": (start + (20 - n) * 1_000_000).to_string(),
            "attributes": [
                {"key": "http.status_code", "value": {"intValue": (495 + n).to_string()}},
                {"key": "ratio", "value": {"doubleValue": 0.5}},
            ],
        })
    };
    let spans: Vec<Value> = (1..=10).map(span).collect();
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "svc"}}]},
        "scopeSpans": [{"spans": spans}],
    }]})
}

/// The traces of an answer, by number.
fn numbers(answer: &Value) -> Vec<u64> {
    let traces = answer["data"].as_array().unwrap();
    let number = |trace: &Value| u64::from_str_radix(trace["traceID"].as_str().unwrap(), 16);
    traces.iter().map(|trace| number(trace).unwrap()).collect()
}

#[tokio::test]
async fn a_query_needs_no_service_and_is_answered_page_by_page() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_us = u64::try_from(now.unwrap().as_micros()).unwrap();
    let sent = reqwest::Client::new()
        .post(format!("{}/v1/traces", spoor.url("otlp-http")))
        .json(&body(now_us));
    assert_eq!(sent.send().await.unwrap().status().as_u16(), 200);

    let api = format!("{}/api/traces", spoor.url("query-http"));
    let asked = |parameters: &[(&str, &str)]| {
        reqwest::Url::parse_with_params(&api, parameters)
            .unwrap()
            .to_string()
    };
    let q = "http.status_code >= 500 and ratio < 0.75 and not exists(retry) and kind = server";
    for (sort, expect) in [
        ("-start", [5, 6, 7, 8, 9, 10]),
        ("start", [10, 9, 8, 7, 6, 5]),
        ("-duration", [5, 6, 7, 8, 9, 10]),
        ("duration", [10, 9, 8, 7, 6, 5]),
    ] {
        let mut pages = Vec::new();
        let mut next = String::new();
        loop {
            let parameters = [("q", q), ("sort", sort), ("limit", "4"), ("cursor", &next)];
            let answer = get_json(&asked(&parameters)).await;
            assert_eq!(answer["errors"], Value::Null);
            pages.push(numbers(&answer));
            match answer["next"].as_str() {
                Some(cursor) => next = cursor.to_owned(),
                None => break,
            }
        }
        let lengths: Vec<_> = pages.iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 2], "{sort}");
        assert_eq!(pages.concat(), expect, "{sort}");
    }

    let (status, _, text) = get(&asked(&[("q", "ratio <")])).await;
    assert_eq!(status, 400);
    assert!(
        text.contains("unable to parse param 'q': at character 8: expected a number"),
        "{text}"
    );
    let (status, _, text) = get(&asked(&[("tag", "a:b")])).await;
    assert_eq!(status, 400);
    assert!(text.contains("parameter 'service' is required"), "{text}");
}
