//! The tags that spans of a row group can be found by, each as a hash.
//!
//! In: payloads taken apart, so that a value which many spans have is looked at once; what cannot be taken apart is decoded span by span.
//! Out: a filter. It may hold a tag that no span has, as two dialects name tags differently, and never lacks one.

use std::io::{self, Write as _};
use std::sync::Arc;

use bytes::Bytes;
use hashbrown::{HashMap, HashTable};
use model::{Buffer, Dialect, Resource, Scope, Span, SpanKind, Value};
use wire::jaeger::tags;
use wire::record;
use xxhash_rust::xxh3::xxh3_64;

use super::block::damaged;
use super::builder::{Group, Material, fixed, payload};
use super::filter::{self, Filter};
use super::shred::{Apart, Label, Message};
use super::strip::restore;
use crate::embedded::batch::{Reader, Row};

/// Bits of the filter for each token.
const BITS: usize = 16;

/// Fields of OTLP's messages, as protobuf's tags.
mod field {
    pub(super) const TRACE_STATE: u32 = 3 << 3 | 2;
    pub(super) const ATTRIBUTE: u32 = 9 << 3 | 2;
    pub(super) const EVENT: u32 = 11 << 3 | 2;
    pub(super) const STATUS: u32 = 15 << 3 | 2;
    pub(super) const EVENT_NAME: u32 = 2 << 3 | 2;
    pub(super) const EVENT_ATTRIBUTE: u32 = 3 << 3 | 2;

    /// Fields of an attribute's value.
    pub(super) const TEXT: u8 = 1 << 3 | 2;
    pub(super) const BOOL: u8 = 2 << 3;
    pub(super) const INT: u8 = 3 << 3;
    pub(super) const DOUBLE: u8 = 4 << 3 | 1;
}

/// Tokens of one row group.
pub(super) struct Tokens {
    hashes: HashTable<u64>,
    /// A key, a zero byte, a value.
    text: Vec<u8>,
    kinds: Vec<SpanKind>,
    groups: hashbrown::HashSet<u32>,
}

/// Resources and scopes of the rows that were seen, decoded once.
#[derive(Default)]
pub(super) struct Groups(HashMap<u32, Shared>);

/// A resource and a scope.
#[derive(Default)]
struct Shared {
    resource: Arc<Resource>,
    scope: Arc<Scope>,
    tokens: Vec<u64>,
}

// === impl Tokens ===

impl Tokens {
    /// None yet, of about so many rows.
    pub(super) fn of_rows(rows: usize) -> Self {
        Self {
            hashes: HashTable::with_capacity(rows * 4),
            text: Vec::new(),
            kinds: Vec::new(),
            groups: hashbrown::HashSet::new(),
        }
    }

    /// Adds what rows have from their resources, scopes and kinds. Resources that do not decode are counted in `malformed`.
    pub(super) fn add_rows(
        &mut self,
        rows: &[Row],
        material: &Material<'_>,
        groups: &mut Groups,
        malformed: &mut u64,
    ) -> io::Result<()> {
        for row in rows {
            if self.groups.insert(row.group) {
                let shared = groups.of(row.group, material, malformed)?;
                shared.tokens.iter().for_each(|t| self.insert(*t));
            }
            let operation = material.operations.get(row.operation as usize);
            let kind = operation.map(|o| o.kind).unwrap_or_default();
            if !self.kinds.contains(&kind) {
                self.kinds.push(kind);
                if kind != SpanKind::Unspecified {
                    self.insert(filter::token(tags::SPAN_KIND, kind.as_str()));
                }
            }
        }
        Ok(())
    }

    /// Adds what payloads have; `None`: not all of them is what is written here, so decode them. Some may have been added then.
    pub(super) fn add_apart(&mut self, apart: &Apart<'_>) -> Option<()> {
        apart.for_each_column(|message, label, values| match (message, label) {
            (Message::Span, Label::Attribute { tag, key, value }) if tag == field::ATTRIBUTE => {
                self.add_attributes(message, label, key, value, values)
            }
            (Message::Event, Label::Attribute { tag, key, value })
                if tag == field::EVENT_ATTRIBUTE =>
            {
                self.add_attributes(message, label, key, value, values)
            }
            (
                Message::Span,
                Label::Value(field::TRACE_STATE | field::ATTRIBUTE | field::STATUS),
            )
            | (Message::Event, Label::Value(field::EVENT_NAME | field::EVENT_ATTRIBUTE)) => values
                .iter()
                .try_for_each(|value| self.add_alone(message, label, value)),
            _ => Some(()),
        })
    }

    fn add_attributes(
        &mut self,
        message: Message,
        label: Label<&[u8]>,
        key: &[u8],
        value_tag: u8,
        values: &[&[u8]],
    ) -> Option<()> {
        // a key that is no text gets another when it is decoded
        std::str::from_utf8(key).ok()?;
        self.text.clear();
        self.text.extend_from_slice(key);
        self.text.push(0);
        let start = self.text.len();
        for bytes in values {
            self.text.truncate(start);
            let number = || Reader(bytes).varint();
            let value = match value_tag {
                field::TEXT => {
                    std::str::from_utf8(bytes).ok()?;
                    self.text.extend_from_slice(bytes);
                    self.insert(xxh3_64(&self.text));
                    continue;
                }
                field::INT => {
                    write!(self.text, "{}", number()? as i64).ok()?;
                    self.insert(xxh3_64(&self.text));
                    continue;
                }
                field::BOOL => Value::Bool(number()? != 0),
                field::DOUBLE => Value::Double(f64::from_le_bytes((*bytes).try_into().ok()?)),
                _ => {
                    self.add_alone(message, label, bytes)?;
                    continue;
                }
            };
            let text = tags::value(&value);
            self.text.extend_from_slice(text.to_text().as_bytes());
            self.insert(xxh3_64(&self.text));
        }
        Some(())
    }

    /// Adds what a span has that holds nothing but this value.
    fn add_alone(&mut self, message: Message, label: Label<&[u8]>, value: &[u8]) -> Option<()> {
        let mut bytes = Vec::new();
        label.put_value(value, &mut bytes)?;
        if message == Message::Event {
            let event = std::mem::take(&mut bytes);
            Label::Value(field::EVENT).put_value(&event, &mut bytes)?;
        }
        let range = 0..bytes.len();
        let buffer = Buffer::new(Bytes::from(bytes))?;
        let (resource, scope) = Default::default();
        let span = record::decode_span(&buffer, range, resource, scope).ok()?;
        self.add_span(&span);
        Some(())
    }

    fn add_span(&mut self, span: &Span) {
        tags::for_each_span_tag(span, |key, value| {
            self.insert(filter::token(key.as_str(), &value.to_text()));
        });
        for event in &span.events {
            tags::for_each_log_field(span.dialect, event, |key, value| {
                self.insert(filter::token(key.as_str(), &value.to_text()));
            });
        }
    }

    /// Adds what `rows` have, span by span. Spans that do not decode are counted in `malformed`.
    pub(super) fn add_spans(
        &mut self,
        rows: &[Row],
        material: &Material<'_>,
        groups: &mut Groups,
        malformed: &mut u64,
    ) -> io::Result<()> {
        for row in rows {
            let operation = material
                .operations
                .get(row.operation as usize)
                .ok_or_else(|| damaged("row has no operation"))?;
            let mut bytes = Vec::new();
            let fixed = fixed(row, &operation.name, operation.kind);
            restore(&fixed, &mut bytes);
            bytes.extend_from_slice(payload(row, material)?);
            let range = 0..bytes.len();
            let buffer = Buffer::new(Bytes::from(bytes)).ok_or(io::ErrorKind::FileTooLarge)?;
            let shared = groups.of(row.group, material, malformed)?;
            let (resource, scope) = (shared.resource.clone(), shared.scope.clone());
            match record::decode_span(&buffer, range, resource, scope) {
                Ok(span) => self.add_span(&span),
                // nothing of ours writes one; it is kept as it is, and what is read of it says so
                Err(_) => *malformed += 1,
            }
        }
        Ok(())
    }

    fn insert(&mut self, token: u64) {
        self.hashes
            .entry(token, |t| *t == token, |t| *t)
            .or_insert(token);
    }

    /// All of them.
    pub(super) fn filter(&self) -> Filter {
        let mut filter = Filter::for_hashes(self.hashes.len(), BITS);
        self.hashes.iter().for_each(|t| filter.insert(*t));
        filter
    }
}

// === impl Groups ===

impl Groups {
    fn of(
        &mut self,
        number: u32,
        material: &Material<'_>,
        malformed: &mut u64,
    ) -> io::Result<&Shared> {
        Ok(match self.0.entry(number) {
            hashbrown::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            hashbrown::hash_map::Entry::Vacant(entry) => {
                let group = material
                    .groups
                    .get(number as usize)
                    .ok_or_else(|| damaged("row has no resource"))?;
                entry.insert(Shared::of(group).unwrap_or_else(|_| {
                    *malformed += 1;
                    Shared::default()
                }))
            }
        })
    }
}

// === impl Shared ===

impl Shared {
    fn of(group: &Group) -> io::Result<Self> {
        let buffer = |bytes: &[u8]| {
            Buffer::new(Bytes::copy_from_slice(bytes)).ok_or(io::ErrorKind::FileTooLarge)
        };
        let wrong = |_| damaged("resource does not decode");
        let resource = buffer(&group.resource)?;
        let resource =
            record::decode_resource(&resource, 0..group.resource.len()).map_err(wrong)?;
        let scope = buffer(&group.scope)?;
        let scope = record::decode_scope(&scope, 0..group.scope.len()).map_err(wrong)?;
        let mut tokens = Vec::new();
        tags::for_each_process_tag(&resource, |key, value| {
            tokens.push(filter::token(key.as_str(), &value.to_text()));
        });
        let scope = Arc::new(scope);
        // a span without anything of its own has the tags that its scope makes
        let span = Span {
            dialect: Dialect::Otlp,
            scope: scope.clone(),
            ..Span::default()
        };
        tags::for_each_span_tag(&span, |key, value| {
            tokens.push(filter::token(key.as_str(), &value.to_text()));
        });
        Ok(Self {
            resource: Arc::new(resource),
            scope,
            tokens,
        })
    }
}

#[cfg(test)]
mod tests;
