//! Remote sampling: which share of its traces a service is told to record.
//!
//! In: a strategies file, read again when it changes, or what was counted of the traces that came, for [`adaptive`] sampling. Out: for each
//! service an answer, as gRPC's message, as JSON of today, or as that of old clients. What is not in the file follows its default, and
//! without a file all services follow `sampling.default-sampling-probability`.
//!
//! Source: `jaegertracing/jaeger: internal/sampling/samplingstrategy` v1.76.0.

pub mod adaptive;
mod answer;
mod fetch;
mod file;
mod strategies;
mod watched;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::Span;
use prometheus_client::registry::Registry;
use storage::forward::Client;
use storage::layers::window::Clock;
use storage::port::SamplingStore;
use tokio_util::sync::CancellationToken;
use wire::r#gen::api_v2::SamplingStrategyResponse;

use adaptive::{Adaptive, Roots};
pub(crate) use answer::{json, legacy_json};
pub use fetch::Url;
use watched::Watched;

/// What an operator can set about remote sampling.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `sampling.strategies-file`; `None`: every service gets the default.
    pub file: Option<PathBuf>,
    /// The same when it is a URL.
    pub url: Option<Url>,
    /// `sampling.strategies-reload-interval`; zero: 10 s.
    pub reload_interval: Duration,
    /// `sampling.default-sampling-probability`, 0 to 1: for services and operations of which the file says nothing that can be used.
    pub default_probability: f64,
    /// `sampling.config-type=adaptive`, in place of the file.
    pub adaptive: Option<adaptive::Config>,
}

/// Why there are no strategies.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the sampling strategies in {path} (sampling.strategies-file): {source}")]
    Read {
        /// As it was set.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The URL does not answer, and may later.
    #[error(
        "cannot get the sampling strategies from {url} (sampling.strategies-file) now: {reason}"
    )]
    Away {
        /// As it was set.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// The URL has none.
    #[error(
        "cannot get the sampling strategies from {url} (sampling.strategies-file, sampling.strategies.ca): {reason}"
    )]
    Fetch {
        /// As it was set.
        url: String,
        /// What went wrong.
        reason: String,
    },
    /// It is not what strategies are written in.
    #[error(
        "the sampling strategies in {path} (sampling.strategies-file) cannot be used: {source}"
    )]
    Parse {
        /// As it was set.
        path: String,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// Collectors could not agree.
    #[error(
        "no store of span-storage.type keeps what adaptive sampling needs (sampling.config-type=adaptive): set sampling.config-type=file, or name the store embedded or memory"
    )]
    NoStore,
}

/// What adaptive sampling stands on.
pub(crate) struct Parts<'a> {
    /// `None`: no store has one.
    pub(crate) store: Option<Arc<dyn SamplingStore>>,
    /// Whom to ask, where spans are forwarded.
    pub(crate) collector: Option<Arc<Client>>,
    /// What time it is.
    pub(crate) clock: Clock,
    /// The name of this machine.
    pub(crate) host: &'a str,
    /// For its metrics.
    pub(crate) registry: &'a mut Registry,
}

/// Answers every service that asks.
pub(crate) struct Sampling(Source);

enum Source {
    File(Box<Watched>),
    Adaptive(Box<Adaptive>),
    /// Each question is passed on.
    Collector(Arc<Client>),
}

// === impl Sampling ===

impl Sampling {
    /// Reads the file, or what the collectors before this one knew.
    pub(crate) async fn open(config: &Config, parts: Parts<'_>) -> Result<Self, Error> {
        if let Some(collector) = parts.collector {
            return Ok(Self(Source::Collector(collector)));
        }
        Ok(Self(match &config.adaptive {
            None => Source::File(Box::new(Watched::open(config).await?)),
            Some(adaptive) => Source::Adaptive(Box::new(Adaptive::open(adaptive, parts).await?)),
        }))
    }

    /// What `service` is told.
    ///
    /// # Errors
    /// When the collector that was asked did not answer.
    pub(crate) async fn of(&self, service: &str) -> Result<SamplingStrategyResponse, String> {
        match &self.0 {
            Source::File(watched) => Ok(watched.of(service)),
            Source::Adaptive(adaptive) => Ok(adaptive.of(service)),
            Source::Collector(collector) => collector.sampling_strategy(service).await,
        }
    }

    /// The traces that begin with `spans`, to be counted once they are stored; `None`: nobody counts. `otlp`: they came by OTLP.
    pub(crate) fn roots(&self, spans: &[Span], otlp: bool) -> Option<Roots> {
        match &self.0 {
            Source::File(_) | Source::Collector(_) => None,
            Source::Adaptive(_) => Some(Roots::of(spans, otlp)),
        }
    }

    /// Counts traces that were stored.
    pub(crate) fn count(&self, roots: Option<Roots>) {
        if let (Source::Adaptive(adaptive), Some(roots)) = (&self.0, roots) {
            adaptive.count(&roots);
        }
    }

    /// Keeps the answers fresh until `shutdown`.
    pub(crate) async fn keep(&self, shutdown: CancellationToken) {
        match &self.0 {
            Source::File(watched) => watched.keep(shutdown).await,
            Source::Adaptive(adaptive) => adaptive.keep(shutdown).await,
            Source::Collector(_) => shutdown.cancelled().await,
        }
    }
}

#[cfg(test)]
mod tests;
