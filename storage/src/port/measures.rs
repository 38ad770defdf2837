//! The part of the port that rates, errors and latencies of services stand on: spans, counted by time.
//!
//! In: which services and kinds of spans, and a [`Grid`] of points in time. Out: for each service, or each of its operations, what started in each
//! bucket of time: calls, those that failed, and how long they took, by [`buckets`](bucket_of) that add up. The rules of what is counted stand here, for every backend:
//!
//! - a span is counted by when it started, and by its kind;
//! - it failed when its status is error, which in Jaeger's form is the tag `error=true`, or `otel.status_code=ERROR`;
//! - its duration counts in whole microseconds, in a bucket that ends at a power of the fourth root of two: 19 % from one end to the next.
//!
//! Deliberately absent: rates, quantiles and names of metrics, which are made of this by who answers people.
//!
//! Source: the shape of `jaegertracing/jaeger: internal/storage/v1/api/metricstore` v1.76.0; time windows are those of Prometheus' `rate`, closed at their start.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use hashbrown::HashMap;
use model::{SpanKind, Str};

use super::{ReadContext, ReadError};
use crate::query::us;

/// Buckets of time in a [`Grid`] at most: as many as Prometheus gives points.
pub const MAX_BUCKETS: u64 = 11_000;
/// Ends of buckets of durations; what is longer than the last, some 38 hours, is in one more bucket.
pub const BOUNDS: u16 = 4 * 37 + 1;
/// Roughly the bytes of a cell beside its durations, and of one of those.
const CELL: usize = 96;
const DURATION: usize = 16;

/// Counts the spans of one instance.
pub trait MeasureReader: Send + Sync {
    /// What spans of these services started in each bucket of the query's grid. What could not be counted is said in `cx.lacks`: failed shards, blocks
    /// that cannot be read, and what there was no time or memory for. A store that cannot count so finely answers with a coarser grid, and says so.
    fn measure<'a>(
        &'a self,
        cx: &'a ReadContext,
        query: &'a MeasureQuery,
    ) -> BoxFuture<'a, Result<Measured, ReadError>>;
}

/// What is asked of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// How long their operations take.
    Latencies,
    /// How often they are called.
    Calls,
    /// Which part of the calls fails.
    Errors,
}

/// What to count.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureQuery {
    /// Calls are always counted; durations and errors where they are what is asked.
    pub measure: Measure,
    /// Of which services.
    pub services: Vec<Str>,
    /// Only spans of these kinds; none: of all.
    pub kinds: Vec<SpanKind>,
    /// For each operation by itself.
    pub by_operation: bool,
    /// When.
    pub grid: Grid,
}

/// Points in time, each of which looks back over the same length. Milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    first_ms: u64,
    step_ms: u64,
    points: u64,
    rate_ms: u64,
}

/// A service, or one of its operations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    /// The service.
    pub service: Str,
    /// The operation, where each is counted by itself.
    pub operation: Option<Str>,
}

/// What started in a bucket of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Spans.
    pub calls: u64,
    /// Those that failed.
    pub errors: u64,
    /// How many took how long, by bucket of durations, rising.
    pub durations: Vec<(u16, u64)>,
}

/// What was counted. Lines and buckets in which nothing started are not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The query's, or a coarser one.
    pub grid: Grid,
    /// By line, then by bucket of time.
    pub lines: BTreeMap<Line, BTreeMap<u64, Cell>>,
}

/// Counts spans one by one.
pub(crate) struct Counter<'a> {
    query: &'a MeasureQuery,
    lines: Vec<Line>,
    number_of: HashMap<Line, u32>,
    cells: HashMap<(u32, u64), Cell>,
    bytes: usize,
}

/// Where a bucket of durations ends, in microseconds; that end is in it.
#[must_use]
pub fn bound_us(bucket: u16) -> f64 {
    (f64::from(bucket) / 4.0).exp2()
}

/// The bucket of a duration; [`BOUNDS`] when it is longer than the last one's end.
#[must_use]
pub fn bucket_of(duration_us: u64) -> u16 {
    if duration_us <= 1 {
        return 0;
    }
    let us = duration_us as f64;
    let mut bucket = (us.log2() * 4.0).ceil() as u16;
    // logarithms are not exact where buckets meet
    if bucket > 0 && bound_us(bucket - 1) >= us {
        bucket -= 1;
    } else if bound_us(bucket) < us {
        bucket += 1;
    }
    bucket.min(BOUNDS)
}

fn divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

// === impl Grid ===

impl Grid {
    /// Points from `lookback_ms` before `end_ms` on, as far apart as `step_ms`, each of which looks back over `rate_ms`.
    ///
    /// # Errors
    /// Why there is no such grid, in words for whoever asks.
    pub fn new(
        end_ms: u64,
        lookback_ms: u64,
        step_ms: u64,
        rate_ms: u64,
    ) -> Result<Self, &'static str> {
        if step_ms == 0 {
            return Err("step must be greater than 0");
        }
        if rate_ms == 0 {
            return Err("ratePer must be greater than 0");
        }
        let first_ms = end_ms.saturating_sub(lookback_ms);
        Ok(Self {
            first_ms,
            step_ms,
            points: ((end_ms - first_ms) / step_ms).saturating_add(1),
            rate_ms,
        })
    }

    /// The same, or a coarser one that has no more than so many buckets.
    #[must_use]
    pub fn within(self, most: u64) -> Self {
        let mut grid = self;
        let mut times = 1;
        while grid.buckets() > most.max(2) {
            grid = self.coarser(times);
            let too_many = grid.buckets() / most.max(2);
            times = (times.saturating_add(1)).max(times.saturating_mul(too_many));
        }
        grid
    }

    /// With points so many times as far apart; they look back over whole steps.
    #[must_use]
    pub fn coarser(self, times: u64) -> Self {
        let step_ms = self.step_ms.saturating_mul(times.max(1));
        Self {
            first_ms: self.first_ms,
            step_ms,
            points: (self.points - 1) / times.max(1) + 1,
            rate_ms: self.rate_ms.div_ceil(step_ms).saturating_mul(step_ms),
        }
    }

    /// How far apart points are.
    #[must_use]
    pub fn step_ms(&self) -> u64 {
        self.step_ms
    }

    /// How far each looks back.
    #[must_use]
    pub fn rate_ms(&self) -> u64 {
        self.rate_ms
    }

    /// The points, milliseconds since the Unix epoch.
    pub fn points(&self) -> impl ExactSizeIterator<Item = u64> + use<> {
        let Self {
            first_ms, step_ms, ..
        } = *self;
        // a grid that counts has at most MAX_BUCKETS of them
        let points = usize::try_from(self.points).unwrap_or(usize::MAX);
        (0..points).map(move |n| first_ms.saturating_add(step_ms.saturating_mul(n as u64)))
    }

    /// How long a bucket is: the longest that divides both steps and what points look back over.
    #[must_use]
    pub fn width_ms(&self) -> u64 {
        divisor(self.step_ms, self.rate_ms)
    }

    /// The buckets that a point sums up.
    #[must_use]
    pub fn buckets_of(&self, point: usize) -> std::ops::Range<u64> {
        let width = self.width_ms();
        let first = (point as u64).saturating_mul(self.step_ms / width);
        first..first.saturating_add(self.rate_ms / width)
    }

    /// How many buckets there are.
    #[must_use]
    pub fn buckets(&self) -> u64 {
        let width = self.width_ms();
        let between = (self.points - 1).saturating_mul(self.step_ms / width);
        between.saturating_add(self.rate_ms / width)
    }

    /// From when on spans are counted and until before when, milliseconds since the Unix epoch.
    #[must_use]
    pub fn window_ms(&self) -> (u64, u64) {
        let last = (self.points - 1).saturating_mul(self.step_ms);
        (
            self.first_ms.saturating_sub(self.rate_ms),
            self.first_ms.saturating_add(last),
        )
    }

    /// The bucket that a moment is in, milliseconds since the Unix epoch.
    #[must_use]
    pub fn bucket_at(&self, ms: u64) -> Option<u64> {
        let (from, until) = self.window_ms();
        // the first bucket may begin before the epoch
        let since_start = ms.checked_add(self.rate_ms)?.checked_sub(self.first_ms)?;
        (from..until)
            .contains(&ms)
            .then(|| since_start / self.width_ms())
    }

    /// How this differs from what was asked, in words; none: it does not.
    #[must_use]
    pub fn differs(&self, asked: &Self) -> Option<String> {
        (self != asked).then(|| {
            format!(
                "points lie {}ms apart and sum up {}ms each, and not {}ms and {}ms as asked: that would be too many",
                self.step_ms, self.rate_ms, asked.step_ms, asked.rate_ms
            )
        })
    }
}

// === impl MeasureQuery ===

impl MeasureQuery {
    /// Whether spans of this service and kind are counted.
    #[must_use]
    pub fn counts(&self, service: &str, kind: SpanKind) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.services.iter().any(|s| *s == *service)
    }

    /// The line that they are counted in.
    #[must_use]
    pub fn line(&self, service: &str, operation: &str) -> Line {
        Line {
            service: service.into(),
            operation: self.by_operation.then(|| operation.into()),
        }
    }
}

// === impl Cell ===

impl Cell {
    /// Adds what another counted.
    pub fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.errors = self.errors.saturating_add(other.errors);
        for (bucket, count) in &other.durations {
            self.took(*bucket, *count);
        }
    }

    /// So many took so long. Whether that is a new bucket.
    pub(crate) fn took(&mut self, bucket: u16, count: u64) -> bool {
        match self.durations.binary_search_by_key(&bucket, |(b, _)| *b) {
            Ok(at) => {
                if let Some((_, known)) = self.durations.get_mut(at) {
                    *known = known.saturating_add(count);
                }
                false
            }
            Err(at) => {
                self.durations.insert(at, (bucket, count));
                true
            }
        }
    }
}

// === impl Measured ===

impl Measured {
    /// Nothing.
    #[must_use]
    pub fn empty(grid: Grid) -> Self {
        Self {
            grid,
            lines: BTreeMap::new(),
        }
    }

    /// Adds what another store counted on the same grid.
    pub fn add(&mut self, other: Self) {
        for (line, cells) in other.lines {
            let own = self.lines.entry(line).or_default();
            for (bucket, cell) in cells {
                own.entry(bucket).or_default().add(&cell);
            }
        }
    }
}

// === impl Counter ===

impl<'a> Counter<'a> {
    pub(crate) fn new(query: &'a MeasureQuery) -> Self {
        Self {
            query,
            lines: Vec::new(),
            number_of: HashMap::new(),
            cells: HashMap::new(),
            bytes: 0,
        }
    }

    /// The number of the line that such spans are counted in; none: they are not.
    pub(crate) fn line(&mut self, service: &str, kind: SpanKind, operation: &str) -> Option<u32> {
        if !self.query.counts(service, kind) {
            return None;
        }
        let line = self.query.line(service, operation);
        if let Some(number) = self.number_of.get(&line) {
            return Some(*number);
        }
        let number = u32::try_from(self.lines.len()).ok()?;
        self.bytes += CELL + service.len() + line.operation.as_ref().map_or(0, |o| o.len());
        self.lines.push(line.clone());
        self.number_of.insert(line, number);
        Some(number)
    }

    /// Counts a span of a line.
    pub(crate) fn add(&mut self, line: u32, start_ns: u64, duration_ns: u64, is_error: bool) {
        let Some(bucket) = self.query.grid.bucket_at(start_ns / 1_000_000) else {
            return;
        };
        let cells = self.cells.len();
        let cell = self.cells.entry((line, bucket)).or_default();
        cell.calls += 1;
        cell.errors += u64::from(is_error);
        let is_latency = self.query.measure == Measure::Latencies;
        if is_latency && cell.took(bucket_of(us(duration_ns)), 1) {
            self.bytes += DURATION;
        }
        if self.cells.len() > cells {
            self.bytes += CELL;
        }
    }

    /// Roughly the bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn finish(self) -> Measured {
        let mut measured = Measured::empty(self.query.grid);
        for ((line, bucket), cell) in self.cells {
            if let Some(line) = self.lines.get(line as usize) {
                let cells = measured.lines.entry(line.clone()).or_default();
                cells.insert(bucket, cell);
            }
        }
        measured
    }
}

#[cfg(test)]
mod tests;
