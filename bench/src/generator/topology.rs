//! Who calls whom: 24 services with about 180 operations, each with up to 8 pods.

use super::rng::{Rng, mix};
use super::workload::{Shape, Workload};

/// How many services there are.
pub const SERVICES: u64 = 24;
const PODS_PER_SERVICE: u64 = 8;
/// No span starts longer than this before it is sent.
pub const MAX_AGE_NS: i64 = 21_000_000_000;
const STATUS_CODES: [u64; 6] = [200, 200, 200, 204, 404, 500];

/// One span of a trace, before it is written.
#[derive(Clone, Copy, Debug)]
pub struct PlannedSpan {
    /// Its service's number.
    pub service: u64,
    /// Its pod's number.
    pub pod: u64,
    /// Its operation's number.
    pub operation: u64,
    /// Its parent's place in the trace.
    pub parent: Option<u32>,
    /// Its start, from the time of sending.
    pub start_ns: i64,
    /// How long it takes.
    pub duration_ns: i64,
    /// What it carries as `http.response.status_code`.
    pub status_code: u64,
}

/// The name of a service.
pub fn service_name(service: u64) -> String {
    const NAMES: [&str; 8] = [
        "frontend",
        "customer",
        "driver",
        "route",
        "payment",
        "inventory",
        "search",
        "mailer",
    ];
    let name = NAMES
        .get(service as usize % NAMES.len())
        .copied()
        .unwrap_or("other");
    format!("{name}-{}", service / NAMES.len() as u64)
}

/// The name of an operation.
pub fn operation_name(service: u64, operation: u64) -> String {
    let method = if operation.is_multiple_of(2) {
        "GET"
    } else {
        "POST"
    };
    format!("{method} /api/v1/{}/{operation}", service_name(service))
}

/// How many operations a service has: 180 in all, some with few, some with many.
pub fn operations(service: u64) -> u64 {
    3 + mix(7, service) % 10
}

/// The spans of trace `index`: a tree, the root first. A child lies inside its parent.
pub(super) fn plan(workload: &Workload, index: u64) -> Vec<PlannedSpan> {
    let mut rng = Rng::new(mix(workload.seed, index));
    // median 12, 99th percentile 200
    let drawn = (rng.log_normal(12.0, 1.21) as usize).clamp(1, 5_000);
    let count = workload.trace_spans.map_or(drawn, |n| n.max(1) as usize);
    // so few pods that most requests are full when the round ends
    let per_pod = 3 * SERVICES * workload.batch as u64;
    let pods = (workload.spans as u64 / per_pod).clamp(1, PODS_PER_SERVICE);
    let mut spans: Vec<PlannedSpan> = Vec::with_capacity(count);
    for at in 0..count {
        // near the end of the list: trees get deep as well as wide
        let parent = (at > 0).then(|| at - 1 - rng.below((at as u64).min(8)) as usize);
        let (service, start_ns, duration_ns) = match parent.and_then(|p| spans.get(p)) {
            // every other child stays in its parent's service
            Some(p) => {
                let other = (p.service + 1 + rng.below(4)) % SERVICES;
                let stays = workload.shape == Shape::Whole || rng.below(2) == 0;
                let start_ns = p.start_ns + (p.duration_ns as f64 * 0.5 * rng.unit()) as i64;
                let duration_ns = (p.duration_ns as f64 * (0.05 + 0.45 * rng.unit())) as i64;
                (
                    if stays { p.service } else { other },
                    start_ns,
                    duration_ns.max(1_000),
                )
            }
            None => {
                let duration_ns =
                    (rng.log_normal(20e6, 1.0) as i64).clamp(1_000_000, 20_000_000_000);
                let ago_ns = rng.below(50_000_000) as i64;
                (rng.below(SERVICES), -duration_ns - ago_ns, duration_ns)
            }
        };
        let status_code = STATUS_CODES[rng.below(STATUS_CODES.len() as u64) as usize];
        spans.push(PlannedSpan {
            service,
            pod: mix(index, service) % pods,
            operation: rng.below(operations(service)),
            parent: parent.map(|p| p as u32),
            start_ns,
            duration_ns,
            status_code,
        });
    }
    spans
}
