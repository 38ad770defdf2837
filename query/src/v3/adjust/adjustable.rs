//! What the rules about shared ids and about clocks ask of a span in OpenTelemetry's form.
//!
//! Rule: kind and parent are fields. A host is known by its resource's `host.id`, else by `host.ip` (a text, or the first of a list), else by `host.name`;
//! that is another key than Jaeger's form has, which knows the tag `ip` alone. A span that is moved keeps its duration.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/internal/extension/jaegerquery/internal/adjuster/{clockskew,spaniduniquifier}.go` v2.20.0.

use model::{Resource, Span, SpanId, SpanKind, Str, Value};

use crate::adjust::Adjustable;

// === impl Span ===

impl Adjustable for Span {
    fn id(&self) -> SpanId {
        self.span_id
    }

    fn set_id(&mut self, id: SpanId) {
        self.span_id = id;
    }

    fn is(&self, kind: SpanKind) -> bool {
        self.kind == kind
    }

    fn parent(&self) -> Option<SpanId> {
        self.parent_span_id
    }

    fn set_parent(&mut self, parent: SpanId) {
        self.parent_span_id = Some(parent);
    }

    fn host(&self) -> String {
        host(&self.resource).to_owned()
    }

    fn start_ns(&self) -> u64 {
        self.start_ns
    }

    fn duration_ns(&self) -> u64 {
        Self::duration_ns(self)
    }

    fn shift(&mut self, by_ns: i64) {
        let times = self.events.iter_mut().map(|event| &mut event.time_ns);
        for time_ns in times.chain([&mut self.start_ns, &mut self.end_ns]) {
            *time_ns = time_ns.saturating_add_signed(by_ns);
        }
    }

    fn warn(&mut self, warning: String) {
        self.warnings.push(Str::from(warning));
    }

    fn lost_parent(parent: SpanId) -> String {
        format!("parent span ID={parent} is not in the trace; skipping clock skew adjustment")
    }
}

/// What is known of a host by its resource, whose attributes are sorted; empty: nothing.
pub(in crate::v3) fn host(resource: &Resource) -> &str {
    let attributes = &resource.attributes;
    let find = |key: &str| {
        let at = attributes.binary_search_by(|a| a.key.as_str().cmp(key));
        at.ok().and_then(|at| attributes.get(at)).map(|a| &a.value)
    };
    if let Some(id) = find("host.id") {
        return id.as_str().unwrap_or_default();
    }
    match find("host.ip") {
        Some(Value::String(ip)) => return ip,
        Some(Value::Array(ips)) if !ips.is_empty() => {
            return ips.first().and_then(Value::as_str).unwrap_or_default();
        }
        _ => {}
    }
    find("host.name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}
