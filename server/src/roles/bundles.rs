//! What is in `trust.bundles`, told while the process runs.
//!
//! In: the store of authorities, looked at every second. Out: metrics, and a line in the log for whatever is not used of a bundle, once, and for each change of whom is trusted. Whoever connects
//! looks for itself: without this the store would be as fresh, and nobody would know.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use trust::{Flaw, Report, Store, Why};

use crate::config::Config;

const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Lines in the log of one look.
const SHOWN: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

#[derive(Default)]
struct Metrics {
    files: Gauge,
    authorities: Gauge,
    unused: Family<Reason, Gauge>,
    changes: Counter,
    ends: Gauge,
}

/// Looks at the bundles.
pub(super) struct Watch {
    store: Store,
    metrics: Metrics,
    /// What was told last.
    told: Option<Arc<Report>>,
}

// === impl Metrics ===

impl Metrics {
    fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register(
            "spoor_trust_bundle_files",
            "Files of trust.bundles that are read",
            metrics.files.clone(),
        );
        registry.register(
            "spoor_trust_bundle_authorities",
            "Authorities that are trusted for trust.bundles",
            metrics.authorities.clone(),
        );
        registry.register(
            "spoor_trust_bundle_unused",
            "What stands in trust.bundles and is not used now, by why",
            metrics.unused.clone(),
        );
        registry.register(
            "spoor_trust_bundle_changes",
            "How often the authorities of trust.bundles became others",
            metrics.changes.clone(),
        );
        registry.register(
            "spoor_trust_bundle_expiry_seconds",
            "When the first of the authorities in trust.bundles ends, in seconds since the Unix epoch; 0: there is none",
            metrics.ends.clone(),
        );
        metrics
    }

    fn show(&self, report: &Report) {
        self.files.set(report.files as i64);
        self.authorities.set(report.authorities as i64);
        self.ends.set(report.ends.unwrap_or(0));
        for why in Why::ALL {
            let reason = why.as_str();
            let count = report.flaws.iter().filter(|flaw| flaw.why == why).count();
            let unused = self.unused.get_or_create_owned(&Reason { reason });
            unused.set(count as i64);
        }
    }
}

// === impl Watch ===

impl Watch {
    /// `None`: there are no bundles.
    pub(super) fn new(config: &Config, registry: &mut Registry) -> Option<Self> {
        let store = config.trust.clone();
        (!store.bundles().is_empty()).then(|| Self {
            store,
            metrics: Metrics::register(registry),
            told: None,
        })
    }

    /// Looks every second until `shutdown`.
    pub(super) async fn keep(mut self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            self = self.look().await;
        }
    }

    /// Looks once.
    pub(super) async fn look(mut self) -> Self {
        let store = self.store.clone();
        // a panic in there is said by the runtime
        if let Ok(report) = tokio::task::spawn_blocking(move || store.report()).await {
            self.take(&report);
        }
        self
    }

    fn take(&mut self, report: &Arc<Report>) {
        let before = self.told.replace(report.clone());
        if before.as_ref() == Some(report) {
            return;
        }
        let (is_first, before) = (before.is_none(), before.unwrap_or_default());
        self.metrics.show(report);
        let is_news = |flaw: &&Flaw| !flaw.why.is_harmless() && !before.flaws.contains(flaw);
        let news: Vec<&Flaw> = report.flaws.iter().filter(is_news).collect();
        for flaw in news.iter().take(SHOWN) {
            warn!(
                setting = "trust.bundles",
                reason = flaw.why.as_str(),
                "{flaw}"
            );
        }
        if let Some(more) = news.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            warn!(
                setting = "trust.bundles",
                more, "and more of the bundles is not used: see spoor check"
            );
        }
        if is_first || before.fingerprint != report.fingerprint {
            let (files, authorities) = (report.files, report.authorities);
            if !is_first {
                self.metrics.changes.inc();
            }
            info!(
                files,
                authorities,
                before = (!is_first).then_some(before.authorities),
                unused = report.flaws.len(),
                "authorities of trust.bundles are trusted"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn report(authorities: usize, unused: usize) -> Arc<Report> {
        let flaw = |nth| Flaw {
            path: PathBuf::from("/etc/bundle.pem"),
            at: Some((nth, nth)),
            why: if nth == 0 {
                Why::Duplicate
            } else {
                Why::Expired
            },
            text: "it ended".to_owned(),
        };
        Arc::new(Report {
            files: 1,
            authorities,
            ends: Some(7),
            fingerprint: authorities as u64,
            flaws: (0..unused).map(flaw).collect(),
        })
    }

    #[test]
    fn what_is_trusted_and_what_is_not_used_is_counted() {
        let mut registry = Registry::default();
        let mut watch = Watch {
            store: Store::default(),
            metrics: Metrics::register(&mut registry),
            told: None,
        };
        for next in [report(3, 4), report(3, 4), report(2, 1), report(2, 0)] {
            watch.take(&next);
        }
        watch.take(&report(5, 40));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "spoor_trust_bundle_files 1",
            "spoor_trust_bundle_authorities 5",
            "spoor_trust_bundle_changes_total 2",
            "spoor_trust_bundle_expiry_seconds 7",
            "spoor_trust_bundle_unused{reason=\"expired\"} 39",
            "spoor_trust_bundle_unused{reason=\"duplicate\"} 1",
            "spoor_trust_bundle_unused{reason=\"damaged\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
