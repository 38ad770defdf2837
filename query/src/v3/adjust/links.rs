//! Drops links that name no trace.
//!
//! Rule: a link whose trace id is all zero is removed, with a warning.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/internal/extension/jaegerquery/internal/adjuster/spanlinks.go` v2.20.0.

use model::{Span, Str};

pub(super) fn adjust(spans: &mut [Span]) {
    for span in spans {
        let warnings = &mut span.warnings;
        span.links.retain(|link| {
            let valid = !link.trace_id.is_zero();
            if !valid {
                warnings.push(Str::from("Invalid span link removed"));
            }
            valid
        });
    }
}
