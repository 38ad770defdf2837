//! Whole traces that were read a moment ago, for a page that asks for their parts.
//!
//! In: an instance, who asks, which trace and whether raw; a trace that was read for them. Out: that trace, to the same instance, the same credentials and the same question
//! alone, until nobody asked for it for a while. Bounded by bytes: the one that was asked for longest ago goes first, and one that is too large is not kept. Of several requests for one trace
//! that come together one reads it. What was cut is kept too: its parts have to go together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use model::{Instance, TraceId};
use storage::{Completeness, GetTrace, ReadError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cache::Owner;
use super::{Assembled, Call, Prepare, Turn};
use crate::whole::Whole;

/// How often traces are looked for that nobody asked for.
const EVERY: Duration = Duration::from_secs(5);

/// How much is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How long nobody asks for a trace until it goes (`query.trace-cache-ttl`, 1 min); zero: none is kept.
    pub ttl: Duration,
    /// How much memory all take (`query.trace-cache-bytes`, 256 MiB).
    pub bytes: usize,
}

/// The traces. Cloning shares them.
#[derive(Clone)]
pub(super) struct Kept {
    config: Config,
    traces: Arc<Mutex<Traces>>,
}

/// To whom a trace was given, for what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    instance: Instance,
    owner: Owner,
    /// How often the instances had changed: another store may be behind one that came anew.
    changes: u64,
    trace_id: TraceId,
    raw: bool,
}

#[derive(Default)]
struct Traces {
    /// The one that was asked for last stands last.
    kept: Vec<Entry>,
    bytes: usize,
    /// Whoever reads one holds its lock.
    reading: HashMap<Key, Weak<tokio::sync::Mutex<()>>>,
}

struct Entry {
    key: Key,
    found: Found,
    asked: Instant,
}

/// A trace that is there.
#[derive(Clone)]
pub(crate) struct Found {
    /// It.
    pub(crate) whole: Arc<Whole>,
    /// Whether it is nowhere but in the archive.
    pub(crate) archived: bool,
}

/// Whether a trace may be one that was read a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// As it is now.
    New,
    /// As it was read last.
    Kept,
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(60),
            bytes: 256 << 20,
        }
    }
}

// === impl Kept ===

impl Kept {
    /// `None`: nothing is kept.
    pub(super) fn new(config: &Config) -> Option<Self> {
        (!config.ttl.is_zero() && config.bytes > 0).then(|| Self {
            config: config.clone(),
            traces: Arc::default(),
        })
    }

    /// Lets go of what nobody asks for, until `shutdown`.
    pub(super) async fn keep(&self, shutdown: &CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY.min(self.config.ttl));
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                _ = ticks.tick() => self.with(|_| ()),
            }
        }
    }

    fn get(&self, key: &Key) -> Option<Found> {
        self.with(|traces| {
            let at = traces.kept.iter().position(|entry| entry.key == *key)?;
            let mut entry = traces.kept.remove(at);
            entry.asked = Instant::now();
            let found = entry.found.clone();
            traces.kept.push(entry);
            Some(found)
        })
    }

    fn put(&self, key: Key, found: Found) {
        let most = self.config.bytes;
        self.with(|traces| {
            traces.let_go(|entry| entry.key == key);
            let bytes = found.whole.weight();
            if bytes > most {
                return;
            }
            while traces.bytes + bytes > most && !traces.kept.is_empty() {
                let oldest = traces.kept.remove(0);
                traces.bytes -= oldest.found.whole.weight();
            }
            traces.bytes += bytes;
            traces.kept.push(Entry {
                key,
                found,
                asked: Instant::now(),
            });
        });
    }

    /// What whoever reads this trace holds.
    fn lock(&self, key: &Key) -> Arc<tokio::sync::Mutex<()>> {
        self.with(|traces| {
            if let Some(lock) = traces.reading.get(key).and_then(Weak::upgrade) {
                return lock;
            }
            traces.reading.retain(|_, lock| lock.strong_count() > 0);
            let lock = Arc::default();
            traces.reading.insert(key.clone(), Arc::downgrade(&lock));
            lock
        })
    }

    /// With what nobody asked for in time gone.
    fn with<T>(&self, then: impl FnOnce(&mut Traces) -> T) -> T {
        let mut traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        let ttl = self.config.ttl;
        traces.let_go(|entry| entry.asked.elapsed() > ttl);
        then(&mut traces)
    }
}

// === impl Traces ===

impl Traces {
    fn let_go(&mut self, is_gone: impl Fn(&Entry) -> bool) {
        let mut bytes = 0;
        self.kept.retain(|entry| {
            let gone = is_gone(entry);
            if gone {
                bytes += entry.found.whole.weight();
            }
            !gone
        });
        self.bytes -= bytes;
    }
}

// === impl Call ===

impl Call<'_> {
    /// A trace with all its parts, and the turn to be held until they are sent; `None`: there is none.
    pub(crate) async fn whole(
        &self,
        trace_id: TraceId,
        raw: bool,
        age: Age,
    ) -> Result<Option<(Found, Turn)>, ReadError> {
        let Some(kept) = &self.service.kept else {
            return self.read_whole(trace_id, raw).await;
        };
        let key = Key {
            instance: self.instance.clone(),
            owner: self.asker.owner,
            changes: self.asker.changes,
            trace_id,
            raw,
        };
        let may_be_old = age == Age::Kept && !self.asker.wants_news;
        if !may_be_old {
            self.count("passed");
            return self.read_and_keep(kept, key).await;
        }
        if let Some(found) = kept.get(&key) {
            self.count("hit");
            return Ok(Some((found, self.turn().await?)));
        }
        let lock = kept.lock(&key);
        let reading = self.within(lock.lock()).await.ok_or_else(|| self.late())?;
        // who read it meanwhile kept it
        if let Some(found) = kept.get(&key) {
            self.count("hit");
            drop(reading);
            return Ok(Some((found, self.turn().await?)));
        }
        self.count("miss");
        self.read_and_keep(kept, key).await
    }

    fn count(&self, result: &'static str) {
        self.service.metrics.cached("get_trace", result);
    }

    async fn read_and_keep(
        &self,
        kept: &Kept,
        key: Key,
    ) -> Result<Option<(Found, Turn)>, ReadError> {
        let read = self.read_whole(key.trace_id, key.raw).await?;
        if let Some((found, _)) = &read {
            kept.put(key, found.clone());
        }
        Ok(read)
    }

    async fn read_whole(
        &self,
        trace_id: TraceId,
        raw: bool,
    ) -> Result<Option<(Found, Turn)>, ReadError> {
        let adjuster = (!raw).then(|| self.service.adjuster());
        let prepare: Prepare<Whole> =
            Arc::new(move |assembled: Assembled| Whole::of(assembled, adjuster));
        let wanted = GetTrace {
            trace_id,
            start_ns: None,
            end_ns: None,
        };
        let mut answer = self.get_traces(&[wanted], prepare).await?;
        match (answer.traces.pop(), answer.completeness) {
            (Some((_, whole)), _) => {
                let found = Found {
                    whole: Arc::new(whole),
                    archived: answer.archived,
                };
                Ok(Some((found, answer.turn)))
            }
            (None, Completeness::Complete) => Ok(None),
            // it may well be there
            (None, Completeness::Partial { reason }) => Err(ReadError::Late { reason }),
        }
    }
}

#[cfg(test)]
mod tests;
