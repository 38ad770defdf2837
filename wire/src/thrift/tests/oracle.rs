//! A writer that is not ours: Apache's, for batches that the tests describe. The benchmark includes this file, too.

use model::{KeyValue, RefType, Span, Value};
use thrift::protocol::{
    TBinaryOutputProtocol, TCompactOutputProtocol, TFieldIdentifier, TListIdentifier,
    TMapIdentifier, TMessageIdentifier, TMessageType, TOutputProtocol, TSetIdentifier,
    TStructIdentifier, TType,
};

use crate::thrift::Protocol;

/// Writes the fields of structs.
pub(crate) struct Writer<'a>(&'a mut dyn TOutputProtocol);

/// A struct of `fields`, without an envelope.
pub(crate) fn write(protocol: Protocol, fields: impl FnOnce(&mut Writer<'_>)) -> Vec<u8> {
    with(protocol, true, |out| Writer(out).body(fields))
}

/// A remote call with one struct of arguments.
pub(crate) fn message(
    protocol: Protocol,
    strict: bool,
    name: &str,
    fields: impl FnOnce(&mut Writer<'_>),
) -> Vec<u8> {
    with(protocol, strict, |out| {
        let id = TMessageIdentifier::new(name, TMessageType::OneWay, 300);
        out.write_message_begin(&id).unwrap();
        Writer(out).body(fields);
        out.write_message_end().unwrap();
    })
}

/// A list of structs and nothing around it.
pub(crate) fn bare_list(
    protocol: Protocol,
    count: usize,
    mut fields: impl FnMut(&mut Writer<'_>, usize),
) -> Vec<u8> {
    with(protocol, true, |out| {
        Writer(out).elements(count, &mut fields);
    })
}

fn with(protocol: Protocol, strict: bool, run: impl FnOnce(&mut dyn TOutputProtocol)) -> Vec<u8> {
    let mut bytes = Vec::new();
    match protocol {
        Protocol::Binary => run(&mut TBinaryOutputProtocol::new(&mut bytes, strict)),
        Protocol::Compact => run(&mut TCompactOutputProtocol::new(&mut bytes)),
    }
    bytes
}

/// A batch of `spans`, whose process is that of the first.
pub(crate) fn batch_of(protocol: Protocol, spans: &[Span]) -> Vec<u8> {
    write(protocol, |w| w.batch(spans))
}

/// `spans` as Zipkin's list of spans.
pub(crate) fn zipkin_of(protocol: Protocol, spans: &[Span]) -> Vec<u8> {
    bare_list(protocol, spans.len(), |w, i| w.zipkin_span(&spans[i]))
}

/// `spans` as a batch, as a call, and as Zipkin's list of spans and a call of it.
pub(crate) fn every_shape(protocol: Protocol, spans: &[Span]) -> Vec<Vec<u8>> {
    vec![
        batch_of(protocol, spans),
        message(protocol, spans.len().is_multiple_of(2), "emitBatch", |w| {
            w.structure(1, |w| w.batch(spans));
        }),
        zipkin_of(protocol, spans),
        message(protocol, true, "emitZipkinBatch", |w| {
            w.list(1, spans.len(), |w, i| w.zipkin_span(&spans[i]));
        }),
    ]
}

// === impl Writer ===

impl Writer<'_> {
    fn body(&mut self, fields: impl FnOnce(&mut Writer<'_>)) {
        self.0
            .write_struct_begin(&TStructIdentifier::new("s"))
            .unwrap();
        fields(&mut Writer(self.0));
        self.0.write_field_stop().unwrap();
        self.0.write_struct_end().unwrap();
    }

    fn field(&mut self, number: i16, kind: TType) {
        self.0
            .write_field_begin(&TFieldIdentifier::new("f", kind, number))
            .unwrap();
    }

    pub(crate) fn i64(&mut self, number: i16, value: i64) -> &mut Self {
        self.field(number, TType::I64);
        self.0.write_i64(value).unwrap();
        self
    }

    pub(crate) fn i32(&mut self, number: i16, value: i32) -> &mut Self {
        self.field(number, TType::I32);
        self.0.write_i32(value).unwrap();
        self
    }

    pub(crate) fn i16(&mut self, number: i16, value: i16) -> &mut Self {
        self.field(number, TType::I16);
        self.0.write_i16(value).unwrap();
        self
    }

    pub(crate) fn bool(&mut self, number: i16, value: bool) -> &mut Self {
        self.field(number, TType::Bool);
        self.0.write_bool(value).unwrap();
        self
    }

    pub(crate) fn bytes(&mut self, number: i16, value: &[u8]) -> &mut Self {
        self.field(number, TType::String);
        self.0.write_bytes(value).unwrap();
        self
    }

    pub(crate) fn structure(&mut self, number: i16, fields: impl FnOnce(&mut Writer<'_>)) {
        self.field(number, TType::Struct);
        self.body(fields);
    }

    pub(crate) fn list(
        &mut self,
        number: i16,
        count: usize,
        mut fields: impl FnMut(&mut Writer<'_>, usize),
    ) {
        self.field(number, TType::List);
        self.elements(count, &mut fields);
    }

    fn elements(&mut self, count: usize, fields: &mut dyn FnMut(&mut Writer<'_>, usize)) {
        self.0
            .write_list_begin(&TListIdentifier::new(TType::Struct, count as i32))
            .unwrap();
        for i in 0..count {
            self.body(|w| fields(w, i));
        }
        self.0.write_list_end().unwrap();
    }

    pub(crate) fn batch(&mut self, spans: &[Span]) {
        let resource = &spans[0].resource;
        self.process(resource.service_name(), &resource.attributes);
        self.list(2, spans.len(), |w, i| w.span(&spans[i]));
    }

    pub(crate) fn process(&mut self, service: &str, tags: &[KeyValue]) {
        self.structure(1, |w| {
            w.bytes(1, service.as_bytes());
            w.tags(2, tags);
        });
    }

    fn span(&mut self, span: &Span) {
        let (low, high) = (span.trace_id.low(), span.trace_id.high());
        self.i64(1, low as i64).i64(2, high as i64);
        self.i64(3, span.span_id.to_u64() as i64).i64(4, 0);
        self.bytes(5, span.name.as_bytes());
        self.list(6, span.links.len(), |w, i| {
            let link = &span.links[i];
            w.i32(1, i32::from(link.ref_type == RefType::FollowsFrom));
            w.i64(2, link.trace_id.low() as i64);
            w.i64(3, link.trace_id.high() as i64);
            w.i64(4, link.span_id.to_u64() as i64);
        });
        self.i32(7, span.flags as i32);
        self.i64(8, (span.start_ns / 1_000) as i64);
        self.i64(9, (span.duration_ns() / 1_000) as i64);
        self.tags(10, &span.attributes);
        self.list(11, span.events.len(), |w, i| {
            // as an i64 in nanoseconds it may be negative, and then it wraps back
            w.i64(1, (span.events[i].time_ns / 1_000) as i64);
            w.tags(2, &span.events[i].attributes);
        });
    }

    /// A span as Zipkin's: both sides of a call, its tags as text, its logs as JSON.
    fn zipkin_span(&mut self, span: &Span) {
        fn host(w: &mut Writer<'_>, number: i16, service: &str) {
            w.structure(number, |w| {
                w.i32(1, 0x7f00_0001).i16(2, 80);
                w.bytes(3, service.as_bytes());
            });
        }
        let service = span.resource.service_name();
        let start = (span.start_ns / 1_000) as i64;
        self.i64(1, span.trace_id.low() as i64);
        self.bytes(3, span.name.as_bytes());
        self.i64(4, span.span_id.to_u64() as i64);
        self.i64(5, span.parent_span_id.unwrap_or_default().to_u64() as i64);
        let log = "{\"event\":\"e\",\"level\":\"\\u0041\"}";
        let annotations = ["cs", "sr", "ss", "cr", "plain", log];
        self.list(6, annotations.len(), |w, i| {
            w.i64(1, start + i as i64);
            w.bytes(2, annotations[i].as_bytes());
            host(w, 3, service);
        });
        self.list(8, span.attributes.len() + 1, |w, i| {
            match i.checked_sub(1) {
                None => {
                    w.bytes(1, b"sa").bytes(2, &[1]).i32(3, 0);
                    host(w, 4, "peer");
                }
                Some(i) => {
                    let tag = &span.attributes[i];
                    w.bytes(1, tag.key.as_bytes());
                    w.bytes(2, tag.value.as_str().unwrap_or("12345678").as_bytes());
                    w.i32(3, i as i32 % 8);
                }
            }
        });
        self.bool(9, true).i64(10, start);
        self.i64(12, span.trace_id.high() as i64);
    }

    pub(crate) fn span_head(&mut self, low: i64, high: i64, id: i64, parent: i64) {
        self.i64(1, low).i64(2, high).i64(3, id).i64(4, parent);
        self.bytes(5, b"op");
    }

    pub(crate) fn span_tail(&mut self, flags: i32, start: i64, duration: i64) {
        self.i32(7, flags).i64(8, start).i64(9, duration);
    }

    pub(crate) fn references(&mut self, references: &[(i32, i64, i64, i64)]) {
        self.list(6, references.len(), |w, i| {
            let (kind, low, high, id) = references[i];
            w.i32(1, kind).i64(2, low).i64(3, high).i64(4, id);
        });
    }

    pub(crate) fn tags(&mut self, number: i16, tags: &[KeyValue]) {
        self.list(number, tags.len(), |w, i| {
            w.bytes(1, tags[i].key.as_bytes());
            match &tags[i].value {
                Value::Double(value) => {
                    w.i32(2, 1);
                    w.field(4, TType::Double);
                    w.0.write_double(*value).unwrap();
                }
                Value::Bool(value) => {
                    w.i32(2, 2).bool(5, *value);
                }
                Value::Int(value) => {
                    w.i32(2, 3).i64(6, *value);
                }
                Value::Bytes(value) => {
                    w.i32(2, 4).bytes(7, value.as_bytes());
                }
                other => {
                    w.i32(2, 0);
                    w.bytes(3, other.as_str().unwrap_or_default().as_bytes());
                }
            }
        });
    }

    /// A field of each type that Thrift has, counted from `number`.
    pub(crate) fn every_type(&mut self, number: i16) {
        self.bool(number, true).bool(number + 1, false);
        self.field(number + 2, TType::I08);
        self.0.write_i8(-3).unwrap();
        self.i16(number + 3, -300).i32(number + 4, i32::MIN);
        self.i64(number + 5, i64::MIN);
        self.field(number + 6, TType::Double);
        self.0.write_double(1.5).unwrap();
        self.bytes(number + 7, &[0xff; 200]);
        self.structure(number + 8, |w| {
            w.bool(1, true);
            w.structure(400, |w| {
                w.i64(2, -1);
            });
        });
        self.field(number + 9, TType::Set);
        self.0
            .write_set_begin(&TSetIdentifier::new(TType::Bool, 17))
            .unwrap();
        for i in 0..17 {
            self.0.write_bool(i % 2 == 0).unwrap();
        }
        self.0.write_set_end().unwrap();
        for (at, count) in [(10, 3), (11, 0)] {
            self.field(number + at, TType::Map);
            self.0
                .write_map_begin(&TMapIdentifier::new(TType::String, TType::I16, count))
                .unwrap();
            for i in 0..count {
                self.0.write_bytes(b"key").unwrap();
                self.0.write_i16(i as i16 - 1).unwrap();
            }
            self.0.write_map_end().unwrap();
        }
        self.list(number + 12, 20, |w, i| {
            w.i64(1, i as i64 - 9);
        });
        self.field(number + 13, TType::Uuid);
        self.0.write_uuid(&Default::default()).unwrap();
    }
}
