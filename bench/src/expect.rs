//! What a store must answer, derived from what was sent.
//!
//! In: a [`State`]. Out: how many spans each trace has, and how many traces answer a search: ranges, where requests were refused or where the
//! time of a round is only known from its first to its last request.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::OnceLock;

use crate::generator::ids;
use crate::generator::topology::{MAX_AGE_NS, PlannedSpan};
use crate::rng::Rng;
use crate::state::Round;
use crate::{Layout, State};

/// Everything that is known of a load.
#[derive(Debug)]
pub struct Expect {
    /// What a round is.
    pub layout: Layout,
    /// What was sent of it.
    pub state: State,
    /// The store has other traces too, of the same services: what it has more is not wrong.
    pub shared: bool,
    /// The rounds' places, by the upper half of their traces' ids.
    rounds: HashMap<u64, usize>,
    /// The traces of each round by the lower half of their ids, made when first asked for.
    traces: Vec<OnceLock<HashMap<u64, u32>>>,
    calls: OnceLock<BTreeMap<(u64, u64), u64>>,
}

/// One trace that was sent, wholly acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct SentTrace {
    /// Its id.
    pub id: u128,
    /// Its round's place.
    pub round: usize,
    /// Its number in the round.
    pub trace: u32,
}

// === impl Expect ===

impl Expect {
    /// Of this load.
    pub fn new(state: State) -> Self {
        let layout = Layout::new(&state.workload);
        let seed = state.workload.seed;
        let place = |(at, round): (usize, &Round)| (ids::round(seed, round.number), at);
        Self {
            layout,
            rounds: state.rounds.iter().enumerate().map(place).collect(),
            traces: state.rounds.iter().map(|_| OnceLock::new()).collect(),
            calls: OnceLock::new(),
            shared: false,
            state,
        }
    }

    /// A trace by chance, all of whose spans were acknowledged, from this part of the load (0: its start, 1: its end).
    pub fn sample(&self, rng: &mut Rng, part: RangeInclusive<f64>) -> Option<SentTrace> {
        for _ in 0..10_000 {
            let count = self.state.rounds.len() as f64;
            let place = part.start() + (part.end() - part.start()) * rng.unit();
            let round = ((place * count) as usize).min(self.state.rounds.len().checked_sub(1)?);
            let trace = rng.below(self.layout.traces.len() as u64) as u32;
            // of the last round, only a part may have been sent
            let planned = self.layout.traces[trace as usize].spans.len();
            if *self.span_range(round, trace).start() == planned {
                let number = self.state.rounds[round].number;
                return Some(SentTrace {
                    id: self.layout.trace_id(number, trace),
                    round,
                    trace,
                });
            }
        }
        None
    }

    /// How many spans of a trace a store has: from those acknowledged to those sent.
    pub fn span_range(&self, round: usize, trace: u32) -> RangeInclusive<usize> {
        let Some(round) = self.state.rounds.get(round) else {
            return 0..=0;
        };
        let requests = &self.layout.traces[trace as usize].requests;
        let sent = requests.iter().filter(|r| !round.unsent.contains(r));
        let acknowledged = sent.clone().filter(|r| !round.refused.contains(r));
        acknowledged.count()..=sent.count()
    }

    /// Where the trace with this id was sent; `None` when it was not.
    pub fn locate(&self, id: u128) -> Option<(usize, u32)> {
        let (high, low) = ((id >> 64) as u64, id as u64);
        let round = *self.rounds.get(&high)?;
        let traces = self.traces.get(round)?.get_or_init(|| {
            let count = self.layout.traces.len() as u32;
            (0..count).map(|t| (ids::trace(high, t), t)).collect()
        });
        Some((round, *traces.get(&low)?))
    }

    /// How many traces have a span that `matches` and starts within the window (microseconds since the Unix epoch).
    pub fn matching(
        &self,
        window_us: &RangeInclusive<u64>,
        matches: impl Fn(&PlannedSpan) -> bool,
    ) -> RangeInclusive<usize> {
        // for each trace that can answer, the requests that carry the spans that do
        let candidates: Vec<Vec<u32>> = self
            .layout
            .traces
            .iter()
            .map(|trace| {
                let spans = trace.spans.iter().zip(&trace.requests);
                let answering = spans.filter(|(span, _)| matches(span));
                answering.map(|(_, request)| *request).collect()
            })
            .filter(|requests: &Vec<u32>| !requests.is_empty())
            .collect();
        let (mut sure, mut possible) = (0, 0);
        for round in &self.state.rounds {
            let earliest = (round.start_ns - MAX_AGE_NS) as u64 / 1000;
            let last = round.end_ns as u64 / 1000;
            if last < *window_us.start() || earliest > *window_us.end() {
                continue;
            }
            // of a round that the window opens or shuts in, no trace is sure
            let inside = earliest >= *window_us.start() && last <= *window_us.end();
            for requests in &candidates {
                let sent = |r: &&u32| !round.unsent.contains(r);
                let acknowledged = |r: &&u32| sent(r) && !round.refused.contains(r);
                sure += usize::from(inside && requests.iter().any(|r| acknowledged(&r)));
                possible += usize::from(requests.iter().any(|r| sent(&r)));
            }
        }
        sure..=possible
    }

    /// How often each service was called by another, over the whole load: (parent, child).
    pub fn calls(&self) -> &BTreeMap<(u64, u64), u64> {
        self.calls.get_or_init(|| self.count_calls())
    }

    fn count_calls(&self) -> BTreeMap<(u64, u64), u64> {
        let mut calls = BTreeMap::new();
        let whole = |round: &&Round| round.unsent.is_empty() && round.refused.is_empty();
        let whole_rounds = self.state.rounds.iter().filter(whole).count() as u64;
        for trace in &self.layout.traces {
            for (at, span) in trace.spans.iter().enumerate() {
                let Some(parent) = span.parent.map(|p| p as usize) else {
                    continue;
                };
                let caller = trace.spans[parent].service;
                if caller == span.service {
                    continue;
                }
                // where parts of a round are missing, a call counts when both its spans are there
                let there = |round: &&Round| {
                    [at, parent].iter().all(|at| {
                        let request = &trace.requests[*at];
                        !round.unsent.contains(request) && !round.refused.contains(request)
                    })
                };
                let parts = self.state.rounds.iter().filter(|r| !whole(r));
                let count = whole_rounds + parts.filter(there).count() as u64;
                *calls.entry((caller, span.service)).or_default() += count;
            }
        }
        calls
    }
}
