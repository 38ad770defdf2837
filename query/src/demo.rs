//! A small shop's traces, made up: what a first visit has something to look at with.
//!
//! In: a moment and a seed. Out: the spans of some two hundred traces of the hour before it, the same for the same two: customers who look around, fill carts and pay, with a
//! database, a cache, a queue, failures that are tried again, and a few requests that take much too long. They are told from real ones by `service.namespace` `spoor-demo`.
//!
//! Deliberately absent: sending them.

mod scene;
mod shop;

use model::Span;

use scene::Rng;

const HOUR_NS: u64 = 3600 * 1_000_000_000;
/// So many customers come in an hour.
const VISITS: u64 = 200;

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demo {
    /// The last moment, nanoseconds since the Unix epoch.
    pub end_ns: u64,
    /// What else decides.
    pub seed: u64,
}

// === impl Demo ===

impl Demo {
    /// What is made of the hour before `now_ns`: other traces at each moment.
    pub fn before(now_ns: u64) -> Self {
        Self {
            end_ns: now_ns,
            seed: now_ns,
        }
    }

    /// The traces, the oldest first. None has a span that ends after the last moment.
    pub fn traces(self) -> Vec<Vec<Span>> {
        let mut rng = Rng::new(self.seed);
        let shop = shop::Shop::new(&mut rng);
        // the last visit has time to end
        let from_ns = self.end_ns.saturating_sub(HOUR_NS);
        let step_ns = (HOUR_NS - shop::LONGEST_NS) / VISITS;
        let mut traces = Vec::new();
        for visit in 0..VISITS {
            let start_ns = from_ns + visit * step_ns + rng.below(step_ns);
            traces.extend(shop.visit(&mut rng, start_ns));
        }
        traces
    }
}

/// Whole traces together, each batch of at least one and of no more than `most` spans where a trace is no longer than that.
pub fn batches(traces: &[Vec<Span>], most: usize) -> Vec<Vec<Span>> {
    let mut batches: Vec<Vec<Span>> = Vec::new();
    for trace in traces {
        match batches.last_mut() {
            Some(batch) if batch.len() + trace.len() <= most => batch.extend_from_slice(trace),
            _ => batches.push(trace.clone()),
        }
    }
    batches
}

#[cfg(test)]
mod tests;
