//! The query service's listeners: `bind` takes the addresses, `run` answers until told to stop.
//!
//! In: settings and stores. Out: a running service. The accept loop and TLS are `listen`'s.

use std::net::SocketAddr;

use axum::Router;
use futures_util::future::try_join_all;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::config::Place;
use crate::grpc::{self, Health};
use crate::metrics::Metrics;
use crate::own::{Recorder, Writing};
use crate::service::{Service, Stores};
use crate::{Config, http};

/// Bound, answering nothing yet.
pub struct Server {
    bound: Vec<(listen::Listener, Router)>,
    health: Option<Health>,
    service: Service,
    site: http::Site,
    /// Of Spoor's own requests, when they are traced.
    writing: Option<Writing>,
}

/// Why the service could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another address, certificate or setting mends it.
    #[error(transparent)]
    Listen(#[from] listen::BindError),
    /// The descriptions for gRPC reflection cannot be read: a defect of this build.
    #[error("cannot describe the services for grpc reflection: {0}")]
    Reflection(#[from] listen::reflection::Error),
    /// The web UI cannot be shown: another file or setting mends it.
    #[error(transparent)]
    Site(#[from] http::SiteError),
    /// Its files were not read to the end.
    #[error("reading the web UI's files panicked")]
    Panicked,
}

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
    let metrics = Metrics::register(registry);
    let recording = config.tracing.as_ref();
    let recording = recording.map(|tracing| Recorder::new(tracing, &metrics));
    let (recorder, writing) = recording.unzip();
    let service = Service::new(stores, config, metrics).traced_by(recorder);
    let told = config.clone();
    let site = tokio::task::spawn_blocking(move || http::Site::open(&told)).await;
    let site = site.map_err(|_| BindError::Panicked)??;
    let mut server = Server {
        bound: Vec::new(),
        health: None,
        service: service.clone(),
        site: site.clone(),
        writing,
    };
    let mut config = config.clone();
    if let Some(at) = &config.grpc {
        let listener = listen::bind(at, connections).await?;
        let (router, health) = grpc::router(service.clone(), &config).await?;
        if let Some(address) = listener.local_addrs().first() {
            config.places.push(Place {
                what: "queries over gRPC".to_owned(),
                address: address.to_string(),
            });
        }
        server.bound.push((listener, router));
        server.health = Some(health);
    }
    let listener = listen::bind(&config.http, connections).await?;
    let router = http::router(service, &config, site);
    server.bound.push((listener, router));
    Ok(server)
}

/// The reading half of a store that is served to other processes, for whoever serves the writing half on the same listener (`storage-grpc`): methods alone, with
/// neither health nor reflection.
pub fn storage_reads(config: &Config, stores: Stores, registry: &mut Registry) -> Router {
    let service = Service::new(stores, config, Metrics::register(registry));
    let service = service.searching_patiently();
    grpc::remote::reads(service, config)
}

// === impl Server ===

impl Server {
    /// Each listener's name and its addresses, port 0 replaced.
    pub fn addrs(&self) -> Vec<(&'static str, Vec<SocketAddr>)> {
        let bound = self.bound.iter();
        bound
            .map(|(listener, _)| (listener.name(), listener.local_addrs().to_vec()))
            .collect()
    }

    /// Answers requests until `shutdown`, then finishes those in flight.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), RunError> {
        let Self {
            bound,
            health,
            service,
            site,
            writing,
        } = self;
        let serving = bound
            .into_iter()
            .map(|(listener, router)| listener.serve(router, shutdown.clone()));
        // whoever watches health learns of the shutdown while requests in flight are answered
        let telling = async {
            shutdown.cancelled().await;
            if let Some(health) = &health {
                health.ends().await;
            }
            std::future::pending::<()>().await;
        };
        let keeping = async {
            tokio::join!(site.keep(&shutdown), service.keep(&shutdown));
            std::future::pending::<()>().await;
        };
        // what requests in flight leave is written once they are answered
        let served = CancellationToken::new();
        let serving = async {
            let ended = try_join_all(serving).await;
            served.cancel();
            ended
        };
        let writing = async {
            if let Some(writing) = writing {
                writing.run(&served).await;
            }
        };
        let serving = async { tokio::join!(serving, writing).0 };
        tokio::select! {
            served = serving => Ok(served.map(drop)?),
            () = telling => Ok(()),
            () = keeping => Ok(()),
        }
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
        let addr = server.addrs()[0].1[0];
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

    #[tokio::test]
    async fn a_socket_that_closes_ends_the_read_that_it_waits_for() {
        let mut registry = Registry::default();
        let connections = listen::Metrics::register(&mut registry);
        let mut config = Config::default();
        config.http.addrs = vec!["127.0.0.1:0".parse().unwrap()];
        let script = Arc::new(Script {
            hangs: true,
            ..Script::of(vec![None])
        });
        let server = bind(&config, script.stores(), &mut registry, &connections)
            .await
            .unwrap();
        let addr = server.addrs()[0].1[0];
        let shutdown = CancellationToken::new();
        let client = async {
            for (n, path) in ["services", "traces/1", "dependencies", "v3/services"]
                .into_iter()
                .enumerate()
            {
                let mut stream = TcpStream::connect(addr).await.unwrap();
                let request = format!("GET /api/{path} HTTP/1.1\r\nhost: a\r\n\r\n");
                stream.write_all(request.as_bytes()).await.unwrap();
                let cancelled = loop {
                    if let Some(cx) = script.contexts.lock().unwrap().get(n) {
                        break cx.cancelled.clone();
                    }
                    tokio::task::yield_now().await;
                };
                assert!(!cancelled.is_cancelled(), "{path}");
                drop(stream);
                cancelled.cancelled().await;
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
