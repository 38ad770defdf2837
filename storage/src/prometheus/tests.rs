//! What goes over the wire to a small server that answers as Prometheus does, and what is made of its answers.

use std::sync::{Arc, Mutex};

use secrecy::SecretString;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A request as it came: its first line and headers, and its body.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// Answers one request after the other with these, and then no more.
async fn server(answers: Vec<(u16, &'static str)>) -> (String, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/prom", listener.local_addr().unwrap());
    let seen = Seen::default();
    let kept = seen.clone();
    #[allow(clippy::disallowed_methods, reason = "a server of a test")]
    tokio::spawn(async move {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let (head, length) = loop {
                let mut some = [0; 4096];
                let read = stream.read(&mut some).await.unwrap();
                bytes.extend_from_slice(&some[..read]);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some((head, _)) = text.split_once("\r\n\r\n") {
                    let length = head.lines().find_map(|line| {
                        let (name, value) = line.split_once(": ")?;
                        let is_length = name.eq_ignore_ascii_case("content-length");
                        is_length.then(|| value.parse::<usize>().unwrap())
                    });
                    break (head.to_owned(), length.unwrap_or_default());
                }
            };
            while bytes.len() < head.len() + 4 + length {
                let mut some = [0; 4096];
                let read = stream.read(&mut some).await.unwrap();
                bytes.extend_from_slice(&some[..read]);
            }
            let form = String::from_utf8(bytes[head.len() + 4..].to_vec()).unwrap();
            kept.lock().unwrap().push((head, form));
            let answer = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, seen)
}

fn prometheus(url: &str) -> Prometheus {
    Prometheus::new(Config {
        connection: Connection {
            settings: "prometheus".to_owned(),
            urls_setting: "server-url",
            urls: vec![url.to_owned()],
            propagate_bearer_token: true,
            compression: false,
            ..Connection::default()
        },
        namespace: "ns".to_owned(),
        duration_suffix: None,
        normalize_calls: false,
        extra: vec![("X y".to_owned(), "1&2".to_owned())],
    })
    .unwrap()
}

fn question() -> Question {
    Question {
        services: vec!["shop".to_owned()],
        kinds: vec!["SPAN_KIND_SERVER"],
        end_ms: 1_700_000_000_500,
        lookback_ms: 3_600_000,
        step_ms: 60_000,
        rate_ms: 600_000,
        by_operation: false,
    }
}

fn decoded(form: &str, name: &str) -> String {
    let value = form
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        .unwrap();
    percent_encoding::percent_decode_str(value)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

const MATRIX: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"service_name":"shop","span_name":"op"},"values":[[1700000000.5,"1.5"],[1700000060.5,"NaN"],[1700000120.5,"+Inf"]]}]}}"#;
const EMPTY: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#;

#[tokio::test]
async fn a_question_is_a_query_over_a_range() {
    let (url, seen) = server(vec![(200, MATRIX)]).await;
    let cx = ReadContext {
        credentials: Some(SecretString::from("Bearer mine")),
        ..ReadContext::default()
    };
    let found = prometheus(&url).calls(&cx, &question()).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].labels["span_name"], "op");
    assert_eq!(found[0].points[0], (1_700_000_000_500, 1.5));
    assert!(found[0].points[1].1.is_nan());
    assert_eq!(found[0].points[2], (1_700_000_120_500, f64::INFINITY));
    let (head, form) = seen.lock().unwrap()[0].clone();
    assert!(
        head.starts_with("POST /prom/api/v1/query_range?X%20y=1%262 HTTP/1.1\r\n"),
        "{head}"
    );
    let head = head.to_lowercase();
    assert!(head.contains("authorization: bearer mine"), "{head}");
    assert!(head.contains("content-type: application/x-www-form-urlencoded"));
    assert_eq!(
        decoded(&form, "query"),
        "sum(rate(ns_calls{service_name =~ \"shop\", span_kind =~ \"SPAN_KIND_SERVER\"}[10m])) by (service_name)"
    );
    let times = ["start", "end", "step"].map(|name| decoded(&form, name));
    assert_eq!(times, ["1699996400.5", "1700000000.5", "60"]);
}

#[tokio::test]
async fn where_nothing_fails_calls_say_of_whom_it_is_zero() {
    let (url, seen) = server(vec![(200, EMPTY), (200, MATRIX)]).await;
    let cx = ReadContext::default();
    let found = prometheus(&url).errors(&cx, &question()).await.unwrap();
    let values: Vec<f64> = found[0].points.iter().map(|(_, value)| *value).collect();
    assert_eq!(values, [0.0; 3]);
    let seen = seen.lock().unwrap().clone();
    assert!(decoded(&seen[0].1, "query").contains("STATUS_CODE_ERROR"));
    assert!(!seen[1].0.to_lowercase().contains("authorization"));
    let (url, _) = server(vec![(200, EMPTY), (200, EMPTY)]).await;
    assert_eq!(prometheus(&url).errors(&cx, &question()).await, Ok(vec![]));
}

#[tokio::test]
async fn what_fails_is_said_in_jaegers_words() {
    let bad = r#"{"status":"error","errorType":"bad_data","error":"no"}"#;
    for (status, body, said) in [
        (400, bad, "failed executing metrics query: bad_data: no"),
        (
            503,
            "<html>",
            "failed executing metrics query: server_error: server error: 503",
        ),
        (
            404,
            "",
            "failed executing metrics query: client_error: client error: 404",
        ),
        (
            200,
            r#"{"status":"success","data":{"resultType":"vector","result":[]}}"#,
            "failed executing metrics query: unexpected metrics ValueType",
        ),
    ] {
        let (url, _) = server(vec![(status, body)]).await;
        let asked = prometheus(&url);
        let answer = asked
            .latencies(&ReadContext::default(), &question(), 0.5)
            .await;
        assert_eq!(answer.unwrap_err().to_string(), said);
    }
    let (url, _) = server(vec![(400, bad)]).await;
    let answer = prometheus(&url)
        .errors(&ReadContext::default(), &question())
        .await;
    assert_eq!(
        answer.unwrap_err().to_string(),
        "failed getting error metrics: failed executing metrics query: bad_data: no"
    );
    let wrong = Prometheus::new(Config {
        connection: Connection {
            urls_setting: "server-url",
            settings: "prometheus".to_owned(),
            urls: vec!["prom:9090".to_owned()],
            ..Connection::default()
        },
        ..prometheus("http://a").config
    });
    let said = wrong.err().unwrap();
    assert!(said.starts_with("prometheus.server-url: "), "{said}");
}
