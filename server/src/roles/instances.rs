//! Instances that come, go and change while the process runs.
//!
//! In: the file of settings, compared now and then, and at once after a SIGHUP. Out: stores, layers and rules as a start with that file would have them; those of instances that it does not
//! concern are not touched. A file that a start would refuse changes nothing. What else the file says is not taken up, and is named. Why so: docs/adr/0011-instances-at-run-time.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access::{Grants, Guard};
use model::Instance;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use settings::Warning;
use storage::elasticsearch::{Change, Elasticsearch};
use storage::stack::{Kept, Storage};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};
use trust::Instances;

use super::signals::Hangups;
use crate::config::again::fingerprint;
use crate::config::{Again, Config, Found, Refused};

/// How often the file is compared.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A change is taken up when the file has been still for this long.
const SETTLE: Duration = Duration::from_millis(40);
/// How often we wait for that before we take it as it is.
const SETTLE_ATTEMPTS: usize = 5;
/// A file that was refused is tried again so often: what it names may have come meanwhile, such as a certificate.
const TRY_AGAIN: Duration = Duration::from_secs(10);
/// Problems and names in the log.
const SHOWN: usize = 20;

/// What a look ended with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    result: &'static str,
}

/// What is counted of it.
#[derive(Clone, Default)]
pub(super) struct Metrics {
    reloads: Family<Outcome, Counter>,
    last_good: Gauge,
    instances: Gauge,
}

/// What is changed.
pub(super) struct Live {
    pub(super) guard: Guard,
    pub(super) storage: Arc<Storage>,
    pub(super) clusters: Option<Arc<Elasticsearch>>,
}

/// Looks at the file.
pub(super) struct Watch {
    again: Arc<Again>,
    path: PathBuf,
    live: Live,
    metrics: Metrics,
    /// What the file held when it was looked at last.
    tried: u64,
    /// It was refused, with this, and is tried again then.
    refused: Option<(Vec<Refused>, Instant)>,
    known: Known,
    /// Warnings that the log has.
    told: BTreeSet<String>,
    waiting: Vec<String>,
    /// Nothing is shown any more of instances that are gone.
    is_tidy: bool,
}

/// What runs.
struct Known {
    instances: Instances,
    kept: BTreeMap<Instance, Kept>,
    /// Who may what.
    grants: Grants,
}

/// What a file comes to, opened and not in use yet.
struct Opened {
    found: Found,
    change: Option<Change>,
}

// === impl Metrics ===

impl Metrics {
    /// `spoor_config_reloads_total{result}`, `spoor_config_last_good_seconds` and `spoor_instances`.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        for result in [APPLIED, UNCHANGED, INVALID] {
            metrics.reloads.get_or_create_owned(&Outcome { result });
        }
        registry.register(
            "spoor_config_reloads",
            "Looks at a changed file of settings, by what they ended with",
            metrics.reloads.clone(),
        );
        registry.register(
            "spoor_config_last_good_seconds",
            "When the file of settings was last found good, in seconds since the Unix epoch",
            metrics.last_good.clone(),
        );
        registry.register(
            "spoor_instances",
            "Instances that there are now",
            metrics.instances.clone(),
        );
        metrics
    }

    fn count(&self, result: &'static str) {
        self.reloads.get_or_create_owned(&Outcome { result }).inc();
    }

    fn good(&self, instances: usize) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        self.last_good
            .set(now.map_or(0, |now| now.as_secs() as i64));
        self.instances.set(instances as i64);
    }
}

const APPLIED: &str = "applied";
const UNCHANGED: &str = "unchanged";
const INVALID: &str = "invalid";

// === impl Watch ===

impl Watch {
    /// `None`: there is no file. `warnings` are those that the start has told.
    pub(super) fn new(
        again: Again,
        config: &Config,
        warnings: &[Warning],
        live: Live,
        metrics: Metrics,
    ) -> Option<Self> {
        let kept = by_instance(&config.storage.kept);
        metrics.good(kept.len());
        Some(Self {
            path: again.file()?,
            tried: again.fingerprint,
            again: Arc::new(again),
            live,
            metrics,
            refused: None,
            known: Known {
                instances: config.instances.clone(),
                grants: config.access.grants.clone(),
                kept,
            },
            told: warnings.iter().map(ToString::to_string).collect(),
            waiting: Vec::new(),
            is_tidy: true,
        })
    }

    /// Takes changes up until `shutdown`.
    pub(super) async fn keep(mut self, mut hangups: Hangups, shutdown: CancellationToken) {
        loop {
            let is_asked = tokio::select! {
                () = shutdown.cancelled() => return,
                () = hangups.next() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            self.is_tidy = self.is_tidy || self.live.storage.tidy();
            let now = self.settled().await;
            let is_due = self
                .refused
                .as_ref()
                .is_some_and(|(_, at)| *at <= Instant::now());
            if now != self.tried || is_asked || is_due {
                self.tried = now;
                self.look(is_asked).await;
            }
        }
    }

    /// What the file holds, once it is still.
    async fn settled(&self) -> u64 {
        let mut read = self.read().await;
        if read == self.tried {
            return read;
        }
        for _ in 0..SETTLE_ATTEMPTS {
            tokio::time::sleep(SETTLE).await;
            let before = std::mem::replace(&mut read, self.read().await);
            if before == read {
                break;
            }
        }
        read
    }

    async fn read(&self) -> u64 {
        let path = self.path.clone();
        let read = tokio::task::spawn_blocking(move || fingerprint(&path));
        read.await.unwrap_or(self.tried)
    }

    async fn look(&mut self, is_asked: bool) {
        let (again, clusters) = (self.again.clone(), self.live.clusters.clone());
        let opened = tokio::task::spawn_blocking(move || open(&again, clusters.as_deref())).await;
        match opened {
            Ok(Ok(opened)) => {
                self.refused = None;
                self.apply(opened);
            }
            Ok(Err(refused)) => self.refuse(refused, is_asked),
            // it panicked, which has been told, or the process ends
            Err(_) => self.metrics.count(INVALID),
        }
    }

    fn refuse(&mut self, refused: Vec<Refused>, is_asked: bool) {
        let until = Instant::now() + TRY_AGAIN;
        let before = self.refused.take();
        let is_told = before.is_some_and(|(before, _)| before == refused);
        if !is_told || is_asked {
            self.tell(&refused);
        }
        self.refused = Some((refused, until));
    }

    fn tell(&self, refused: &[Refused]) {
        self.metrics.count(INVALID);
        let file = self.path.display();
        for Refused { instance, problem } in refused.iter().take(SHOWN) {
            error!(%file, instance, problem, "cannot use the changed file of settings: the instances that run stay as they are");
        }
        if let Some(more) = refused.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            error!(%file, more, "and it has more problems: see spoor validate");
        }
    }

    fn apply(&mut self, opened: Opened) {
        let Opened { found, change } = opened;
        let Found {
            config,
            warnings,
            waiting,
        } = found;
        let file = self.path.display().to_string();
        for warning in warnings {
            if self.told.insert(warning.to_string()) {
                warn!(setting = warning.settings.join(", "), "{}", warning.note);
            }
        }
        if !waiting.is_empty() && waiting != self.waiting {
            warn!(
                file,
                setting = waiting.join(", "),
                "changed, and taken up by a restart alone: what it was at the start stays in effect"
            );
        }
        self.waiting = waiting;
        let kept = by_instance(&config.storage.kept);
        let anew = change.as_ref().map(|change| change.concerned().clone());
        let anew = anew.unwrap_or_default();
        let news = News::of(&self.known.kept, &kept, &anew);
        let rules_changed =
            self.known.instances != config.instances || self.known.grants != config.access.grants;
        self.metrics.good(kept.len());
        if news.is_empty() && !rules_changed {
            self.metrics.count(UNCHANGED);
            info!(
                file,
                "the file of settings was looked at: nothing changes of the instances"
            );
            return;
        }
        // what comes is open before anything leads to it
        if let (Some(clusters), Some(change)) = (&self.live.clusters, change) {
            clusters.apply(change);
        }
        let all = kept.values().cloned().collect();
        self.live.storage.change(all, &anew);
        self.is_tidy = news.removed.is_empty();
        self.live.guard.rules().replace(config.instances.clone());
        self.live.guard.replace_grants(config.access.grants.clone());
        self.metrics.count(APPLIED);
        info!(
            file,
            added = shown(&news.added),
            removed = shown(&news.removed),
            changed = shown(&news.changed),
            unchanged = kept.len() - news.added.len() - news.changed.len(),
            "took up the changed file of settings"
        );
        self.known = Known {
            instances: config.instances,
            grants: config.access.grants,
            kept,
        };
    }
}

/// What is new of the instances.
struct News {
    added: Vec<Instance>,
    removed: Vec<Instance>,
    changed: Vec<Instance>,
}

// === impl News ===

impl News {
    fn of(
        before: &BTreeMap<Instance, Kept>,
        now: &BTreeMap<Instance, Kept>,
        anew: &BTreeSet<Instance>,
    ) -> Self {
        let missing = |of: &BTreeMap<Instance, Kept>, among: &BTreeMap<Instance, Kept>| {
            let missing = of.keys().filter(|instance| !among.contains_key(instance));
            missing.cloned().collect()
        };
        let is_changed = |(instance, kept): &(&Instance, &Kept)| {
            let known = before.get(*instance);
            known.is_some_and(|known| known != *kept || anew.contains(*instance))
        };
        let changed = now.iter().filter(is_changed);
        Self {
            added: missing(now, before),
            removed: missing(before, now),
            changed: changed.map(|(instance, _)| instance.clone()).collect(),
        }
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

/// Blocks.
fn open(again: &Again, clusters: Option<&Elasticsearch>) -> Result<Opened, Vec<Refused>> {
    let found = again.look()?;
    let configs = found.config.storage.elasticsearch.clone();
    let change = clusters
        .map(|clusters| clusters.prepare(configs))
        .transpose();
    let change = change.map_err(|problem| {
        let instance = String::new();
        vec![Refused { instance, problem }]
    })?;
    Ok(Opened { found, change })
}

fn by_instance(kept: &[Kept]) -> BTreeMap<Instance, Kept> {
    let kept = kept.iter();
    kept.map(|kept| (kept.instance.clone(), kept.clone()))
        .collect()
}

/// The first of them, in one text.
fn shown(instances: &[Instance]) -> String {
    let names = instances.iter().take(SHOWN).map(Instance::as_str);
    let mut text = names.collect::<Vec<_>>().join(", ");
    if let Some(more) = instances.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
