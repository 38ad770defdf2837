//! What was sent, written down so that a later command can hold a store against it.
//!
//! In: a workload and an outcome. Out: a file of JSON, small whatever the load: requests are named only where they did not arrive.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::{Outcome, Workload};

/// A load that was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// What a round was.
    pub workload: Workload,
    /// The rounds, in order; the last ones may be incomplete.
    pub rounds: Vec<Round>,
    /// Spans of requests that were sent.
    pub sent_spans: u64,
    /// Spans of requests that were acknowledged.
    pub acknowledged_spans: u64,
    /// When the first request was written, nanoseconds since the Unix epoch.
    pub start_ns: i64,
    /// When the last one was.
    pub end_ns: i64,
}

/// One time that the epoch was sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Round {
    /// Its number, which its ids are made of.
    pub number: u64,
    /// When its first request was written, nanoseconds since the Unix epoch.
    pub start_ns: i64,
    /// When its last one was.
    pub end_ns: i64,
    /// Requests that were sent and not acknowledged: their spans may be there or not.
    pub refused: BTreeSet<u32>,
    /// Requests that were never sent.
    pub unsent: BTreeSet<u32>,
}

// === impl State ===

impl State {
    /// Of a load of rounds with `requests` requests each; `spans` tells how many spans one has.
    pub fn new(
        workload: &Workload,
        requests: usize,
        spans: impl Fn(usize) -> u32,
        outcome: &Outcome,
    ) -> Self {
        let mut rounds: Vec<Round> = outcome
            .rounds
            .iter()
            .map(|(number, (start_ns, end_ns))| Round {
                number: *number,
                start_ns: *start_ns,
                end_ns: *end_ns,
                refused: BTreeSet::new(),
                unsent: (0..requests as u32).collect(),
            })
            .collect();
        let (mut sent_spans, mut acknowledged_spans) = (0, 0);
        for sent in &outcome.sent {
            let count = u64::from(spans(sent.request as usize));
            sent_spans += count;
            let at = rounds.binary_search_by_key(&sent.round, |r| r.number);
            let round = at.ok().and_then(|at| rounds.get_mut(at));
            if let Some(round) = round {
                round.unsent.remove(&sent.request);
                if sent.acknowledged {
                    acknowledged_spans += count;
                } else {
                    round.refused.insert(sent.request);
                }
            }
        }
        Self {
            workload: workload.clone(),
            start_ns: rounds.first().map_or(0, |r| r.start_ns),
            end_ns: rounds.iter().map(|r| r.end_ns).max().unwrap_or_default(),
            rounds,
            sent_spans,
            acknowledged_spans,
        }
    }

    /// Writes it.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        std::fs::write(path, text).with_context(|| format!("write {}", path.display()))
    }

    /// Reads it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no state", path.display()))
    }
}
