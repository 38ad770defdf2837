//! What the store reads of documents that no writer of ours would leave: spellings of one id, values that the index does not hold, fields of
//! other types, shards that fail, traces of many pages. On each of the five servers.

mod shelf;

use std::collections::HashSet;

use http::Method;
use model::{Batch, Instance, KeyValue};
use serde_json::{Value, json};
use storage::elasticsearch::config::Place;
use storage::query::{Filter, TraceQuery};
use storage::{Backend as _, Completeness, OperationQuery, ReadContext, ReadLimits};
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::{Kind, shared};

use crate::support::eventually;
use shelf::{Answer, Shelf, id, tag, tags};

/// The reason of an answer that is not whole.
#[track_caller]
fn reason(completeness: &Completeness) -> &str {
    match completeness {
        Completeness::Partial { reason } => reason,
        Completeness::Complete => panic!("the answer says that it is whole"),
    }
}

/// 120,000 spans, 20,000 of them in one microsecond, some of them twice: every span exactly once, a page at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_of_120_000_spans_is_read_whole() {
    const SPANS: u64 = 120_000;
    let shelf = Shelf::new(Kind::Elasticsearch7, |_| ()).await;
    let trace = format!("{:032x}", 7);
    let span = |n: u64| shelf.span(&trace, n, if n < 20_000 { 500_000 } else { n });
    shelf.put(&shelf.spans, (0..SPANS).map(span)).await;
    shelf
        .put(&shelf.spans, (0..SPANS).step_by(97).map(span))
        .await;
    let answer = shelf.get([7]).await;
    assert_eq!(answer.completeness, Completeness::Complete);
    let spans = &answer.traces[&id(7)];
    let ids: HashSet<_> = spans.iter().map(|span| span.span_id).collect();
    assert_eq!((spans.len(), ids.len()), (SPANS as usize, SPANS as usize));
    assert!(answer.largest_item <= 512, "{}", answer.largest_item);
}

/// Pages of seven, where nine spans share each start: none is lost at a border, none comes twice.
async fn pages_lose_and_double_nothing(kind: Kind) {
    let shelf = Shelf::new(kind, |place| place.limits.max_doc_count = 7).await;
    let span = |trace: u64, n: u64| shelf.span(&format!("{trace:016x}"), n, n / 9 * 10);
    let spans = (1..=30).flat_map(|trace| (0..40).map(move |n| (trace, n)));
    shelf
        .put(&shelf.spans, spans.map(|(t, n)| span(t, n)))
        .await;
    let answer = shelf.get(1..=30).await;
    assert_eq!(answer.completeness, Completeness::Complete);
    assert_eq!(answer.traces.len(), 30);
    for spans in answer.traces.values() {
        let ids: HashSet<_> = spans.iter().map(|span| span.span_id).collect();
        assert_eq!((spans.len(), ids.len()), (40, 40));
    }
    let query = TraceQuery {
        limit: 25,
        ..shelf.query(Filter::default())
    };
    let found = shelf.find(&query).await;
    assert_eq!(found, ((1..=25).collect(), Completeness::Complete));

    let services = shelf.index("service", None);
    let service = |n: u64| json!({"serviceName": format!("s{n:04}"), "operationName": "op"});
    shelf.put(&services, (0..100).map(service)).await;
    let named = shelf
        .reader()
        .get_services(&ReadContext::default())
        .await
        .unwrap();
    assert_eq!(named.len(), 100);
    assert!(named.is_sorted());
}

/// What 1.15, 1.76 and 2.20 wrote of one id is one trace (quirk 4).
async fn spellings_of_one_id_are_one_trace(kind: Kind) {
    let shelf = Shelf::new(kind, |_| ()).await;
    let spellings = ["1a", "000000000000001a", "0000000000000000000000000000001a"];
    let spans = (1..)
        .zip(spellings)
        .map(|(n, trace)| shelf.span(trace, n, n));
    shelf.put(&shelf.spans, spans).await;
    shelf.put(&shelf.spans, [shelf.span("2b", 1, 2)]).await;
    assert_eq!(shelf.get([0x1a]).await.traces[&id(0x1a)].len(), 3);
    for (limit, expect) in [(1, &[0x1a][..]), (2, &[0x1a, 0x2b]), (20, &[0x1a, 0x2b])] {
        let query = TraceQuery {
            limit,
            ..shelf.query(Filter::default())
        };
        assert_eq!(shelf.find(&query).await.0, expect);
    }
}

/// Values and names of more than 256 characters are found, by what equals them and by what matches them, and so is what lacks them.
async fn values_that_the_index_does_not_hold_are_found(kind: Kind) {
    let shelf = Shelf::new(kind, |_| ()).await;
    let long = format!("http://{}end", "x".repeat(300));
    let other = format!("http://{}END", "x".repeat(300));
    let with = |trace: u64, list: &[(&str, &str)]| {
        let mut span = shelf.span(&format!("{trace:x}"), 1, 100 - trace);
        span["tags"] = tags(list);
        span
    };
    let mut in_log = with(5, &[]);
    in_log["logs"] = json!([{"timestamp": 1, "fields": tags(&[("u", &long)])}]);
    let mut of_long_service = with(6, &[]);
    of_long_service["process"]["serviceName"] = json!(long);
    let spans = [
        with(1, &[("u", &long)]),
        with(2, &[("u", &other)]),
        with(3, &[("u", "short-end")]),
        with(4, &[("v", &long)]),
        in_log,
        of_long_service,
    ];
    shelf.put(&shelf.spans, spans).await;
    let not = |filter| Filter::Not(Box::new(filter));
    for (filter, expect) in [
        (tag("u", &long), vec![1, 5]),
        (tag("u", ".*end"), vec![1, 3, 5]),
        (tag("u", "http://x*(end|END)"), vec![1, 2, 5]),
        (not(tag("u", ".*end")), vec![2, 4]),
        (not(tag("u", &long)), vec![2, 3, 4]),
        (
            Filter::And(vec![tag("u", ".*end"), not(tag("u", &long))]),
            vec![3],
        ),
        // the cluster takes this for too dear
        (tag("u", "(.*t.{40}d|.*x.{0,3}end|short.*)"), vec![1, 3, 5]),
    ] {
        let text = format!("{filter:?}");
        assert_eq!(shelf.having(filter).await, expect, "{text}");
    }
    let newest = TraceQuery {
        limit: 2,
        ..shelf.query(tag("u", ".*end"))
    };
    assert_eq!(
        shelf.find(&newest).await,
        (vec![1, 3], Completeness::Complete)
    );
    let of_long_service = TraceQuery {
        service: Some(long.as_str().into()),
        ..shelf.query(Filter::default())
    };
    assert_eq!(shelf.find(&of_long_service).await.0, [6]);
}

/// So are those of tags that are to be fields, when we wrote them.
async fn long_values_of_tags_that_are_fields_are_found(kind: Kind) {
    let shelf = Shelf::new(kind, |place| {
        place.documents.tags_as_fields.all = true;
    })
    .await;
    let long = format!("http://{}end", "x".repeat(300));
    let span = |trace: u64, value: &str| model::Span {
        attributes: vec![KeyValue::new("http.url", value)],
        ..shelf.model(trace)
    };
    let spans = vec![span(1, &long), span(2, "short"), span(3, &long[..300])];
    let batch = Batch::new(Instance::default(), spans, 0);
    shelf.store.writer().write(batch).await.unwrap();
    let refresh = format!("{}/_refresh", shelf.spans);
    shelf.send(Method::POST, &refresh, String::new()).await;
    for (value, expect) in [
        (long.as_str(), vec![1]),
        (".*end", vec![1]),
        ("short", vec![2]),
        ("http://x*(end)?", vec![1, 3]),
    ] {
        assert_eq!(
            shelf.having(tag("http.url", value)).await,
            expect,
            "{value}"
        );
    }
}

/// Names of more than 256 characters are in the lists.
async fn long_names_are_listed(kind: Kind) {
    let shelf = Shelf::new(kind, |_| ()).await;
    let long = "n".repeat(300);
    let pair = |service: &str, operation: &str| json!({"serviceName": service, "operationName": operation});
    let pairs = [pair(&long, "x"), pair("svc", &long), pair("svc", "b")];
    shelf.put(&shelf.index("service", None), pairs).await;
    let (cx, reader) = (ReadContext::default(), shelf.reader());
    let services = reader.get_services(&cx).await.unwrap();
    assert_eq!(services, [long.as_str(), "svc"]);
    for (service, expect) in [("svc", vec!["b", &long]), (&long, vec!["x"])] {
        let query = OperationQuery {
            service: service.into(),
            kind: None,
        };
        let operations = reader.get_operations(&cx, &query).await.unwrap();
        let names: Vec<_> = operations.iter().map(|o| o.name.as_str()).collect();
        assert_eq!(names, expect);
    }
    // more than a page of them
    let operation = |n: u64| pair("many", &format!("{long}{n}"));
    let index = shelf.index("service", None);
    shelf.put(&index, (0..2_500).map(operation)).await;
    let query = OperationQuery {
        service: "many".into(),
        kind: None,
    };
    let operations = reader.get_operations(&cx, &query).await.unwrap();
    assert_eq!(operations.len(), 2_500);
    let few = ReadContext {
        limits: ReadLimits {
            spans: 1_000,
            ..ReadLimits::default()
        },
        ..ReadContext::default()
    };
    let error = reader.get_operations(&few, &query).await.unwrap_err();
    assert!(error.to_string().contains("query.max-spans"), "{error}");
}

/// A tag that is a field, and a number there, is found by its text and by an expression, and fails no search for anything else.
async fn tags_that_are_fields_are_found_whatever_their_type(kind: Kind) {
    let shelf = Shelf::new(kind, |_| ()).await;
    let number = json!({"tag": {"properties": {"http@status": {"type": "long"}}}});
    shelf.put_mapping(number).await;
    let with = |trace: &str, member: &str, value: Value| {
        let mut span = shelf.span(trace, 1, 1);
        span[member] = value;
        span
    };
    let spans = [
        with("1", "tag", json!({"http@status": 404})),
        with("2", "tags", tags(&[("http.status", "404x")])),
        with(
            "3",
            "process",
            json!({"serviceName": "svc", "tags": [], "tag": {"http@status": "405"}}),
        ),
    ];
    shelf.put(&shelf.spans, spans).await;
    for (value, expect) in [
        ("404", vec![1]),
        ("40.*", vec![1, 2, 3]),
        ("40[0-9]", vec![1, 3]),
        ("404x", vec![2]),
        ("none", vec![]),
    ] {
        assert_eq!(
            shelf.having(tag("http.status", value)).await,
            expect,
            "{value}"
        );
    }
}

/// A shard that fails and a document that is no span are told by index and reason; what could be read is given.
async fn what_could_not_be_read_is_told(kind: Kind) {
    let shelf = Shelf::new(kind, |_| ()).await;
    let mut odd = shelf.span("1", 2, 2);
    odd["spanID"] = json!("odd!");
    shelf.put(&shelf.spans, [shelf.span("1", 1, 1), odd]).await;
    let answer = shelf.get([1]).await;
    assert_eq!(answer.traces[&id(1)].len(), 1);
    let said = reason(&answer.completeness);
    assert!(
        said.contains(&shelf.spans) && said.contains("odd!"),
        "{said}"
    );
    // the other day's starts cannot be sorted
    let other = shelf.index("span", Some("other"));
    let text = json!({"startTime": {"type": "text"}});
    shelf.make(&other, text).await;
    let alias = shelf.index("span", Some("2001-01-01"));
    let add = json!({"actions": [{"add": {"index": other, "alias": alias}}, {"add": {"index": shelf.spans, "alias": alias}}]});
    shelf.send(Method::POST, "_aliases", add.to_string()).await;
    let query = TraceQuery {
        start_min_ns: 978_307_200_000_000_000,
        ..shelf.query(Filter::default())
    };
    shelf.put(&other, [shelf.span("3", 1, 1)]).await;
    let (found, completeness) = shelf.find(&query).await;
    assert_eq!(found, [1]);
    let said = reason(&completeness);
    assert!(said.contains(&other), "{said}");
}

/// Noon of 2001-01-01, in microseconds.
const OLD_US: u64 = 978_350_400_000_000;

/// Closes or opens an index.
async fn turn(shelf: &Shelf, index: &str, what: &str) {
    let path = format!("{index}/{what}");
    shelf.send(Method::POST, &path, String::new()).await;
}

/// A shelf with a trace of today, and one in an index of long ago, which is closed.
async fn with_a_closed_day(kind: Kind, change: impl FnOnce(&mut Place)) -> (Shelf, String) {
    let shelf = Shelf::new(kind, change).await;
    let old = shelf.index("span", Some("2001-01-01"));
    let mut span = shelf.span("2", 1, 1);
    span["startTime"] = json!(OLD_US);
    span["startTimeMillis"] = json!(OLD_US / 1_000);
    shelf.put(&old, [span]).await;
    shelf.put(&shelf.spans, [shelf.span("1", 1, 1)]).await;
    turn(&shelf, &old, "_close").await;
    (shelf, old)
}

/// What a closed index holds is missing, and the answer says so by its name, when it would have been looked into and not else. An open one is read again.
async fn closed_indices_are_told(kind: Kind) {
    let (shelf, old) = with_a_closed_day(kind, |_| ()).await;
    let all = TraceQuery {
        start_min_ns: OLD_US * 1_000,
        ..shelf.query(Filter::default())
    };
    let that_day = TraceQuery {
        start_max_ns: OLD_US * 1_000,
        ..all.clone()
    };
    for (query, expect) in [(&all, vec![1]), (&that_day, vec![])] {
        let (found, completeness) = shelf.find(query).await;
        assert_eq!(found, expect);
        let said = reason(&completeness);
        assert!(said.contains(&format!("{old} is closed")), "{said}");
    }
    let today = shelf.query(Filter::default());
    assert_eq!(shelf.find(&today).await, (vec![1], Completeness::Complete));
    assert_eq!(shelf.get([1]).await.completeness, Completeness::Complete);

    // a trace by its id is looked for in all days that are not too old
    turn(&shelf, &shelf.spans, "_close").await;
    let get = || shelf.get([1]);
    let is_partial = |answer: &Answer| answer.completeness != Completeness::Complete;
    let answer = eventually("it is told", get, is_partial).await;
    let said = reason(&answer.completeness);
    assert!(
        said.contains(&shelf.spans) && !said.contains(&old),
        "{said}"
    );

    // a list has no place to say so
    let services = shelf.index("service", None);
    let service = json!({"serviceName": "svc", "operationName": "op"});
    shelf.put(&services, [service]).await;
    turn(&shelf, &services, "_close").await;
    let (cx, reader) = (ReadContext::default(), shelf.reader());
    let named = || reader.get_services(&cx);
    let error = eventually("no list is given", named, Result::is_err).await;
    let said = error.unwrap_err().to_string();
    assert!(said.contains(&format!("{services} is closed")), "{said}");

    for index in [&old, &shelf.spans, &services] {
        turn(&shelf, index, "_open").await;
    }
    let named = eventually("the list is whole", named, Result::is_ok).await;
    assert_eq!(named.unwrap(), ["svc"]);
    let found = || shelf.find(&all);
    let whole = (vec![1, 2], Completeness::Complete);
    eventually("all is read again", found, |found| *found == whole).await;
}

/// Behind an alias, whatever the time.
async fn closed_indices_of_an_alias_are_told(kind: Kind) {
    let mut shelf = Shelf::new(kind, |_| ()).await;
    let [old, alias] = ["000001", "read"].map(|end| shelf.index("span", Some(end)));
    shelf.put(&old, [shelf.span("2", 1, 1)]).await;
    shelf.put(&shelf.spans, [shelf.span("1", 1, 1)]).await;
    let add = |index| json!({"add": {"index": index, "alias": alias}});
    let actions = json!({"actions": [add(&old), add(&shelf.spans)]});
    shelf
        .send(Method::POST, "_aliases", actions.to_string())
        .await;
    turn(&shelf, &old, "_close").await;
    shelf.open_again(|place| place.indices.use_aliases = true);
    let (found, completeness) = shelf.find(&shelf.query(Filter::default())).await;
    assert_eq!(found, [1]);
    let said = reason(&completeness);
    assert!(
        said.contains(&format!("{old} of the alias {alias}")),
        "{said}"
    );
}

/// Who may not look at indices searches as before, and asks seldom.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_needs_no_right_to_look_at_indices() {
    let kind = Kind::Elasticsearch7;
    let server = tokio::task::block_in_place(|| shared(kind));
    let proxy = FaultProxy::start(server.port(), 7).unwrap();
    proxy.set([Rule::new(Fault::Status(403)).on(|path| path.contains("-span-*,"))]);
    let (shelf, _) = with_a_closed_day(kind, |place| {
        place.connection.urls = vec![proxy.url()];
    })
    .await;
    let all = TraceQuery {
        start_min_ns: OLD_US * 1_000,
        ..shelf.query(Filter::default())
    };
    for _ in 0..3 {
        assert_eq!(shelf.find(&all).await, (vec![1], Completeness::Complete));
    }
    assert_eq!(proxy.counts().of("status"), 1);
}

/// Calls of all documents between two times are added up.
async fn calls_are_added_up(kind: Kind) {
    let shelf = Shelf::new(kind, |_| ()).await;
    let index = shelf.index("dependencies", None);
    let day = index.rsplit_once("dependencies-").unwrap().1;
    let document = |n: u64| {
        let link = |child: String, count: u64| json!({"parent": "a", "child": child, "callCount": count, "source": "x"});
        json!({
            "timestamp": format!("{day}T00:{:02}:00Z", n / 4),
            "dependencies": [link("b".to_owned(), 1), link(format!("c{}", n % 2), 2)],
        })
    };
    shelf.put(&index, (0..120).map(document)).await;
    let (cx, dependencies) = (
        ReadContext::default(),
        shelf.store.dependencies(&Instance::default()),
    );
    let calls = dependencies
        .get_dependencies(&cx, 0, u64::MAX)
        .await
        .unwrap();
    let calls: Vec<_> = calls
        .iter()
        .map(|c| (c.parent.as_str(), c.child.as_str(), c.call_count))
        .collect();
    assert_eq!(calls, [("a", "b", 120), ("a", "c0", 120), ("a", "c1", 120)]);
    let none = dependencies.get_dependencies(&cx, 0, 1).await.unwrap();
    assert_eq!(none, []);
}

macro_rules! on {
    ($module:ident, $kind:expr, [$($test:ident),+ $(,)?]) => {
        mod $module {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    super::$test($kind).await;
                }
            )+
        }
    };
    ($($module:ident: $kind:expr),+ $(,)?) => {
        $(
            on!($module, $kind, [
                pages_lose_and_double_nothing,
                spellings_of_one_id_are_one_trace,
                values_that_the_index_does_not_hold_are_found,
                long_values_of_tags_that_are_fields_are_found,
                long_names_are_listed,
                tags_that_are_fields_are_found_whatever_their_type,
                what_could_not_be_read_is_told,
                closed_indices_are_told,
                closed_indices_of_an_alias_are_told,
                calls_are_added_up,
            ]);
        )+
    };
}

on!(
    elasticsearch_6: Kind::Elasticsearch6,
    elasticsearch_7: Kind::Elasticsearch7,
    elasticsearch_8: Kind::Elasticsearch8,
    opensearch_2: Kind::OpenSearch2,
    opensearch_3: Kind::OpenSearch3,
);
