//! The file of settings, looked at again while the process runs.
//!
//! In: what the process was started with, and the file as it is now. Out: a configuration in which the instances are as the file has them and all else is as it was at the start, with the names
//! of settings that wait for a restart; or every problem, and then nothing may change. It is what a start with this file would find, and applies nothing.

use std::path::{Path, PathBuf};

use settings::layers::{self, Item, Position};
use settings::{Environment, Problem, Settings, Warning};

use super::{Backend, Config};
use crate::cli::Role;

/// What the process was started with.
#[derive(Debug, Clone)]
pub struct Again {
    role: Role,
    given: Vec<(String, String)>,
    environment: Environment,
    /// As they were written at the start.
    written: Settings,
    /// Of what the file held then.
    pub fingerprint: u64,
    /// Stores that are open.
    backends: Vec<Backend>,
    /// These have to stay as they were at the start, and why.
    bound_to: Option<(Vec<Item>, &'static str)>,
}

/// What the file says now.
#[derive(Debug, Clone)]
pub struct Found {
    /// With the instances as the file has them.
    pub config: Config,
    /// What to write to the log, once.
    pub warnings: Vec<Warning>,
    /// Settings that differ from what runs and that a restart takes up.
    pub waiting: Vec<String>,
}

/// A problem of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The instance whose item it is in; empty: none's.
    pub instance: String,
    /// With the setting and the file.
    pub problem: String,
}

/// Of what a file holds; of one that cannot be read, of why. Blocks.
#[must_use]
pub fn fingerprint(path: &Path) -> u64 {
    match std::fs::read(path) {
        Ok(bytes) => xxhash_rust::xxh3::xxh3_64(&bytes),
        Err(error) => xxhash_rust::xxh3::xxh3_64(error.to_string().as_bytes()),
    }
}

// === impl Again ===

impl Again {
    /// `config` is what was found at the start, of settings that were `written` so.
    #[must_use]
    pub fn new(
        config: &Config,
        written: Settings,
        given: &[(String, String)],
        environment: &Environment,
    ) -> Self {
        let fingerprint = written
            .path("config-file")
            .map_or(0, |path| fingerprint(&path));
        Self {
            role: config.role,
            given: given.to_vec(),
            environment: environment.clone(),
            written,
            fingerprint,
            backends: config.storage.backends.clone(),
            bound_to: bound_by(config).map(|why| (config.items.clone(), why)),
        }
    }

    /// The file that is worth a look.
    #[must_use]
    pub fn file(&self) -> Option<PathBuf> {
        // an agent has no instances
        self.written
            .path("config-file")
            .filter(|_| !self.role.forwards())
    }

    /// What the file says now. Blocks: it and the files that it names are read.
    ///
    /// # Errors
    /// Everything that a start with this file would fail with, and what only a start could do.
    pub fn look(&self) -> Result<Found, Vec<Refused>> {
        let loaded = layers::load_again(&self.written, &self.given, &self.environment);
        let items = loaded.instances.iter();
        let items: Vec<(String, Position)> = items
            .map(|item| {
                (
                    format!("{}/{}", item.namespace, item.name),
                    item.position.clone(),
                )
            })
            .collect();
        let waiting = loaded.waiting.clone();
        let mut checked = Config::check(self.role, loaded, &self.environment);
        if let Some(config) = &checked.config {
            checked.problems.extend(self.beyond(config));
        }
        match checked.config {
            Some(config) if checked.problems.is_empty() => Ok(Found {
                config,
                warnings: checked.warnings,
                waiting,
            }),
            _ => {
                let problems = checked.problems.iter().map(ToString::to_string);
                let refused = problems.map(|problem| {
                    let mut items = items.iter();
                    let item = items.find(|(_, position)| position.is_named_in(&problem));
                    Refused {
                        instance: item.map(|(name, _)| name.clone()).unwrap_or_default(),
                        problem,
                    }
                });
                Err(refused.collect())
            }
        }
    }

    /// What only a start could do.
    fn beyond<'a>(&'a self, config: &'a Config) -> impl Iterator<Item = Problem> + 'a {
        let backends = config.storage.backends.iter();
        let closed = backends.filter(|backend| !self.backends.contains(backend));
        let closed = closed.map(|backend| {
            Problem::Invalid(format!(
                "span-storage.type: {} was not in use when this process started: restart it, and it will be",
                backend.as_str()
            ))
        });
        let moved = (self.bound_to.iter()).filter(|(items, _)| *items != config.items);
        let moved = moved.map(|(_, why)| {
            Problem::Invalid(format!(
                "instances: {why}: restart the process to change them"
            ))
        });
        closed.chain(moved)
    }
}

/// What the instances of the start are bound to, if to anything.
fn bound_by(config: &Config) -> Option<&'static str> {
    let collector = config.collector.as_ref();
    if collector.is_some_and(|c| c.sampling.adaptive.is_some()) {
        return Some(
            "adaptive sampling keeps what it knows with the instance that there was at the start",
        );
    }
    if config.storage.backends.contains(&Backend::Grpc) {
        return Some(
            "the store grpc is told the namespaces that there were at the start, by a header where there is more than one",
        );
    }
    let is_streaming = config.role.ingests() || config.storage.backends.contains(&Backend::Kafka);
    is_streaming
        .then_some("topics of Kafka are bound to the instances that there were at the start")
}
