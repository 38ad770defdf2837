//! What was counted, as points: rates, shares and quantiles.
//!
//! In: counts by bucket of time. Out: a line of points for each service or operation that was counted at all. The rules:
//!
//! - a point sums up what started in the time that it looks back over, its own moment excluded; a rate is that by the second;
//! - the share of errors, and latencies, are not a number where nothing was called;
//! - a quantile lies in the bucket of durations that holds its rank, as Prometheus' `histogram_quantile` finds it, and within that where
//!   the logarithm of its bounds is divided as the rank divides the bucket's calls, as with Prometheus' native histograms. In the first bucket, which ends at 1 µs, the division is
//!   even, and what is longer than all bounds is as long as the last. So an answer is off by less than a bucket is long: 19 %.

use std::collections::BTreeMap;

use model::Str;
use storage::port::{BOUNDS, Cell, Line, bound_us};
use storage::{Measure, Measured};

use super::{Metric, MetricsQuery, OPERATION, Point, SERVICE};

/// Counts that a point sums up.
struct Window {
    calls: u64,
    errors: u64,
    /// By bucket of durations.
    durations: Vec<u64>,
}

/// A line of points for each line of `measured`, as many as have room, and how many have none: those with the fewest calls.
pub(super) fn metrics(
    measured: &Measured,
    query: &MetricsQuery,
    max_points: usize,
) -> (Vec<Metric>, usize) {
    let room = (max_points / measured.grid.points().len().max(1)).max(1);
    let mut lines: Vec<_> = measured
        .lines
        .iter()
        .filter(|(_, c)| !c.is_empty())
        .collect();
    let left_out = lines.len().saturating_sub(room);
    if left_out > 0 {
        let calls = |cells: &BTreeMap<u64, Cell>| cells.values().map(|c| c.calls).sum::<u64>();
        lines.sort_by_cached_key(|(_, cells)| std::cmp::Reverse(calls(cells)));
        lines.truncate(room);
        lines.sort_by_key(|(line, _)| *line);
    }
    let metrics = lines.into_iter().map(|(line, cells)| Metric {
        labels: labels(line),
        points: points(measured, cells, query),
    });
    (metrics.collect(), left_out)
}

fn labels(line: &Line) -> Vec<(String, String)> {
    let label = |name: &str, value: &Str| (name.to_owned(), value.to_string());
    let operation = line.operation.iter().map(|name| label(OPERATION, name));
    operation.chain([label(SERVICE, &line.service)]).collect()
}

fn points(measured: &Measured, cells: &BTreeMap<u64, Cell>, query: &MetricsQuery) -> Vec<Point> {
    let grid = &measured.grid;
    let mut window = Window::default();
    let (mut from, mut until) = (0, 0);
    let mut points = Vec::with_capacity(grid.points().len());
    for (nth, ms) in grid.points().enumerate() {
        let of_point = grid.buckets_of(nth);
        // what both points sum up stays; where they share nothing, both ends pass over it
        for cell in cells.range(until..of_point.end.max(until)) {
            window.add(cell.1);
        }
        for cell in cells.range(from..of_point.start.max(from)) {
            window.remove(cell.1);
        }
        (from, until) = (of_point.start, of_point.end);
        points.push(Point {
            ms: i64::try_from(ms).unwrap_or(i64::MAX),
            value: window.value(query, grid.rate_ms()),
        });
    }
    points
}

// === impl Window ===

impl Default for Window {
    fn default() -> Self {
        Self {
            calls: 0,
            errors: 0,
            durations: vec![0; usize::from(BOUNDS) + 1],
        }
    }
}

fn float(count: u64) -> f64 {
    count as f64
}

impl Window {
    fn add(&mut self, cell: &Cell) {
        self.calls = self.calls.saturating_add(cell.calls);
        self.errors = self.errors.saturating_add(cell.errors);
        for (bucket, count) in &cell.durations {
            if let Some(sum) = self.durations.get_mut(usize::from(*bucket)) {
                *sum = sum.saturating_add(*count);
            }
        }
    }

    fn remove(&mut self, cell: &Cell) {
        self.calls = self.calls.saturating_sub(cell.calls);
        self.errors = self.errors.saturating_sub(cell.errors);
        for (bucket, count) in &cell.durations {
            if let Some(sum) = self.durations.get_mut(usize::from(*bucket)) {
                *sum = sum.saturating_sub(*count);
            }
        }
    }

    fn value(&self, query: &MetricsQuery, rate_ms: u64) -> f64 {
        match query.measure {
            Measure::Calls => float(self.calls) / (float(rate_ms) / 1_000.0),
            Measure::Errors => float(self.errors) / float(self.calls),
            Measure::Latencies => quantile(query.quantile.unwrap_or_default(), &self.durations),
        }
    }
}

/// In milliseconds.
fn quantile(quantile: f64, durations: &[u64]) -> f64 {
    let all: u64 = durations.iter().sum();
    if all == 0 || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    let rank = quantile * float(all);
    let mut before = 0;
    let mut found = (BOUNDS, 0.0);
    for (bucket, count) in (0..).zip(durations) {
        let until = before + count;
        if *count > 0 && float(until) >= rank {
            found = (bucket, (rank - float(before)) / float(*count));
            break;
        }
        before = until;
    }
    let us = match found {
        (0, share) => share * bound_us(0),
        (bucket, _) if bucket >= BOUNDS => bound_us(BOUNDS - 1),
        // the same for logarithms, which bounds are even steps of
        (bucket, share) => ((f64::from(bucket) - 1.0 + share) / 4.0).exp2(),
    };
    us / 1_000.0
}
