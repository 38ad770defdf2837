//! What adaptive sampling keeps in the cluster, so that all collectors agree.
//!
//! In: rows, probabilities, names of leases. Out: the same, to every collector of the instance. Rows and probabilities have Jaeger's form, and lie in the index of their own time.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/samplingstore` v1.76.0, which has no leases: see `lease`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use super::bulk::{Action, Bulk, Documents};
use super::document::sampling::{self, Sampling};
use super::lease::Leases;
use super::scroll;
use super::store::Store;
use super::template::OTHER_TYPE;
use crate::http_client::{Error, Request};
use crate::layers::window::system_clock;
use crate::port::{
    Probabilities, ReadError, SamplingStore, Throughput, ThroughputRows, WriteError,
};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Documents of one time among which the latest is looked for.
const LATEST: usize = 20;

/// Keeps it with one instance's spans.
pub(super) struct Samplings {
    store: Arc<Store>,
    leases: Leases,
}

// === impl Samplings ===

impl Samplings {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            leases: Leases::new(store.clone()),
            store,
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
        async move { Ok(self.leases.acquire(name, holder, ttl).await?) }.boxed()
    }

    fn resign_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        async move {
            self.leases.resign(name, holder).await?;
            Ok(())
        }
        .boxed()
    }
}
