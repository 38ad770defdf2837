//! A collector elsewhere, as a store that is only written to: where an agent's spans go.
//!
//! In: batches. Out: each as one `PostSpans` of Jaeger's gRPC, `Ok` once the collector has answered so: from Spoor that means durable. What
//! fails for now is sent again within the request's time, to the next of the collector's addresses. No queue: who waits holds the memory.
//!
//! Source: `jaegertracing/jaeger: cmd/agent/app/reporter/grpc` v1.60.0.

mod client;
mod metrics;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{Batch, Instance};
use prometheus_client::registry::Registry;
use settings::HostPort;
use trust::Dialer;

pub use client::Client;

use crate::port::{
    Archive, Backend, Capabilities, DeadLetters, DependencyReader, TraceReader, TraceWriter,
    WriteError,
};
use crate::write_only::WriteOnly;

/// Where the collector is, and how patient to be with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `reporter.grpc.host-port`: its addresses; of a name, every address that it has is used in turn.
    pub targets: Vec<HostPort>,
    /// `reporter.grpc.retry.max`: how often spans are sent again that were not taken (3).
    pub retries: usize,
    /// How long one attempt may take (2 s).
    pub attempt: Duration,
}

/// The collector.
pub struct Forward {
    client: Arc<Client>,
}

struct Writer(Arc<Client>);

// === impl Forward ===

impl Forward {
    /// Nothing is connected before the first span.
    #[must_use]
    pub fn new(config: Config, dialer: Dialer) -> Self {
        Self {
            client: Arc::new(Client::new(config, dialer)),
        }
    }

    /// For what else the collector is asked.
    #[must_use]
    pub fn client(&self) -> Arc<Client> {
        self.client.clone()
    }

    /// Puts `jaeger_agent_connection_status` and `spoor_agent_retries_total` into `registry`.
    pub fn register(&self, registry: &mut Registry) {
        self.client.metrics.register(registry);
    }

    fn unreadable(&self) -> Arc<WriteOnly> {
        Arc::new(WriteOnly {
            elsewhere: format!("an agent forwards to {}", self.client.shown()),
        })
    }
}

impl Backend for Forward {
    fn name(&self) -> &'static str {
        "collector"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            remote: true,
            ..Capabilities::default()
        }
    }

    fn writer(&self) -> Arc<dyn TraceWriter> {
        Arc::new(Writer(self.client.clone()))
    }

    fn reader(&self, _: &Instance) -> Arc<dyn TraceReader> {
        self.unreadable()
    }

    fn dependencies(&self, _: &Instance) -> Arc<dyn DependencyReader> {
        self.unreadable()
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        None
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        None
    }

    /// Always well: an agent stands in the pod of an application, which must not lose its traffic because a collector is away.
    fn health(&self) -> Result<(), String> {
        Ok(())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }
}

impl TraceWriter for Writer {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        self.0.post_spans(batch).boxed()
    }
}

#[cfg(test)]
mod tests;
