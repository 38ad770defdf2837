//! Spans for benchmarks: seeded, about 540 bytes of OTLP and 11 attributes each, in batches that share a resource and a scope.

use std::sync::Arc;

use model::{Batch, Instance, KeyValue, Resource, Scope, Span, SpanId, SpanKind, TraceId};

/// splitmix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// `count` batches of `size` spans. Traces have 16 spans, scattered over four services' batches.
pub(crate) fn batches(seed: u64, count: u64, size: u64) -> Vec<Batch> {
    (0..count).map(|n| batch(seed, n, size)).collect()
}

fn batch(seed: u64, nth: u64, size: u64) -> Batch {
    let mut chance = Chance(seed ^ nth.wrapping_mul(0x1234_5678_9abc_def1));
    let service = nth % 16;
    let mut resource = Resource::of_service(format!("service-{service}").as_str());
    for key in 0..8 {
        let key = format!("resource.key.{key}");
        resource.attributes.push(KeyValue::new(
            key.as_str(),
            format!("value-{service}").as_str(),
        ));
    }
    let (resource, scope) = (Arc::new(resource), Arc::new(Scope::default()));
    let spans = (0..size).map(|i| {
        // four spans of a trace in each of four batches
        let trace = nth / 4 * size / 4 + i / 4;
        let start_ns = 1_790_000_000_000_000_000 + trace * 100_000 + i * 1000;
        let mut attributes = Vec::with_capacity(11);
        for key in [
            "http.request.method",
            "http.route",
            "url.path",
            "server.address",
            "network.peer.address",
            "user_agent.original",
            "customer.id",
        ] {
            let value = format!("{key}/{}", chance.next() % 1000);
            attributes.push(KeyValue::new(key, value.as_str()));
        }
        for key in ["http.response.status_code", "server.port", "thread.id"] {
            attributes.push(KeyValue::new(key, (chance.next() % 1000) as i64));
        }
        attributes.push(KeyValue::new(
            "request.id",
            format!(
                "{:032x}",
                u128::from(chance.next()) << 64 | u128::from(chance.next())
            )
            .as_str(),
        ));
        Span {
            trace_id: TraceId::from_halves(seed, Chance(trace).next()),
            span_id: SpanId::from_u64(chance.next()),
            parent_span_id: (i % 4 > 0).then(|| SpanId::from_u64(chance.next())),
            name: format!("operation-{}", chance.next() % 12).as_str().into(),
            kind: SpanKind::from_number((i % 5 + 1) as i32),
            start_ns,
            end_ns: start_ns + chance.next() % 50_000_000,
            attributes,
            resource: resource.clone(),
            scope: scope.clone(),
            ..Span::default()
        }
    });
    Batch::new(Instance::default(), spans.collect(), size as usize * 540)
}

/// Seconds of processor time that this process has used, its threads and the system's part included.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<f64>().ok());
    (ticks(11).unwrap_or_default() + ticks(12).unwrap_or_default()) / 100.0
}

/// The value below which `share` of `values` lie; sorts them.
pub(crate) fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 - 1.0) * share) as usize;
    values.get(at).copied().unwrap_or_default()
}
