//! The part of the port that adaptive sampling stands on: what collectors counted, what was made of it, and who makes it.
//!
//! In: rows of [`Throughput`] from every collector, and [`Probabilities`] from the one that holds the lease. Out: the same, to all of them.
//! The shapes are those that Jaeger's stores keep, so that each backend can have its own form of them.
//!
//! Deliberately absent: any calculation, and names of leases.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/api/samplingstore`, `internal/distributedlock` v1.76.0.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{ReadError, WriteError};

/// Keeps what adaptive sampling needs, for all collectors that share a store. It is about collectors, and so of no instance.
pub trait SamplingStore: Send + Sync {
    /// Adds rows. `Ok` once they are as durable as spans are here.
    fn append_throughput(&self, rows: ThroughputRows) -> BoxFuture<'_, Result<(), WriteError>>;

    /// The rows that were added at times in `(after_ns, until_ns]`, the oldest first.
    fn get_throughput(
        &self,
        after_ns: u64,
        until_ns: u64,
    ) -> BoxFuture<'_, Result<Vec<Throughput>, ReadError>>;

    /// Makes `probabilities` what [`SamplingStore::get_probabilities`] gives, unless there are later ones.
    fn put_probabilities(
        &self,
        probabilities: Probabilities,
    ) -> BoxFuture<'_, Result<(), WriteError>>;

    /// The latest probabilities, bit by bit as they were put; `None`: there never were any.
    fn get_probabilities(&self) -> BoxFuture<'_, Result<Option<Probabilities>, ReadError>>;

    /// Takes the lease of this name for `holder`, or holds it for longer: until `ttl` from now. False: another holds it. At no time two
    /// holders were told that it is theirs, as long as each counts its `ttl` from before it asked.
    fn acquire_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, WriteError>>;

    /// Gives a lease back, so that others need not wait until it ends. What `holder` does not hold stays as it is.
    fn resign_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
    ) -> BoxFuture<'a, Result<(), WriteError>>;
}

/// What one collector counted since it last said so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ThroughputRows {
    /// When it says so, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Nobody will read rows of this time or before: a store may let them go.
    pub unread_until_ns: u64,
    /// A row for each operation.
    pub rows: Vec<Throughput>,
}

/// How many traces began with an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Throughput {
    /// The service.
    pub service: String,
    /// The operation; empty in a row that says that the service asked what to record, and nothing else.
    pub operation: String,
    /// Traces that were recorded by chance, with a probability; stores keep 63 bits of it.
    pub count: u64,
    /// The probabilities that were met, with six places behind the point, such as `0.001000`.
    pub probabilities: BTreeSet<String>,
}

/// What was calculated in one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probabilities {
    /// Who did.
    pub host: String,
    /// When, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// By service, then operation.
    pub services: BTreeMap<String, BTreeMap<String, Rate>>,
    /// Services that asked what to record.
    pub asked: BTreeSet<String>,
}

/// What was calculated for one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rate {
    /// The share of traces to record, 0 to 1.
    pub probability: f64,
    /// Traces a second that were recorded.
    pub qps: f64,
}

// === impl Throughput ===

impl Throughput {
    /// Roughly the bytes that it keeps in memory.
    pub fn size(&self) -> usize {
        // an entry of a set beside its text
        const ENTRY: usize = 40;
        let probabilities = self.probabilities.iter().map(|p| p.len() + ENTRY);
        size_of::<Self>() + self.service.len() + self.operation.len() + probabilities.sum::<usize>()
    }
}

// === impl Probabilities ===

impl Probabilities {
    /// Roughly the bytes that they keep in memory.
    pub fn size(&self) -> usize {
        const ENTRY: usize = size_of::<(String, Rate)>() + 8;
        let operations =
            |of: &BTreeMap<String, Rate>| -> usize { of.keys().map(|o| o.len() + ENTRY).sum() };
        let services = self.services.iter();
        let services = services.map(|(s, of)| s.len() + ENTRY + operations(of));
        let asked = self.asked.iter().map(|service| service.len() + ENTRY);
        self.host.len() + services.sum::<usize>() + asked.sum::<usize>()
    }

    /// How many operations there are.
    pub fn operations(&self) -> usize {
        self.services.values().map(BTreeMap::len).sum()
    }
}
