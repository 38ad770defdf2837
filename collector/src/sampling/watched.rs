//! The strategies of a file or a URL, kept as they were last usable: read at the start, and again when they change.
//!
//! In: a path or a URL. Out: what each service is told. Without one, and until a URL answers, every service gets the default.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use wire::r#gen::api_v2::SamplingStrategyResponse;

use super::fetch::{Failed, Fetch};
use super::file::File;
use super::strategies::Strategies;
use super::{Config, Error};

/// How often a file is compared with what is in use, when nothing else is set.
const RELOAD: Duration = Duration::from_secs(10);

/// The file, or that there is none.
pub(super) struct Watched {
    config: Config,
    fetch: Option<Fetch>,
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
            fetch: config.url.as_ref().map(Fetch::new),
            config: config.clone(),
            current: RwLock::new(Current {
                strategies: Arc::new(strategies),
                text: Vec::new(),
            }),
        };
        match watched.load().await {
            // a collector that does not start loses more than the right probabilities
            Err(error @ Error::Away { .. }) => {
                tracing::warn!(
                    "{error}: every service gets sampling.default-sampling-probability until then"
                );
            }
            loaded => drop(loaded?),
        }
        Ok(watched)
    }

    /// What `service` is told.
    pub(super) fn of(&self, service: &str) -> SamplingStrategyResponse {
        let strategies = self.current.read().strategies.clone();
        strategies.of(service).clone()
    }

    /// Reads the file again and again until `shutdown`. What cannot be used is logged once, and the last that could be stays.
    pub(super) async fn keep(&self, shutdown: CancellationToken) {
        if self.config.file.is_none() && self.fetch.is_none() {
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
                    tracing::info!(from = self.shown(), "took new sampling strategies");
                    told = None;
                }
                Ok(false) => told = None,
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
        let text = match (&self.fetch, &self.config.file) {
            (Some(fetch), _) => fetch.get().await.map_err(|failed| match failed {
                Failed::Away(reason) => Error::Away {
                    url: self.shown(),
                    reason,
                },
                Failed::Wrong(reason) => Error::Fetch {
                    url: self.shown(),
                    reason,
                },
            })?,
            (None, Some(path)) => read(path).await?,
            (None, None) => return Ok(false),
        };
        if self.current.read().text == text {
            return Ok(false);
        }
        let file = File::parse(&text).map_err(|source| Error::Parse {
            path: self.shown(),
            source,
        })?;
        let strategies = Strategies::new(&file, self.config.default_probability);
        *self.current.write() = Current {
            strategies: Arc::new(strategies),
            text,
        };
        Ok(true)
    }

    /// For messages; of a URL without its user and password.
    fn shown(&self) -> String {
        match (&self.config.url, &self.config.file) {
            (Some(from), _) => {
                let url = &from.url;
                let host = url.authority().map_or("", |authority| authority.as_str());
                let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
                let scheme = url.scheme_str().unwrap_or_default();
                format!("{scheme}://{host}{}", url.path())
            }
            (None, Some(path)) => path.display().to_string(),
            (None, None) => String::new(),
        }
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
