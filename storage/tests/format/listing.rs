//! Everything that can be read of a store, a line of JSON each: what is committed beside the fixture.

use futures_util::StreamExt as _;
use model::{Dialect, Event, Instance, KeyValue, Link, RefType, Span, Str, Value};
use serde_json::{Value as Json, json};
use storage::{
    Backend, Completeness, GetTrace, LinkKind, OperationQuery, ReadContext, ReadItem, TraceQuery,
};

use crate::bytes::hex;

/// Spans as they are compared: whose, which trace, and all the rest.
pub(crate) fn sorted(mut spans: Vec<Json>) -> Vec<Json> {
    spans.sort_by_key(|span| {
        let text = |key: &str| span[key].to_string();
        let ids = (text("instance"), text("trace_id"), text("span_id"));
        (ids, text("start_ns"), text("kind"))
    });
    spans
}

/// What a store says of an instance beside its spans.
pub(crate) async fn summary(store: &dyn Backend, instance: &Instance) -> Json {
    let (cx, reader) = (ReadContext::default(), store.reader(instance));
    let services = reader.get_services(&cx).await.unwrap();
    let mut operations = Vec::new();
    for service in &services {
        let query = OperationQuery {
            service: service.clone(),
            kind: None,
        };
        for operation in reader.get_operations(&cx, &query).await.unwrap() {
            let kind = operation.kind.number();
            operations.push(json!([service.as_str(), kind, operation.name.as_str()]));
        }
    }
    let dependencies = store.dependencies(instance);
    let links = dependencies.get_dependencies(&cx, 0, u64::MAX).await;
    let links = links
        .unwrap()
        .into_iter()
        .filter(|link| link.kind == LinkKind::Call)
        .map(|link| json!([link.parent.as_str(), link.child.as_str(), link.call_count]));
    json!({
        "summary_of": instance.as_str(),
        "services": services.iter().map(Str::as_str).collect::<Vec<_>>(),
        "operations": operations,
        "dependencies": links.collect::<Vec<_>>(),
    })
}

/// All spans of an instance.
pub(crate) async fn spans(store: &dyn Backend, instance: &Instance) -> Vec<Json> {
    let (cx, reader) = (ReadContext::default(), store.reader(instance));
    let query = TraceQuery {
        start_max_ns: u64::MAX,
        limit: 1000,
        ..TraceQuery::default()
    };
    let found = reader.find_trace_ids(&cx, &query).await.unwrap();
    assert_eq!(found.completeness, Completeness::Complete);
    let ids = found.traces.iter().map(|t| GetTrace::by_id(t.trace_id));
    let ids: Vec<_> = ids.collect();
    let mut spans = Vec::new();
    let mut items = reader.get_traces(&cx, &ids);
    while let Some(item) = items.next().await {
        match item.unwrap() {
            ReadItem::Spans(some) => spans.extend(some.iter().map(|s| span(instance, s))),
            ReadItem::End(completeness) => assert_eq!(completeness, Completeness::Complete),
        }
    }
    spans
}

fn span(instance: &Instance, span: &Span) -> Json {
    let (resource, scope) = (&span.resource, &span.scope);
    json!({
        "instance": instance.as_str(),
        "trace_id": hex(&span.trace_id.0),
        "span_id": hex(&span.span_id.0),
        "parent_span_id": span.parent_span_id.map(|id| hex(&id.0)),
        "name": span.name.as_str(),
        "kind": span.kind.number(),
        "start_ns": span.start_ns.to_string(),
        "end_ns": span.end_ns.to_string(),
        "attributes": attributes(&span.attributes),
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "links": span.links.iter().map(link).collect::<Vec<_>>(),
        "status": { "code": span.status.code as u8, "message": span.status.message.as_str() },
        "flags": span.flags,
        "dialect": match span.dialect {
            Dialect::Otlp => "otlp",
            Dialect::Jaeger => "jaeger",
        },
        "trace_state": span.trace_state.as_str(),
        "warnings": span.warnings.iter().map(Str::as_str).collect::<Vec<_>>(),
        "dropped": [span.dropped.attributes, span.dropped.events, span.dropped.links],
        "resource": {
            "service_name": resource.service_name.as_deref(),
            "attributes": attributes(&resource.attributes),
            "dropped": resource.dropped_attributes_count,
            "schema_url": resource.schema_url.as_str(),
        },
        "scope": {
            "name": scope.name.as_str(),
            "version": scope.version.as_str(),
            "attributes": attributes(&scope.attributes),
            "dropped": scope.dropped_attributes_count,
            "schema_url": scope.schema_url.as_str(),
        },
    })
}

fn event(event: &Event) -> Json {
    json!({
        "time_ns": event.time_ns.to_string(),
        "name": event.name.as_str(),
        "attributes": attributes(&event.attributes),
        "dropped": event.dropped_attributes_count,
    })
}

fn link(link: &Link) -> Json {
    json!({
        "trace_id": hex(&link.trace_id.0),
        "span_id": hex(&link.span_id.0),
        "trace_state": link.trace_state.as_str(),
        "attributes": attributes(&link.attributes),
        "dropped": link.dropped_attributes_count,
        "flags": link.flags,
        "ref_type": match link.ref_type {
            RefType::FollowsFrom => "follows-from",
            RefType::ChildOf => "child-of",
        },
    })
}

fn attributes(list: &[KeyValue]) -> Vec<Json> {
    let one = |a: &KeyValue| json!({ "key": a.key.as_str(), "value": value(&a.value) });
    list.iter().map(one).collect()
}

fn value(value: &Value) -> Json {
    match value {
        Value::Empty => Json::Null,
        Value::String(text) => json!({ "string": text.as_str() }),
        Value::Bool(value) => json!({ "bool": value }),
        Value::Int(value) => json!({ "int": value.to_string() }),
        Value::Double(value) => json!({ "double": format!("{:016x}", value.to_bits()) }),
        Value::Array(values) => {
            json!({ "array": values.iter().map(self::value).collect::<Vec<_>>() })
        }
        Value::Map(entries) => json!({ "map": attributes(entries) }),
        Value::Bytes(bytes) => json!({ "bytes": hex(bytes.as_bytes()) }),
    }
}
