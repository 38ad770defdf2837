//! One span, and one resource, as they are written: what is the same each time a round is sent, and slots for what is not.

use super::protobuf::{Message, Slot};
use super::rng::{Rng, mix};
use super::topology::{self, PlannedSpan};
use super::workload::{Profile, Workload};

/// The key that few values are shared under.
pub const STATUS_CODE: &str = "http.response.status_code";
/// The key whose values are unique.
pub const UNIQUE: &str = "http.request.id";

/// The resource of a pod: 15 attributes.
pub(super) fn write_resource((service, pod): (u64, u64)) -> Message {
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

/// The span at place `at` of trace `trace`.
pub(super) fn write_span(workload: &Workload, trace: u32, at: u32, plan: &PlannedSpan) -> Message {
    let profile = workload.profile;
    let seed = workload.seed.wrapping_add(u64::from(trace));
    let mut rng = Rng::new(mix(seed, u64::from(at)));
    let mut span = Message::default();
    span.slot(1, Slot::TraceId(trace));
    span.slot(2, Slot::SpanId(at));
    if let Some(parent) = plan.parent {
        span.slot(4, Slot::ParentId(parent));
    }
    let name = topology::operation_name(plan.service, plan.operation);
    span.bytes(5, name.as_bytes());
    span.number(6, 2 + plan.operation % 2);
    span.slot(7, Slot::Time(plan.start_ns));
    span.slot(8, Slot::Time(plan.start_ns + plan.duration_ns));
    let attributes = match profile {
        Profile::Small => 6,
        Profile::Common => 11,
        Profile::Medium => 10 + rng.below(21),
        Profile::Large => 20 + rng.below(21),
    };
    for number in 0..attributes {
        span.message(9, &write_attribute(&mut rng, profile, number, plan));
    }
    let error = rng.below(1000) < 15;
    let events = if profile == Profile::Small {
        0
    } else {
        u64::from(rng.below(100) < 30)
    };
    for _ in 0..events {
        let mut event = Message::default();
        event.slot(1, Slot::Time(plan.start_ns + plan.duration_ns / 2));
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
fn write_attribute(rng: &mut Rng, profile: Profile, number: u64, plan: &PlannedSpan) -> Message {
    match number {
        0 => text_attribute("http.request.method", "GET"),
        1 => int_attribute(STATUS_CODE, plan.status_code),
        2 => text_attribute(
            "url.path",
            &format!("/api/v1/customers/items/{}", rng.below(1000)),
        ),
        3 => slot_attribute(UNIQUE, 1, Slot::Unique),
        4 => slot_attribute("enduser.id", 3, Slot::OfAMillion),
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
        10 => slot_attribute("app.score", 4, Slot::Score),
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

fn slot_attribute(key: &str, field: u32, slot: Slot) -> Message {
    let mut value = Message::default();
    value.slot(field, slot);
    attribute(key, &value)
}
