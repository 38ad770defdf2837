//! Clients that are slow or mean harm: others do not notice them, and memory does not follow what they claim.

mod claims;
mod slow;

use bench::ProcessSample;
use tests::spoor::Spoor;

use crate::support::get;

/// Resident memory, now and at its highest.
fn memory(spoor: &Spoor) -> (u64, u64) {
    let sample = ProcessSample::of(spoor.pid()).unwrap();
    (sample.rss_bytes, sample.peak_rss_bytes)
}

/// The sum of a metric over the lines that have all of `labels`.
async fn metric(spoor: &Spoor, name: &str, labels: &[&str]) -> u64 {
    let (_, _, text) = get(&format!("{}/metrics", spoor.url("admin"))).await;
    let lines = text
        .lines()
        .filter(|line| line.starts_with(name) && labels.iter().all(|label| line.contains(label)));
    lines
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum::<f64>() as u64
}
