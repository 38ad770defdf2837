//! The `_source` of a span's document, as it stands in an answer: every member that any version of Jaeger wrote.
//!
//! In: JSON, by serde, inside of whatever a caller reads its answers with. Out: [`Source`], which a [`super::Decoder`] makes a span of. It never
//! fails on a value: what has another shape is seen there, where the document's name is known. Members that mean nothing here
//! (`startTimeMillis` beside `startTime`, `@timestamp`, `scopeTags`) are passed over.
//!
//! Source: `jaegertracing/jaeger: internal/storage/elasticsearch/dbmodel/model.go` v1.76.0; v2.20.0 writes `parentSpanID` too, as versions
//! before 1.8 did.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess};

use super::scalar::{List, Maybe, Members, Object, Scalar};

/// A span's document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source<'a>(pub(super) Maybe<Document<'a>>);

/// Its members.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Document<'a> {
    pub(super) trace_id: Scalar<'a>,
    pub(super) span_id: Scalar<'a>,
    pub(super) parent_span_id: Scalar<'a>,
    pub(super) flags: Scalar<'a>,
    pub(super) operation_name: Scalar<'a>,
    pub(super) references: List<Maybe<Reference<'a>>>,
    pub(super) start_time: Scalar<'a>,
    pub(super) start_time_millis: Scalar<'a>,
    pub(super) duration: Scalar<'a>,
    pub(super) tags: List<Maybe<Tag<'a>>>,
    pub(super) tag: Members<'a>,
    pub(super) logs: List<Maybe<Log<'a>>>,
    pub(super) process: Process<'a>,
}

/// A reference to another span.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Reference<'a> {
    pub(super) ref_type: Scalar<'a>,
    pub(super) trace_id: Scalar<'a>,
    pub(super) span_id: Scalar<'a>,
}

/// A tag of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tag<'a> {
    pub(super) key: Scalar<'a>,
    pub(super) kind: Scalar<'a>,
    pub(super) value: Scalar<'a>,
}

/// A log.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Log<'a> {
    pub(super) timestamp: Scalar<'a>,
    pub(super) fields: List<Maybe<Tag<'a>>>,
}

/// What produced the span.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Process<'a> {
    pub(super) service_name: Scalar<'a>,
    pub(super) tags: List<Maybe<Tag<'a>>>,
    pub(super) tag: Members<'a>,
}

fn pass_over<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    map.next_value::<IgnoredAny>().map(|_| ())
}

// === impl Source ===

impl<'de> Deserialize<'de> for Source<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Maybe::deserialize(deserializer).map(Self)
    }
}

// === impl Document ===

impl<'de> Object<'de> for Document<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "traceID" => self.trace_id = map.next_value()?,
            "spanID" => self.span_id = map.next_value()?,
            "parentSpanID" => self.parent_span_id = map.next_value()?,
            "flags" => self.flags = map.next_value()?,
            "operationName" => self.operation_name = map.next_value()?,
            "references" => self.references = map.next_value()?,
            "startTime" => self.start_time = map.next_value()?,
            "startTimeMillis" => self.start_time_millis = map.next_value()?,
            "duration" => self.duration = map.next_value()?,
            "tags" => self.tags = map.next_value()?,
            "tag" => self.tag = map.next_value()?,
            "logs" => self.logs = map.next_value()?,
            "process" => self.process = map.next_value::<Maybe<_>>()?.0.unwrap_or_default(),
            _ => pass_over(map)?,
        }
        Ok(())
    }
}

// === impl Reference ===

impl<'de> Object<'de> for Reference<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "refType" => self.ref_type = map.next_value()?,
            "traceID" => self.trace_id = map.next_value()?,
            "spanID" => self.span_id = map.next_value()?,
            _ => pass_over(map)?,
        }
        Ok(())
    }
}

// === impl Tag ===

impl<'de> Object<'de> for Tag<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "key" => self.key = map.next_value()?,
            "type" => self.kind = map.next_value()?,
            "value" => self.value = map.next_value()?,
            _ => pass_over(map)?,
        }
        Ok(())
    }
}

// === impl Log ===

impl<'de> Object<'de> for Log<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "timestamp" => self.timestamp = map.next_value()?,
            "fields" => self.fields = map.next_value()?,
            _ => pass_over(map)?,
        }
        Ok(())
    }
}

// === impl Process ===

impl<'de> Object<'de> for Process<'de> {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "serviceName" => self.service_name = map.next_value()?,
            "tags" => self.tags = map.next_value()?,
            "tag" => self.tag = map.next_value()?,
            _ => pass_over(map)?,
        }
        Ok(())
    }
}
