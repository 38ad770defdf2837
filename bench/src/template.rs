//! Requests written once and sent many times with new ids and times: an [`Epoch`].
//!
//! In: a seed and a profile. Out: request bodies (`ExportTraceServiceRequest`). Sending an epoch again under another number gives new
//! traces of the same shape; attribute values repeat from epoch to epoch, ids and times do not.

use std::collections::BTreeMap;

use crate::Sent;
use crate::protobuf::{Message, Slot};
use crate::rng::{Rng, mix};
use crate::topology::{self, PlannedSpan};

/// How large spans are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// About 350 bytes: 6 attributes.
    Small,
    /// About 540 bytes: 11 attributes. The one that published figures of others are for.
    Common,
    /// About 800 bytes: 10 to 40 attributes, mostly short.
    Medium,
    /// About 1.8 kB.
    Large,
}

/// Requests of some thousand traces, to be filled in and sent.
#[derive(Debug)]
pub struct Epoch {
    seed: u64,
    requests: Vec<Request>,
    /// How many spans each trace has, by its number in the epoch.
    pub spans_of_trace: Vec<u32>,
    /// In which requests each trace has spans.
    pub requests_of_trace: Vec<Vec<u32>>,
}

#[derive(Debug)]
struct Request {
    message: Message,
    spans: u32,
}

// === impl Epoch ===

impl Epoch {
    /// At least `spans` spans in requests of `batch` spans, each from one pod. What a pod has left at the end makes a smaller request.
    pub fn new(seed: u64, profile: Profile, spans: usize, batch: usize) -> Self {
        let mut epoch = Self {
            seed,
            requests: Vec::new(),
            spans_of_trace: Vec::new(),
            requests_of_trace: Vec::new(),
        };
        let mut waiting: BTreeMap<(u64, u64), Vec<(u32, Message)>> = BTreeMap::new();
        let mut written = 0;
        while written < spans {
            let trace = epoch.spans_of_trace.len() as u32;
            let plan = topology::plan(seed, u64::from(trace));
            epoch.spans_of_trace.push(plan.len() as u32);
            epoch.requests_of_trace.push(Vec::new());
            written += plan.len();
            for (at, span) in plan.iter().enumerate() {
                let pod = (span.service, span.pod);
                let queue = waiting.entry(pod).or_default();
                queue.push((trace, write_span(seed, profile, trace, at as u32, span)));
                if queue.len() >= batch {
                    let full = std::mem::take(queue);
                    epoch.push_request(pod, &full);
                }
            }
        }
        for (pod, rest) in waiting {
            if !rest.is_empty() {
                epoch.push_request(pod, &rest);
            }
        }
        epoch
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// How many spans a request has.
    pub fn spans(&self, request: usize) -> u32 {
        self.requests.get(request).map_or(0, |r| r.spans)
    }

    /// Mean size of a span on the wire, resources included, in bytes.
    pub fn mean_span_bytes(&self) -> f64 {
        let bytes: usize = self.requests.iter().map(|r| r.message.bytes.len()).sum();
        let spans: u64 = self.requests.iter().map(|r| u64::from(r.spans)).sum();
        bytes as f64 / spans as f64
    }

    /// How many spans of each trace were acknowledged, by (round, trace): the count that a store is held against.
    pub fn acknowledged(&self, sent: &[Sent]) -> BTreeMap<(u64, u32), u32> {
        let mut counts = BTreeMap::new();
        for sent in sent.iter().filter(|s| s.acknowledged) {
            let slots = self
                .requests
                .get(sent.request as usize)
                .map(|r| r.message.slots.as_slice())
                .unwrap_or_default();
            for (_, slot) in slots {
                if let Slot::TraceId(trace) = slot {
                    *counts.entry((sent.round, *trace)).or_default() += 1;
                }
            }
        }
        counts
    }

    /// The id of a trace when the epoch is sent under number `round`.
    pub fn trace_id(&self, round: u64, trace: u32) -> [u8; 16] {
        let high = mix(self.seed ^ 0x0053_504f_4f52, round);
        let low = mix(high, u64::from(trace));
        ((u128::from(high) << 64) | u128::from(low)).to_be_bytes()
    }

    /// The body of a request, sent under number `round` at `now_ns`.
    pub fn body(&self, request: usize, round: u64, now_ns: i64) -> Vec<u8> {
        let Some(request) = self.requests.get(request) else {
            return Vec::new();
        };
        let mut bytes = request.message.bytes.clone();
        for (at, slot) in &request.message.slots {
            match slot {
                Slot::TraceId(trace) => {
                    bytes[*at..*at + 16].copy_from_slice(&self.trace_id(round, *trace));
                }
                Slot::Time(offset) => {
                    bytes[*at..*at + 8].copy_from_slice(&(now_ns + offset).to_le_bytes());
                }
            }
        }
        bytes
    }

    fn push_request(&mut self, pod: (u64, u64), spans: &[(u32, Message)]) {
        let request = self.requests.len() as u32;
        let mut scope_spans = Message::default();
        let mut scope = Message::default();
        scope.bytes(1, b"io.opentelemetry.http");
        scope.bytes(2, b"2.9.0");
        scope_spans.message(1, &scope);
        for (trace, span) in spans {
            scope_spans.message(2, span);
            if let Some(requests) = self.requests_of_trace.get_mut(*trace as usize)
                && requests.last() != Some(&request)
            {
                requests.push(request);
            }
        }
        let mut resource_spans = Message::default();
        resource_spans.message(1, &write_resource(pod));
        resource_spans.message(2, &scope_spans);
        let mut message = Message::default();
        message.message(1, &resource_spans);
        self.requests.push(Request {
            message,
            spans: spans.len() as u32,
        });
    }
}

fn write_resource((service, pod): (u64, u64)) -> Message {
    let mut resource = Message::default();
    let mut text = |key: &str, value: &str| resource.message(1, &text_attribute(key, value));
    let name = topology::service_name(service);
    text("service.name", &name);
    text("service.version", "1.42.0");
    text("service.namespace", "shop");
    text(
        "k8s.pod.name",
        &format!("{name}-{:08x}-{pod}", mix(1, service) as u32),
    );
    text(
        "k8s.pod.uid",
        &format!("{:016x}-{:016x}", mix(2, service), mix(3, pod)),
    );
    text("k8s.namespace.name", "shop");
    text("k8s.node.name", &format!("node-{}", mix(service, pod) % 12));
    text("k8s.deployment.name", &name);
    text("k8s.container.name", "app");
    text("container.image.name", &format!("registry/shop/{name}"));
    text("container.image.tag", "1.42.0");
    text("host.name", &format!("node-{}", mix(service, pod) % 12));
    text("telemetry.sdk.name", "opentelemetry");
    text("telemetry.sdk.language", "java");
    text("telemetry.sdk.version", "1.54.0");
    resource
}

fn write_span(seed: u64, profile: Profile, trace: u32, at: u32, plan: &PlannedSpan) -> Message {
    let id = |at: u32| (mix(seed ^ u64::from(trace), u64::from(at)) | 1).to_be_bytes();
    let mut rng = Rng::new(mix(seed.wrapping_add(u64::from(trace)), u64::from(at)));
    let mut span = Message::default();
    span.trace_id(1, trace);
    span.bytes(2, &id(at));
    if let Some(parent) = plan.parent {
        span.bytes(4, &id(parent));
    }
    span.bytes(
        5,
        format!(
            "{} /api/v1/{}/{}",
            ["GET", "POST"][(plan.operation % 2) as usize],
            topology::service_name(plan.service),
            plan.operation
        )
        .as_bytes(),
    );
    span.number(6, 2 + plan.operation % 2);
    span.time(7, plan.start_ns);
    span.time(8, plan.start_ns + plan.duration_ns);
    let attributes = match profile {
        Profile::Small => 6,
        Profile::Common => 11,
        Profile::Medium => 10 + rng.below(21),
        Profile::Large => 20 + rng.below(21),
    };
    for number in 0..attributes {
        span.message(9, &write_attribute(&mut rng, profile, number));
    }
    let error = rng.below(1000) < 15;
    let events = if profile == Profile::Small {
        0
    } else {
        u64::from(rng.below(100) < 30)
    };
    for _ in 0..events {
        let mut event = Message::default();
        event.time(1, plan.start_ns + plan.duration_ns / 2);
        event.bytes(2, if error { b"exception" } else { b"message" });
        event.message(3, &int_attribute("message.id", rng.below(1_000_000)));
        if error && rng.below(3) == 0 {
            event.message(
                3,
                &text_attribute(
                    "exception.stacktrace",
                    &"at shop.Handler.handle(Handler.java:42)\n".repeat(37),
                ),
            );
        }
        span.message(11, &event);
    }
    if error {
        let mut status = Message::default();
        status.bytes(2, b"upstream connect error");
        status.number(3, 2);
        span.message(15, &status);
    }
    span
}

/// Keys of five kinds: constant, few values, a thousand, a million, unique.
fn write_attribute(rng: &mut Rng, profile: Profile, number: u64) -> Message {
    match number {
        0 => text_attribute("http.request.method", "GET"),
        1 => int_attribute(
            "http.response.status_code",
            [200, 200, 200, 204, 404, 500][rng.below(6) as usize],
        ),
        2 => text_attribute(
            "url.path",
            &format!("/api/v1/customers/items/{}", rng.below(1000)),
        ),
        3 => text_attribute("http.request.id", &format!("{:016x}", rng.next_u64())),
        4 => int_attribute("enduser.id", rng.below(1_000_000)),
        5 => text_attribute(
            "server.address",
            &format!("10.0.{}.{}", rng.below(4), rng.below(250)),
        ),
        6 => int_attribute("server.port", 8080),
        7 => text_attribute("network.protocol.version", "1.1"),
        8 => int_attribute("http.request.body.size", rng.below(100_000)),
        9 => text_attribute(
            "user_agent.original",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36",
        ),
        10 => double_attribute("app.score", rng.unit()),
        _ => {
            let key = format!("app.attribute.{:02}", (number + rng.below(90)) % 110);
            match rng.below(20) {
                0 => bool_attribute(&key, rng.below(2) == 0),
                1..=7 => int_attribute(&key, rng.below(1000)),
                _ if profile == Profile::Large => {
                    text_attribute(&key, &format!("{:016x}", rng.next_u64()).repeat(3))
                }
                _ => text_attribute(&key, &format!("value-{}", rng.below(10))),
            }
        }
    }
}

fn attribute(key: &str, value: &Message) -> Message {
    let mut attribute = Message::default();
    attribute.bytes(1, key.as_bytes());
    attribute.message(2, value);
    attribute
}

fn text_attribute(key: &str, text: &str) -> Message {
    let mut value = Message::default();
    value.bytes(1, text.as_bytes());
    attribute(key, &value)
}

fn bool_attribute(key: &str, flag: bool) -> Message {
    let mut value = Message::default();
    value.number(2, u64::from(flag));
    attribute(key, &value)
}

fn int_attribute(key: &str, number: u64) -> Message {
    let mut value = Message::default();
    value.number(3, number);
    attribute(key, &value)
}

fn double_attribute(key: &str, number: f64) -> Message {
    let mut value = Message::default();
    value.double(4, number);
    attribute(key, &value)
}
