//! Sorts attributes and events, so that people and comparisons find them.
//!
//! Rule: the attributes of spans, events, links, resources and scopes by key, the service's name among those of its resource; of equal keys the last one
//! stays. Events by name, as Jaeger has them up to v2.20, those of one name in their order.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/internal/extension/jaegerquery/internal/adjuster/sort.go` v2.20.0; that events go by name is in the recordings.

use model::{KeyValue, Span, Value};

use super::super::SERVICE_NAME;
use crate::adjust::map_shared;

pub(super) fn adjust(spans: &mut [Span]) {
    for span in spans.iter_mut() {
        sort(&mut span.attributes);
        span.events.sort_by(|a, b| a.name.as_str().cmp(&b.name));
        for event in &mut span.events {
            sort(&mut event.attributes);
        }
        for link in &mut span.links {
            sort(&mut link.attributes);
        }
    }
    map_shared(
        spans,
        |span| &mut span.resource,
        |resource| {
            let name = resource.service_name.take();
            let name = name.map(|name| KeyValue::new(SERVICE_NAME, Value::String(name)));
            resource.attributes.extend(name);
            sort(&mut resource.attributes);
        },
    );
    map_shared(
        spans,
        |span| &mut span.scope,
        |scope| sort(&mut scope.attributes),
    );
}

/// By key; of equal keys the last stays.
pub(in crate::v3) fn sort(attributes: &mut Vec<KeyValue>) {
    attributes.sort_by(|a, b| a.key.as_str().cmp(&b.key));
    attributes.reverse();
    attributes.dedup_by(|a, b| a.key == b.key);
    attributes.reverse();
}
