//! Start-up and shutdown: which rooms a role is made of, and in which order they come and go.
//!
//! Up: bind the admin port, open the store, bind receivers and the query service, serve, ready. Down, along the data path: not ready, stop
//! accepting, answer what is in flight, close the store, stop telling. Within the grace period, or what is left is cut off and said so.
//! Deliberately absent: what any of these does.

mod rooms;
mod signals;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use prometheus_client::registry::Registry;
use storage::stack::Storage;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::admin::{self, Admin, Health, Moment};
use crate::commands::version;
use crate::config::Config;
use crate::logs;
use settings::Warning;

/// What is kept back from the grace period for the store, after requests in flight were answered.
const CLOSING: Duration = Duration::from_secs(3);

/// Plays the configured role until a signal or a failure ends it; true means a signal. A failure is in the log, with what it is and which
/// setting mends it.
pub fn run(config: &Config, warnings: &[Warning]) -> bool {
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
    let ended = play_on_threads(config);
    if let Err(error) = &ended {
        error!(reason = explain(error), "ended by a failure");
    }
    ended.is_ok()
}

fn play_on_threads(config: &Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("spoor")
        .build()
        .context("start threads")?;
    let ended = runtime.block_on(play(config));
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

async fn play(config: &Config) -> anyhow::Result<()> {
    let mut signals = signals::Signals::catch().context("catch signals")?;
    let mut registry = Registry::default();
    let connections = listen::Metrics::register(&mut registry);
    let health = Health::default();
    let admin = listen::bind(
        &rooms::listener(&config.listeners.admin, config)?,
        &connections,
    )
    .await?;

    let storage = Arc::new(rooms::storage(config, &mut registry).await?);
    let mut addrs = vec![("admin", admin.local_addrs().to_vec())];
    let mut rooms = JoinSet::new();
    let shutdown = CancellationToken::new();
    if let Some(collector) = rooms::collector(config)? {
        let parts = collector::Parts {
            writer: storage.writer(),
            dead_letters: storage.dead_letters(),
            ledger: storage.ledger(),
        };
        let receivers = collector::bind(&collector, parts, &connections, &mut registry).await?;
        addrs.extend(receivers.addrs());
        let shutdown = shutdown.clone();
        rooms.spawn(async move { receivers.run(shutdown).await.context("the collector") });
    }
    if let Some(query) = rooms::query(config, &addrs)? {
        let server =
            query::bind(&query, rooms::stores(&storage), &mut registry, &connections).await?;
        addrs.push(("query-http", server.addrs().to_vec()));
        let shutdown = shutdown.clone();
        rooms.spawn(async move { server.run(shutdown).await.context("the query service") });
    }
    rooms::build_info(config, &mut registry);

    let telling = CancellationToken::new();
    let router = admin::router(Admin {
        health: health.clone(),
        ready: Arc::new({
            let storage = storage.clone();
            move || storage.health()
        }),
        registry: Arc::new(registry),
        metrics_path: rooms::metrics_path(config),
        version: rooms::version(),
    });
    let mut admin = Box::pin(admin.serve(router, telling.clone()));
    say_where(&addrs);
    health.ready(Moment::now());
    info!(role = %config.role, "ready");

    let ended = tokio::select! {
        signal = signals.next() => {
            info!(signal, grace_seconds = config.shutdown_grace.as_secs(), "shutting down");
            Ok(())
        }
        Some(ended) = rooms.join_next() => ended.context("a task panicked").and_then(|room| room),
        ended = &mut admin => ended.context("the admin port"),
    };
    health.stopping();
    shutdown.cancel();
    let leaving = leave(config.shutdown_grace, &mut rooms, &storage);
    tokio::pin!(leaving);
    tokio::select! {
        () = &mut leaving => {}
        // probes and scrapes go on while requests are answered
        _ = &mut admin => leaving.await,
        signal = signals.next() => warn!(signal, "a second signal: not waiting any longer"),
    }
    telling.cancel();
    ended
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
        Err(_) => warn!(
            "the store did not close within shutdown.grace-period: what was acknowledged is durable all the same"
        ),
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
