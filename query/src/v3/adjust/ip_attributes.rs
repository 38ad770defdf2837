//! Shows IPv4 addresses that came as numbers as addresses.
//!
//! Rule: the attributes `ip` and `peer.ipv4` of spans and of resources, when they are numbers, become text `a.b.c.d`, the low 32 bits big-endian.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/internal/extension/jaegerquery/internal/adjuster/ipattribute.go` v2.20.0.

use model::{KeyValue, Span, Str, Value};

use crate::adjust::ip_tags::{address, is_address};
use crate::adjust::map_shared;

pub(super) fn adjust(spans: &mut [Span]) {
    for span in spans.iter_mut() {
        mend(&mut span.attributes);
    }
    map_shared(
        spans,
        |span| &mut span.resource,
        |resource| mend(&mut resource.attributes),
    );
}

fn mend(attributes: &mut [KeyValue]) {
    for attribute in attributes.iter_mut().filter(|a| is_address(&a.key)) {
        let number = match attribute.value {
            Value::Int(value) => value,
            Value::Double(value) => value as i64,
            _ => continue,
        };
        attribute.value = Value::String(Str::from(address(number).to_string()));
    }
}
