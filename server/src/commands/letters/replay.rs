//! `spoor dead-letter replay`: what could not be stored is sent to the store again, as the settings are now.
//!
//! In: letters. Out: what became of them. A letter is forgotten once its span was confirmed and not before; a span that was stored already is stored once. What still cannot be stored stays.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use model::{Batch, Instance, Span};
use storage::disk::RealDisk;
use storage::elasticsearch::Elasticsearch;
use storage::embedded::Embedded;
use storage::layers::dead_letter::open;
use storage::layers::{Limits, Window, window};
use storage::stack::{self, replayer};
use storage::{Backend, Buried, DeadLetterReader, TraceWriter, WriteError};
use tokio::time::Instant;

use super::{Failed, queries, reader};
use crate::cli::letters::Wanted;
use crate::commands::store::{count, opened_as};
use crate::config;

/// How long a store may refuse to take any before the replay ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// Until the next try, where the store does not say.
const PAUSE: Duration = Duration::from_millis(500);
/// Reasons of those that stay that are told.
const SHOWN: usize = 10;

/// What became of letters.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    stored: u64,
    /// Payloads that hold no span.
    unreadable: u64,
    /// Why spans could not be stored, with how many.
    failed: BTreeMap<String, u64>,
}

struct Replay {
    writer: Arc<dyn TraceWriter>,
    reader: Arc<dyn DeadLetterReader>,
    window: Window,
    limits: Limits,
    dry_run: bool,
    outcome: Outcome,
}

pub(super) async fn run(
    config: &config::Letters,
    wanted: &Wanted,
    dry_run: bool,
    out: &mut impl Write,
) -> Result<bool, Failed> {
    let (window, limits) = (config.storage.window(), config.storage.limits());
    let settings = stack::Settings {
        window,
        limits,
        ..stack::Settings::default()
    };
    let backends = if dry_run {
        Vec::new()
    } else {
        backends(config)?
    };
    let mut replay = Replay {
        writer: replayer(&backends, &settings),
        reader: reader(config)?,
        window,
        limits,
        dry_run,
        outcome: Outcome::default(),
    };
    let ended = replay.all(config, wanted).await;
    for backend in &backends {
        backend.close().await;
    }
    replay.outcome.say(dry_run, out)?;
    ended?;
    Ok(replay.outcome.failed.is_empty() && replay.outcome.unreadable == 0)
}

/// All stores that spans go to.
fn backends(config: &config::Letters) -> Result<Vec<Arc<dyn Backend>>, Failed> {
    let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
    for backend in &config.storage.backends {
        backends.push(match backend {
            config::Backend::Elasticsearch => {
                let opened = Elasticsearch::new(config.storage.elasticsearch.clone());
                Arc::new(opened.map_err(Failed::Store)?)
            }
            config::Backend::Embedded => {
                let settings = opened_as(&config.storage.embedded, config.memory_max_bytes);
                let opened = Embedded::open(settings, Arc::new(RealDisk));
                Arc::new(opened.map_err(|error| Failed::Store(error.to_string()))?)
            }
            // nothing that is kept there outlives this command; and what failed behind Kafka goes to the store, not round again
            config::Backend::Memory
            | config::Backend::Collector
            | config::Backend::Kafka
            | config::Backend::Grpc => {
                continue;
            }
        });
    }
    Ok(backends)
}

// === impl Replay ===

impl Replay {
    async fn all(&mut self, config: &config::Letters, wanted: &Wanted) -> Result<(), Failed> {
        let reader = self.reader.clone();
        for query in queries(config, wanted) {
            let mut pages = reader.read(&query);
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| Failed::Store(error.to_string()))?;
                self.page(&query.instance, page).await?;
            }
        }
        Ok(())
    }

    async fn page(&mut self, instance: &Instance, letters: Vec<Buried>) -> Result<(), Failed> {
        let mut ids = Vec::with_capacity(letters.len());
        let mut spans = Vec::with_capacity(letters.len());
        let mut bytes = 0;
        for letter in letters {
            match open(&letter.payload) {
                Ok(span) => {
                    bytes += letter.payload.len();
                    ids.push(letter.id);
                    spans.push(span);
                }
                Err(_) => self.outcome.unreadable += 1,
            }
        }
        if spans.is_empty() {
            return Ok(());
        }
        if self.dry_run {
            self.look(&spans);
            return Ok(());
        }
        let batch = Batch {
            instance: instance.clone(),
            spans: Arc::new(spans),
            retained_bytes: bytes,
        };
        let stay = self.write(batch).await?;
        let mut at = 0;
        ids.retain(|_| {
            at += 1;
            stay.binary_search(&(at - 1)).is_err()
        });
        self.outcome.stored += ids.len() as u64;
        let forgotten = self.reader.forget(instance, ids).await;
        forgotten.map_err(|error| {
            Failed::Store(format!(
                "{error}; its letters stay, and may be sent again: a span is stored once"
            ))
        })
    }

    /// What the settings alone would say.
    fn look(&mut self, spans: &[Span]) {
        let now_ns = window::system_clock()();
        for span in spans {
            let outside = self
                .window
                .check(span, now_ns)
                .err()
                .map(|why| why.to_string());
            let beyond = || self.limits.check(span).err().map(|why| why.to_string());
            match outside.or_else(beyond) {
                Some(why) => *self.outcome.failed.entry(why).or_default() += 1,
                None => self.outcome.stored += 1,
            }
        }
    }

    /// Positions of spans that can still not be stored, rising; all others are durable.
    async fn write(&mut self, batch: Batch) -> Result<Vec<usize>, Failed> {
        let until = Instant::now() + PATIENCE;
        loop {
            let error = match self.writer.write(batch.clone()).await {
                Ok(()) => return Ok(Vec::new()),
                Err(WriteError::Rejected(spans)) => {
                    for span in &spans {
                        let why = span.reason.to_string();
                        *self.outcome.failed.entry(why).or_default() += 1;
                    }
                    return Ok(spans.into_iter().map(|span| span.at).collect());
                }
                Err(error) => error,
            };
            if Instant::now() >= until {
                return Err(Failed::Store(error.to_string()));
            }
            let pause = match error {
                WriteError::Throttled { after, .. } => after,
                _ => PAUSE,
            };
            tokio::time::sleep(pause).await;
        }
    }
}

// === impl Outcome ===

impl Outcome {
    fn say(&self, dry_run: bool, out: &mut impl Write) -> std::io::Result<()> {
        let stored = count(self.stored, "span");
        let then = if dry_run {
            format!("{stored} would be sent")
        } else {
            format!("{stored} stored, and the letters forgotten")
        };
        writeln!(out, "{then}")?;
        if self.unreadable > 0 {
            writeln!(
                out,
                "{} stay, which hold no span",
                count(self.unreadable, "letter")
            )?;
        }
        let failed: u64 = self.failed.values().sum();
        if failed > 0 {
            writeln!(
                out,
                "{} stay, which can still not be stored:",
                count(failed, "letter")
            )?;
        }
        for (why, many) in self.failed.iter().take(SHOWN) {
            writeln!(out, "  {many}: {}", why.replace(['\n', '\r'], " "))?;
        }
        if self.failed.len() > SHOWN {
            writeln!(
                out,
                "  and {} more",
                count((self.failed.len() - SHOWN) as u64, "reason")
            )?;
        }
        Ok(())
    }
}
