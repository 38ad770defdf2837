//! The graph of calls, counted from the spans that lie in the cluster: one document an hour, where Jaeger reads it. No job of somebody else's is needed, and none is disturbed.
//!
//! In: a store. Out: its documents of dependencies, kept right while spans are written, by one process of all that write for the instance: the one that has the lease. The current hour is counted
//! again and again; one that is over once more when no span comes in time any more, and then only when a late span has marked it. An hour is counted whole each time, from what is stored, so that
//! whoever counts it, after whatever crash, counts the same.
//!
//! A document is replaced only in the state that it was in before its spans were read. So of two that count one hour, whatever their leases say, the one that read later is the one that stays.
//!
//! Deliberately absent: what a call is (`calls`), and reading the documents (`dependencies`). Why so: `docs/adr/0015-graph-of-calls.md`.

mod hours;
mod marks;
mod metrics;
mod pace;
mod scan;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::bulk::{chance, jittered};
use super::config::Graph;
use super::document::dependencies::Made;
use super::lease::{Leases, Version};
use super::store::Store;
use crate::http_client::Error;
use crate::layers::window::system_clock;
use crate::port::{HOUR_NS, NEAR_NS, ReadContext};
use hours::{DAY, Hours, Put};
use pace::Pace;
use scan::Scan;

pub(crate) use marks::Marks;
pub(super) use metrics::Families;
use metrics::Metrics;

/// The lease's name.
const LEASE: &str = "dependencies_leader";
/// The shortest time that the lease is taken for: a cluster that is slow to answer is not to change the leader.
const SHORTEST: Duration = Duration::from_secs(5);
/// Hours without a mark that are counted in one turn, so that those with one do not wait for all that there are.
const UNMARKED: usize = 8;
/// How long a shutdown waits for the cluster to take the lease back; else it ends by itself.
const RESIGNING: Duration = Duration::from_secs(2);

/// Keeps one instance's graph.
pub(super) struct Keeper {
    store: Arc<Store>,
    leases: Arc<Leases>,
    /// No other process has this name, on this machine or another.
    holder: Arc<str>,
    metrics: Metrics,
    /// Hours that have no document of when they were read last, and when that was, in milliseconds since the Unix epoch: no spans, or no longer all, or somebody else's day.
    seen: HashMap<u64, u64>,
    /// Marks, and since when each is known as it is.
    marked: HashMap<u64, (Version, Instant)>,
}

/// What became of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Its document is there.
    Written,
    /// There is nothing to be written, or what is there says more.
    Left,
}

// === impl Keeper ===

impl Keeper {
    /// None: it is switched off.
    pub(super) fn new(store: &Arc<Store>, families: &Families) -> Option<Self> {
        store.place.graph.is_on.then(|| Self {
            leases: Arc::new(Leases::new(store.clone())),
            holder: format!("{}-{:016x}", std::process::id(), chance()).into(),
            metrics: families.of(&store.instance),
            seen: HashMap::new(),
            marked: HashMap::new(),
            store: store.clone(),
        })
    }

    /// Counts, whenever this process leads, until `ending`.
    pub(super) async fn keep(mut self, ending: CancellationToken) {
        // an hour that is cut off is counted again
        ending.run_until_cancelled(self.turns()).await;
        if self.metrics.leads() {
            self.metrics.lead(false);
            let resigned = self.leases.resign(LEASE, &self.holder);
            drop(tokio::time::timeout(RESIGNING, resigned).await);
        }
    }

    fn graph(&self) -> Graph {
        self.store.place.graph
    }

    /// The first hour that may still be counted, and the current one.
    fn hours(&self, now_ns: u64) -> (u64, u64) {
        let lookback = nanos(self.store.place.limits.max_span_age);
        (now_ns.saturating_sub(lookback) / HOUR_NS, now_ns / HOUR_NS)
    }

    /// How long the lease is taken for.
    fn ttl(&self) -> Duration {
        self.graph().interval.max(SHORTEST)
    }

    /// Waits until this process has written spans, or others have: they may be gone before the last of their hours was counted.
    async fn in_use(&self) {
        loop {
            let late_after = self.graph().late_after;
            let later = late_after + jittered(late_after);
            let look = tokio::time::timeout(later, self.store.in_use.wait());
            if look.await.is_ok() {
                return;
            }
            let (first, current) = self.hours(system_clock()());
            let made = self.store.made_between(first, current).await;
            // a cluster that cannot be asked is asked again
            if made.is_ok_and(|made| !made.is_empty()) {
                return;
            }
        }
    }

    async fn turns(&mut self) {
        self.in_use().await;
        let interval = self.graph().interval;
        // often enough that the lease does not end between two
        let tick = interval.min(self.ttl() / 3);
        let mut next = Instant::now();
        let mut told = None;
        // those that start together do not all ask at once
        tokio::time::sleep(jittered(tick)).await;
        loop {
            let failed = match self.leads().await {
                Ok(true) if Instant::now() >= next => {
                    let turn = self.turn().await;
                    next = Instant::now() + interval;
                    turn.err()
                }
                Ok(_) => None,
                Err(error) => Some(error),
            };
            if let Some(error) = &failed {
                self.metrics.errors.inc();
                // what goes on failing in the same way is told once
                if told.as_ref() != Some(error) {
                    tracing::warn!(instance = %self.store.instance, %error, "the graph of calls could not be counted, and is tried again");
                }
            } else if told.is_some() {
                tracing::info!(instance = %self.store.instance, "the graph of calls is counted again");
            }
            told = failed;
            tokio::time::sleep(tick).await;
        }
    }

    /// Whether this process has the lease now.
    async fn leads(&self) -> Result<bool, Error> {
        let leads = self.leases.acquire(LEASE, &self.holder, self.ttl()).await;
        // one that cannot be asked for may be somebody else's by now
        let is_held = matches!(leads, Ok(true));
        if self.metrics.leads() != is_held {
            tracing::info!(instance = %self.store.instance, leads = is_held, "whether this process counts the graph of calls changed");
        }
        self.metrics.lead(is_held);
        leads
    }

    /// Counts every hour that is to be counted. The error is that of the last that failed.
    async fn turn(&mut self) -> Result<(), Error> {
        let pace = Pace::new(self.leases.clone(), self.holder.clone(), self.ttl());
        let marks = self.store.marked_hours().await?;
        self.metrics
            .marked
            .set(i64::try_from(marks.len()).unwrap_or(i64::MAX));
        self.marked
            .retain(|hour, known| marks.get(hour) == Some(&known.0));
        for (hour, version) in &marks {
            let now = Instant::now();
            self.marked.entry(*hour).or_insert((*version, now));
        }
        let mut failed = Ok(());
        for (hour, mark) in self.due().await? {
            let outcome = self.count(hour, &pace).await;
            match (outcome, mark) {
                (Ok(_), Some(version)) => {
                    // not when another span came late meanwhile
                    self.store.clear_mark(hour, version).await?;
                }
                (Ok(_), None) => {}
                // the other goes on with it
                (Err(_), _) if pace.is_lost() => return Ok(()),
                (Err(error), _) => failed = Err(error),
            }
        }
        failed
    }

    /// Hours that are to be counted, the newest first, with the marks that are then to go.
    async fn due(&mut self) -> Result<Vec<(u64, Option<Version>)>, Error> {
        let graph = self.graph();
        let now_ns = system_clock()();
        let (first, current) = self.hours(now_ns);
        let mut read = self.store.made_between(first, current).await?;
        self.seen.retain(|hour, _| *hour >= first);
        let foreign = self.store.foreign_days(first, current).await?;
        for day in &foreign {
            // they hold the same calls, and Jaeger would add ours to them
            if read.range(*day..day + DAY).next().is_some() {
                let count = self.store.withdraw(*day).await?;
                tracing::info!(instance = %self.store.instance, day = Hours::shown(*day), count, "somebody else counts the calls of this day: our documents of it are gone");
            }
        }
        for (hour, at) in &self.seen {
            let last = read.entry(*hour).or_default();
            *last = (*last).max(*at);
        }
        let mut due: BTreeMap<u64, Option<Version>> = BTreeMap::new();
        for hour in (first..=current).rev() {
            let end_ns = (hour + 1).saturating_mul(HOUR_NS);
            let last_ns = read.get(&hour).map(|ms| ms.saturating_mul(1_000_000));
            let settled_ns = end_ns + nanos(graph.late_after) + nanos(graph.settle);
            let is_due = last_ns.is_none_or(|last_ns| {
                last_ns < end_ns || (now_ns >= settled_ns && last_ns < settled_ns)
            });
            let is_ours = !foreign.contains(&(hour - hour % DAY));
            if is_ours && (hour == current || is_due) && due.len() < UNMARKED {
                due.insert(hour, None);
            }
        }
        // what was written before a mark was settled may not be found yet
        let ready = self
            .marked
            .iter()
            .filter(|(_, (_, since))| since.elapsed() >= graph.settle);
        due.extend(ready.map(|(hour, (version, _))| (*hour, Some(*version))));
        Ok(due.into_iter().rev().collect())
    }

    async fn count(&mut self, hour: u64, pace: &Pace) -> Result<Outcome, Error> {
        pace.renew().await?;
        let began = Instant::now();
        let scanned_ms = system_clock()() / 1_000_000;
        let outcome = self.count_at(hour, scanned_ms, pace).await?;
        self.metrics.hours.inc();
        if outcome == Outcome::Left {
            self.seen.insert(hour, scanned_ms);
        } else {
            self.seen.remove(&hour);
        }
        tracing::debug!(instance = %self.store.instance, hour, ?outcome, took_ms = began.elapsed().as_millis() as u64, "counted the calls of an hour");
        Ok(outcome)
    }

    async fn count_at(&self, hour: u64, scanned_ms: u64, pace: &Pace) -> Result<Outcome, Error> {
        let store = &self.store;
        if !store.foreign_days(hour, hour).await?.is_empty() {
            store.withdraw(hour).await?;
            return Ok(Outcome::Left);
        }
        self.check_open(hour).await?;
        // before its spans: whoever replaces it meanwhile has read them later
        let before = store.document_of(hour).await?;
        let counted = Scan::new(store, hour, pace).run().await?;
        self.metrics.spans.inc_by(counted.spans + counted.near);
        let made = Made {
            scanned_ms,
            spans: counted.spans,
            near: counted.near,
        };
        let is_less = before.as_ref().is_some_and(|before| {
            let had = before.made;
            had.spans > made.spans || had.near > made.near
        });
        if is_less || (before.is_none() && made.spans == 0) {
            // spans go by retention, and what was counted of them stays
            return Ok(Outcome::Left);
        }
        match store.put_hour(hour, &counted.links, &made, before).await? {
            Put::Done => Ok(Outcome::Written),
            Put::Overtaken => Err(Error::Busy(format!(
                "{} was counted by another process at the same time",
                Hours::shown(hour)
            ))),
        }
    }

    /// What lies in an index that is closed is not gone, and is missing in a search.
    async fn check_open(&self, hour: u64) -> Result<(), Error> {
        let store = &self.store;
        let start = hour.saturating_mul(HOUR_NS);
        let around = (start.saturating_sub(NEAR_NS), start + HOUR_NS + NEAR_NS);
        let cx = ReadContext::default();
        for (series, times) in [
            (&store.names.spans, around),
            (&store.names.dependencies, (start, start + HOUR_NS - 1)),
        ] {
            let left_out = store
                .closed
                .left_out(&store.client, &cx, &store.names, series, [times]);
            if let Some(what) = left_out.await.into_iter().next() {
                return Err(Error::Busy(format!(
                    "calls of {} are not counted: {what}",
                    Hours::shown(hour)
                )));
            }
        }
        Ok(())
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
