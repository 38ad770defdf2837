//! `bench verify`: whether the traces that were acknowledged are there, each with all its spans, each once.
//!
//! In: a store and a load. Out: the traces that are wrong.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::RangeInclusive;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::api::Api;
use crate::expect::Expect;
use crate::generator::ids;
use crate::rng::{Rng, mix};

/// What came of it.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Traces that were asked for.
    pub traces: usize,
    /// Spans that they have.
    pub spans: usize,
    /// What is wrong, a line a trace.
    pub wrong: Vec<String>,
}

/// Asks for `count` traces by id; which ones is a function of the seed.
pub async fn run(api: &Api, expect: &Expect, count: usize) -> anyhow::Result<Verdict> {
    let mut rng = Rng::new(mix(expect.state.workload.seed, 0x7665_7269_6679));
    let traces = expect.layout.traces.len() as u64;
    let rounds = expect.state.rounds.len() as u64;
    anyhow::ensure!(rounds > 0, "the state says that nothing was sent");
    let mut sample = BTreeSet::new();
    // a load smaller than the sample is asked for as a whole
    let most = usize::try_from(traces * rounds).unwrap_or(usize::MAX);
    while sample.len() < count.min(most) {
        let (round, trace) = if most <= count {
            let n = sample.len() as u64;
            (n / traces, n % traces)
        } else {
            (rng.below(rounds), rng.below(traces))
        };
        sample.insert((round as usize, trace as u32));
    }
    let mut answers = stream::iter(sample)
        .map(|(round, trace)| check(api, expect, round, trace))
        .buffer_unordered(4);
    let mut verdict = Verdict::default();
    while let Some(answer) = answers.next().await {
        verdict.traces += 1;
        match answer {
            Ok(spans) => verdict.spans += spans,
            Err(why) => verdict.wrong.push(why),
        }
    }
    Ok(verdict)
}

async fn check(api: &Api, expect: &Expect, round: usize, trace: u32) -> Result<usize, String> {
    let number = expect.state.rounds[round].number;
    let id = expect.layout.trace_id(number, trace);
    let path = format!("/api/traces/{id:032x}?raw=true");
    let found = match api.get(&path).await {
        Ok(reply) => reply.traces(),
        Err(error) => Err(error),
    };
    let found = found.map_err(|error| format!("{path}: {error:#}"))?;
    if found.len() > 1 || found.iter().any(|f| f.id != id) {
        return Err(format!("{path}: {} traces", found.len()));
    }
    let there: Vec<u64> = found
        .iter()
        .flat_map(|f| f.spans.iter().map(|s| s.id))
        .collect();
    let range = expect.span_range(round, trace);
    let planned = expect.layout.traces[trace as usize].spans.len() as u32;
    let own = (0..planned).map(|at| ids::span(id as u64, at));
    let own: BTreeSet<u64> = own.collect();
    compare(&there, &range, &own).map_err(|why| format!("{path}: {why}"))
}

/// Whether `there` are as many as `range` allows, each of `own`, each once.
fn compare(
    there: &[u64],
    range: &RangeInclusive<usize>,
    own: &BTreeSet<u64>,
) -> Result<usize, String> {
    let distinct: BTreeSet<u64> = there.iter().copied().collect();
    let foreign = distinct.difference(own).count();
    let doubled = there.len() - distinct.len();
    if range.contains(&distinct.len()) && foreign == 0 && doubled == 0 {
        return Ok(there.len());
    }
    Err(format!(
        "{} spans, {doubled} of them doubled and {foreign} of no such id, where {} to {} were sent",
        there.len(),
        range.start(),
        range.end()
    ))
}

// === impl Verdict ===

impl Verdict {
    /// As JSON.
    pub fn to_json(&self, label: &str) -> Value {
        json!({"kind": "verify", "label": label, "traces": self.traces, "spans": self.spans, "wrong": self.wrong})
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.wrong.iter().take(20) {
            writeln!(f, "wrong: {line}")?;
        }
        writeln!(
            f,
            "{} traces with {} spans, {} of them wrong",
            self.traces,
            self.spans,
            self.wrong.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_doubled_and_foreign_spans_are_wrong() {
        let own = BTreeSet::from([1, 2, 3]);
        for (there, range, right) in [
            (&[1, 2, 3][..], 3..=3, true),
            (&[1, 3], 3..=3, false),
            (&[1, 3], 1..=3, true),
            (&[1, 2, 3, 3], 3..=3, false),
            (&[1, 2, 4], 3..=3, false),
            (&[], 0..=0, true),
            (&[1], 0..=0, false),
        ] {
            assert_eq!(compare(there, &range, &own).is_ok(), right, "{there:?}");
        }
    }
}
