//! Start-up and shutdown: which rooms a role is made of, and in which order they come and go.
//!
//! Up: bind the admin port, open the store, bind receivers and the query service or begin to read Kafka, serve, ready. Down, along the data path: not ready,
//! stop accepting and reading, answer and commit what is in flight, close the store, stop telling. Within the grace period, or what is left is cut off and said so.
//! Deliberately absent: what any of these does.

mod access;
mod build;
mod bundles;
mod certificates;
mod counted;
mod inflow;
mod instances;
mod rooms;
mod signals;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use storage::elasticsearch::Elasticsearch;
use storage::stack::Storage;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use self::access::Access;
use crate::admin::{self, Admin, Health, Moment};
use crate::commands::version;
use crate::config::{Again, Config};
use crate::logs;
use ::access::Guard;
use settings::Warning;
use trust::Rules;

/// What is kept back from the grace period for the store, after requests in flight were answered.
const CLOSING: Duration = Duration::from_secs(3);

/// Plays the configured role until a signal or a failure ends it; true means a signal. A failure is in the log, with what it is and which
/// setting mends it.
pub fn run(config: &Config, warnings: &[Warning], again: Again) -> bool {
    logs::start(config.logs.level, config.logs.encoding);
    info!(version = version::line(), role = %config.role, "starting");
    for warning in warnings {
        warn!(setting = warning.settings.join(", "), "{}", warning.note);
    }
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(files) => info!(files, "open files allowed"),
        Err(reason) => {
            warn!(%reason, "the limit of open files stays as it is: many connections may be refused, see ulimit -n");
        }
    }
    let ended = play_on_threads(config, warnings, again);
    if let Err(error) = &ended {
        error!(reason = explain(error), "ended by a failure");
    }
    ended.is_ok()
}

fn play_on_threads(config: &Config, warnings: &[Warning], again: Again) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("spoor")
        .build()
        .context("start threads")?;
    let ended = runtime.block_on(play(config, warnings, again));
    // a blocking read of the disk must not hold up the end
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

/// An error and its causes in one line. A cause that an error before it names already is not said again.
fn explain(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    said
}

async fn play(config: &Config, warnings: &[Warning], again: Again) -> anyhow::Result<()> {
    let mut signals = signals::Signals::catch().context("catch signals")?;
    // without a file it ends the process, as it does a shell's other children
    let hangups =
        (again.file().map(|_| signals::Hangups::catch()).transpose()).context("catch signals")?;
    let mut registry = Registry::default();
    let connections = listen::Metrics::register(&mut registry);
    let health = Health::default();
    let shown = Arc::new(Shown::default());
    let telling = CancellationToken::new();

    // told before anything is connected to
    let bundles = bundles::Watch::new(config, &mut registry);
    let bundles = match bundles {
        Some(watch) => Some(watch.look().await),
        None => None,
    };
    let issuer = tokio::task::block_in_place(|| certificates::ensure(config))?;
    // probes are answered while the store is read back, however long that takes
    let at = rooms::listener(&config.listeners.admin, config)?;
    let listener = listen::bind(&at, &connections).await?;
    let addrs = vec![("admin", listener.local_addrs().to_vec())];
    let serving = listener.serve(shown.router(&health, config), telling.clone());
    let mut admin = JoinSet::new();
    admin.spawn(async move { serving.await.context("the admin port") });

    let opened = tokio::select! {
        opened = Opened::open(config, addrs, &mut registry, &connections) => opened?,
        signal = signals.next() => {
            info!(signal, "ending before the store was open");
            return Ok(());
        }
        Some(ended) = admin.join_next() => return ended.context("a task panicked")?,
    };
    let Opened {
        storage,
        clusters,
        guard,
        ingester,
        addrs,
        mut rooms,
        shutdown,
    } = opened;
    if let Some(issuer) = issuer {
        let shutdown = shutdown.clone();
        rooms.spawn(async move {
            issuer.keep(shutdown).await;
            Ok(())
        });
    }
    if let Some(bundles) = bundles {
        let shutdown = shutdown.clone();
        rooms.spawn(async move {
            bundles.keep(shutdown).await;
            Ok(())
        });
    }
    let live = instances::Live {
        guard,
        storage: storage.clone(),
        clusters,
    };
    let metrics = instances::Metrics::register(&mut registry);
    let watch = instances::Watch::new(again, config, warnings, live, metrics);
    if let (Some(watch), Some(hangups)) = (watch, hangups) {
        let shutdown = shutdown.clone();
        rooms.spawn(async move {
            watch.keep(hangups, shutdown).await;
            Ok(())
        });
    }
    shown.fill(registry, storage.clone(), ingester);
    say_where(&addrs);
    health.ready(Moment::now());
    info!(role = %config.role, "ready");

    let ended = tokio::select! {
        signal = signals.next() => {
            info!(signal, grace_seconds = config.shutdown_grace.as_secs(), "shutting down");
            Ok(())
        }
        Some(ended) = rooms.join_next() => ended.context("a task panicked").and_then(|room| room),
        Some(ended) = admin.join_next() => ended.context("a task panicked").and_then(|room| room),
    };
    health.stopping();
    shutdown.cancel();
    tokio::select! {
        () = leave(config.shutdown_grace, &mut rooms, &storage) => {}
        signal = signals.next() => warn!(signal, "a second signal: not waiting any longer"),
    }
    telling.cancel();
    ended
}

/// What the admin port shows once it is there.
#[derive(Default)]
struct Shown {
    registry: Arc<OnceLock<Registry>>,
    rooms: Arc<OnceLock<Rooms>>,
}

/// Whose health is the process's.
struct Rooms {
    storage: Arc<Storage>,
    ingester: Option<ingester::Health>,
}

// === impl Rooms ===

impl Rooms {
    fn health(&self) -> Result<(), String> {
        let ingester = self
            .ingester
            .as_ref()
            .map_or(Ok(()), ingester::Health::check);
        match (self.storage.health(), ingester) {
            (Err(storage), Err(ingester)) => Err(format!("{storage}; {ingester}")),
            (storage, ingester) => storage.and(ingester),
        }
    }
}

// === impl Shown ===

impl Shown {
    fn router(&self, health: &Health, config: &Config) -> axum::Router {
        let rooms = self.rooms.clone();
        admin::router(Admin {
            health: health.clone(),
            ready: Arc::new(move || rooms.get().map_or(Ok(()), Rooms::health)),
            registry: self.registry.clone(),
            metrics_path: rooms::metrics_path(config),
            version: build::version(),
        })
    }

    fn fill(&self, registry: Registry, storage: Arc<Storage>, ingester: Option<ingester::Health>) {
        let rooms = Rooms { storage, ingester };
        // filled once, at the one place that calls this
        drop((self.registry.set(registry), self.rooms.set(rooms)));
    }
}

/// The rooms of a role, running.
struct Opened {
    storage: Arc<Storage>,
    clusters: Option<Arc<Elasticsearch>>,
    guard: Guard,
    ingester: Option<ingester::Health>,
    addrs: Vec<(&'static str, Vec<SocketAddr>)>,
    rooms: JoinSet<anyhow::Result<()>>,
    shutdown: CancellationToken,
}

// === impl Opened ===

impl Opened {
    async fn open(
        config: &Config,
        mut addrs: Vec<(&'static str, Vec<SocketAddr>)>,
        registry: &mut Registry,
        connections: &listen::Metrics,
    ) -> anyhow::Result<Self> {
        let rooms::Stores {
            storage,
            clusters,
            forwards_to,
        } = rooms::stores(config, registry).await?;
        let storage = Arc::new(storage);
        let access = Access::open(config, Rules::new(config.instances.clone()))?;
        let mut rooms = JoinSet::new();
        let shutdown = CancellationToken::new();
        let (door, ending) = (access.door.clone(), shutdown.clone());
        rooms.spawn(async move {
            door.keep(ending).await;
            Ok(())
        });
        let mut inlet = None;
        if let Some(collector) = rooms::collector(config, &access)? {
            let parts = collector::Parts {
                writer: storage.writer(),
                dead_letters: storage.dead_letters(),
                ledger: storage.ledger(),
                collector: forwards_to,
                sampling_store: storage.sampling_store(),
                storage_reads: rooms::storage_reads(config, &access, &storage, registry),
            };
            let receivers = collector::bind(&collector, parts, connections, registry).await?;
            addrs.extend(receivers.addrs());
            inlet = Some(receivers.inlet());
            let shutdown = shutdown.clone();
            rooms.spawn(async move { receivers.run(shutdown).await.context("the collector") });
        }
        if let Some(mut query) = rooms::query(config, &addrs, &access, &storage)? {
            query.inflow = inflow::known(config, inlet, &addrs, &storage, clusters.as_deref());
            let readers = rooms::readers(config, &storage);
            let server = query::bind(&query, readers, registry, connections).await?;
            addrs.extend(server.addrs());
            let shutdown = shutdown.clone();
            rooms.spawn(async move { server.run(shutdown).await.context("the query service") });
        }
        let mut health = None;
        if let Some(ingester) = rooms::ingester(config, &storage, registry)? {
            health = Some(ingester.health());
            let shutdown = shutdown.clone();
            rooms.spawn(async move { ingester.run(shutdown).await.context("the ingester") });
        }
        build::build_info(config, registry);
        Ok(Self {
            storage,
            clusters,
            guard: access.guard,
            ingester: health,
            addrs,
            rooms,
            shutdown,
        })
    }
}

/// Waits for requests in flight, then closes the store.
async fn leave(grace: Duration, rooms: &mut JoinSet<anyhow::Result<()>>, storage: &Arc<Storage>) {
    let until = Instant::now() + grace;
    let answered = timeout_at(until - CLOSING.min(grace / 2), async {
        while let Some(ended) = rooms.join_next().await {
            if let Err(error) = ended.context("a task panicked").and_then(|room| room) {
                warn!(reason = explain(&error), "a listener did not end cleanly");
            }
        }
    });
    if answered.await.is_err() {
        rooms.abort_all();
        warn!(
            in_flight_spans = storage.ledger().counts().in_flight,
            "requests were cut off: they took longer than shutdown.grace-period"
        );
    }
    match timeout(
        until.saturating_duration_since(Instant::now()),
        storage.close(),
    )
    .await
    {
        Ok(()) => info!("the store is closed"),
        Err(_) => {
            warn!(
                "the store did not close within shutdown.grace-period: what was acknowledged is durable all the same"
            );
            // dropping it would wait for the same stuck disk: the end of the process lets go of it
            std::mem::forget(storage.clone());
        }
    }
}

fn say_where(addrs: &[(&'static str, Vec<SocketAddr>)]) {
    for (listener, addrs) in addrs {
        for address in addrs {
            info!(listener, %address, "listening");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let cause = || std::io::Error::other("address in use");
        let named =
            anyhow::Error::new(cause()).context("cannot listen: address in use (setting x)");
        assert_eq!(explain(&named), "cannot listen: address in use (setting x)");
        let unnamed = anyhow::Error::new(cause()).context("cannot listen");
        assert_eq!(explain(&unnamed), "cannot listen: address in use");
    }
}
