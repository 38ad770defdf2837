//! Writes Thrift by Apache's library, field by field as the interface files have them.

use model::{Dialect, Event, KeyValue, Link, RefType, Resource, Span, SpanId, Value};
use thrift::protocol::{
    TBinaryOutputProtocol, TCompactOutputProtocol, TFieldIdentifier, TListIdentifier,
    TMapIdentifier, TMessageIdentifier, TMessageType, TOutputProtocol, TStructIdentifier, TType,
};
use thrift::transport::{TBufferChannel, TIoChannel, WriteHalf};

use crate::jaeger::tags;
use crate::thrift::Protocol;

/// A span as Thrift can hold it: microseconds, flat values, no scope; what is derived is derived.
pub(super) fn thriftable(mut span: Span) -> Span {
    let flat = |tags: &mut Vec<KeyValue>| {
        tags.retain(|t| !matches!(t.value, Value::Array(_) | Value::Map(_) | Value::Empty));
    };
    let micros = |ns: u64| ns % (1 << 60) / 1000 * 1000;
    flat(&mut span.attributes);
    let events = span.events.into_iter().map(|mut event| {
        flat(&mut event.attributes);
        Event {
            time_ns: micros(event.time_ns),
            attributes: event.attributes,
            ..Event::default()
        }
    });
    let links = span.links.into_iter().map(|link| Link {
        trace_id: link.trace_id,
        span_id: link.span_id,
        ref_type: link.ref_type,
        ..Link::default()
    });
    let links: Vec<_> = links.collect();
    let start_ns = micros(span.start_ns);
    Span {
        kind: tags::kind_of_tags(&span.attributes),
        status: tags::status_of_tags(&span.attributes),
        parent_span_id: tags::parent_of_references(span.trace_id, &links),
        trace_id: span.trace_id,
        span_id: span.span_id,
        name: span.name,
        start_ns,
        end_ns: start_ns + micros(span.end_ns),
        attributes: span.attributes,
        events: events.collect(),
        links,
        resource: Resource {
            service_name: Some("shop".into()),
            ..Resource::default()
        }
        .into(),
        dialect: Dialect::Jaeger,
        flags: span.flags >> 1,
        ..Span::default()
    }
}

pub(super) struct Oracle {
    out: Box<dyn TOutputProtocol>,
    written: TBufferChannel,
    /// A required field of spans that is left out.
    pub(super) without: Option<i16>,
    /// The parent's id, in its own field.
    pub(super) parent: Option<i64>,
    /// The type of tags that are texts.
    pub(super) text_type: i32,
}

const SIZE: usize = 1 << 20;

impl Oracle {
    pub(super) fn new(protocol: Protocol) -> Self {
        let (channel, half) = channel();
        Self::of(
            channel,
            match protocol {
                Protocol::Binary => Box::new(TBinaryOutputProtocol::new(half, true)),
                Protocol::Compact => Box::new(TCompactOutputProtocol::new(half)),
            },
        )
    }

    /// The binary protocol as it was before it had a version.
    pub(super) fn of_old() -> Self {
        let (channel, half) = channel();
        Self::of(channel, Box::new(TBinaryOutputProtocol::new(half, false)))
    }

    fn of(written: TBufferChannel, out: Box<dyn TOutputProtocol>) -> Self {
        Self {
            out,
            written,
            without: None,
            parent: None,
            text_type: 0,
        }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.written.write_bytes()
    }

    pub(super) fn message(&mut self, name: &str, argument: impl FnOnce(&mut Self)) {
        let id = TMessageIdentifier::new(name, TMessageType::OneWay, 3);
        self.out.write_message_begin(&id).unwrap();
        self.structure(|o| {
            let kind = match name {
                "emitZipkinBatch" => TType::List,
                _ => TType::Struct,
            };
            o.out
                .write_field_begin(&TFieldIdentifier::new("argument", kind, 1))
                .unwrap();
            argument(o);
            o.out.write_field_end().unwrap();
        });
        self.out.write_message_end().unwrap();
    }

    fn structure(&mut self, fields: impl FnOnce(&mut Self)) {
        self.out
            .write_struct_begin(&TStructIdentifier::new("struct"))
            .unwrap();
        fields(self);
        self.out.write_field_stop().unwrap();
        self.out.write_struct_end().unwrap();
    }

    fn field(&mut self, id: i16, kind: TType, value: impl FnOnce(&mut Self)) {
        self.out
            .write_field_begin(&TFieldIdentifier::new("field", kind, id))
            .unwrap();
        value(self);
        self.out.write_field_end().unwrap();
    }

    fn i64(&mut self, id: i16, value: i64) {
        self.field(id, TType::I64, |o| o.out.write_i64(value).unwrap());
    }

    fn i32(&mut self, id: i16, value: i32) {
        self.field(id, TType::I32, |o| o.out.write_i32(value).unwrap());
    }

    fn text(&mut self, id: i16, value: &str) {
        self.field(id, TType::String, |o| o.out.write_string(value).unwrap());
    }

    /// The head of a list of structs.
    pub(super) fn list(&mut self, count: usize) {
        self.out
            .write_list_begin(&TListIdentifier::new(TType::Struct, count as i32))
            .unwrap();
    }

    fn structs<T>(&mut self, id: i16, all: &[T], one: impl Fn(&mut Self, &T)) {
        self.field(id, TType::List, |o| {
            o.list(all.len());
            for item in all {
                o.structure(|o| one(o, item));
            }
        });
    }

    /// Fields of every type that no interface file has.
    fn unknown(&mut self) {
        self.field(200, TType::Bool, |o| o.out.write_bool(true).unwrap());
        self.field(201, TType::I08, |o| o.out.write_i8(-1).unwrap());
        self.field(202, TType::I16, |o| o.out.write_i16(-300).unwrap());
        self.field(203, TType::Double, |o| o.out.write_double(0.5).unwrap());
        self.field(204, TType::Struct, |o| {
            o.structure(|o| {
                o.i32(1, 5);
                o.field(2, TType::Bool, |o| o.out.write_bool(false).unwrap());
            });
        });
        self.field(205, TType::Map, |o| {
            let map = TMapIdentifier::new(TType::String, TType::I64, 2);
            o.out.write_map_begin(&map).unwrap();
            for key in ["a", "b"] {
                o.out.write_string(key).unwrap();
                o.out.write_i64(9).unwrap();
            }
        });
        self.field(206, TType::List, |o| {
            let list = TListIdentifier::new(TType::Bool, 20);
            o.out.write_list_begin(&list).unwrap();
            (0..20).for_each(|n| o.out.write_bool(n % 2 == 0).unwrap());
        });
        self.field(207, TType::Map, |o| {
            let map = TMapIdentifier::new(TType::String, TType::I64, 0);
            o.out.write_map_begin(&map).unwrap();
        });
        self.text(208, "unknown");
    }

    pub(super) fn batch(&mut self, spans: &[Span], unknown: bool) {
        self.structure(|o| {
            o.field(1, TType::Struct, |o| {
                o.structure(|o| {
                    o.text(1, "shop");
                    if unknown {
                        o.unknown();
                    }
                });
            });
            o.structs(2, spans, |o, span| {
                o.span(span);
                if unknown {
                    o.unknown();
                }
            });
            o.i64(3, -7);
            o.field(4, TType::Struct, |o| {
                o.structure(|o| (1..=3).for_each(|id| o.i64(id, i64::from(id))));
            });
        });
    }

    fn span(&mut self, span: &Span) {
        let id = |id: SpanId| id.to_u64() as i64;
        let without = self.without;
        let wanted = |id: i16| without != Some(id);
        if wanted(1) {
            self.i64(1, span.trace_id.low() as i64);
        }
        self.i64(2, span.trace_id.high() as i64);
        self.i64(3, id(span.span_id));
        let parent = self.parent.unwrap_or_default();
        self.i64(4, parent);
        if wanted(5) {
            self.text(5, &span.name);
        }
        self.structs(6, &span.links, |o, link| {
            let kind = i32::from(link.ref_type == RefType::FollowsFrom);
            o.i32(1, kind);
            o.i64(2, link.trace_id.low() as i64);
            o.i64(3, link.trace_id.high() as i64);
            o.i64(4, id(link.span_id));
        });
        if wanted(7) {
            self.i32(7, span.flags as i32);
        }
        self.i64(8, (span.start_ns / 1000) as i64);
        if wanted(9) {
            self.i64(9, ((span.end_ns - span.start_ns) / 1000) as i64);
        }
        self.structs(10, &span.attributes, Self::tag);
        self.structs(11, &span.events, |o, event| {
            o.i64(1, (event.time_ns / 1000) as i64);
            o.structs(2, &event.attributes, Self::tag);
        });
    }

    fn tag(&mut self, tag: &KeyValue) {
        self.text(1, &tag.key);
        match &tag.value {
            Value::String(text) => {
                self.i32(2, self.text_type);
                self.text(3, text);
            }
            Value::Double(value) => {
                self.i32(2, 1);
                self.field(4, TType::Double, |o| o.out.write_double(*value).unwrap());
            }
            Value::Bool(value) => {
                self.i32(2, 2);
                self.field(5, TType::Bool, |o| o.out.write_bool(*value).unwrap());
            }
            Value::Int(value) => {
                self.i32(2, 3);
                self.i64(6, *value);
            }
            Value::Bytes(bytes) => {
                self.i32(2, 4);
                self.field(7, TType::String, |o| {
                    o.out.write_bytes(bytes.as_bytes()).unwrap();
                });
            }
            other => panic!("no tag of Thrift: {other:?}"),
        }
    }

    /// A span of Zipkin's: annotations with their microseconds, texts, and parent, start and duration.
    pub(super) fn zipkin(
        &mut self,
        annotations: &[(&str, i64)],
        texts: &[(&str, &str)],
        times: Option<(i64, i64, i64)>,
    ) {
        self.structure(|o| {
            o.i64(1, 5);
            o.text(3, "checkout");
            o.i64(4, 6);
            if let Some((parent, _, _)) = times {
                o.i64(5, parent);
            }
            o.structs(6, annotations, |o, (value, micros)| {
                o.i64(1, *micros);
                o.text(2, value);
                o.field(3, TType::Struct, Self::endpoint);
            });
            o.structs(8, texts, |o, (key, value)| {
                o.text(1, key);
                o.field(2, TType::String, |o| {
                    o.out.write_bytes(value.as_bytes()).unwrap();
                });
                o.i32(3, 6);
            });
            o.field(9, TType::Bool, |o| o.out.write_bool(true).unwrap());
            if let Some((_, start, duration)) = times {
                o.i64(10, start);
                o.i64(11, duration);
            }
            o.i64(12, 4);
        });
    }

    fn endpoint(&mut self) {
        self.structure(|o| {
            o.i32(1, 0x0a01_0203);
            o.field(2, TType::I16, |o| o.out.write_i16(8080).unwrap());
            o.text(3, "shop");
        });
    }
}

fn channel() -> (TBufferChannel, WriteHalf<TBufferChannel>) {
    let channel = TBufferChannel::with_capacity(0, SIZE);
    let (_, half) = channel.clone().split().unwrap();
    (channel, half)
}
