//! Moves what describes the instrumentation library from spans to their resource.
//!
//! Rule: the span attributes `telemetry.sdk.{language,name,version}` and `telemetry.distro.{name,version}` become attributes of the resource, behind those
//! it has; it is shared, so that all of its spans show them. Where the resource has another value, the span keeps its own, with a warning.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/internal/extension/jaegerquery/internal/adjuster/libraryattributes.go` v2.20.0.

use std::sync::Arc;

use model::{KeyValue, Resource, Span, Str};

use crate::adjust::library_tags::is_library;

pub(super) fn adjust(spans: &mut [Span]) {
    // spans of one resource stand together
    for group in spans.chunk_by_mut(|a, b| Arc::ptr_eq(&a.resource, &b.resource)) {
        let moves = |span: &Span| span.attributes.iter().any(|a| is_library(&a.key));
        let Some(first) = group.first().filter(|_| group.iter().any(moves)) else {
            continue;
        };
        let mut resource = Resource::clone(&first.resource);
        let own = resource.attributes.iter().filter(|a| is_library(&a.key));
        let mut known: Vec<KeyValue> = own.cloned().collect();
        let own = known.len();
        for span in group.iter_mut() {
            let warnings = &mut span.warnings;
            span.attributes.retain(|attribute| {
                if !is_library(&attribute.key) {
                    return true;
                }
                let differs = !takes(&mut known, attribute);
                if differs {
                    warnings.push(Str::from(format!(
                        "conflicting values between Span and Resource for attribute {}",
                        attribute.key
                    )));
                }
                differs
            });
        }
        resource.attributes.extend(known.drain(own..));
        let resource = Arc::new(resource);
        for span in group {
            span.resource = resource.clone();
        }
    }
}

/// Whether `attribute` is among the `known` ones now; it is not when there is another value for it.
fn takes(known: &mut Vec<KeyValue>, attribute: &KeyValue) -> bool {
    match known.iter().find(|a| a.key == attribute.key) {
        Some(own) => own.value == attribute.value,
        None => {
            known.push(attribute.clone());
            true
        }
    }
}
