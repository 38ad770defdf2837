//! Who calls whom: 24 services with about 180 operations, each with 8 pods.

use crate::rng::{Rng, mix};

pub(crate) const SERVICES: u64 = 24;
pub(crate) const PODS_PER_SERVICE: u64 = 8;

/// One span of a trace, before it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlannedSpan {
    pub(crate) service: u64,
    pub(crate) pod: u64,
    pub(crate) operation: u64,
    pub(crate) parent: Option<u32>,
    pub(crate) start_ns: i64,
    pub(crate) duration_ns: i64,
}

/// The name of a service.
pub(crate) fn service_name(service: u64) -> String {
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

/// How many operations a service has: 180 in all, some with few, some with many.
fn operations(service: u64) -> u64 {
    3 + mix(7, service) % 10
}

/// The spans of trace `index`: a tree, the root first. A child lies inside its parent.
pub(crate) fn plan(seed: u64, index: u64) -> Vec<PlannedSpan> {
    let mut rng = Rng::new(mix(seed, index));
    // median 12, 99th percentile 200
    let count = (rng.log_normal(12.0, 1.21) as usize).clamp(1, 5_000);
    let mut spans: Vec<PlannedSpan> = Vec::with_capacity(count);
    for at in 0..count {
        // near the end of the list: trees get deep as well as wide
        let parent = (at > 0).then(|| at - 1 - rng.below((at as u64).min(8)) as usize);
        let (service, start_ns, room_ns) = match parent.and_then(|p| spans.get(p)) {
            // every other child stays in its parent's service
            Some(p) => {
                let service = if rng.below(2) == 0 {
                    p.service
                } else {
                    (p.service + 1 + rng.below(4)) % SERVICES
                };
                (
                    service,
                    p.start_ns + p.duration_ns / 16,
                    p.duration_ns * 7 / 8,
                )
            }
            None => (rng.below(SERVICES), -250_000_000, 250_000_000),
        };
        spans.push(PlannedSpan {
            service,
            pod: mix(index, service) % PODS_PER_SERVICE,
            operation: rng.below(operations(service)),
            parent: parent.map(|p| p as u32),
            start_ns,
            duration_ns: room_ns.max(1_000),
        });
    }
    spans
}
