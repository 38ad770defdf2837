//! What adaptive sampling keeps, in memory: gone when the process ends, as spans are.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::{BoxFuture, ready};
use parking_lot::Mutex;

use super::Shared;
use crate::port::{
    Probabilities, ReadError, SamplingStore, Throughput, ThroughputRows, WriteError,
};
use crate::sampling::{Leases, State};

/// Rows, probabilities and leases.
#[derive(Default)]
pub(super) struct Sampling {
    state: Mutex<State>,
    leases: Leases,
}

/// What the port sees of it.
pub(super) struct Store(pub(super) Arc<Shared>);

// === impl Store ===

impl Store {
    fn check_open(&self) -> Result<&Sampling, WriteError> {
        if self.0.closed.load(Ordering::Acquire) {
            return Err(WriteError::Unavailable {
                reason: "memory is closed".to_owned(),
            });
        }
        Ok(&self.0.sampling)
    }
}

impl SamplingStore for Store {
    fn append_throughput(&self, rows: ThroughputRows) -> BoxFuture<'_, Result<(), WriteError>> {
        let appended = self.check_open().map(|s| s.state.lock().append(rows));
        Box::pin(ready(appended))
    }

    fn get_throughput(
        &self,
        after_ns: u64,
        until_ns: u64,
    ) -> BoxFuture<'_, Result<Vec<Throughput>, ReadError>> {
        let found = self.0.sampling.state.lock().throughput(after_ns, until_ns);
        Box::pin(ready(Ok(found)))
    }

    fn put_probabilities(
        &self,
        probabilities: Probabilities,
    ) -> BoxFuture<'_, Result<(), WriteError>> {
        let put = self.check_open();
        let put = put.and_then(|s| s.state.lock().put(probabilities));
        Box::pin(ready(put))
    }

    fn get_probabilities(&self) -> BoxFuture<'_, Result<Option<Probabilities>, ReadError>> {
        let latest = self.0.sampling.state.lock().latest().cloned();
        Box::pin(ready(Ok(latest)))
    }

    fn acquire_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<bool, WriteError>> {
        let sampling = self.check_open();
        let acquired = sampling.map(|s| s.leases.acquire(name, holder, ttl, Instant::now()));
        Box::pin(ready(acquired))
    }

    fn resign_lease<'a>(
        &'a self,
        name: &'a str,
        holder: &'a str,
    ) -> BoxFuture<'a, Result<(), WriteError>> {
        self.0.sampling.leases.resign(name, holder);
        Box::pin(ready(Ok(())))
    }
}
