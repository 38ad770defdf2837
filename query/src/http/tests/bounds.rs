//! Time, number and size: what is answered when a bound is met, and that nobody is read for who has gone.

use std::sync::atomic::Ordering;
use std::time::Instant;

use futures_util::FutureExt as _;

use super::openapi::REQUESTS;
use super::*;

/// Each request that reads the store, and whether it reads traces.
fn reads() -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    let of_traces = |uri: &str| uri.contains("/trace") || uri.contains("/archive/");
    REQUESTS
        .into_iter()
        .filter(|(_, uri)| {
            let none = [
                "transform",
                "metrics",
                "openapi",
                "instances",
                "ledger",
                "receivers",
                "demo",
            ];
            !none.iter().any(|word| uri.contains(word))
        })
        .map(move |(method, uri)| (method, uri, of_traces(uri)))
}

/// It never answers.
fn hanging() -> Arc<Script> {
    Arc::new(Script {
        hangs: true,
        archives: true,
        ..Script::of(vec![None])
    })
}

fn quick() -> Config {
    Config {
        timeout: Duration::from_millis(20),
        ..Config::default()
    }
}

#[tokio::test]
async fn every_read_ends_when_its_client_goes_away() {
    let mut seen = 0;
    for (method, uri, _) in reads() {
        let script = hanging();
        let app = app(&script, &Config::default());
        let answer = send(app, request(method, uri)).now_or_never();
        assert!(answer.is_none(), "{method} {uri}");
        let contexts = script.contexts.lock().unwrap();
        assert_eq!(contexts.len(), 1, "{method} {uri}");
        assert!(contexts[0].cancelled.is_cancelled(), "{method} {uri}");
        assert!(contexts[0].deadline.is_some(), "{method} {uri}");
        seen += 1;
    }
    assert_eq!(seen, 22);
}

#[tokio::test]
async fn what_is_not_there_in_time_is_503_and_says_why() {
    let why = "storage is unavailable: the store did not answer within query.timeout=20ms";
    for (method, uri, _) in reads() {
        let began = Instant::now();
        let answer = send(app(&hanging(), &quick()), request(method, uri)).await;
        assert!(began.elapsed() < Duration::from_secs(4), "{method} {uri}");
        match uri.starts_with("/api/v3/") || uri.starts_with("/api/spoor/") {
            true => {
                let error = json!({"error": {"httpCode": 503, "message": why}});
                assert_eq!((answer.status, answer.json()), (503, error), "{uri}");
            }
            false => is_error(&answer, 503, why),
        }
    }
}

#[tokio::test]
async fn what_is_there_in_time_is_an_answer_and_says_that_it_is_not_all() {
    let why = "the store did not answer within query.timeout=20ms";
    let mut seen = 0;
    for (method, uri, of_traces) in reads() {
        if !of_traces || method == "POST" {
            continue;
        }
        let script = Arc::new(Script::of(vec![spans(vec![span(1, 1)]), None]));
        let answer = send(app(&script, &quick()), request(method, uri)).await;
        assert_eq!(answer.status, 200, "{uri} {}", answer.text());
        if !uri.ends_with("/skeleton") {
            assert_eq!(answer.json()["partial"]["reason"], why, "{uri}");
        }
        assert_eq!(answer.header("spoor-partial"), why, "{uri}");
        seen += 1;
    }
    assert_eq!(seen, 11);
}

#[tokio::test]
async fn a_search_has_less_time_than_a_trace_by_its_id() {
    let config = Config {
        search_timeout: Duration::from_millis(20),
        ..Config::default()
    };
    let why = "the store did not answer within query.search-timeout=20ms";
    let mut searches = 0;
    for (method, uri, of_traces) in reads() {
        let script = || Arc::new(Script::of(vec![spans(vec![span(1, 1)]), None]));
        let asked = send(app(&script(), &config), request(method, uri));
        let is_search = uri.starts_with("/api/traces?service") || uri.contains("query.");
        if !is_search {
            if of_traces && method == "GET" {
                let waits = tokio::time::timeout(Duration::from_millis(100), asked).await;
                assert!(waits.is_err(), "{uri}");
            }
            continue;
        }
        let answer = asked.await;
        assert_eq!(answer.status, 200, "{uri} {}", answer.text());
        assert_eq!(answer.header("spoor-partial"), why, "{uri}");
        let nothing = send(app(&hanging(), &config), request(method, uri)).await;
        assert_eq!(nothing.status, 503, "{uri}");
        assert!(nothing.text().contains(why), "{uri} {}", nothing.text());
        searches += 1;
    }
    assert_eq!(searches, 3);
}

#[tokio::test]
async fn an_archive_that_hangs_takes_nothing_away_from_what_was_found() {
    let script = || {
        Arc::new(Script {
            archives: true,
            archive_hangs: true,
            ..Script::of(vec![spans(vec![span(3, 1)]), complete()])
        })
    };
    let both = request("GET", "/api/traces?traceID=2&traceID=3");
    let answer = send(app(&script(), &quick()), both).await;
    assert_eq!(answer.status, 200);
    let json = answer.json();
    assert_eq!(json["data"].as_array().unwrap().len(), 1);
    assert!(json["partial"]["reason"].is_string(), "{json}");
    assert_eq!(json["errors"], Value::Null);
    let gone = Arc::new(Script {
        archives: true,
        archive_hangs: true,
        ..Script::of(vec![complete()])
    });
    let answer = send(app(&gone, &quick()), request("GET", "/api/traces/2")).await;
    assert_eq!(answer.status, 503, "{}", answer.text());
}

#[tokio::test]
async fn only_so_many_lists_are_read_at_once() {
    let script = hanging();
    let app = app(&script, &Config::default());
    let ask = |n: usize| {
        let uri = format!("/api/services/{n}/operations");
        let (app, request) = (app.clone(), request("GET", &uri));
        async move { send(app, request).await }
    };
    let all = futures_util::future::join_all((0..70).map(ask));
    let waits = tokio::time::timeout(Duration::from_millis(50), all).await;
    assert!(waits.is_err());
    assert_eq!(script.contexts.lock().unwrap().len(), 70, "all have asked");
    assert_eq!(script.begun.load(Ordering::Relaxed), 64);
}

#[tokio::test]
async fn a_list_without_an_end_is_cut_and_says_so() {
    let script = Arc::new(Script {
        services: (0..100_001).map(|n| format!("s{n:06}").into()).collect(),
        ..Script::default()
    });
    let app = app(&script, &Config::default());
    send(app.clone(), request("GET", "/api/services")).await;
    let answer = send(app, request("GET", "/api/services")).await;
    let read = script.contexts.lock().unwrap().len();
    assert_eq!(read, 2, "what lacks something is not kept");
    let json = answer.json();
    assert_eq!(json["data"].as_array().unwrap().len(), 100_000);
    let why = "100000 are all that a list lets through";
    assert_eq!(json["partial"]["reason"], why);
    assert_eq!(answer.header("spoor-partial"), why);
}
