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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::testing::Script;

    #[tokio::test]
    async fn it_answers_on_its_socket_until_told_to_stop() {
        let mut registry = Registry::default();
        let connections = listen::Metrics::register(&mut registry);
        let mut config = Config::default();
        config.http.addrs = vec!["127.0.0.1:0".parse().unwrap()];
        let script = Arc::new(Script {
            services: vec!["a".into()],
            ..Script::default()
        });
        let server = bind(&config, script.stores(), &mut registry, &connections)
            .await
            .unwrap();
        let addr = server.addrs()[0];
        let shutdown = CancellationToken::new();
        let client = async {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            for _ in 0..2 {
                let request = b"GET /api/services HTTP/1.1\r\nhost: a\r\n\r\n";
                stream.write_all(request).await.unwrap();
                let mut answer = Vec::new();
                while !answer.ends_with(b"\"errors\":null}") {
                    assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0);
                }
                assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"), "kept alive");
            }
            shutdown.cancel();
        };
        let both = async { tokio::join!(server.run(shutdown.clone()), client) };
        let (ended, ()) = tokio::time::timeout(Duration::from_secs(10), both)
            .await
            .unwrap();
        ended.unwrap();
    }
}
