//! The fields of a log that an annotation becomes.
//!
//! In: the annotation's value. Out: a field for each member of a JSON object of texts, which is how some clients write logs; else one
//! field `event`. Members are sorted by key: Jaeger's are in no order.
//!
//! Source: `jaegertracing/jaeger: model/converter/thrift/zipkin/to_domain.go` v1.20.0.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::{Buffer, KeyValue, Slice, Str, Value};

use crate::DecodeError;
use crate::budget::Budget;
use crate::otlp::attribute::text_or_bytes;

/// Makes fields, and knows what reading JSON was charged already: the room is used again.
pub(super) struct Fields {
    event: Str,
    charged: usize,
}

// === impl Fields ===

impl Default for Fields {
    fn default() -> Self {
        Self {
            event: Str::from(crate::jaeger::tags::EVENT),
            charged: 0,
        }
    }
}

impl Fields {
    /// The fields that `value` is.
    pub(super) fn of(
        &mut self,
        value: &Slice,
        budget: &mut Budget,
    ) -> Result<Vec<KeyValue>, DecodeError> {
        if value.trim_ascii_start().starts_with(b"{")
            && let Some(fields) = self.members(value, budget)
        {
            return Ok(fields);
        }
        let mut fields = budget.list(1)?;
        fields.push(KeyValue {
            key: self.event.clone(),
            value: text_or_bytes(value.clone()),
        });
        Ok(fields)
    }

    /// A field for each member; `None` when it is no such object, or one with more members than the message has room for.
    fn members(&mut self, value: &Slice, budget: &mut Budget) -> Option<Vec<KeyValue>> {
        let most = value.iter().filter(|b| **b == b':').count();
        let needed = most * 256 + 4 * value.len();
        budget.charge(1, needed.saturating_sub(self.charged)).ok()?;
        self.charged = self.charged.max(needed);
        let members: BTreeMap<String, Option<String>> = serde_json::from_slice(value).ok()?;
        budget.charge(1, value.len() + 96).ok()?;
        let mut fields = budget.list(members.len()).ok()?;
        let mut texts = Vec::with_capacity(value.len());
        for (key, value) in &members {
            texts.extend_from_slice(key.as_bytes());
            texts.extend_from_slice(value.as_deref().unwrap_or_default().as_bytes());
        }
        // all texts share one buffer
        let buffer = Buffer::new(Bytes::from(texts))?;
        let mut at = 0;
        let mut next = |len| {
            let text = buffer.slice(at, len)?;
            at += len;
            text.into_str().ok()
        };
        for (key, value) in &members {
            fields.push(KeyValue {
                key: next(key.len())?,
                value: Value::String(next(value.as_ref().map_or(0, String::len))?),
            });
        }
        Some(fields)
    }
}
