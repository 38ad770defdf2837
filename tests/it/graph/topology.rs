//! Traces whose links are known: made of a seed, as OTLP's JSON, with the links that they are.
//!
//! In: how many traces. Out: their spans in an order of no meaning, and what brute force finds in them. They begin in the last hours, some just before an hour ends.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use bench::rng::Rng;
use serde_json::{Value, json};

const SERVICES: u64 = 9;
const HOUR_US: u64 = 3_600_000_000;
/// How many hours traces begin in.
const HOURS: u64 = 3;

/// Parent, child, kind.
pub(crate) type Links = BTreeMap<(String, String, String), Link>;

/// What is counted of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    pub(crate) sum_us: u64,
}

/// All traces.
pub(crate) struct Topology {
    first_hour: u64,
    spans: Vec<Made>,
}

/// A span, whose JSON is made when it is sent: all of them at once would be gigabytes.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    trace: u64,
    id: u64,
    parent: u64,
    service: u64,
    /// As OTLP has it: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    kind: u64,
    start_us: u64,
    duration_us: u64,
    failed: bool,
    attributes: Vec<(&'static str, String)>,
    /// It is lost on its way, as spans are.
    lost: bool,
}

fn name(service: u64) -> String {
    format!("service-{service}")
}

/// Adds one call.
fn sum(links: &mut Links, ends: (String, String, String), failed: bool, us: u64) {
    let link = links.entry(ends).or_default();
    link.calls += 1;
    link.errors += u64::from(failed);
    link.sum_us += us;
}

/// What brute force finds.
pub(crate) fn links_of(topology: &Topology) -> Links {
    let kept: Vec<&Made> = topology.spans.iter().filter(|s| !s.lost).collect();
    let by_id: HashMap<(u64, u64), &Made> = kept.iter().map(|s| ((s.trace, s.id), *s)).collect();
    let mut has_child: HashMap<(u64, u64), bool> = HashMap::new();
    for span in &kept {
        has_child.insert((span.trace, span.parent), true);
    }
    let mut links = Links::new();
    for span in kept {
        let own = name(span.service);
        let caller = by_id.get(&(span.trace, span.parent));
        let mut add = |parent: String, child: String, kind: &str| {
            sum(
                &mut links,
                (parent, child, kind.to_owned()),
                span.failed,
                span.duration_us,
            );
        };
        if let Some(caller) = caller.filter(|caller| caller.service != span.service) {
            add(name(caller.service), own.clone(), "call");
        }
        let of = |key: &str| {
            span.attributes
                .iter()
                .find(|(k, _)| *k == key)
                .map(|(_, v)| v.clone())
        };
        if has_child.contains_key(&(span.trace, span.id)) {
            continue;
        }
        match span.kind {
            3 if of("db.system").is_some() => {
                add(own, format!("mysql:{}", of("db.name").unwrap()), "database");
            }
            3 => {
                if let Some(peer) = of("peer.service") {
                    add(own, peer, "peer");
                }
            }
            4 => add(
                own,
                format!("kafka:{}", of("messaging.destination.name").unwrap()),
                "publish",
            ),
            5 if caller.is_none() => {
                add(
                    format!("kafka:{}", of("messaging.destination.name").unwrap()),
                    own,
                    "consume",
                );
            }
            _ => {}
        }
    }
    links
}

/// As an exporter sends them.
pub(super) fn request(spans: &[&Made]) -> Value {
    let mut by_service: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for span in spans {
        let of_service = by_service.entry(name(span.service)).or_default();
        of_service.push(span.json());
    }
    let groups = by_service.into_iter().map(|(service, spans)| {
        json!({
            "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
            "scopeSpans": [{"spans": spans}],
        })
    });
    json!({"resourceSpans": groups.collect::<Vec<_>>()})
}

// === impl Topology ===

impl Topology {
    pub(crate) fn new(traces: u64, rng: &mut Rng) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now_us = now.as_micros() as u64;
        // whole traces lie before now
        let first_hour = now_us / HOUR_US - HOURS;
        let mut all = Self {
            first_hour,
            spans: Vec::new(),
        };
        for trace in 1..=traces {
            let within = match rng.below(4) {
                // around the end of an hour
                0 => HOUR_US - 2_000_000,
                _ => rng.below(HOUR_US),
            };
            let start = (first_hour + rng.below(HOURS)) * HOUR_US + within;
            let start = start.min(now_us - 60_000_000);
            all.trace(trace, start, rng);
        }
        all
    }

    fn trace(&mut self, trace: u64, start_us: u64, rng: &mut Rng) {
        let from = self.spans.len();
        let root = rng.below(SERVICES);
        self.push(trace, 0, root, 2, start_us, rng);
        // servers that call on
        let mut open = vec![self.spans.len() - 1];
        while let Some(at) = open.pop() {
            let caller = self.spans[at].clone();
            for _ in 0..rng.below(4) {
                if self.spans.len() - from > 40 {
                    break;
                }
                let at = caller.start_us + rng.below(1_500_000);
                let mut called = |all: &mut Self, kind, key: &'static str, value: String| {
                    all.push(trace, caller.id, caller.service, kind, at, rng);
                    let last = all.spans.last_mut().unwrap();
                    last.attributes.push((key, value));
                    last.id
                };
                match caller.id % 4 + at % 3 {
                    0 => {
                        called(self, 3, "db.system", "mysql".to_owned());
                        let last = self.spans.last_mut().unwrap();
                        last.attributes
                            .push(("db.name", format!("db-{}", caller.service % 3)));
                    }
                    1 => {
                        let topic = format!("topic-{}", caller.service % 3);
                        let id = called(self, 4, "messaging.destination.name", topic.clone());
                        let last = self.spans.last_mut().unwrap();
                        last.attributes
                            .push(("messaging.system", "kafka".to_owned()));
                        // some are taken out in a trace of their own, and some by nobody
                        let parent = if at.is_multiple_of(2) { id } else { 0 };
                        if !at.is_multiple_of(5) {
                            let service = (caller.service + 1 + at % 7) % SERVICES;
                            self.push(trace, parent, service, 5, at + 3_000_000, rng);
                            let last = self.spans.last_mut().unwrap();
                            last.attributes
                                .push(("messaging.system", "kafka".to_owned()));
                            last.attributes.push(("messaging.destination.name", topic));
                        }
                    }
                    _ => {
                        let service = (caller.service + 1 + at % (SERVICES - 1)) % SERVICES;
                        let id = called(self, 3, "peer.service", name(service));
                        self.push(trace, id, service, 2, at + 1_000, rng);
                        let last = self.spans.len() - 1;
                        // with all that it calls
                        if at.is_multiple_of(11) {
                            self.spans[last].lost = true;
                        } else {
                            open.push(last);
                        }
                    }
                }
            }
        }
    }

    fn push(
        &mut self,
        trace: u64,
        parent: u64,
        service: u64,
        kind: u64,
        start_us: u64,
        rng: &mut Rng,
    ) {
        let id = 1 + self.spans.len() as u64;
        let longest = 1 << (4 + rng.below(18));
        self.spans.push(Made {
            trace,
            id,
            parent,
            service,
            kind,
            start_us,
            duration_us: 1 + rng.below(longest),
            failed: rng.below(10) == 0,
            attributes: Vec::new(),
            lost: false,
        });
    }

    /// The first and the last millisecond of the hours that there are spans in.
    pub(crate) fn period_ms(&self) -> (u64, u64) {
        let first = self.first_hour * HOUR_US / 1_000;
        (first, first + (HOURS + 2) * HOUR_US / 1_000 - 1)
    }

    /// Shuffled, without those that are lost.
    pub(crate) fn spans(&self, rng: &mut Rng) -> Vec<&Made> {
        let mut spans: Vec<&Made> = self.spans.iter().filter(|s| !s.lost).collect();
        for at in (1..spans.len()).rev() {
            spans.swap(at, rng.below(at as u64 + 1) as usize);
        }
        spans
    }
}

// === impl Made ===

impl Made {
    /// A call to a peer, in a trace of its own that no topology has.
    pub(crate) fn alone(start_us: u64) -> Self {
        Self {
            trace: 0,
            id: u64::MAX,
            parent: 0,
            service: SERVICES,
            kind: 3,
            start_us,
            duration_us: 1,
            failed: false,
            attributes: vec![("peer.service", "nobody".to_owned())],
            lost: false,
        }
    }

    fn json(&self) -> Value {
        let attributes = self.attributes.iter();
        let attributes =
            attributes.map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}));
        let end_us = self.start_us + self.duration_us;
        let mut span = json!({
            "traceId": format!("{:016x}{:016x}", (self.trace + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15), self.trace),
            "spanId": format!("{:016x}", self.id),
            "name": "op",
            "kind": self.kind,
            "startTimeUnixNano": (self.start_us * 1_000).to_string(),
            "endTimeUnixNano": (end_us * 1_000).to_string(),
            "attributes": attributes.collect::<Vec<_>>(),
            "status": if self.failed { json!({"code": 2}) } else { json!({}) },
        });
        if self.parent > 0 {
            span["parentSpanId"] = json!(format!("{:016x}", self.parent));
        }
        span
    }
}
