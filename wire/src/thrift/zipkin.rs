//! Zipkin's first structs, `zipkincore`, which its old clients send and Jaeger's agent takes.
//!
//! In: a reader in front of a list of spans. Out: each as it stands there, mended by [`sanitize`] and made a span by [`convert`]. No field
//! must be there.
//!
//! Source: `jaegertracing/jaeger-idl: thrift/zipkincore.thrift`.

mod convert;
mod log;
mod sanitize;
mod value;

use model::Slice;

use super::reader::{Reader, Type};
use crate::budget::Budget;
use crate::{DecodeError, Decoded};
use convert::Converter;

/// The fewest bytes of any of these structs: the end.
const SMALLEST: usize = 1;

/// A span.
#[derive(Default)]
struct Span {
    trace_id_low: i64,
    trace_id_high: i64,
    id: i64,
    parent_id: Option<i64>,
    name: Slice,
    annotations: Vec<Annotation>,
    binary_annotations: Vec<BinaryAnnotation>,
    debug: bool,
    /// Microseconds since the Unix epoch.
    timestamp: Option<i64>,
    /// Microseconds.
    duration: Option<i64>,
}

/// Something that happened.
#[derive(Default)]
struct Annotation {
    /// Microseconds since the Unix epoch.
    timestamp: i64,
    value: Slice,
    host: Option<Endpoint>,
}

/// A tag; its value is as `kind` says.
#[derive(Default)]
struct BinaryAnnotation {
    key: Slice,
    value: Slice,
    kind: i32,
    host: Option<Endpoint>,
}

/// Kinds of binary annotations.
mod kind {
    pub(super) const BOOL: i32 = 0;
    pub(super) const BYTES: i32 = 1;
    pub(super) const I16: i32 = 2;
    pub(super) const I32: i32 = 3;
    pub(super) const I64: i32 = 4;
    pub(super) const DOUBLE: i32 = 5;
    pub(super) const STRING: i32 = 6;
}

/// Where something happened.
#[derive(Default)]
struct Endpoint {
    ipv4: i32,
    port: i16,
    service_name: Slice,
    ipv6: Option<Slice>,
}

/// Reads a list of spans, which stands in front of the reader.
pub(super) fn read_spans<'a, R: Reader<'a>>(
    reader: &mut R,
    budget: &mut Budget,
) -> Result<Decoded, DecodeError> {
    let count = reader.struct_count(SMALLEST, "list of spans")?;
    let mut spans = budget.list(count)?;
    let mut converter = Converter::default();
    // one for all, so that its lists are allocated once
    let mut span = Span::default();
    for _ in 0..count {
        span.clear();
        span.read(reader, budget)?;
        sanitize::sanitize(&mut span, budget)?;
        converter.convert(&span, &mut spans, budget)?;
    }
    Ok(Decoded {
        spans,
        rejected: Vec::new(),
    })
}

// === impl Span ===

impl Span {
    fn clear(&mut self) {
        let mut annotations = std::mem::take(&mut self.annotations);
        let mut binary_annotations = std::mem::take(&mut self.binary_annotations);
        annotations.clear();
        binary_annotations.clear();
        *self = Self {
            annotations,
            binary_annotations,
            ..Self::default()
        };
    }

    fn read<'a, R: Reader<'a>>(
        &mut self,
        reader: &mut R,
        budget: &mut Budget,
    ) -> Result<(), DecodeError> {
        let mut last = 0;
        while let Some((number, found)) = reader.field(last, "span")? {
            last = number;
            match number {
                1 => self.trace_id_low = reader.get_i64(found, "span's trace id")?,
                3 => self.name = reader.get_bytes(found, "span's name")?,
                4 => self.id = reader.get_i64(found, "span's id")?,
                5 => self.parent_id = Some(reader.get_i64(found, "span's parent id")?),
                6 => {
                    reader.expect(found, Type::List, "span's annotations")?;
                    let count = reader.struct_count(SMALLEST, "span's annotations")?;
                    self.annotations.clear();
                    make_room(&mut self.annotations, count, budget)?;
                    for _ in 0..count {
                        self.annotations.push(read_annotation(reader)?);
                    }
                }
                8 => {
                    reader.expect(found, Type::List, "span's binary annotations")?;
                    let count = reader.struct_count(SMALLEST, "span's binary annotations")?;
                    self.binary_annotations.clear();
                    make_room(&mut self.binary_annotations, count, budget)?;
                    for _ in 0..count {
                        self.binary_annotations
                            .push(read_binary_annotation(reader)?);
                    }
                }
                9 => self.debug = reader.get_bool(found, "span's debug flag")?,
                10 => self.timestamp = Some(reader.get_i64(found, "span's time")?),
                11 => self.duration = Some(reader.get_i64(found, "span's duration")?),
                12 => self.trace_id_high = reader.get_i64(found, "span's higher trace id")?,
                _ => reader.skip(found)?,
            }
        }
        Ok(())
    }

    /// The first annotation `value`.
    fn annotation(&self, value: &[u8]) -> Option<&Annotation> {
        self.annotations
            .iter()
            .find(|a| a.value.as_bytes() == value)
    }
}

/// Room for `count` more in a list that is kept from span to span: only what is new is charged.
fn make_room<T>(list: &mut Vec<T>, count: usize, budget: &mut Budget) -> Result<(), DecodeError> {
    if list.capacity() - list.len() < count {
        budget.grow(list, count)?;
    }
    Ok(())
}

fn read_annotation<'a, R: Reader<'a>>(reader: &mut R) -> Result<Annotation, DecodeError> {
    let mut annotation = Annotation::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "annotation")? {
        last = number;
        match number {
            1 => annotation.timestamp = reader.get_i64(found, "annotation's time")?,
            2 => annotation.value = reader.get_bytes(found, "annotation's value")?,
            3 => annotation.host = Some(read_host(reader, found)?),
            _ => reader.skip(found)?,
        }
    }
    Ok(annotation)
}

fn read_binary_annotation<'a, R: Reader<'a>>(
    reader: &mut R,
) -> Result<BinaryAnnotation, DecodeError> {
    let mut annotation = BinaryAnnotation::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "binary annotation")? {
        last = number;
        match number {
            1 => annotation.key = reader.get_bytes(found, "binary annotation's key")?,
            2 => annotation.value = reader.get_bytes(found, "binary annotation's value")?,
            3 => annotation.kind = reader.get_i32(found, "binary annotation's type")?,
            4 => annotation.host = Some(read_host(reader, found)?),
            _ => reader.skip(found)?,
        }
    }
    Ok(annotation)
}

fn read_host<'a, R: Reader<'a>>(reader: &mut R, found: Type) -> Result<Endpoint, DecodeError> {
    reader.expect(found, Type::Struct, "host")?;
    let mut host = Endpoint::default();
    let mut last = 0;
    while let Some((number, found)) = reader.field(last, "host")? {
        last = number;
        match number {
            1 => host.ipv4 = reader.get_i32(found, "host's ipv4")?,
            2 => {
                reader.expect(found, Type::I16, "host's port")?;
                host.port = reader.i16("host's port")?;
            }
            3 => host.service_name = reader.get_bytes(found, "host's service name")?,
            4 => host.ipv6 = Some(reader.get_bytes(found, "host's ipv6")?),
            _ => reader.skip(found)?,
        }
    }
    Ok(host)
}
