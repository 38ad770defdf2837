//! Records of spans, resources and scopes (section 5) into the lines of the listing.

use serde_json::{Value as Json, json};

use crate::bytes::{Bytes, hex};

/// A field of a message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

// === impl Field ===

impl<'a> Field<'a> {
    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Bytes(_) => panic!("a number was wanted"),
        }
    }

    fn bytes(&self) -> &'a [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(_) => panic!("bytes were wanted"),
        }
    }

    fn text(&self) -> &'a str {
        std::str::from_utf8(self.bytes()).unwrap()
    }
}

fn fields(bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut reader = Bytes(bytes);
    let mut fields = Vec::new();
    while !reader.0.is_empty() {
        let tag = reader.varint();
        let field = match tag & 7 {
            0 => Field::Number(reader.varint()),
            1 => Field::Number(reader.u64()),
            2 => Field::Bytes(reader.bytes()),
            5 => Field::Number(reader.u32().into()),
            other => panic!("wire type {other}"),
        };
        fields.push((tag >> 3, field));
    }
    fields
}

/// A span, its resource and its scope, each a record.
pub(crate) fn span(instance: &str, record: &[u8], resource: &[u8], scope: &[u8]) -> Json {
    let (mut trace_id, mut span_id, mut parent) = (String::new(), String::new(), Json::Null);
    let (mut name, mut trace_state, mut message) = ("", "", "");
    let (mut kind, mut start, mut end, mut code, mut flags) = (0, 0, 0, 0, 0);
    let (mut attributes, mut events, mut links) = (Vec::new(), Vec::new(), Vec::new());
    let (mut warnings, mut dropped, mut dialect) = (Vec::new(), [0; 3], "otlp");
    for (number, field) in fields(record) {
        match number {
            1 => trace_id = hex(field.bytes()),
            2 => span_id = hex(field.bytes()),
            3 => trace_state = field.text(),
            4 => parent = hex(field.bytes()).into(),
            5 => name = field.text(),
            6 => kind = field.number(),
            7 => start = field.number(),
            8 => end = field.number(),
            9 => attributes.push(attribute(field.bytes())),
            10 => dropped[0] = field.number(),
            11 => events.push(event(field.bytes())),
            12 => dropped[1] = field.number(),
            13 => links.push(link(field.bytes())),
            14 => dropped[2] = field.number(),
            15 => {
                for (number, field) in fields(field.bytes()) {
                    match number {
                        2 => message = field.text(),
                        3 => code = field.number(),
                        other => panic!("field {other} of a status"),
                    }
                }
            }
            16 => flags = field.number(),
            1000 => dialect = ["otlp", "jaeger"][field.number() as usize],
            1001 => warnings.push(field.text()),
            other => panic!("field {other} of a span"),
        }
    }
    json!({
        "instance": instance,
        "trace_id": trace_id,
        "span_id": span_id,
        "parent_span_id": parent,
        "name": name,
        "kind": kind,
        "start_ns": start.to_string(),
        "end_ns": end.to_string(),
        "attributes": attributes,
        "events": events,
        "links": links,
        "status": { "code": code, "message": message },
        "flags": flags,
        "dialect": dialect,
        "trace_state": trace_state,
        "warnings": warnings,
        "dropped": dropped,
        "resource": self::resource(resource),
        "scope": self::scope(scope),
    })
}

fn resource(record: &[u8]) -> Json {
    let (mut attributes, mut dropped) = (Vec::new(), 0);
    let (mut service_name, mut schema_url) = (Json::Null, "");
    for (number, field) in fields(record) {
        match number {
            1 => attributes.push(attribute(field.bytes())),
            2 => dropped = field.number(),
            1000 => service_name = field.text().into(),
            1001 => schema_url = field.text(),
            other => panic!("field {other} of a resource"),
        }
    }
    json!({ "service_name": service_name, "attributes": attributes, "dropped": dropped, "schema_url": schema_url })
}

fn scope(record: &[u8]) -> Json {
    let (mut attributes, mut dropped) = (Vec::new(), 0);
    let (mut name, mut version, mut schema_url) = ("", "", "");
    for (number, field) in fields(record) {
        match number {
            1 => name = field.text(),
            2 => version = field.text(),
            3 => attributes.push(attribute(field.bytes())),
            4 => dropped = field.number(),
            1001 => schema_url = field.text(),
            other => panic!("field {other} of a scope"),
        }
    }
    json!({ "name": name, "version": version, "attributes": attributes, "dropped": dropped, "schema_url": schema_url })
}

fn event(message: &[u8]) -> Json {
    let (mut time, mut name, mut attributes, mut dropped) = (0, "", Vec::new(), 0);
    for (number, field) in fields(message) {
        match number {
            1 => time = field.number(),
            2 => name = field.text(),
            3 => attributes.push(attribute(field.bytes())),
            4 => dropped = field.number(),
            other => panic!("field {other} of an event"),
        }
    }
    json!({ "time_ns": time.to_string(), "name": name, "attributes": attributes, "dropped": dropped })
}

fn link(message: &[u8]) -> Json {
    let (mut trace_id, mut span_id, mut trace_state) = (String::new(), String::new(), "");
    let (mut attributes, mut dropped, mut flags) = (Vec::new(), 0, 0);
    let mut ref_type = "follows-from";
    for (number, field) in fields(message) {
        match number {
            1 => trace_id = hex(field.bytes()),
            2 => span_id = hex(field.bytes()),
            3 => trace_state = field.text(),
            4 => attributes.push(attribute(field.bytes())),
            5 => dropped = field.number(),
            6 => flags = field.number(),
            1000 => ref_type = ["follows-from", "child-of"][field.number() as usize],
            other => panic!("field {other} of a link"),
        }
    }
    json!({
        "trace_id": trace_id,
        "span_id": span_id,
        "trace_state": trace_state,
        "attributes": attributes,
        "dropped": dropped,
        "flags": flags,
        "ref_type": ref_type,
    })
}

fn attribute(message: &[u8]) -> Json {
    let (mut key, mut value) = ("", Json::Null);
    for (number, field) in fields(message) {
        match number {
            1 => key = field.text(),
            2 => value = self::value(field.bytes()),
            other => panic!("field {other} of an attribute"),
        }
    }
    json!({ "key": key, "value": value })
}

fn value(message: &[u8]) -> Json {
    let mut value = Json::Null;
    for (number, field) in fields(message) {
        let list = |one: fn(&[u8]) -> Json| -> Vec<Json> {
            let list = fields(field.bytes());
            list.iter().map(|(_, field)| one(field.bytes())).collect()
        };
        value = match number {
            1 => json!({ "string": field.text() }),
            2 => json!({ "bool": field.number() != 0 }),
            3 => json!({ "int": (field.number() as i64).to_string() }),
            4 => json!({ "double": format!("{:016x}", field.number()) }),
            5 => json!({ "array": list(self::value) }),
            6 => json!({ "map": list(attribute) }),
            7 => json!({ "bytes": hex(field.bytes()) }),
            other => panic!("field {other} of a value"),
        };
    }
    value
}
