//! Mappings: which members of a document can be searched, and how.
//!
//! In: nothing. Out: Jaeger's mappings of spans and services, and those of documents that only Spoor writes. The latter refuse nothing: what
//! they do not know is kept and not searched.

use serde_json::{Value, json};

/// The longest text that an index holds, in UTF-16 units as the cluster counts.
pub(crate) const IGNORE_ABOVE: usize = 256;

/// Whether an index holds this text.
pub(crate) fn is_indexed(text: &str) -> bool {
    is_within(text, IGNORE_ABOVE)
}

/// Whether a text has at most so many UTF-16 units.
pub(crate) fn is_within(text: &str, most: usize) -> bool {
    // most texts have fewer bytes
    text.len() <= most || text.encode_utf16().count() <= most
}

/// A member that is searched as a whole, up to this many characters.
fn keyword() -> Value {
    json!({"type": "keyword", "ignore_above": IGNORE_ABOVE})
}

/// Documents within a document, which are searched each for itself.
fn nested(properties: &[(&str, Value)]) -> Value {
    let properties: Value = properties
        .iter()
        .map(|(name, m)| ((*name).to_owned(), m.clone()))
        .collect();
    json!({"type": "nested", "dynamic": false, "properties": properties})
}

fn tags() -> Value {
    nested(&[
        ("key", keyword()),
        ("value", keyword()),
        ("type", keyword()),
    ])
}

/// Tags that are fields.
fn dynamic_templates() -> Value {
    json!([
        {"span_tags_map": {"path_match": "tag.*", "mapping": keyword()}},
        {"process_tags_map": {"path_match": "process.tag.*", "mapping": keyword()}},
    ])
}

/// Of spans.
pub(super) fn span() -> Value {
    json!({
        "dynamic_templates": dynamic_templates(),
        "properties": {
            "traceID": keyword(),
            "parentSpanID": keyword(),
            "spanID": keyword(),
            "operationName": keyword(),
            "startTime": {"type": "long"},
            "startTimeMillis": {"type": "date", "format": "epoch_millis"},
            "duration": {"type": "long"},
            "flags": {"type": "integer"},
            "logs": nested(&[("timestamp", json!({"type": "long"})), ("fields", tags())]),
            "process": {
                "properties": {"serviceName": keyword(), "tag": {"type": "object"}, "tags": tags()},
            },
            "references": nested(&[("refType", keyword()), ("traceID", keyword()), ("spanID", keyword())]),
            "tag": {"type": "object"},
            "tags": tags(),
        },
    })
}

/// Of services and their operations.
pub(super) fn service() -> Value {
    json!({
        "dynamic_templates": dynamic_templates(),
        "properties": {"serviceName": keyword(), "operationName": keyword()},
    })
}

/// Of calls between services. Jaeger says nothing of them, and a cluster finds out that the time is one.
pub(super) fn dependencies() -> Value {
    json!({"properties": {"timestamp": {"type": "date"}}})
}

/// Of what adaptive sampling keeps.
pub(super) fn sampling() -> Value {
    let kept = json!({"type": "object", "enabled": false});
    json!({
        "properties": {
            "timestamp": {"type": "date"},
            "throughputs": {
                "properties": {
                    "Service": keyword(),
                    "Operation": keyword(),
                    "Count": {"type": "long"},
                    "Probabilities": kept,
                },
            },
            "probabilitiesandqps": {
                "properties": {"Hostname": keyword(), "Probabilities": kept, "QPS": kept, "Asked": kept},
            },
        },
    })
}

/// Of what could not be stored.
pub(super) fn dead_letter() -> Value {
    let word = json!({"type": "keyword", "ignore_above": 1024});
    json!({
        "dynamic": false,
        "properties": {
            "time": {"type": "date", "ignore_malformed": true},
            "instance": word,
            "origin": word,
            "reason": word,
            // base64, which is not looked into
            "payload": {"type": "binary"},
        },
    })
}

/// Of leases.
pub(super) fn lease() -> Value {
    json!({
        "dynamic": false,
        "properties": {
            "holder": {"type": "keyword", "ignore_above": 1024},
            "until": {"type": "date", "ignore_malformed": true},
        },
    })
}
