//! Remote sampling: which share of its traces a service is told to record.
//!
//! In: a strategies file, read again when it changes. Out: for each service an answer, as gRPC's message, as JSON of today, or as that of old
//! clients. What is not in the file follows its default, and without a file all services follow `sampling.default-sampling-probability`.
//!
//! Source: `jaegertracing/jaeger: internal/sampling/samplingstrategy/file` v1.76.0.

mod answer;
mod file;
mod strategies;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use wire::r#gen::api_v2::SamplingStrategyResponse;

pub(crate) use answer::{json, legacy_json};
use file::File;
use strategies::Strategies;

/// How often a file is compared with what is in use, when nothing else is set.
const RELOAD: Duration = Duration::from_secs(10);

/// What an operator can set about remote sampling.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `sampling.strategies-file`; `None`: every service gets the default.
    pub file: Option<PathBuf>,
    /// `sampling.strategies-reload-interval`; zero: 10 s.
    pub reload_interval: Duration,
    /// `sampling.default-sampling-probability`, 0 to 1: for services and operations of which the file says nothing that can be used.
    pub default_probability: f64,
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
}

/// Answers every service that asks.
pub(crate) struct Sampling {
    config: Config,
    current: RwLock<Current>,
}

struct Current {
    strategies: Arc<Strategies>,
    /// What they were made of.
    text: Vec<u8>,
}

// === impl Sampling ===

impl Sampling {
    /// Reads the file.
    pub(crate) async fn new(config: &Config) -> Result<Self, Error> {
        let strategies = Strategies::new(&File::default(), config.default_probability);
        let sampling = Self {
            config: config.clone(),
            current: RwLock::new(Current {
                strategies: Arc::new(strategies),
                text: Vec::new(),
            }),
        };
        sampling.load().await?;
        Ok(sampling)
    }

    /// What `service` is told.
    pub(crate) fn of(&self, service: &str) -> SamplingStrategyResponse {
        let strategies = self.current.read().strategies.clone();
        strategies.of(service).clone()
    }

    /// Reads the file again and again until `shutdown`. What cannot be used is logged once, and the last that could be stays.
    pub(crate) async fn keep(&self, shutdown: CancellationToken) {
        if self.config.file.is_none() {
            return shutdown.cancelled().await;
        }
        let interval = match self.config.reload_interval {
            Duration::ZERO => RELOAD,
            interval => interval,
        };
        let mut told = None;
        while shutdown
            .run_until_cancelled(tokio::time::sleep(interval))
            .await
            .is_some()
        {
            match self.load().await {
                Ok(true) => {
                    tracing::info!(
                        file = ?self.config.file,
                        "took new sampling strategies"
                    );
                    told = None;
                }
                Ok(false) => {}
                Err(error) => {
                    let text = error.to_string();
                    if told.as_ref() != Some(&text) {
                        tracing::warn!("{text}: the strategies of before stay in use");
                        told = Some(text);
                    }
                }
            }
        }
    }

    /// Whether there was something new.
    async fn load(&self) -> Result<bool, Error> {
        let Some(path) = &self.config.file else {
            return Ok(false);
        };
        let shown = || path.display().to_string();
        let reading = path.clone();
        let text = tokio::task::spawn_blocking(move || std::fs::read(reading))
            .await
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(|source| Error::Read {
                path: shown(),
                source,
            })?;
        if self.current.read().text == text {
            return Ok(false);
        }
        let file = File::parse(&text).map_err(|source| Error::Parse {
            path: shown(),
            source,
        })?;
        let strategies = Strategies::new(&file, self.config.default_probability);
        *self.current.write() = Current {
            strategies: Arc::new(strategies),
            text,
        };
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
