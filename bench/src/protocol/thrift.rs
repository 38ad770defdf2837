//! Jaeger's Thrift by Apache's library: a `Batch` in the binary protocol, and `emitBatch` in datagrams of the compact one.
//!
//! Source: `jaegertracing/jaeger-idl: thrift/{jaeger,agent}.thrift`.

use bytes::Bytes;
use thrift::protocol::{
    TBinaryOutputProtocol, TCompactOutputProtocol, TFieldIdentifier, TListIdentifier,
    TMessageIdentifier, TMessageType, TOutputProtocol, TStructIdentifier, TType,
};

use super::plain::{Plain, Span, Tag, Value};

/// What clients put into a datagram at most.
const DATAGRAM: usize = 65_000;

/// Writes into memory, which does not fail.
struct Writer<P>(P);

pub(super) fn batch(plain: &Plain<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer(TBinaryOutputProtocol::new(&mut bytes, true));
    // memory takes all
    drop(writer.batch(plain, &plain.spans));
    bytes
}

/// As many as it takes; `len` is how long all of it is in a format of about the same size.
pub(super) fn datagrams(plain: &Plain<'_>, len: usize) -> Vec<Bytes> {
    let mut messages = Vec::new();
    let mean = (len / plain.spans.len().max(1)).max(1);
    for spans in plain.spans.chunks((DATAGRAM * 3 / 4 / mean).max(1)) {
        add_datagrams(plain, spans, &mut messages);
    }
    messages
}

fn add_datagrams(plain: &Plain<'_>, spans: &[Span<'_>], messages: &mut Vec<Bytes>) {
    let mut bytes = Vec::new();
    let mut writer = Writer(TCompactOutputProtocol::new(&mut bytes));
    drop(writer.emit_batch(plain, spans));
    if bytes.len() > DATAGRAM && spans.len() > 1 {
        let (a, b) = spans.split_at(spans.len() / 2);
        add_datagrams(plain, a, messages);
        add_datagrams(plain, b, messages);
    } else {
        messages.push(Bytes::from(bytes));
    }
}

// === impl Writer ===

impl<P: TOutputProtocol> Writer<P> {
    fn emit_batch(&mut self, plain: &Plain<'_>, spans: &[Span<'_>]) -> thrift::Result<()> {
        let call = TMessageIdentifier::new("emitBatch", TMessageType::OneWay, 0);
        self.0.write_message_begin(&call)?;
        self.structure(|w| {
            w.field(1, TType::Struct)?;
            w.batch(plain, spans)
        })?;
        self.0.write_message_end()
    }

    fn batch(&mut self, plain: &Plain<'_>, spans: &[Span<'_>]) -> thrift::Result<()> {
        self.structure(|w| {
            w.field(1, TType::Struct)?;
            w.structure(|w| {
                w.text(1, plain.service)?;
                w.tags(2, plain.process.iter().copied())
            })?;
            w.list(2, spans.iter(), Self::span)
        })
    }

    fn span(&mut self, span: &Span<'_>) -> thrift::Result<()> {
        let trace_id = u128::from_be_bytes(span.trace_id);
        let parent = span.parent.map_or(0, i64::from_be_bytes);
        self.long(1, trace_id as i64)?;
        self.long(2, (trace_id >> 64) as i64)?;
        self.long(3, i64::from_be_bytes(span.id))?;
        self.long(4, parent)?;
        self.text(5, span.name)?;
        self.field(7, TType::I32)?;
        self.0.write_i32(1)?;
        self.long(8, (span.start_ns / 1_000) as i64)?;
        self.long(9, ((span.end_ns - span.start_ns) / 1_000) as i64)?;
        self.tags(10, span.all_tags())?;
        self.list(11, span.events.iter(), |w, event| {
            w.long(1, (event.time_ns / 1_000) as i64)?;
            w.tags(2, event.fields())
        })
    }

    fn tags<'a>(&mut self, number: i16, tags: impl Iterator<Item = Tag<'a>>) -> thrift::Result<()> {
        let tags: Vec<_> = tags.collect();
        self.list(number, tags.into_iter(), |w, (key, value)| {
            w.text(1, key)?;
            let kind = match value {
                Value::Text(_) => 0,
                Value::Double(_) => 1,
                Value::Bool(_) => 2,
                Value::Int(_) => 3,
            };
            w.field(2, TType::I32)?;
            w.0.write_i32(kind)?;
            match value {
                Value::Text(text) => w.text(3, text),
                Value::Double(value) => {
                    w.field(4, TType::Double)?;
                    w.0.write_double(value)
                }
                Value::Bool(value) => {
                    w.field(5, TType::Bool)?;
                    w.0.write_bool(value)
                }
                Value::Int(value) => w.long(6, value),
            }
        })
    }

    fn list<T>(
        &mut self,
        number: i16,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> thrift::Result<()>,
    ) -> thrift::Result<()> {
        self.field(number, TType::List)?;
        let list = TListIdentifier::new(TType::Struct, items.len() as i32);
        self.0.write_list_begin(&list)?;
        for item in items {
            self.structure(|w| write(w, item))?;
        }
        self.0.write_list_end()
    }

    fn structure(
        &mut self,
        fields: impl FnOnce(&mut Self) -> thrift::Result<()>,
    ) -> thrift::Result<()> {
        self.0.write_struct_begin(&TStructIdentifier::new(""))?;
        fields(self)?;
        self.0.write_field_stop()?;
        self.0.write_struct_end()
    }

    fn field(&mut self, number: i16, kind: TType) -> thrift::Result<()> {
        self.0
            .write_field_begin(&TFieldIdentifier::new("", kind, number))
    }

    fn text(&mut self, number: i16, text: &str) -> thrift::Result<()> {
        self.field(number, TType::String)?;
        self.0.write_string(text)
    }

    fn long(&mut self, number: i16, value: i64) -> thrift::Result<()> {
        self.field(number, TType::I64)?;
        self.0.write_i64(value)
    }
}
