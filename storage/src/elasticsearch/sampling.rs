//! What adaptive sampling keeps in the cluster, so that all collectors agree.
//!
//! In: rows, probabilities, names of leases. Out: the same, to every collector of the instance. Rows and probabilities have Jaeger's form, and lie in the index of their own time.
//!
//! A lease is a document that is replaced only by who saw its last version. Clocks of machines are not compared: who wants a lease that another holds watches its document, and takes it when
//! that stayed as it was for as long as it says, by the watcher's own clock. The holder counts from before it wrote, the watcher from after it read: so no two hold it at once.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/samplingstore` v1.76.0, which has no leases.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::Method;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::bulk::{Action, Bulk, Documents};
use super::client::{Error, Request};
use super::document::sampling::{self, Sampling};
use super::scroll;
use super::store::Store;
use super::template::OTHER_TYPE;
use crate::layers::window::system_clock;
use crate::port::{
    Probabilities, ReadError, SamplingStore, Throughput, ThroughputRows, WriteError,
};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Before a lease is read again that could not be read yet.
const PAUSE: Duration = Duration::from_millis(50);
/// Leases that are watched at once: a collector has one.
const MOST_WATCHED: usize = 64;
/// Documents of one time among which the latest is looked for.
const LATEST: usize = 20;

/// Keeps it with one instance's spans.
pub(super) struct Samplings {
    store: Arc<Store>,
    watched: Mutex<HashMap<String, Watched>>,
}

/// Another's lease, as it was seen first.
#[derive(Clone, Copy)]
struct Watched {
    version: Version,
    since: Instant,
}

/// Which state of a document: changes with each write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    sequence: u64,
    term: u64,
}

/// A lease's document.
struct Lease {
    holder: String,
    ttl: Duration,
    version: Version,
}

// === impl Samplings ===

impl Samplings {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            watched: Mutex::default(),
        }
    }

    async fn put(&self, time_ns: u64, documents: Vec<Vec<u8>>) -> Result<(), Error> {
        let flavour = self.store.ready().await?;
        let index = self.store.names.sampling.write(time_ns);
        let mut lines = Documents::new(flavour.has_types(), 0);
        // its own, so that equal rows of two collectors are two, and a row that is sent again is one
        let call = super::bulk::chance();
        for (nth, document) in documents.into_iter().enumerate() {
            let id = format!("{call:016x}-{nth}");
            lines.push(Action::Index, &index, &id, OTHER_TYPE, |out| {
                out.extend(document);
            });
        }
        let bulk = Bulk {
            refreshes: true,
            ..self.store.bulk_to_indices()
        };
        let sent = bulk.send(lines).await;
        sent.complete(self.store.client.shown(), "a document of adaptive sampling")
    }

    async fn rows(&self, after_ns: u64, until_ns: u64) -> Result<Vec<Throughput>, Error> {
        if until_ns <= after_ns {
            return Ok(Vec::new());
        }
        // an index knows milliseconds, its documents nanoseconds; a date beyond all calendars is none
        let far = 9_000_000_000_000_u64;
        let (from, to) = (after_ns / 1_000_000, (until_ns / 1_000_000).min(far));
        let body = json!({
            "query": {"range": {"timestamp": {"gte": from, "lte": to, "format": "epoch_millis"}}},
        });
        let indices = self.store.names.sampling.read(after_ns, until_ns);
        let mut rows: Vec<(u64, Throughput)> = Vec::new();
        let bounds = self.store.place.limits.scroll;
        scroll::each(&self.store.client, &indices, bounds, body, |source| {
            if let Ok(Sampling::Throughput(at, row)) = serde_json::from_value(source)
                && at > after_ns
                && at <= until_ns
            {
                rows.push((at, row));
            }
        })
        .await?;
        rows.sort_by_key(|(at, _)| *at);
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    async fn latest(&self) -> Result<Option<Probabilities>, Error> {
        let now_ns = system_clock()();
        let lookback = self.store.place.limits.sampling_lookback.as_nanos();
        let from_ns = now_ns.saturating_sub(u64::try_from(lookback).unwrap_or(u64::MAX));
        let indices = self.store.names.sampling.read(from_ns, now_ns).join(",");
        let search = Request::post(&[&indices, "_search"])
            .query("ignore_unavailable", "true")
            .json(&json!({
                "size": LATEST,
                "query": {"exists": {"field": "probabilitiesandqps.Hostname"}},
                "sort": [{"timestamp": {"order": "desc", "unmapped_type": "date"}}],
            }))
            .deadline(Some(Instant::now() + PATIENCE));
        let answer = self.store.client.ask(&search).await?.json();
        scroll::whole(&answer, &self.store.client)?;
        let hits = answer.pointer("/hits/hits").and_then(Value::as_array);
        let found = hits.into_iter().flatten().filter_map(|hit| {
            match serde_json::from_value(hit.get("_source")?.clone()) {
                Ok(Sampling::Probabilities(probabilities)) => Some(probabilities),
                _ => None,
            }
        });
        Ok(found.max_by_key(|probabilities| probabilities.time_ns))
    }

    async fn acquire(&self, name: &str, holder: &str, ttl: Duration) -> Result<bool, Error> {
        self.store.ready().await?;
        let key = format!("{}/{name}", self.store.names.leases());
        let Some(lease) = self.lease(name).await? else {
            self.watched.lock().remove(&key);
            return self.replace(name, holder, ttl, None).await;
        };
        if lease.holder != holder && !self.is_over(&key, &lease) {
            return Ok(false);
        }
        let is_ours = self.replace(name, holder, ttl, Some(lease.version)).await?;
        self.watched.lock().remove(&key);
        Ok(is_ours)
    }

    /// Whether another's lease stayed as it is for as long as it says.
    fn is_over(&self, key: &str, lease: &Lease) -> bool {
        let mut watched = self.watched.lock();
        match watched.get(key) {
            Some(seen) if seen.version == lease.version => seen.since.elapsed() >= lease.ttl,
            _ => {
                if watched.len() >= MOST_WATCHED {
                    watched.clear();
                }
                let seen = Watched {
                    version: lease.version,
                    since: Instant::now(),
                };
                watched.insert(key.to_owned(), seen);
                false
            }
        }
    }

    async fn lease(&self, name: &str) -> Result<Option<Lease>, Error> {
        let index = self.store.names.leases();
        let until = Instant::now() + PATIENCE;
        let get = Request::get(&[&index, "_doc", name]).deadline(Some(until));
        let answer = loop {
            match self.store.client.ask(&get).await {
                Err(Error::Missing(_)) => return Ok(None),
                // whoever came first has made the index, and its shard is not there yet
                Err(Error::Busy(_)) if Instant::now() + PAUSE < until => {
                    tokio::time::sleep(PAUSE).await;
                }
                answer => break answer?.json(),
            }
        };
        let number = |field: &str| answer.get(field).and_then(Value::as_u64);
        let of = |field: &str| answer.get("_source")?.get(field);
        let (Some(sequence), Some(term)) = (number("_seq_no"), number("_primary_term")) else {
            return Err(Error::Busy(format!(
                "{} tells no version of a lease",
                self.store.client.shown()
            )));
        };
        // one that says nothing is nobody's, and ends at once
        let ttl_ms = of("ttl_ms").and_then(Value::as_u64).unwrap_or_default();
        let holder = of("holder").and_then(Value::as_str).unwrap_or_default();
        Ok(Some(Lease {
            holder: holder.to_owned(),
            ttl: Duration::from_millis(ttl_ms),
            version: Version { sequence, term },
        }))
    }

    /// Writes a lease, unless it is not what it was any more.
    async fn replace(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        version: Option<Version>,
    ) -> Result<bool, Error> {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let until = (system_clock()() / 1_000_000).saturating_add(ttl_ms);
        let document = json!({"holder": holder, "ttl_ms": ttl_ms, "until": until});
        self.change(Method::PUT, name, version, Some(&document))
            .await
    }

    /// Whether it was done; not when another was faster.
    async fn change(
        &self,
        method: Method,
        name: &str,
        version: Option<Version>,
        document: Option<&Value>,
    ) -> Result<bool, Error> {
        let index = self.store.names.leases();
        let mut request = Request::new(method, &[&index, "_doc", name])
            .deadline(Some(Instant::now() + PATIENCE))
            // done twice, the second would find the first in its way
            .once();
        request = match version {
            None => request.query("op_type", "create"),
            Some(Version { sequence, term }) => request
                .query("if_seq_no", sequence.to_string())
                .query("if_primary_term", term.to_string()),
        };
        if let Some(document) = document {
            request = request.json(document);
        }
        let answer = self.store.client.send(&request).await?;
        if answer.status == 409 {
            return Ok(false);
        }
        let answer = answer.succeeded(self.store.client.shown())?;
        let json = answer.json();
        let result = json.get("result").and_then(Value::as_str);
        if matches!(result, Some("created" | "updated" | "deleted")) {
            return Ok(true);
        }
        Err(Error::Busy(format!(
            "{} confirms no lease: {}",
            self.store.client.shown(),
            super::client::shortened(&String::from_utf8_lossy(&answer.body))
        )))
    }
}

impl SamplingStore for Samplings {
    fn append_throughput(&self, rows: ThroughputRows) -> BoxFuture<'_, Result<(), WriteError>> {
        async move {
            let documents: Vec<Vec<u8>> = sampling::throughput(&rows).collect();
            if documents.is_empty() {
                return Ok(());
            }
            Ok(self.put(rows.time_ns, documents).await?)
        }
        .boxed()
    }

    fn get_throughput(
        &self,
        after_ns: u64,
        until_ns: u64,
    ) -> BoxFuture<'_, Result<Vec<Throughput>, ReadError>> {
        async move { Ok(self.rows(after_ns, until_ns).await?) }.boxed()
    }

    fn put_probabilities(
        &self,
        probabilities: Probabilities,
    ) -> BoxFuture<'_, Result<(), WriteError>> {
        async move {
            let document = sampling::probabilities(&probabilities);
            Ok(self.put(probabilities.time_ns, vec![document]).await?)
        }
        .boxed()
    }

    fn get_probabilities(&self) -> BoxFuture<'_, Result<Option<Probabilities>, ReadError>> {
        async move { Ok(self.latest().await?) }.boxed()
    }

    fn acquire_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, WriteError>> {
        async move { Ok(self.acquire(name, holder, ttl).await?) }.boxed()
    }

    fn resign_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        async move {
            if let Some(lease) = self.lease(name).await?
                && lease.holder == holder
            {
                self.change(Method::DELETE, name, Some(lease.version), None)
                    .await?;
            }
            Ok(())
        }
        .boxed()
    }
}
