//! What a process uses, as the kernel counts it (`/proc`).

use std::convert::Infallible;
use std::time::Duration;

use anyhow::Context as _;

/// Processor time and memory of a process at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessSample {
    /// User and system time since its start, in seconds.
    pub cpu_seconds: f64,
    /// Resident memory now, in bytes.
    pub rss_bytes: u64,
    /// The most resident memory it ever had, in bytes.
    pub peak_rss_bytes: u64,
    /// Bytes it caused to be written to disk.
    pub written_bytes: u64,
}

/// Resident memory over time.
#[derive(Debug)]
pub struct Meter {
    pids: Vec<u32>,
    sum_bytes: u64,
    samples: u64,
}

// === impl ProcessSample ===

impl ProcessSample {
    /// Of the process with this id.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let read = |file: &str| {
            std::fs::read_to_string(format!("/proc/{pid}/{file}"))
                .with_context(|| format!("no process {pid}"))
        };
        let stat = read("stat")?;
        // the second field is a name in parentheses, with any characters in it
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let ticks = |at: usize| {
            fields
                .get(at)
                .and_then(|f| f.parse::<f64>().ok())
                .unwrap_or_default()
        };
        let line = |text: &str, name: &str| -> u64 {
            let value = text
                .lines()
                .find_map(|l| l.strip_prefix(name))
                .unwrap_or_default();
            value
                .trim()
                .trim_end_matches(" kB")
                .trim()
                .parse()
                .unwrap_or_default()
        };
        let status = read("status")?;
        Ok(Self {
            // the kernel's clock ticks are 100 a second on every machine that Linux runs on today
            cpu_seconds: (ticks(11) + ticks(12)) / 100.0,
            rss_bytes: line(&status, "VmRSS:") * 1024,
            peak_rss_bytes: line(&status, "VmHWM:") * 1024,
            written_bytes: read("io")
                .map(|io| line(&io, "write_bytes:"))
                .unwrap_or_default(),
        })
    }

    /// Waits until the process has used less than 2 % of a core for as long as `quiet`, at most `patience`; then a sample of it.
    pub async fn when_quiet(pid: u32, quiet: Duration, patience: Duration) -> anyhow::Result<Self> {
        let until = tokio::time::Instant::now() + patience;
        let quiet = quiet.max(Duration::from_secs(1));
        let mut last = Self::of(pid)?;
        loop {
            let from = tokio::time::Instant::now();
            let (mut now, mut still) = (last, true);
            while still && from.elapsed() < quiet {
                tokio::time::sleep(Duration::from_secs(1)).await;
                now = Self::of(pid)?;
                let allowed = 0.02 * from.elapsed().as_secs_f64();
                still = now.cpu_seconds - last.cpu_seconds <= allowed;
            }
            if still || tokio::time::Instant::now() > until {
                return Ok(now);
            }
            last = now;
        }
    }
}

// === impl Meter ===

impl Meter {
    /// Of these processes together.
    pub fn new(pids: &[u32]) -> Self {
        Self {
            pids: pids.to_vec(),
            sum_bytes: 0,
            samples: 0,
        }
    }

    /// Takes a sample every 100 ms, until it is dropped.
    pub async fn run(&mut self) -> Infallible {
        loop {
            let rss = |pid: &u32| ProcessSample::of(*pid).map_or(0, |s| s.rss_bytes);
            self.sum_bytes += self.pids.iter().map(rss).sum::<u64>();
            self.samples += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// The mean of the samples.
    pub fn mean_rss_bytes(&self) -> u64 {
        self.sum_bytes / self.samples.max(1)
    }
}
