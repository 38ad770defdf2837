//! `bench load`: what a receiver holds, and at what cost.
//!
//! In: an epoch, a load and what to measure. Out: [`Figures`], and a [`State`] for the checks that follow.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::process::{Meter, ProcessSample};
use crate::{Epoch, Load, Outcome, Protocol, State, disk, sender};

/// What is measured beside the answers.
#[derive(Clone, Debug, Default)]
pub struct Measure {
    /// Processes.
    pub pids: Vec<u32>,
    /// A folder of theirs.
    pub disk: Option<PathBuf>,
    /// How long they must be quiet before they are done.
    pub quiet: Duration,
}

/// What a load came to.
#[derive(Debug)]
pub struct Figures {
    epoch: Arc<Epoch>,
    protocol: Protocol,
    outcome: Outcome,
    /// For the checks.
    pub state: State,
    measured: Option<Used>,
    /// What sending itself took.
    own_cpu_seconds: f64,
    disk_bytes: Option<u64>,
}

/// What the processes used.
#[derive(Debug, Default)]
struct Used {
    cpu_seconds: f64,
    peak_rss_bytes: u64,
    mean_rss_bytes: u64,
    written_bytes: u64,
}

/// Sends `load` and waits until the processes are quiet again.
pub async fn run(epoch: Arc<Epoch>, load: &Load, measure: &Measure) -> anyhow::Result<Figures> {
    let before = measure
        .pids
        .iter()
        .map(|pid| ProcessSample::of(*pid))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let disk_before = measure.disk.as_deref().map(disk::allocated_bytes);
    let own_before = ProcessSample::of(std::process::id())?;
    let mut meter = Meter::new(&measure.pids);
    // rounds are numbered from the clock, so that a second run sends new traces
    let first_round = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_micros() as u64);
    let outcome = tokio::select! {
        outcome = sender::send(&epoch, load, first_round) => outcome?,
        never = meter.run() => match never {},
    };
    let own = ProcessSample::of(std::process::id())?;
    let mut used = Used {
        mean_rss_bytes: meter.mean_rss_bytes(),
        ..Used::default()
    };
    for (pid, before) in measure.pids.iter().zip(&before) {
        let patience = Duration::from_secs(120) + measure.quiet;
        let after = ProcessSample::when_quiet(*pid, measure.quiet, patience).await?;
        used.cpu_seconds += after.cpu_seconds - before.cpu_seconds;
        used.written_bytes += after.written_bytes - before.written_bytes;
        used.peak_rss_bytes += after.peak_rss_bytes;
    }
    let disk_bytes = measure
        .disk
        .as_deref()
        .map(|folder| disk::allocated_bytes(folder).saturating_sub(disk_before.unwrap_or(0)));
    let workload = &epoch.layout.workload;
    let state = State::new(workload, epoch.len(), |r| epoch.spans(r), &outcome);
    Ok(Figures {
        measured: (!measure.pids.is_empty()).then_some(used),
        own_cpu_seconds: own.cpu_seconds - own_before.cpu_seconds,
        epoch,
        protocol: load.protocol,
        outcome,
        state,
        disk_bytes,
    })
}

// === impl Figures ===

impl Figures {
    fn per_second(&self) -> f64 {
        self.outcome.acknowledged_spans as f64 / self.outcome.elapsed.as_secs_f64()
    }

    fn per_span(&self, bytes: u64) -> f64 {
        bytes as f64 / self.state.acknowledged_spans as f64
    }

    fn per_million(&self, cpu_seconds: f64) -> f64 {
        cpu_seconds / (self.state.acknowledged_spans as f64 / 1e6)
    }

    fn ms(&self, quantile: f64) -> f64 {
        self.outcome.latency_us.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// Requests that were not acknowledged.
    pub fn refused(&self) -> u64 {
        self.outcome.errors.values().sum()
    }

    /// As JSON.
    pub fn to_json(&self, label: &str) -> Value {
        let used = self.measured.as_ref();
        json!({
            "kind": "load", "label": label, "protocol": self.protocol.name(), "workload": self.state.workload,
            "spans_per_second": self.per_second(), "seconds": self.outcome.elapsed.as_secs_f64(),
            "acknowledged": self.state.acknowledged_spans, "sent": self.state.sent_spans,
            "refused_requests": self.refused(), "errors": self.outcome.errors,
            "cpu_seconds_per_million": used.map(|u| self.per_million(u.cpu_seconds)),
            "generator_cpu_seconds_per_million": self.per_million(self.own_cpu_seconds),
            "behind_ms": self.outcome.behind.as_secs_f64() * 1000.0,
            "p50_ms": self.ms(0.5), "p99_ms": self.ms(0.99), "max_ms": self.ms(1.0),
            "peak_bytes": used.map(|u| u.peak_rss_bytes), "mean_rss_bytes": used.map(|u| u.mean_rss_bytes),
            "written_bytes": used.map(|u| u.written_bytes), "disk_bytes": self.disk_bytes,
            "disk_bytes_per_span": self.disk_bytes.map(|d| self.per_span(d)),
            "bytes_per_span": self.epoch.mean_span_bytes(),
        })
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: sent {}, acknowledged {} spans in {:.1} s: {:.0} spans/s",
            self.protocol,
            self.state.sent_spans,
            self.state.acknowledged_spans,
            self.outcome.elapsed.as_secs_f64(),
            self.per_second()
        )?;
        let (p50, p99, max) = (self.ms(0.5), self.ms(0.99), self.ms(1.0));
        writeln!(
            f,
            "answer: p50 {p50:.2} ms, p99 {p99:.2} ms, max {max:.2} ms"
        )?;
        if let Some(used) = &self.measured {
            writeln!(
                f,
                "CPU-seconds per million spans {:.2}, peak {} MiB, mean {} MiB, written {:.0} B a span",
                self.per_million(used.cpu_seconds),
                used.peak_rss_bytes >> 20,
                used.mean_rss_bytes >> 20,
                self.per_span(used.written_bytes)
            )?;
        }
        if let Some(bytes) = self.disk_bytes {
            writeln!(
                f,
                "on disk {} MiB, {:.1} B a span",
                bytes >> 20,
                self.per_span(bytes)
            )?;
        }
        writeln!(
            f,
            "generator: {:.2} CPU-seconds per million spans, at most {:.0} ms behind the rate",
            self.per_million(self.own_cpu_seconds),
            self.outcome.behind.as_secs_f64() * 1000.0
        )?;
        for (error, count) in &self.outcome.errors {
            writeln!(f, "refused {count}: {error}")?;
        }
        Ok(())
    }
}
