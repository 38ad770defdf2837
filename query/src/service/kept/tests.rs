//! What is kept of whole traces, for whom, and for how long.

use prometheus_client::registry::Registry;

use super::*;
use crate::service::Service;
use crate::testing::{Script, complete, partial, span, spans};
use crate::{Config as QueryConfig, Metrics};

fn script() -> Arc<Script> {
    let trace = vec![span(1, 1), span(1, 2)];
    Arc::new(Script::of(vec![spans(trace), complete()]))
}

fn service(script: &Arc<Script>, kept: Config) -> Service {
    let config = QueryConfig {
        kept,
        ..QueryConfig::default()
    };
    let metrics = Metrics::register(&mut Registry::default());
    Service::new(script.stores(), &config, metrics)
}

async fn ask(service: &Service, header: Option<(&str, &str)>, id: u64, raw: bool, age: Age) {
    let mut request = http::Request::get("/");
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let call = service.call(&head, None).unwrap();
    let found = call.whole(TraceId::from_halves(0, id), raw, age).await;
    let (found, _turn) = found.unwrap().unwrap();
    assert_eq!(found.whole.spans().len(), 2);
}

fn reads(script: &Script) -> usize {
    script.got.lock().unwrap().len()
}

#[tokio::test]
async fn parts_of_a_trace_are_of_what_was_read_for_its_skeleton() {
    let script = script();
    let service = service(&script, Config::default());
    ask(&service, None, 1, false, Age::New).await;
    for _ in 0..3 {
        ask(&service, None, 1, false, Age::Kept).await;
    }
    assert_eq!(reads(&script), 1);
    ask(&service, None, 1, false, Age::New).await;
    assert_eq!(reads(&script), 2);
}

#[tokio::test]
async fn what_differs_in_anything_is_read() {
    let script = script();
    // lists are not kept, and callers are told apart all the same
    let mut service = service(&script, Config::default());
    service.lists = crate::service::lists::Lists::new(&crate::CacheConfig {
        ttl: Duration::ZERO,
        bytes: 0,
    });
    let one = Some(("authorization", "Bearer a"));
    let other = Some(("authorization", "Bearer b"));
    let news = Some(("cache-control", "no-cache"));
    let mut expect = 0;
    for (header, id, raw) in [
        (None, 1, false),
        (None, 2, false),
        (None, 1, true),
        (one, 1, false),
        (other, 1, false),
        (news, 1, false),
        (news, 1, false),
    ] {
        ask(&service, header, id, raw, Age::Kept).await;
        expect += 1;
        assert_eq!(reads(&script), expect, "{header:?} {id} {raw}");
    }
    for (header, id, raw) in [(None, 1, false), (one, 1, false), (other, 1, false)] {
        ask(&service, header, id, raw, Age::Kept).await;
    }
    assert_eq!(reads(&script), expect);
}

#[tokio::test]
async fn of_many_that_ask_together_one_reads() {
    let script = script();
    let service = service(&script, Config::default());
    let asked = (0..20).map(|_| ask(&service, None, 1, false, Age::Kept));
    futures_util::future::join_all(asked).await;
    assert_eq!(reads(&script), 1);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_for_goes() {
    let script = script();
    let service = service(&script, Config::default());
    ask(&service, None, 1, false, Age::Kept).await;
    for _ in 0..3 {
        tokio::time::advance(Duration::from_secs(50)).await;
        ask(&service, None, 1, false, Age::Kept).await;
    }
    assert_eq!(reads(&script), 1);
    let kept = service.kept.clone().unwrap();
    let shutdown = CancellationToken::new();
    let keeping = service.keep(&shutdown);
    let steps = async {
        tokio::time::sleep(Duration::from_secs(70)).await;
        let traces = kept.traces.lock().unwrap();
        assert_eq!((traces.kept.len(), traces.bytes), (0, 0));
        shutdown.cancel();
    };
    tokio::join!(keeping, steps);
}

#[tokio::test]
async fn they_take_no_more_memory_than_they_may() {
    let script = script();
    let service = service(&script, Config::default());
    ask(&service, None, 1, false, Age::Kept).await;
    let one = service.kept.as_ref().unwrap().traces.lock().unwrap().bytes;
    assert!(one > 0);
    let bounded = Config {
        bytes: 2 * one,
        ..Config::default()
    };
    let service = self::service(&script, bounded);
    for id in 1..=3 {
        ask(&service, None, id, false, Age::Kept).await;
    }
    let before = reads(&script);
    ask(&service, None, 3, false, Age::Kept).await;
    ask(&service, None, 2, false, Age::Kept).await;
    assert_eq!(reads(&script), before);
    ask(&service, None, 1, false, Age::Kept).await;
    assert_eq!(reads(&script), before + 1, "the oldest went");
    let bytes = service.kept.as_ref().unwrap().traces.lock().unwrap().bytes;
    assert_eq!(bytes, 2 * one);
    for none in [0, one - 1] {
        let none = Config {
            bytes: none,
            ..Config::default()
        };
        let service = self::service(&script, none);
        let before = reads(&script);
        for _ in 0..2 {
            ask(&service, None, 1, false, Age::Kept).await;
        }
        assert_eq!(reads(&script), before + 2);
    }
}

#[tokio::test]
async fn what_was_cut_is_kept_and_what_is_not_there_is_not() {
    let cut = Arc::new(Script::of(vec![
        spans(vec![span(1, 1), span(1, 2)]),
        partial("query.max-spans=2"),
    ]));
    let service = service(&cut, Config::default());
    for _ in 0..2 {
        ask(&service, None, 1, false, Age::Kept).await;
    }
    assert_eq!(reads(&cut), 1);
    let nothing = Arc::new(Script::of(vec![complete()]));
    let service = self::service(&nothing, Config::default());
    for _ in 0..2 {
        let (head, ()) = http::Request::get("/").body(()).unwrap().into_parts();
        let call = service.call(&head, None).unwrap();
        let found = call.whole(TraceId::from_halves(0, 1), false, Age::Kept);
        assert!(found.await.unwrap().is_none());
    }
    assert_eq!(reads(&nothing), 2);
}
