//! Whether the stores would work: what an operator wants to know before a start, and when something does not.
//!
//! In: the stores of all instances. Out: findings, each with what is wrong in plain words and which setting mends it. Clusters are asked, and nothing is changed there: the only write is one that a
//! cluster has to refuse.
//!
//! Source: Elasticsearch's "Has privileges", "Authenticate" and "Bulk" APIs; OpenSearch's "Security API"; `cluster.max_shards_per_node`.

mod capacity;
mod certificates;
mod indices;
mod reach;
mod rights;

use std::time::Duration;

use futures_util::StreamExt as _;
use model::Instance;

use super::config::{Config, Place};
use super::housekeeping::Housekeeper;
use capacity::Load;
use certificates::Shown;

pub use crate::finding::{Finding, Verdict};

/// How long a cluster may take for each question.
const PATIENCE: Duration = Duration::from_secs(10);
/// Places that are looked at at once.
const AT_ONCE: usize = 8;

/// A place that is looked at, and what was found.
pub(super) struct Look<'a> {
    instance: &'a Instance,
    store: &'static str,
    place: &'a Place,
    findings: Vec<Finding>,
}

/// What is found at one place that is compared with others.
#[derive(Default)]
struct Compared {
    load: Option<Load>,
    shown: Option<Shown>,
}

// === impl Look ===

impl<'a> Look<'a> {
    fn new(instance: &'a Instance, store: &'static str, place: &'a Place) -> Self {
        Self {
            instance,
            store,
            place,
            findings: Vec::new(),
        }
    }

    pub(super) fn find(
        &mut self,
        subject: &'static str,
        verdict: Verdict,
        text: impl Into<String>,
    ) {
        self.findings.push(Finding {
            instance: self.instance.clone(),
            store: self.store,
            subject,
            verdict,
            text: text.into(),
        });
    }

    pub(super) fn good(&mut self, subject: &'static str, text: impl Into<String>) {
        self.find(subject, Verdict::Good, text);
    }

    pub(super) fn problem(&mut self, subject: &'static str, text: impl Into<String>) {
        self.find(subject, Verdict::Problem, text);
    }

    /// `es.index-prefix`, or what stands in its place for this store.
    pub(super) fn setting(&self, name: &str) -> String {
        format!("{}.{name}", self.place.connection.settings)
    }
}

/// Looks at the stores of all instances, in their order.
pub async fn check(configs: &[Config]) -> Vec<Finding> {
    let places = configs.iter().flat_map(|config| {
        let archive = config.archive.as_ref().map(|place| ("archive", place));
        let places = [("main", &config.main)].into_iter().chain(archive);
        places.map(|(store, place)| Look::new(&config.instance, store, place))
    });
    let looked = futures_util::stream::iter(places)
        .map(look)
        .buffered(AT_ONCE);
    let looked: Vec<(Look<'_>, Compared)> = looked.collect().await;
    let mut loads = Vec::new();
    let mut shown = Vec::new();
    let mut findings = Vec::new();
    for (look, compared) in looked {
        loads.extend(
            compared
                .load
                .map(|load| (look.instance.clone(), look.store, load)),
        );
        shown.extend(
            compared
                .shown
                .map(|shown| (look.instance.clone(), look.store, shown)),
        );
        findings.extend(look.findings);
    }
    findings.extend(certificates::compare(&shown));
    findings.extend(capacity::compare(&loads));
    findings
}

async fn look(mut look: Look<'_>) -> (Look<'_>, Compared) {
    let mut compared = Compared {
        shown: certificates::own(&mut look),
        load: None,
    };
    let housekeeper = match Housekeeper::open(look.place.clone(), PATIENCE) {
        Ok(housekeeper) => housekeeper,
        Err(problem) => {
            look.problem("files", problem);
            return (look, compared);
        }
    };
    if !reach::each_url(&mut look).await {
        return (look, compared);
    }
    let Some(flavour) = reach::server(&mut look, &housekeeper).await else {
        return (look, compared);
    };
    rights::check(&mut look, &housekeeper, flavour).await;
    indices::check(&mut look, &housekeeper, flavour).await;
    compared.load = capacity::of(&look, &housekeeper).await;
    (look, compared)
}
