//! The query service's listeners: `bind` takes the addresses, `run` answers until told to stop.
//!
//! In: settings and stores. Out: a running service. The accept loop and TLS are `listen`'s.

use std::net::SocketAddr;

use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::service::{Service, Stores};
use crate::{Config, http};

/// Bound, answering nothing yet.
#[derive(Debug)]
pub struct Server {
    listener: listen::Listener,
    router: axum::Router,
}

/// Why the service could not be bound: another address, certificate or setting mends it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BindError(#[from] listen::BindError);

/// Why the service ended by itself.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct RunError(#[from] listen::ServeError);

/// Takes the addresses of `config`. The query service's counters go to `registry`; `connections` counts for all rooms' listeners.
pub async fn bind(
    config: &Config,
    stores: Stores,
    registry: &mut Registry,
    connections: &listen::Metrics,
) -> Result<Server, BindError> {
    let service = Service::new(stores, config, Metrics::register(registry));
    Ok(Server {
        listener: listen::bind(&config.http, connections).await?,
        router: http::router(service, config),
    })
}

// === impl Server ===

impl Server {
    /// The addresses of the HTTP API, port 0 replaced.
    pub fn addrs(&self) -> &[SocketAddr] {
        self.listener.local_addrs()
    }

    /// Answers requests until `shutdown`, then finishes those in flight.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RunError> {
        Ok(self.listener.serve(self.router, shutdown).await?)
    }
}
