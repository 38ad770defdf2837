//! A round as a plan: which traces it has, and which request carries which of their spans.
//!
//! In: a [`Workload`]. Out: plans, no bytes: what a check needs to know of a load that was sent earlier.

use std::collections::BTreeMap;

use super::ids;
use super::topology::{self, PlannedSpan};
use super::workload::{Shape, Workload};
use crate::Sent;

/// A round's traces and requests.
#[derive(Debug)]
pub struct Layout {
    /// What it was planned from.
    pub workload: Workload,
    /// Its traces.
    pub traces: Vec<PlannedTrace>,
    /// Its requests, in the order of sending.
    pub requests: Vec<PlannedRequest>,
}

/// A trace of a round.
#[derive(Debug)]
pub struct PlannedTrace {
    /// Its spans, the root first.
    pub spans: Vec<PlannedSpan>,
    /// The request that carries each of them.
    pub requests: Vec<u32>,
}

/// A request of a round.
#[derive(Debug)]
pub struct PlannedRequest {
    /// The service and the pod that it comes from.
    pub pod: (u64, u64),
    /// Trace, and place in it, of each span.
    pub spans: Vec<(u32, u32)>,
}

// === impl Layout ===

impl Layout {
    /// Plans a round. Each request comes from one pod; what a pod has left at the end makes a smaller request.
    pub fn new(workload: &Workload) -> Self {
        let mut layout = Self {
            workload: workload.clone(),
            traces: Vec::new(),
            requests: Vec::new(),
        };
        let mut waiting: BTreeMap<(u64, u64), Vec<(u32, u32)>> = BTreeMap::new();
        let mut planned = 0;
        while planned < workload.spans {
            let trace = layout.traces.len() as u32;
            let spans = topology::plan(workload, u64::from(trace));
            planned += spans.len();
            layout.traces.push(PlannedTrace {
                requests: vec![0; spans.len()],
                spans: spans.clone(),
            });
            let whole = workload.shape == Shape::Whole;
            for (at, span) in spans.iter().enumerate() {
                let queue = waiting.entry((span.service, span.pod)).or_default();
                // a whole trace that does not fit goes into the next request
                if queue.len() >= workload.batch
                    || (whole && at == 0 && queue.len() + spans.len() > workload.batch)
                {
                    let full = std::mem::take(queue);
                    layout.push((span.service, span.pod), full);
                }
                let queue = waiting.entry((span.service, span.pod)).or_default();
                queue.push((trace, at as u32));
            }
        }
        for (pod, rest) in waiting {
            layout.push(pod, rest);
        }
        layout
    }

    /// The id of a trace when the round is sent under number `round`.
    pub fn trace_id(&self, round: u64, trace: u32) -> u128 {
        ids::trace_id(self.workload.seed, round, trace)
    }

    /// Spans of the whole round.
    pub fn spans(&self) -> u64 {
        self.requests.iter().map(|r| r.spans.len() as u64).sum()
    }

    /// How many requests, counted over rounds, carry at least `spans` spans.
    pub fn requests_for(&self, spans: u64) -> u64 {
        let (rounds, rest) = (spans / self.spans(), spans % self.spans());
        let mut sum = 0;
        let whole = self
            .requests
            .iter()
            .take_while(|r| {
                let before = sum;
                sum += r.spans.len() as u64;
                before < rest
            })
            .count();
        rounds * self.requests.len() as u64 + whole as u64
    }

    /// How many spans of each trace were acknowledged, by (round, trace): the count that a store is held against.
    pub fn acknowledged(&self, sent: &[Sent]) -> BTreeMap<(u64, u32), u32> {
        let mut counts = BTreeMap::new();
        for sent in sent.iter().filter(|s| s.acknowledged) {
            let spans = self.requests.get(sent.request as usize);
            for (trace, _) in spans.map(|r| r.spans.as_slice()).unwrap_or_default() {
                *counts.entry((sent.round, *trace)).or_default() += 1;
            }
        }
        counts
    }

    /// The ids of a request's spans when the round is sent under number `round`.
    pub fn span_ids(&self, round: u64, request: u32) -> impl Iterator<Item = u64> {
        let high = ids::round(self.workload.seed, round);
        let spans = self.requests.get(request as usize);
        let spans = spans.map(|r| r.spans.as_slice()).unwrap_or_default();
        spans
            .iter()
            .map(move |(trace, at)| ids::span(ids::trace(high, *trace), *at))
    }

    fn push(&mut self, pod: (u64, u64), spans: Vec<(u32, u32)>) {
        if spans.is_empty() {
            return;
        }
        let number = self.requests.len() as u32;
        for (trace, at) in &spans {
            if let Some(trace) = self.traces.get_mut(*trace as usize) {
                trace.requests[*at as usize] = number;
            }
        }
        self.requests.push(PlannedRequest { pod, spans });
    }
}
