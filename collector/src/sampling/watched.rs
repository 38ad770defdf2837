//! The strategies file, kept as it was last usable: read at the start, and again when it changes.
//!
//! In: a path. Out: what each service is told. Without a path, every service gets the default.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use wire::r#gen::api_v2::SamplingStrategyResponse;

use super::file::File;
use super::strategies::Strategies;
use super::{Config, Error};

/// How often a file is compared with what is in use, when nothing else is set.
const RELOAD: Duration = Duration::from_secs(10);

/// The file, or that there is none.
pub(super) struct Watched {
    config: Config,
    current: RwLock<Current>,
}

struct Current {
    strategies: Arc<Strategies>,
    /// What they were made of.
    text: Vec<u8>,
}

// === impl Watched ===

impl Watched {
    /// Reads the file.
    pub(super) async fn open(config: &Config) -> Result<Self, Error> {
        let strategies = Strategies::new(&File::default(), config.default_probability);
        let watched = Self {
            config: config.clone(),
            current: RwLock::new(Current {
                strategies: Arc::new(strategies),
                text: Vec::new(),
            }),
        };
        watched.load().await?;
        Ok(watched)
    }

    /// What `service` is told.
    pub(super) fn of(&self, service: &str) -> SamplingStrategyResponse {
        let strategies = self.current.read().strategies.clone();
        strategies.of(service).clone()
    }

    /// Reads the file again and again until `shutdown`. What cannot be used is logged once, and the last that could be stays.
    pub(super) async fn keep(&self, shutdown: CancellationToken) {
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
    pub(super) async fn load(&self) -> Result<bool, Error> {
        let Some(path) = &self.config.file else {
            return Ok(false);
        };
        let text = read(path).await?;
        if self.current.read().text == text {
            return Ok(false);
        }
        let file = File::parse(&text).map_err(|source| Error::Parse {
            path: path.display().to_string(),
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

async fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let reading = path.to_owned();
    tokio::task::spawn_blocking(move || std::fs::read(reading))
        .await
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|source| Error::Read {
            path: path.display().to_string(),
            source,
        })
}
