//! Spans that go through all layers into a cluster, and what the cluster itself holds of them.
//!
//! In: how many, and where to. Out: which were acknowledged, and, by asking the store and none of our own code, how often each lies there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use futures_util::stream;
use http::Method;
use model::{Batch, Instance, KeyValue, Resource, Span, SpanId, TraceId};
use serde_json::{Value, json};
use storage::WriteError;
use storage::elasticsearch::config::{Connection, Indices, Place};
use storage::elasticsearch::{Config, Elasticsearch};
use storage::layers::Limits;
use storage::stack::{self, Storage};
use tests::servers::client::Client;

/// How long a sender sends a batch again.
const PATIENCE: Duration = Duration::from_secs(120);

/// A collector's storage, with all its layers, on one cluster.
pub(super) struct Sender {
    pub(super) storage: Arc<Storage>,
    instance: Instance,
    store: Client,
    prefix: String,
}

/// What was sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    /// Span ids that were acknowledged, those disposed of excepted.
    pub(super) acknowledged: BTreeSet<u64>,
    /// Span ids that were said to be never stored.
    pub(super) rejected: BTreeSet<u64>,
    /// Answers that said: come again.
    pub(super) again: u64,
    /// From the first attempt to the acknowledgement.
    pub(super) slowest: Duration,
}

/// One shard, so that a test has as few indices as it can.
pub(super) fn place(url: &str, prefix: &str) -> Place {
    Place {
        connection: Connection {
            urls: vec![url.to_owned()],
            ..Connection::default()
        },
        indices: Indices {
            prefix: prefix.to_owned(),
            shards: 1,
            replicas: 0,
            ..Indices::default()
        },
        ..Place::default()
    }
}

/// A collector's storage on the clusters of these instances.
pub(super) fn open(places: Vec<(Instance, Place)>) -> Storage {
    let instances = places.iter().map(|(instance, _)| instance.clone().into());
    let instances = instances.collect();
    let config = |(instance, main)| Config {
        instance,
        main,
        archive: None,
    };
    let backend = Elasticsearch::new(places.into_iter().map(config).collect());
    let settings = stack::Settings {
        instances,
        // what the cluster refuses is to reach it
        limits: Limits::OPEN,
        ..stack::Settings::default()
    };
    let backend = Arc::new(backend.expect("the settings can be used"));
    Storage::build(vec![backend], &settings).expect("there is a backend")
}

// === impl Sent ===

impl Sent {
    pub(super) fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.rejected.extend(other.rejected);
        self.again += other.again;
        self.slowest = self.slowest.max(other.slowest);
    }
}

// === impl Sender ===

impl Sender {
    /// Writes to `url`; `store` asks the same cluster without any detour.
    pub(super) fn new(url: &str, store: &Client, prefix: &str) -> Self {
        Self::with(place(url, prefix), store)
    }

    pub(super) fn with(main: Place, store: &Client) -> Self {
        Self::all(vec![(Instance::default(), main)], store).remove(0)
    }

    /// One for each instance, all of one collector.
    pub(super) fn all(places: Vec<(Instance, Place)>, store: &Client) -> Vec<Self> {
        let storage = Arc::new(open(places.clone()));
        let sender = |(instance, main): (Instance, Place)| Self {
            storage: storage.clone(),
            instance,
            store: store.clone(),
            prefix: main.indices.prefix,
        };
        places.into_iter().map(sender).collect()
    }

    /// Sends `batches` of `size` spans, so many batches at once, each again until it is acknowledged or was sent for too long.
    pub(super) async fn send(&self, batches: u64, size: u64, at_once: usize) -> Sent {
        self.send_spans(batches, at_once, |batch| {
            (0..size).map(|nth| span(1 + batch * size + nth)).collect()
        })
        .await
    }

    /// The same, of spans that `make` gives for a batch's number.
    pub(super) async fn send_spans(
        &self,
        batches: u64,
        at_once: usize,
        make: impl Fn(u64) -> Vec<Span>,
    ) -> Sent {
        let sending = stream::iter(0..batches).map(|batch| self.send_one(make(batch)));
        let mut sending = sending.buffer_unordered(at_once);
        let mut all = Sent::default();
        while let Some(sent) = sending.next().await {
            all.add(sent);
        }
        all
    }

    async fn send_one(&self, spans: Vec<Span>) -> Sent {
        self.send_through(&self.storage, spans).await
    }

    /// Sends one batch by way of `storage`, until it is acknowledged or was sent for too long.
    pub(super) async fn send_through(&self, storage: &Storage, spans: Vec<Span>) -> Sent {
        let batch = Batch::new(self.instance.clone(), spans, 0);
        let ids = |at: usize| batch.spans[at].span_id.to_u64();
        let all: BTreeSet<u64> = (0..batch.len()).map(ids).collect();
        let began = Instant::now();
        let mut sent = Sent::default();
        while began.elapsed() < PATIENCE {
            match storage.writer().write(batch.clone()).await {
                Ok(()) => sent.acknowledged = all,
                Err(WriteError::Rejected(spans)) => {
                    sent.rejected = spans.iter().map(|span| ids(span.at)).collect();
                    sent.acknowledged = &all - &sent.rejected;
                }
                Err(_) => {
                    sent.again += 1;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            }
            sent.slowest = began.elapsed();
            return sent;
        }
        sent
    }

    /// The same, that asks the store by way of `store`.
    pub(super) fn asking(&self, store: &Client) -> Self {
        Self {
            storage: self.storage.clone(),
            instance: self.instance.clone(),
            store: store.clone(),
            prefix: self.prefix.clone(),
        }
    }

    /// How often each span lies in the store, by its id.
    pub(super) async fn stored(&self) -> BTreeMap<u64, usize> {
        stored(&self.store, &self.prefix).await
    }

    /// All documents of the indices with this name behind the prefix.
    pub(super) async fn documents(&self, name: &str) -> Vec<Value> {
        documents(&self.store, &format!("{}-{name}", self.prefix)).await
    }

    /// Nothing acknowledged is missing, nothing is there twice, and the ledger agrees.
    pub(super) async fn check(&self, what: &str, sent: &Sent) {
        let stored = self.stored().await;
        let there: BTreeSet<u64> = stored.keys().copied().collect();
        let lost = sent.acknowledged.difference(&there).count();
        let twice = stored.values().filter(|copies| **copies > 1).count();
        println!(
            "{what}: {} acknowledged, {lost} lost, {twice} doubled, {} never stored, {} answers to come again, slowest {:?}",
            sent.acknowledged.len(),
            sent.rejected.len(),
            sent.again,
            sent.slowest
        );
        assert_eq!((lost, twice), (0, 0), "{what}");
        let counts = self.storage.ledger().counts();
        assert!(
            counts.balance() && counts.in_flight == 0,
            "{what}: {counts:?}"
        );
    }
}

/// How often each span lies in the indices with this prefix, by its id.
pub(crate) async fn stored(store: &Client, prefix: &str) -> BTreeMap<u64, usize> {
    let mut stored = BTreeMap::new();
    let indices = format!("{prefix}-jaeger-span-*");
    each_hit(store, &indices, json!(["spanID"]), |hit| {
        let id = hit["_source"]["spanID"]
            .as_str()
            .expect("a document has a span id");
        let id = u64::from_str_radix(id, 16).expect("an id is hex");
        *stored.entry(id).or_default() += 1;
    })
    .await;
    stored
}

/// All documents of these indices, by asking the store itself.
pub(crate) async fn documents(store: &Client, indices: &str) -> Vec<Value> {
    let mut documents = Vec::new();
    each_hit(store, indices, json!(true), |mut hit| {
        documents.push(hit["_source"].take());
    })
    .await;
    documents
}

/// Gives `take` every hit in these indices, with its index and these fields of its document; `true`: all of them.
pub(crate) async fn each_hit(
    store: &Client,
    indices: &str,
    fields: Value,
    mut take: impl FnMut(Value),
) {
    let ask = async |method, path: &str, body: Value| {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let answer = store.send(method, path, body).await;
        answer
            .expect("the store answers")
            .json()
            .expect("a success")
    };
    ask(Method::POST, &format!("/{indices}/_refresh"), Value::Null).await;
    let path = format!("/{indices}/_search?scroll=1m");
    let first = json!({"size": 5_000, "sort": ["_doc"], "_source": fields});
    let mut page = ask(Method::POST, &path, first).await;
    loop {
        let Value::Array(hits) = page["hits"]["hits"].take() else {
            panic!("no hits in {page}");
        };
        if hits.is_empty() {
            return;
        }
        hits.into_iter().for_each(&mut take);
        let next = json!({"scroll": "1m", "scroll_id": page["_scroll_id"]});
        page = ask(Method::POST, "/_search/scroll", next).await;
    }
}

/// A small span that starts now, with this id, in a trace of ten.
pub(crate) fn span(id: u64) -> Span {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("it is after 1970");
    let now_ns = u64::try_from(now.as_nanos()).expect("it is before 2554");
    Span {
        trace_id: TraceId::from_halves(7, id / 10),
        span_id: SpanId::from_u64(id),
        name: format!("operation-{}", id % 7).as_str().into(),
        start_ns: now_ns,
        end_ns: now_ns + 1_000_000,
        attributes: vec![
            KeyValue::new("http.method", "GET"),
            KeyValue::new("http.status_code", 200_i64),
            KeyValue::new("peer", format!("10.0.0.{}", id % 250).as_str()),
        ],
        resource: Arc::new(Resource::of_service(format!("service-{}", id % 3).as_str())),
        ..Span::default()
    }
}
