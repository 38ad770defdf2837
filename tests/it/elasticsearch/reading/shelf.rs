//! Documents that others wrote, and the store that reads them.
//!
//! In: documents by hand, as any version of Jaeger and any writer beside it may leave them. Out: what the store makes of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use http::Method;
use model::{Batch, Instance, Resource, Span, SpanId, TraceId};
use serde_json::{Value, json};
use storage::elasticsearch::config::Place;
use storage::elasticsearch::{Config, Elasticsearch};
use storage::query::{Filter, Pattern, TraceQuery};
use storage::{
    Backend as _, Completeness, GetTrace, ReadContext, ReadError, ReadItem, TraceReader,
    TraceStream,
};
use tests::servers::{Kind, Server, shared};

use crate::elasticsearch::sender::place;

const SECOND_US: u64 = 1_000_000;

/// Indices of one test.
pub(super) struct Shelf {
    pub(super) server: &'static Server,
    pub(super) store: Elasticsearch,
    prefix: String,
    /// The index of today's spans.
    pub(super) spans: String,
    /// Where times of documents count from, in microseconds: a minute ago.
    t0_us: u64,
}

/// What a stream gave.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) traces: BTreeMap<TraceId, Vec<Span>>,
    pub(super) completeness: Completeness,
    pub(super) largest_item: usize,
}

pub(super) fn id(low: u64) -> TraceId {
    TraceId::from_halves(0, low)
}

pub(super) fn tag(key: &str, value: &str) -> Filter {
    Filter::Tag {
        key: key.into(),
        value: Pattern::new(value),
    }
}

/// Tags of a document's list.
pub(super) fn tags(list: &[(&str, &str)]) -> Value {
    let tag = |(key, value): &(&str, &str)| json!({"key": key, "type": "string", "value": value});
    list.iter().map(tag).collect()
}

async fn collect(mut stream: TraceStream<'_>) -> Result<Answer, ReadError> {
    let (mut traces, mut largest_item) = (BTreeMap::<_, Vec<_>>::new(), 0);
    while let Some(item) = stream.next().await {
        match item? {
            ReadItem::Spans(spans) => {
                largest_item = largest_item.max(spans.len());
                traces.entry(spans[0].trace_id).or_default().extend(spans);
            }
            ReadItem::End(completeness) => {
                return Ok(Answer {
                    traces,
                    completeness,
                    largest_item,
                });
            }
        }
    }
    panic!("the stream has no end")
}

fn open(server: &Server, prefix: &str, change: impl FnOnce(&mut Place)) -> Elasticsearch {
    let mut main = place(&server.url(), prefix);
    main.indices.shards = 3;
    change(&mut main);
    let config = Config {
        instance: Instance::default(),
        main,
        archive: None,
    };
    tokio::task::block_in_place(|| Elasticsearch::new(vec![config])).unwrap()
}

// === impl Shelf ===

impl Shelf {
    /// Empty indices, with templates.
    pub(super) async fn new(kind: Kind, change: impl FnOnce(&mut Place)) -> Self {
        static OPENED: AtomicU64 = AtomicU64::new(0);
        let server = tokio::task::block_in_place(|| shared(kind));
        let prefix = format!("reading-{}", OPENED.fetch_add(1, Ordering::Relaxed));
        let store = open(server, &prefix, change);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now_us = u64::try_from(now.as_micros()).unwrap();
        let first = Span {
            trace_id: id(u64::MAX),
            start_ns: now_us * 1_000,
            end_ns: now_us * 1_000,
            ..Span::default()
        };
        let batch = Batch::new(Instance::default(), vec![first], 0);
        store.writer().write(batch).await.unwrap();
        let settings = format!("/{prefix}-jaeger-span-*/_settings");
        let spans = server.client().get(&settings).await.unwrap();
        let spans = spans.as_object().unwrap().keys().next().unwrap().clone();
        Self {
            server,
            store,
            prefix,
            spans,
            t0_us: now_us - 60 * SECOND_US,
        }
    }

    /// The same indices, read by a store that is told otherwise and knows nothing yet.
    pub(super) fn open_again(&mut self, change: impl FnOnce(&mut Place)) {
        self.store = open(self.server, &self.prefix, change);
    }

    /// Of spans.
    pub(super) async fn put_mapping(&self, properties: Value) {
        let mut path = format!("{}/_mapping", self.spans);
        if self.server.kind().has_types() {
            path += "/span";
        }
        let mapping = json!({"properties": properties});
        self.send(Method::PUT, &path, mapping.to_string()).await;
    }

    /// An index of spans that is mapped so.
    pub(super) async fn make(&self, index: &str, properties: Value) {
        let mut mapping = json!({"properties": properties});
        if self.server.kind().has_types() {
            mapping = json!({"span": mapping});
        }
        let body = json!({"mappings": mapping}).to_string();
        self.send(Method::PUT, index, body).await;
    }

    /// The index of the same day for another kind of document, or of spans for another day.
    pub(super) fn index(&self, kind: &str, day: Option<&str>) -> String {
        let today = self.spans.rsplit_once("-span-").unwrap().1;
        format!("{}-jaeger-{kind}-{}", self.prefix, day.unwrap_or(today))
    }

    /// A span's document, so many microseconds after the beginning.
    pub(super) fn span(&self, trace: &str, span: u64, after_us: u64) -> Value {
        let start = self.t0_us + after_us;
        json!({
            "traceID": trace,
            "spanID": format!("{span:016x}"),
            "operationName": "op",
            "references": [],
            "startTime": start,
            "startTimeMillis": start / 1_000,
            "duration": 5,
            "tags": [],
            "logs": [],
            "process": {"serviceName": "svc", "tags": []},
        })
    }

    /// A span of `svc` at the beginning, to be written by the store.
    pub(super) fn model(&self, trace: u64) -> Span {
        Span {
            trace_id: id(trace),
            span_id: SpanId::from_u64(trace),
            start_ns: self.t0_us * 1_000,
            end_ns: self.t0_us * 1_000,
            resource: Arc::new(Resource::of_service("svc")),
            ..Span::default()
        }
    }

    /// Writes documents, and makes them visible.
    pub(super) async fn put(&self, index: &str, documents: impl IntoIterator<Item = Value>) {
        let mut documents = documents.into_iter().peekable();
        while documents.peek().is_some() {
            let mut lines = String::new();
            let mut to = json!({"_index": index});
            if self.server.kind().has_types() {
                let is_of = |kind: &&&str| index.contains(&format!("-jaeger-{kind}-"));
                to["_type"] = json!(["span", "service"].iter().find(is_of).unwrap_or(&"_doc"));
            }
            for document in documents.by_ref().take(5_000) {
                lines += &format!("{}\n{document}\n", json!({"index": to}));
            }
            let written = self.send(Method::POST, "_bulk?refresh=true", lines).await;
            assert_eq!(
                written["errors"],
                json!(false),
                "{:.600}",
                written.to_string()
            );
        }
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: String) -> Value {
        let path = format!("/{path}");
        let sent = self.server.client().send(method, &path, body).await;
        sent.unwrap().json().unwrap()
    }

    pub(super) fn reader(&self) -> Arc<dyn TraceReader> {
        self.store.reader(&Instance::default())
    }

    pub(super) async fn get(&self, traces: impl IntoIterator<Item = u64>) -> Answer {
        let (cx, reader) = (ReadContext::default(), self.reader());
        let wanted: Vec<_> = traces.into_iter().map(|t| GetTrace::by_id(id(t))).collect();
        collect(reader.get_traces(&cx, &wanted)).await.unwrap()
    }

    /// Spans of `svc`, from an hour before the beginning until shortly before its end.
    pub(super) fn query(&self, filter: Filter) -> TraceQuery {
        TraceQuery {
            service: Some("svc".into()),
            filter,
            start_min_ns: (self.t0_us - 3_600 * SECOND_US) * 1_000,
            start_max_ns: (self.t0_us + 50 * SECOND_US) * 1_000,
            limit: 20,
            ..TraceQuery::default()
        }
    }

    /// The ids that a query finds, as they come; each of their traces must be there.
    pub(super) async fn find(&self, query: &TraceQuery) -> (Vec<u64>, Completeness) {
        let (cx, reader) = (ReadContext::default(), self.reader());
        let found = reader.find_trace_ids(&cx, query).await.unwrap();
        let ids = found.traces.iter().map(|f| f.trace_id.low()).collect();
        let whole = collect(reader.find_traces(&cx, query)).await.unwrap();
        let mut expect: Vec<_> = found.traces.iter().map(|f| f.trace_id).collect();
        expect.sort();
        assert_eq!(whole.traces.into_keys().collect::<Vec<_>>(), expect);
        (ids, found.completeness)
    }

    /// The ids that a filter finds, sorted; the answer is whole.
    pub(super) async fn having(&self, filter: Filter) -> Vec<u64> {
        let text = format!("{filter:?}");
        let (mut ids, completeness) = self.find(&self.query(filter)).await;
        assert_eq!(completeness, Completeness::Complete, "{text}");
        ids.sort_unstable();
        ids
    }
}
