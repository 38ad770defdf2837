//! The generated types as the oracle: random requests of them, and what spans they mean, by a conversion of their own.

use super::*;
use model::{Dropped, Event, Link, SpanId, SpanKind, Status, StatusCode, TraceId};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;

/// A request of one span whose resource has these `service.name`s.
pub(super) fn request_of(names: Vec<any_value::Value>) -> ExportTraceServiceRequest {
    let attributes = names
        .into_iter()
        .map(|value| proto::KeyValue {
            key: "service.name".to_owned(),
            value: Some(proto::AnyValue { value: Some(value) }),
            key_strindex: 0,
        })
        .collect();
    ExportTraceServiceRequest {
        resource_spans: vec![trace::ResourceSpans {
            resource: Some(ProtoResource {
                attributes,
                ..Default::default()
            }),
            scope_spans: vec![trace::ScopeSpans {
                spans: vec![good("x")],
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
}

fn text() -> impl Strategy<Value = String> {
    arbitrary::text().prop_map(|text| text.to_string())
}

fn value() -> impl Strategy<Value = proto::AnyValue> {
    arbitrary::value().prop_map(|value| to_proto(&value))
}

fn to_proto(value: &Value) -> proto::AnyValue {
    use any_value::Value as Proto;
    let pair = |entry: &KeyValue| proto::KeyValue {
        key: entry.key.to_string(),
        value: Some(to_proto(&entry.value)),
        key_strindex: 0,
    };
    let value = match value {
        Value::Empty => None,
        Value::String(text) => Some(Proto::StringValue(text.to_string())),
        Value::Bool(value) => Some(Proto::BoolValue(*value)),
        Value::Int(value) => Some(Proto::IntValue(*value)),
        Value::Double(value) => Some(Proto::DoubleValue(*value)),
        Value::Bytes(bytes) => Some(Proto::BytesValue(bytes.to_vec())),
        Value::Array(values) => Some(Proto::ArrayValue(proto::ArrayValue {
            values: values.iter().map(to_proto).collect(),
        })),
        Value::Map(entries) => Some(Proto::KvlistValue(proto::KeyValueList {
            values: entries.iter().map(pair).collect(),
        })),
    };
    proto::AnyValue { value }
}

fn attributes() -> impl Strategy<Value = Vec<proto::KeyValue>> {
    let pair = (text(), prop::option::of(value())).prop_map(|(key, value)| proto::KeyValue {
        key,
        value,
        key_strindex: 0,
    });
    prop::collection::vec(pair, 0..4)
}

fn id(len: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1..=255u8, len)
}

fn maybe_id(len: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![id(len), Just(Vec::new()), Just(vec![0; len])]
}

fn event() -> impl Strategy<Value = trace::span::Event> {
    (any::<u64>(), text(), attributes(), any::<u32>()).prop_map(
        |(time_unix_nano, name, attributes, dropped_attributes_count)| trace::span::Event {
            time_unix_nano,
            name,
            attributes,
            dropped_attributes_count,
        },
    )
}

fn link() -> impl Strategy<Value = trace::span::Link> {
    (
        maybe_id(16),
        maybe_id(8),
        text(),
        attributes(),
        any::<u32>(),
        any::<u32>(),
    )
        .prop_map(
            |(trace_id, span_id, trace_state, attributes, dropped_attributes_count, flags)| {
                trace::span::Link {
                    trace_id,
                    span_id,
                    trace_state,
                    attributes,
                    dropped_attributes_count,
                    flags,
                }
            },
        )
}

fn span() -> impl Strategy<Value = trace::Span> {
    let head = (id(16), id(8), maybe_id(8), text(), text(), any::<i32>());
    let numbers = (
        any::<u64>(),
        any::<u64>(),
        any::<u32>(),
        any::<u32>(),
        any::<u32>(),
        any::<u32>(),
    );
    let lists = (
        attributes(),
        prop::collection::vec(event(), 0..3),
        prop::collection::vec(link(), 0..3),
    );
    let status = prop::option::of((text(), -1..4i32));
    (head, numbers, lists, status, 0..7i32).prop_map(|(head, numbers, lists, status, kind)| {
        trace::Span {
            trace_id: head.0,
            span_id: head.1,
            parent_span_id: head.2,
            trace_state: head.3,
            name: head.4,
            kind: if kind == 6 { head.5 } else { kind },
            start_time_unix_nano: numbers.0,
            end_time_unix_nano: numbers.1,
            flags: numbers.2,
            dropped_attributes_count: numbers.3,
            dropped_events_count: numbers.4,
            dropped_links_count: numbers.5,
            attributes: lists.0,
            events: lists.1,
            links: lists.2,
            status: status.map(|(message, code)| trace::Status { message, code }),
        }
    })
}

fn scope_spans() -> impl Strategy<Value = trace::ScopeSpans> {
    let scope = (text(), text(), attributes(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| proto::InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    );
    (
        prop::option::of(scope),
        prop::collection::vec(span(), 0..3),
        text(),
    )
        .prop_map(|(scope, spans, schema_url)| trace::ScopeSpans {
            scope,
            spans,
            schema_url,
        })
}

fn resource_spans() -> impl Strategy<Value = trace::ResourceSpans> {
    let names = prop::collection::vec(prop::option::of(value()), 0..2);
    let resource = (names, attributes(), any::<u32>()).prop_map(
        |(names, mut attributes, dropped_attributes_count)| {
            attributes.extend(names.into_iter().map(|value| proto::KeyValue {
                key: "service.name".to_owned(),
                value,
                key_strindex: 0,
            }));
            ProtoResource {
                attributes,
                dropped_attributes_count,
                ..Default::default()
            }
        },
    );
    (
        prop::option::of(resource),
        prop::collection::vec(scope_spans(), 0..3),
        text(),
    )
        .prop_map(|(resource, scope_spans, schema_url)| trace::ResourceSpans {
            resource,
            scope_spans,
            schema_url,
        })
}

pub(super) fn request() -> impl Strategy<Value = ExportTraceServiceRequest> {
    prop::collection::vec(resource_spans(), 0..3)
        .prop_map(|resource_spans| ExportTraceServiceRequest { resource_spans })
}

/// The spans that `request` means; all must be fit.
pub(super) fn spans(request: &ExportTraceServiceRequest) -> Vec<Span> {
    let (fit, unfit) = judged(request);
    assert_eq!(unfit, 0);
    fit
}

/// The spans that `request` means, and how many are unfit.
pub(super) fn judged(request: &ExportTraceServiceRequest) -> (Vec<Span>, usize) {
    let mut fit = Vec::new();
    let mut unfit = 0;
    for group in &request.resource_spans {
        let from = group.resource.clone().unwrap_or_default();
        let mut attributes = list(&from.attributes);
        let named = attributes.iter().position(|a| a.key == "service.name");
        let named = named.filter(|at| attributes[*at].value.as_str().is_some());
        let service_name = named.map(|at| match attributes.remove(at).value {
            Value::String(text) => text,
            _ => unreachable!(),
        });
        let resource = Arc::new(Resource {
            service_name,
            attributes,
            dropped_attributes_count: from.dropped_attributes_count,
            schema_url: group.schema_url.as_str().into(),
        });
        for group in &group.scope_spans {
            let from = group.scope.clone().unwrap_or_default();
            let scope = Arc::new(Scope {
                name: from.name.as_str().into(),
                version: from.version.as_str().into(),
                attributes: list(&from.attributes),
                dropped_attributes_count: from.dropped_attributes_count,
                schema_url: group.schema_url.as_str().into(),
            });
            for span in &group.spans {
                match one(span, &resource, &scope) {
                    Some(span) => fit.push(span),
                    None => unfit += 1,
                }
            }
        }
    }
    (fit, unfit)
}

fn one(span: &trace::Span, resource: &Arc<Resource>, scope: &Arc<Scope>) -> Option<Span> {
    let trace_id = trace_id(&span.trace_id)?;
    let own_id = span_id(&span.span_id)?;
    if trace_id.is_zero() || own_id.is_zero() {
        return None;
    }
    let status = span.status.clone().unwrap_or_default();
    Some(Span {
        trace_id,
        span_id: own_id,
        parent_span_id: Some(span_id(&span.parent_span_id)?).filter(|id| !id.is_zero()),
        name: span.name.as_str().into(),
        kind: SpanKind::from_number(span.kind),
        start_ns: span.start_time_unix_nano,
        end_ns: span.end_time_unix_nano,
        attributes: list(&span.attributes),
        events: span
            .events
            .iter()
            .map(|event| Event {
                time_ns: event.time_unix_nano,
                name: event.name.as_str().into(),
                attributes: list(&event.attributes),
                dropped_attributes_count: event.dropped_attributes_count,
            })
            .collect(),
        links: span
            .links
            .iter()
            .map(|link| {
                Some(Link {
                    trace_id: self::trace_id(&link.trace_id)?,
                    span_id: span_id(&link.span_id)?,
                    ref_type: RefType::FollowsFrom,
                    trace_state: link.trace_state.as_str().into(),
                    attributes: list(&link.attributes),
                    dropped_attributes_count: link.dropped_attributes_count,
                    flags: link.flags,
                })
            })
            .collect::<Option<_>>()?,
        status: Status {
            code: match status.code {
                1 => StatusCode::Ok,
                2 => StatusCode::Error,
                _ => StatusCode::Unset,
            },
            message: status.message.as_str().into(),
        },
        resource: resource.clone(),
        scope: scope.clone(),
        dialect: Dialect::Otlp,
        trace_state: span.trace_state.as_str().into(),
        flags: span.flags,
        warnings: Vec::new(),
        dropped: Dropped {
            attributes: span.dropped_attributes_count,
            events: span.dropped_events_count,
            links: span.dropped_links_count,
        },
    })
}

fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    match bytes {
        [] => Some(TraceId::default()),
        _ => Some(TraceId(bytes.try_into().ok()?)),
    }
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    match bytes {
        [] => Some(SpanId::default()),
        _ => Some(SpanId(bytes.try_into().ok()?)),
    }
}

fn list(attributes: &[proto::KeyValue]) -> Vec<KeyValue> {
    attributes
        .iter()
        .map(|attribute| KeyValue {
            key: attribute.key.as_str().into(),
            value: attribute.value.as_ref().map(from_proto).unwrap_or_default(),
        })
        .collect()
}

fn from_proto(value: &proto::AnyValue) -> Value {
    use any_value::Value as Proto;
    match &value.value {
        None | Some(Proto::StringValueStrindex(_)) => Value::Empty,
        Some(Proto::StringValue(text)) => Value::String(text.as_str().into()),
        Some(Proto::BoolValue(value)) => Value::Bool(*value),
        Some(Proto::IntValue(value)) => Value::Int(*value),
        Some(Proto::DoubleValue(value)) => Value::Double(*value),
        Some(Proto::ArrayValue(array)) => {
            Value::Array(array.values.iter().map(from_proto).collect())
        }
        Some(Proto::KvlistValue(map)) => Value::Map(list(&map.values).into()),
        Some(Proto::BytesValue(bytes)) => Value::Bytes(Slice::from(bytes.as_slice())),
    }
}

/// Replaces every NaN by the one that has a word in JSON.
pub(crate) fn one_nan(span: &mut Span) {
    nan_of_list(&mut span.attributes);
    for event in &mut span.events {
        nan_of_list(&mut event.attributes);
    }
    for link in &mut span.links {
        nan_of_list(&mut link.attributes);
    }
    nan_of_list(&mut Arc::make_mut(&mut span.resource).attributes);
    nan_of_list(&mut Arc::make_mut(&mut span.scope).attributes);
}

fn nan_of_list(list: &mut [KeyValue]) {
    for attribute in list {
        nan_of_value(&mut attribute.value);
    }
}

fn nan_of_value(value: &mut Value) {
    match value {
        Value::Double(double) if double.is_nan() => *double = f64::NAN,
        Value::Array(values) => values.iter_mut().for_each(nan_of_value),
        Value::Map(entries) => nan_of_list(entries),
        _ => {}
    }
}
