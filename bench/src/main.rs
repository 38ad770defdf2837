//! `cargo run --release -p bench -- --target http://127.0.0.1:4317 --pid 1234`: what a receiver of OTLP gRPC holds, and at what cost.
//!
//! It takes an address and a process id of whatever runs, Spoor or another product, and starts nothing. Load goes to loopback only.
#![allow(clippy::print_stdout)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bench::{Epoch, Load, ProcessSample, Profile, sender};

const HELP: &str = "load: send seeded spans over OTLP gRPC and print what the receiver made of it
  --target URL       receiver on loopback (http://127.0.0.1:4317)
  --pid N            process to measure, may be repeated
  --seconds N        how long to send (20)
  --rate N           spans a second, open loop (0: full speed)
  --batch N          spans a request (512)
  --profile NAME     small | common | medium | large (common: 11 attributes, about 540 B)
  --in-flight N      requests that wait at one time (16)
  --connections N    connections (4)
  --seed N           (42)
  --json             print the figures as one line of JSON too";

fn main() -> anyhow::Result<()> {
    let mut options: BTreeMap<String, String> = BTreeMap::new();
    let mut pids: Vec<u32> = Vec::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            "--json" => drop(options.insert("json".into(), String::new())),
            "--pid" => pids.push(
                args.next()
                    .context("--pid needs a number")?
                    .parse()
                    .context("--pid")?,
            ),
            name if name.starts_with("--") => {
                let value = args
                    .next()
                    .with_context(|| format!("{name} needs a value"))?;
                options.insert(name.trim_start_matches('-').to_owned(), value);
            }
            other => bail!("unknown argument {other:?}\n{HELP}"),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(run(&options, &pids))
}

async fn run(options: &BTreeMap<String, String>, pids: &[u32]) -> anyhow::Result<()> {
    let number = |name: &str, default: f64| -> anyhow::Result<f64> {
        options.get(name).map_or(Ok(default), |v| {
            v.parse()
                .with_context(|| format!("--{name} {v:?} is no number"))
        })
    };
    let target = options
        .get("target")
        .cloned()
        .unwrap_or_else(|| "http://127.0.0.1:4317".into());
    if !["127.", "localhost", "[::1]"]
        .iter()
        .any(|host| target.trim_start_matches("http://").starts_with(host))
    {
        bail!("--target {target:?} is not on loopback");
    }
    let profile = match options.get("profile").map_or("common", String::as_str) {
        "small" => Profile::Small,
        "common" => Profile::Common,
        "medium" => Profile::Medium,
        "large" => Profile::Large,
        other => bail!("--profile {other:?} is none of small, common, medium, large"),
    };
    let rate = number("rate", 0.0)?;
    let load = Load {
        target,
        duration: Duration::from_secs_f64(number("seconds", 20.0)?),
        in_flight: number("in-flight", 16.0)? as usize,
        connections: number("connections", 4.0)? as usize,
        rate: (rate > 0.0).then_some(rate),
        until_gone: false,
    };
    let epoch = Arc::new(Epoch::new(
        number("seed", 42.0)? as u64,
        profile,
        100_000,
        number("batch", 512.0)? as usize,
    ));
    println!(
        "{} requests a round, {:.0} B a span, {profile:?}",
        epoch.len(),
        epoch.mean_span_bytes()
    );

    let before = pids
        .iter()
        .map(|pid| ProcessSample::of(*pid))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let outcome = sender::send(&epoch, &load, seconds_since_epoch()).await?;
    let mut cpu = 0.0;
    let mut peak = 0;
    let mut written = 0;
    for (pid, before) in pids.iter().zip(&before) {
        let after = ProcessSample::when_quiet(*pid, Duration::from_secs(120)).await?;
        cpu += after.cpu_seconds - before.cpu_seconds;
        written += after.written_bytes - before.written_bytes;
        peak += after.peak_rss_bytes;
    }
    let spans = |only_acknowledged: bool| -> u64 {
        outcome
            .sent
            .iter()
            .filter(|s| s.acknowledged || !only_acknowledged)
            .map(|s| u64::from(epoch.spans(s.request as usize)))
            .sum()
    };
    let (sent, acknowledged) = (spans(false), spans(true));
    let per_second = acknowledged as f64 / outcome.elapsed.as_secs_f64();
    let per_million = cpu / (acknowledged as f64 / 1e6);
    let ms = |quantile: f64| outcome.latency_us.value_at_quantile(quantile) as f64 / 1000.0;
    println!(
        "sent {sent}, acknowledged {acknowledged} spans in {:.1} s: {per_second:.0} spans/s",
        outcome.elapsed.as_secs_f64()
    );
    println!(
        "answer: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        ms(0.5),
        ms(0.99),
        ms(1.0)
    );
    if !pids.is_empty() {
        let written_per_span = written as f64 / acknowledged as f64;
        println!(
            "CPU-seconds per million spans {per_million:.2}, peak {} MiB, written {written_per_span:.0} B a span",
            peak >> 20
        );
    }
    for (error, count) in &outcome.errors {
        println!("refused {count}: {error}");
    }
    if options.contains_key("json") {
        let figures = serde_json::json!({
            "spans_per_second": per_second, "acknowledged": acknowledged, "sent": sent, "cpu_seconds_per_million": per_million,
            "p50_ms": ms(0.5), "p99_ms": ms(0.99), "peak_bytes": peak, "written_bytes": written, "bytes_per_span": epoch.mean_span_bytes(),
        });
        println!("{figures}");
    }
    Ok(())
}

/// Rounds are numbered from the clock, so that a second run sends new traces.
fn seconds_since_epoch() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}
