//! A store in another process, reached over gRPC: Jaeger's `remote-storage`, a store that somebody wrote for Jaeger, or another Spoor.
//!
//! In: batches and questions of any instance. Out: the other side's answers: `Ok` for a write once it has confirmed every span. It is spoken to in the best
//! of three ways that it knows, found at the first call ([`Protocol`]). An instance's namespace goes along in the tenant header, where there is one.
//!
//! Deliberately absent: queues, retries and caches; the served side, which is `collector`'s and `query`'s.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/grpc`, `internal/storage/v2/grpc` v1.76.0.

mod answer;
pub mod check;
mod client;
mod names;
mod protocol;
mod reader;
mod search;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use model::{Batch, Instance};
use settings::HostPort;
use settings::tls::ClientTls;
use trust::Dialer;

use crate::port::{
    Archive, Backend, Capabilities, DeadLetters, DependencyReader, TraceReader, TraceWriter,
    WriteError,
};
use client::Client;
use reader::Reader;

pub use protocol::Protocol;

/// One store that is reached, or the archive beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// What stands before the names of its settings: `grpc-storage` or `grpc-storage-archive`.
    pub prefix: &'static str,
    /// `….server`: its addresses; of a name, every address that it has is used in turn.
    pub servers: Vec<HostPort>,
    /// `….connection-timeout`: how long it may take to confirm one write, connecting included (5 s).
    pub patience: Duration,
    /// `….protocol`; `None`: the best that it speaks.
    pub protocol: Option<Protocol>,
    /// `….tls.*`; `None`: plaintext.
    pub tls: Option<ClientTls>,
    /// Whom to trust where `tls` names nobody.
    pub trust: trust::Store,
    /// The header that says whose a request is (`multi-tenancy.header`); `None`: everything is one instance's.
    pub tenant_header: Option<String>,
}

/// The store, and perhaps its archive.
pub struct Remote {
    store: Arc<Client>,
    archive: Option<Arc<Client>>,
}

struct Writer(Arc<Client>);

struct Kept(Arc<Client>);

// === impl Remote ===

impl Remote {
    /// Nothing is connected before the first call. Reads files alone, and blocks.
    ///
    /// # Errors
    /// A file of a TLS block that cannot be used, with its setting.
    pub fn new(store: Config, archive: Option<Config>) -> Result<Self, String> {
        let open = |config: Config| {
            let dialer = match config.tls.clone() {
                None => Dialer::plaintext(),
                Some(tls) => Dialer::tls(tls, &config.trust),
            };
            dialer.check().map_err(|error| error.to_string())?;
            Ok::<_, String>(Arc::new(Client::new(config, dialer)))
        };
        Ok(Self {
            store: open(store)?,
            archive: archive.map(open).transpose()?,
        })
    }

    /// Finds out how it is spoken to, for `instance`.
    ///
    /// # Errors
    /// Why it cannot be known, with the setting to look at.
    pub async fn find(&self, instance: &Instance) -> Result<Protocol, String> {
        self.store.find(instance).await
    }
}

impl Backend for Remote {
    fn name(&self) -> &'static str {
        "grpc"
    }

    /// What is not known of the other side is not claimed.
    fn capabilities(&self) -> Capabilities {
        let is_spoor = self.store.known() == Some(Protocol::Spoor);
        Capabilities {
            durable: true,
            archive: self.archive.is_some(),
            operation_kinds: true,
            lossless: is_spoor,
            counts_calls: is_spoor,
            remote: true,
            ..Capabilities::default()
        }
    }

    fn writer(&self) -> Arc<dyn TraceWriter> {
        Arc::new(Writer(self.store.clone()))
    }

    fn reader(&self, instance: &Instance) -> Arc<dyn TraceReader> {
        Arc::new(Reader::new(self.store.clone(), instance.clone()))
    }

    fn dependencies(&self, instance: &Instance) -> Arc<dyn DependencyReader> {
        Arc::new(Reader::new(self.store.clone(), instance.clone()))
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        None
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        let client = self.archive.clone()?;
        Some(Arc::new(Kept(client)))
    }

    fn health(&self) -> Result<(), String> {
        self.store.health()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        let clients = [Some(&self.store), self.archive.as_ref()];
        let closing = clients.into_iter().flatten().map(|client| client.close());
        join_all(closing).map(drop).boxed()
    }
}

impl TraceWriter for Writer {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        writer::write(&self.0, batch).boxed()
    }
}

impl Archive for Kept {
    fn keep(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        writer::write(&self.0, batch).boxed()
    }

    fn reader(&self, instance: &Instance) -> Option<Arc<dyn TraceReader>> {
        Some(Arc::new(Reader::new(self.0.clone(), instance.clone())))
    }
}

#[cfg(test)]
mod tests;
