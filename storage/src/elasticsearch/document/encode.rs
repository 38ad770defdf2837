//! A span as the document that Jaeger 1.76 writes of it, in its order of members.
//!
//! In: a span of either dialect, and the index that it goes to. Out: one line of JSON, and its id. This is the hot path: text is copied once,
//! from the request into the bulk; the process of a resource is written once and copied after that.
//!
//! Flags have 31 bits here: an index maps them to an integer with a sign, and refuses the whole span for more. Only four bits mean anything.
//!
//! Source: `jaegertracing/jaeger: internal/storage/elasticsearch/dbmodel/model.go`, `internal/storage/v1/elasticsearch/spanstore/from_domain.go`
//! v1.76.0.

use std::sync::Arc;

use model::{Event, RefType, Resource, Span};
use wire::jaeger::tags;

use super::DocumentId;
use super::json;
use super::keys::{KeyBook, Open, Owner};
use super::tags::{Fields, List};
use crate::elasticsearch::config::{Documents, TagsAsFields};

/// What an index takes for flags.
const MAX_FLAGS: u32 = i32::MAX as u32;

/// Writes spans of one batch.
pub struct Encoder<'a> {
    documents: &'a Documents,
    keys: &'a KeyBook,
    page: Option<Open>,
    fields: Fields,
    /// Of the last resource.
    process: Option<Process>,
    /// A span's own members without fields, while its id is made.
    plain: Vec<u8>,
}

/// A resource, written down.
struct Process {
    of: Arc<Resource>,
    plain: Vec<u8>,
    /// Of `plain`, which the id of each span's document is made of.
    hash: blake3::Hash,
    /// With fields; empty when no tag is ever one.
    with_fields: Vec<u8>,
}

// === impl Encoder ===

impl<'a> Encoder<'a> {
    /// Writes as `documents` says, and counts fields in `keys`, which all who write to the same indices share.
    pub fn new(documents: &'a Documents, keys: &'a KeyBook) -> Self {
        Self {
            documents,
            keys,
            page: None,
            fields: Fields::default(),
            process: None,
            plain: Vec::new(),
        }
    }

    /// Appends the document of `span`, without a line's end. `index` is where it will be written: which tags become fields is counted for it.
    ///
    /// The id is that of the document with all tags in their lists, whatever became of them: a span that is sent again to another process, where
    /// an index has other fields, has the same one.
    pub fn encode(&mut self, index: &str, span: &Span, out: &mut Vec<u8>) -> DocumentId {
        if !self.makes_fields() {
            let start = out.len();
            self.own_members(span, None, out);
            let process = self.process(&span.resource);
            let own = out.get(start..).unwrap_or_default();
            let id = DocumentId::of(span, own, &process.hash);
            out.extend_from_slice(&process.plain);
            out.push(b'}');
            return id;
        }
        let mut page = match self.page.take() {
            Some(page) if page.index() == index => page,
            _ => {
                self.process = None;
                self.keys.open(index)
            }
        };
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        self.own_members(span, None, &mut plain);
        let id = DocumentId::of(span, &plain, &self.process(&span.resource).hash);
        self.plain = plain;
        self.own_members(span, Some(&mut page), out);
        self.process_with_fields(&span.resource, &mut page, out);
        out.push(b'}');
        self.page = Some(page);
        id
    }

    fn makes_fields(&self) -> bool {
        let TagsAsFields { all, include, .. } = &self.documents.tags_as_fields;
        *all || !include.is_empty()
    }

    /// Opens a document, with all of its members but the process; with fields where there is a page for them.
    fn own_members(&mut self, span: &Span, page: Option<&mut Open>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"traceID\":");
        json::trace_id(out, span.trace_id);
        out.extend_from_slice(b",\"spanID\":");
        json::span_id(out, span.span_id);
        let flags = tags::flags(span) & MAX_FLAGS;
        if flags != 0 {
            out.extend_from_slice(b",\"flags\":");
            json::uint(out, u64::from(flags));
        }
        out.extend_from_slice(b",\"operationName\":");
        json::text(out, &span.name);
        references(span, out);
        let start_us = span.start_ns / 1_000;
        out.extend_from_slice(b",\"startTime\":");
        json::uint(out, start_us);
        out.extend_from_slice(b",\"startTimeMillis\":");
        json::uint(out, start_us / 1_000);
        out.extend_from_slice(b",\"duration\":");
        json::uint(out, span.duration_ns() / 1_000);
        out.extend_from_slice(b",\"tags\":");
        self.span_tags(span, page, out);
        self.logs(span, out);
    }

    fn span_tags(&mut self, span: &Span, page: Option<&mut Open>, out: &mut Vec<u8>) {
        let values = self.documents.tag_values;
        let mut list = List::open(out);
        let Some(page) = page else {
            tags::for_each_span_tag(span, |key, value| {
                list.push(out, key.as_str(), &value, values);
            });
            return list.close(out);
        };
        let (fields, rules) = (&mut self.fields, &self.documents.tags_as_fields);
        tags::for_each_span_tag(span, |key, value| {
            if !fields.take(rules, page, Owner::Span, key.as_str(), &value) {
                list.push(out, key.as_str(), &value, values);
            }
        });
        list.close(out);
        fields.write_member(out);
    }

    fn logs(&self, span: &Span, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"logs\":[");
        for (nth, event) in span.events.iter().enumerate() {
            if nth > 0 {
                out.push(b',');
            }
            self.log(span, event, out);
        }
        out.push(b']');
    }

    fn log(&self, span: &Span, event: &Event, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"timestamp\":");
        json::uint(out, event.time_ns / 1_000);
        out.extend_from_slice(b",\"fields\":");
        let start = out.len();
        let mut list = List::open(out);
        let values = self.documents.tag_values;
        tags::for_each_log_field(span.dialect, event, |key, value| {
            list.push(out, key.as_str(), &value, values);
        });
        list.close(out);
        if out.get(start..) == Some(b"[]") {
            // Jaeger's list that nothing was ever put into
            out.truncate(start);
            out.extend_from_slice(b"null");
        }
        out.push(b'}');
    }

    /// `resource` written down, as it was for the last span if that has the same.
    fn process(&mut self, resource: &Arc<Resource>) -> &Process {
        let known = self.process.take().filter(|p| Arc::ptr_eq(&p.of, resource));
        let process = known.unwrap_or_else(|| {
            let mut plain = Vec::with_capacity(512);
            self.write_process(resource, None, &mut plain);
            Process {
                of: resource.clone(),
                hash: blake3::hash(&plain),
                plain,
                with_fields: Vec::new(),
            }
        });
        self.process.insert(process)
    }

    fn process_with_fields(
        &mut self,
        resource: &Arc<Resource>,
        page: &mut Open,
        out: &mut Vec<u8>,
    ) {
        self.process(resource);
        let Some(mut process) = self.process.take() else {
            return;
        };
        if process.with_fields.is_empty() {
            self.write_process(resource, Some(page), &mut process.with_fields);
        }
        out.extend_from_slice(&process.with_fields);
        self.process = Some(process);
    }

    fn write_process(&mut self, resource: &Resource, page: Option<&mut Open>, out: &mut Vec<u8>) {
        out.extend_from_slice(b",\"process\":{\"serviceName\":");
        json::text(out, resource.service_name());
        out.extend_from_slice(b",\"tags\":");
        let values = self.documents.tag_values;
        let mut list = List::open(out);
        if let Some(page) = page {
            let (fields, rules) = (&mut self.fields, &self.documents.tags_as_fields);
            tags::for_each_process_tag(resource, |key, value| {
                if !fields.take(rules, page, Owner::Process, key.as_str(), &value) {
                    list.push(out, key.as_str(), &value, values);
                }
            });
            list.close(out);
            fields.write_member(out);
        } else {
            tags::for_each_process_tag(resource, |key, value| {
                list.push(out, key.as_str(), &value, values);
            });
            list.close(out);
        }
        out.push(b'}');
    }
}

fn references(span: &Span, out: &mut Vec<u8>) {
    out.extend_from_slice(b",\"references\":[");
    for (nth, reference) in tags::references(span).iter().enumerate() {
        if nth > 0 {
            out.push(b',');
        }
        let start: &[u8] = match reference.ref_type {
            RefType::ChildOf => b"{\"refType\":\"CHILD_OF\",\"traceID\":",
            RefType::FollowsFrom => b"{\"refType\":\"FOLLOWS_FROM\",\"traceID\":",
        };
        out.extend_from_slice(start);
        json::trace_id(out, reference.trace_id);
        out.extend_from_slice(b",\"spanID\":");
        json::span_id(out, reference.span_id);
        out.push(b'}');
    }
    out.push(b']');
}
