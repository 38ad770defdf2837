//! Where spans went, where they can be sent to, and those that are made up.

use std::sync::Mutex;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, StreamExt as _};
use model::Instance;
use storage::WriteError;
use storage::layers::{Ledger, dead_letter, ledger};
use storage::port::{Buried, DeadLetterReader, LetterQuery, LetterStream};

use super::*;
use crate::{Inflow, Receiver};

const SECOND: u64 = 1_000_000_000;

/// Gives these letters.
struct Letters(Vec<Buried>);

impl DeadLetterReader for Letters {
    fn read<'a>(&'a self, query: &'a LetterQuery) -> LetterStream<'a> {
        let wanted = self.0.iter().filter(|l| query.wants(l.time_ns, &l.reason));
        stream::iter(wanted.map(|letter| Ok(vec![letter.clone()]))).boxed()
    }

    fn forget<'a>(
        &'a self,
        _: &'a Instance,
        _: Vec<String>,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        std::future::ready(Ok(())).boxed()
    }
}

/// A letter of a span, buried so many seconds ago.
fn letter(ago: u64, reason: &str) -> Buried {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now_ns = u64::try_from(now.unwrap().as_nanos()).unwrap();
    Buried {
        id: ago.to_string(),
        instance: Instance::default(),
        time_ns: now_ns - ago * SECOND,
        reason: reason.to_owned(),
        origin: dead_letter::ORIGIN.to_owned(),
        payload: dead_letter::seal(&Instance::default(), reason.to_owned(), &span(1, 1)).payload,
    }
}

fn with(inflow: Inflow) -> Config {
    Config {
        inflow,
        ..Config::default()
    }
}

#[tokio::test]
async fn where_spans_went_is_told_with_reasons_and_examples() {
    let counts = Arc::new(Ledger::new());
    let account = counts.account(&Instance::default());
    account.turn_away("zipkin", "undecodable", "it is no JSON".to_owned());
    let under_way = account.receive(2);
    let mut spans = account.receive(10);
    spans.split(3).refused(ledger::THROTTLED);
    spans.split(1).dropped(ledger::UNDECODABLE);
    spans.split(2).dead_lettered(ledger::TOO_OLD);
    spans.durable();
    let inflow = Inflow {
        since: Some(std::time::UNIX_EPOCH),
        ledger: Some(counts.clone()),
        letters: Some(Arc::new(Letters(vec![
            letter(30 * 24 * 3600, "long ago"),
            letter(90, "started 49h ago"),
            letter(60, "started 50h ago"),
            letter(5, "mapper_parsing_exception"),
        ]))),
        ..Inflow::default()
    };
    let answer = get_with(Script::default(), &with(inflow), "/api/spoor/ledger").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let mut json = answer.json();
    let examples = json["examples"].take();
    let last = json["turned_away"][0]["last"].take();
    assert!(last.as_str().unwrap().ends_with('Z'), "{last}");
    drop(under_way);
    assert_eq!(
        json,
        json!({
            "since": "1970-01-01T00:00:00Z", "here": true, "received": 12, "durable": 4, "in_flight": 2,
            "refused": [{"reason": "throttled", "spans": 3}],
            "set_aside": [
                {"reason": "started … ago", "spans": 2, "letters": 2},
                {"reason": "mapper_parsing_exception", "spans": 1, "letters": 1},
            ],
            "lost": [{"reason": "undecodable", "spans": 1}],
            "turned_away": [
                {"receiver": "zipkin", "reason": "undecodable", "requests": 1, "last": null, "said": "it is no JSON"},
            ],
            "examples": null,
        })
    );
    let examples = examples.as_array().unwrap();
    assert_eq!(examples.len(), 3);
    assert_eq!(examples[0]["detail"], "mapper_parsing_exception");
    assert_eq!(examples[2]["detail"], "started 49h ago");
    assert_eq!(examples[2]["reason"], "started … ago");
    let (service, operation) = (&examples[2]["service"], &examples[2]["operation"]);
    assert_eq!((service, operation), (&json!("svc"), &json!("op")));
    assert!(examples[2]["at"].as_str().unwrap().ends_with('Z'));

    // where nobody reads letters, the ledger's words are all there is
    let inflow = Inflow {
        ledger: Some(counts),
        ..Inflow::default()
    };
    let answer = get_with(Script::default(), &with(inflow), "/api/spoor/ledger").await;
    let expect = json!([{"reason": "too_old", "spans": 2, "letters": 2}]);
    assert_eq!(answer.json()["set_aside"], expect);
}

#[tokio::test]
async fn a_process_that_takes_no_spans_says_so() {
    let answer = get(Script::default(), "/api/spoor/ledger").await;
    let json = answer.json();
    assert_eq!(
        (&json["here"], &json["received"]),
        (&json!(false), &json!(0))
    );
    let answer = get(Script::default(), "/api/spoor/receivers").await;
    assert_eq!(answer.json(), json!({"receivers": []}));
    let answer = send(
        app(&Arc::default(), &Config::default()),
        request("POST", "/api/spoor/demo"),
    )
    .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn ports_that_take_spans_are_told() {
    let receiver = |protocol, address: &str, path: Option<&'static str>| Receiver {
        protocol,
        address: address.to_owned(),
        tls: path.is_none(),
        path,
    };
    let inflow = Inflow {
        receivers: vec![
            receiver("otlp-grpc", ":4317", None),
            receiver("otlp-http", "127.0.0.1:4318", Some("/v1/traces")),
        ],
        ..Inflow::default()
    };
    let answer = get_with(Script::default(), &with(inflow), "/api/spoor/receivers").await;
    assert_eq!(
        answer.json(),
        json!({"receivers": [
            {"protocol": "otlp-grpc", "address": ":4317", "tls": true},
            {"protocol": "otlp-http", "address": "127.0.0.1:4318", "tls": false, "path": "/v1/traces"},
        ]})
    );
}

#[tokio::test]
async fn a_shops_traces_are_made_for_who_asks_with_the_header() {
    let taken: Arc<Mutex<Vec<model::Span>>> = Arc::default();
    let into = taken.clone();
    let inflow = Inflow {
        put: Some(Arc::new(move |instance, body: Vec<u8>| {
            assert_eq!(instance, Instance::default());
            let decoded = wire::otlp::decode(body.into()).unwrap();
            into.lock().unwrap().extend(decoded.spans);
            std::future::ready(Ok(())).boxed()
        })),
        ..Inflow::default()
    };
    let app = app(&Arc::default(), &with(inflow));
    let bare = send(app.clone(), request("POST", "/api/spoor/demo")).await;
    assert_eq!(bare.status, 403, "{}", bare.text());
    assert!(taken.lock().unwrap().is_empty());
    assert_eq!(
        send(app.clone(), request("GET", "/api/spoor/demo"))
            .await
            .status,
        405
    );
    let mut asked = request("POST", "/api/spoor/demo");
    asked
        .headers_mut()
        .insert("spoor-demo", "1".parse().unwrap());
    let answer = send(app, asked).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let json = answer.json();
    let taken = taken.lock().unwrap();
    assert_eq!(json["spans"], taken.len());
    let traces: std::collections::HashSet<_> = taken.iter().map(|span| span.trace_id).collect();
    assert_eq!(json["traces"], traces.len());
    assert!(traces.len() >= 200);
}

#[tokio::test]
async fn what_cannot_be_stored_of_it_is_said() {
    let inflow = Inflow {
        put: Some(Arc::new(|_, _| {
            std::future::ready(Err("the store is away".to_owned())).boxed()
        })),
        ..Inflow::default()
    };
    let mut asked = request("POST", "/api/spoor/demo");
    asked
        .headers_mut()
        .insert("spoor-demo", "1".parse().unwrap());
    let answer = send(app(&Arc::default(), &with(inflow)), asked).await;
    let expect = json!({"error": {"httpCode": 503, "message": "the store is away"}});
    assert_eq!((answer.status, answer.json()), (503, expect));
}
