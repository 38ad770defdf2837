//! Housekeeping by itself: in a process that writes, for each instance that has any switched on.
//!
//! In: a store and its [`Upkeep`]. Out: the same as the tools do, again and again until the process ends; a line in the log for what was done, and one for what could not be. Every process of an
//! instance may do it: each takes its turns at moments of its own, does what is left to do, and mostly finds it done.
//!
//! Where rollover is switched on, indices and aliases that are missing are made first, so that a new instance needs no command.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::bulk::chance;
use super::super::config::Upkeep;
use super::super::store::Store;
use super::cleaner::{Age, Clean, Kinds};
use super::metrics::{Families, Metrics};
use super::rollover::{Done, Init};
use super::{Housekeeper, Sets};
use crate::layers::window::system_clock;

/// The first turn is taken within so much time, so that processes that start together do not all take it at once.
const FIRST: Duration = Duration::from_secs(5);
/// After a failure, the next turn is taken no later than so.
const AGAIN: Duration = Duration::from_secs(600);
/// Names in a line of the log.
const SHOWN: usize = 20;

/// What all of it is about: by itself, adaptive sampling has no aliases.
const SETS: Sets = Sets {
    archive: false,
    dependencies: true,
    sampling: false,
};

/// Keeps one instance's indices in order.
pub(in crate::elasticsearch) struct Keeper {
    store: Arc<Store>,
    housekeeper: Housekeeper,
    upkeep: Upkeep,
    metrics: Metrics,
}

/// A kind of turn.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Clean,
    Rollover,
}

// === impl Keeper ===

impl Keeper {
    /// None: nothing is switched on.
    pub(in crate::elasticsearch) fn new(store: &Arc<Store>, families: &Families) -> Option<Self> {
        let upkeep = store.place.upkeep.clone();
        if upkeep.max_age.is_zero() && upkeep.rollover_interval.is_zero() {
            return None;
        }
        Some(Self {
            housekeeper: Housekeeper::of(store),
            metrics: families.of(&store.instance),
            store: store.clone(),
            upkeep,
        })
    }

    /// Takes turns until `ending`.
    pub(in crate::elasticsearch) async fn keep(self, ending: CancellationToken) {
        let cleans = !self.upkeep.max_age.is_zero();
        let rolls = !self.upkeep.rollover_interval.is_zero();
        let turns = async {
            tokio::join!(
                self.take(Turn::Clean, self.upkeep.clean_interval, cleans),
                self.take(Turn::Rollover, self.upkeep.rollover_interval, rolls),
            )
        };
        // whatever is cut off can be done again
        ending.run_until_cancelled(turns).await;
    }

    async fn take(&self, turn: Turn, interval: Duration, is_on: bool) {
        if !is_on {
            return;
        }
        let mut told = None;
        let mut pause = share(FIRST.min(interval));
        loop {
            tokio::time::sleep(pause).await;
            let failed = match turn {
                Turn::Clean => self.clean().await,
                Turn::Rollover => self.roll_over().await,
            };
            pause = interval - share(interval / 10);
            if let Some(error) = &failed {
                self.metrics.errors.inc();
                pause = pause.min(AGAIN);
                // what goes on failing in the same way is told once
                if told.as_ref() != Some(error) {
                    tracing::warn!(instance = %self.store.instance, error, "housekeeping failed, and is tried again");
                }
            } else if told.is_some() {
                tracing::info!(instance = %self.store.instance, "housekeeping works again");
            }
            told = failed;
        }
    }

    /// What failed.
    async fn clean(&self) -> Option<String> {
        let clean = Clean {
            // those of days may be from before there were aliases, and the other way round
            kinds: Kinds {
                dated: true,
                rolled: true,
                archive: false,
            },
            age: Age::Whole(self.upkeep.max_age),
            dry_run: false,
        };
        let cleaned = match self.housekeeper.clean(&clean).await {
            Ok(cleaned) => cleaned,
            Err(failed) => return Some(failed),
        };
        let count = cleaned.deleted.len();
        if count > 0 {
            self.metrics.cleaned.inc_by(count as u64);
            tracing::info!(
                instance = %self.store.instance,
                count,
                indices = shown(&cleaned.deleted),
                "deleted indices that are older than es.cleaner.max-age"
            );
        }
        cleaned.failed
    }

    /// What failed.
    async fn roll_over(&self) -> Option<String> {
        let init = Init {
            sets: SETS,
            sampling_priority: 0,
            templates: self.store.place.indices.create_templates,
        };
        let made = match self.housekeeper.init(&init).await {
            Ok(made) => made,
            Err(failed) => return Some(failed),
        };
        let before = self.tell(&made);
        if before.is_some() {
            return before;
        }
        let conditions = &self.upkeep.conditions;
        let mut rolled = self.housekeeper.rollover(SETS, conditions).await;
        self.metrics.rollovers.inc_by(rolled.rolled as u64);
        // who stays is not worth a line at each turn
        rolled
            .lines
            .retain(|line| !line.contains("no condition is met"));
        let failed = self.tell(&rolled);
        if self.upkeep.lookback.is_zero() {
            return failed;
        }
        let lookback = u64::try_from(self.upkeep.lookback.as_millis()).unwrap_or(u64::MAX);
        let before_ms = (system_clock()() / 1_000_000).saturating_sub(lookback);
        let taken = self.housekeeper.take_out(SETS, before_ms).await;
        failed.or(self.tell(&taken))
    }

    fn tell(&self, done: &Done) -> Option<String> {
        if !done.lines.is_empty() {
            tracing::info!(instance = %self.store.instance, done = shown(&done.lines), "kept indices in order");
        }
        let failed = done.failed.join("; ");
        Some(failed).filter(|failed| !failed.is_empty())
    }
}

/// The first of them, in one line.
fn shown(lines: &[String]) -> String {
    let mut text = lines.get(..SHOWN).unwrap_or(lines).join(", ");
    if let Some(more) = lines.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// Somewhere between nothing and `time`.
fn share(time: Duration) -> Duration {
    time.mul_f64(f64::from(chance() as u32) / f64::from(u32::MAX))
}
