//! The traces that begin with the spans of a batch, and how each came to be recorded.
//!
//! In: spans of any protocol. Out: service, operation and sampler of those without a parent. Made before the batch is handed to the store,
//! which keeps the only copy of the spans; counted once they are stored, so that what is sent again counts once.
//!
//! Samplers say what they did in two attributes: Jaeger's clients as `sampler.type` and `sampler.param`, OpenTelemetry's for Go as
//! `jaeger.sampler.type` and `jaeger.sampler.param`. Most SDKs of OpenTelemetry say nothing.
//!
//! Source: `jaegertracing/jaeger: internal/sampling/samplingstrategy/adaptive/aggregator.go`, `internal/uimodel` `span.go` (`GetSamplerParams`)
//! v1.76.0; `open-telemetry/opentelemetry-go-contrib: samplers/jaegerremote/sampler.go`.

use std::sync::Arc;

use model::{KeyValue, Resource, Span, Str, Value};

/// Of one batch.
#[derive(Debug, Default)]
pub(crate) struct Roots(pub(super) Vec<Root>);

/// The beginning of a trace.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) resource: Arc<Resource>,
    pub(super) operation: Str,
    pub(super) sampler: Sampler,
}

/// How it came to be recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Sampler {
    /// By chance, with this probability.
    Probabilistic(f64),
    /// Some other way, by a sampler that says this number.
    Other(f64),
    /// The span does not say.
    Unsaid,
}

// === impl Roots ===

impl Roots {
    /// Of `spans`. Only in those that came by OTLP a sampler may leave unsaid what it did.
    pub(crate) fn of(spans: &[Span], otlp: bool) -> Self {
        let roots = spans.iter().filter(|span| span.parent_span_id.is_none());
        let named = roots.filter(|s| !s.name.is_empty() && !s.resource.service_name().is_empty());
        let roots = named.filter_map(|span| {
            Some(Root {
                resource: span.resource.clone(),
                operation: span.name.clone(),
                sampler: sampler(&span.attributes, otlp)?,
            })
        });
        Self(roots.collect())
    }
}

fn sampler(attributes: &[KeyValue], otlp: bool) -> Option<Sampler> {
    let find = |keys: [&str; 2]| {
        let mut attributes = attributes.iter();
        attributes
            .find(|a| keys.contains(&&*a.key))
            .map(|a| &a.value)
    };
    let Some(kind) = find(["sampler.type", "jaeger.sampler.type"]) else {
        return otlp.then_some(Sampler::Unsaid);
    };
    let param = number(find(["sampler.param", "jaeger.sampler.param"])?)?;
    match kind.as_str()? {
        "probabilistic" => Some(Sampler::Probabilistic(param)),
        "const" | "lowerbound" | "ratelimiting" | "remote" => Some(Sampler::Other(param)),
        _ => None,
    }
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Double(number) => *number,
        Value::Int(number) => *number as f64,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use model::SpanId;

    use super::*;

    fn span(attributes: Vec<KeyValue>) -> Span {
        Span {
            name: "GET /".into(),
            attributes,
            resource: Arc::new(Resource::of_service("shop")),
            ..Span::default()
        }
    }

    fn pair(prefix: &str, kind: &str, param: impl Into<Value>) -> Vec<KeyValue> {
        vec![
            KeyValue::new(format!("{prefix}sampler.type"), kind),
            KeyValue::new(format!("{prefix}sampler.param"), param),
        ]
    }

    #[track_caller]
    fn check(attributes: Vec<KeyValue>, otlp: bool, expect: Option<Sampler>) {
        let Roots(roots) = Roots::of(&[span(attributes)], otlp);
        assert_eq!(roots.first().map(|root| root.sampler), expect);
    }

    #[test]
    fn samplers_say_what_they_did_in_two_attributes() {
        use Sampler::{Other, Probabilistic};
        for otlp in [false, true] {
            check(
                pair("", "probabilistic", 0.5),
                otlp,
                Some(Probabilistic(0.5)),
            );
            check(
                pair("", "probabilistic", "0.25"),
                otlp,
                Some(Probabilistic(0.25)),
            );
            check(
                pair("", "probabilistic", 1_i64),
                otlp,
                Some(Probabilistic(1.0)),
            );
            check(
                pair("jaeger.", "probabilistic", 0.5),
                otlp,
                Some(Probabilistic(0.5)),
            );
            check(pair("", "lowerbound", 0.1), otlp, Some(Other(0.1)));
            check(pair("", "const", 1_i64), otlp, Some(Other(1.0)));
            check(pair("", "const", true), otlp, None);
            check(pair("", "probabilistic", "much"), otlp, None);
            check(pair("", "probabilistic", "NaN"), otlp, None);
            check(pair("", "odd", 0.5), otlp, None);
            check(pair("", "probabilistic", 0.5)[..1].to_vec(), otlp, None);
        }
    }

    #[test]
    fn only_otlp_may_leave_it_unsaid() {
        check(vec![], true, Some(Sampler::Unsaid));
        check(vec![], false, None);
    }

    #[test]
    fn what_has_a_parent_or_no_name_begins_no_trace() {
        let sampled = || span(pair("", "probabilistic", 0.5));
        let child = Span {
            parent_span_id: Some(SpanId::from_u64(1)),
            ..sampled()
        };
        let nameless = Span {
            name: Str::default(),
            ..sampled()
        };
        let nobodys = Span {
            resource: Arc::default(),
            ..sampled()
        };
        let Roots(roots) = Roots::of(&[child, nameless, sampled(), nobodys], true);
        assert_eq!(roots.len(), 1);
    }
}
