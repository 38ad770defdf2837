//! From a document to a span in the `Jaeger` dialect.
//!
//! In: a [`Source`], and the buffer that it was read from. Out: a span whose text points into that buffer. Only ids and the start have to be
//! right; of everything else what cannot be read is left out, and the span's warnings say so.
//!
//! Ids may have any number of digits up to their length: versions before 1.16 cut leading zeros, v2 writes all 32 (quirks 2 and 4). Tags that
//! are fields come after those of the list, in their order; the replacement in their names becomes a dot again (quirk 12).

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::Arc;

use model::{Buffer, Event, KeyValue, Link, RefType, Resource, Scope, Span, SpanId, Str, TraceId};
use wire::jaeger::tags;

use super::scalar::{List, Maybe, Members, Scalar};
use super::second;
use super::source::{Document, Log, Process, Reference, Source, Tag};
use super::value;
use crate::elasticsearch::config::Documents;

/// Processes that spans nearby are likely to have, too.
const PROCESSES: usize = 16;
/// Names of fields that were turned into keys.
const MOST_KEYS: usize = 1_000;
/// Warnings of one document: whoever reads more knows no more.
const MOST_WARNINGS: usize = 16;

/// A document that is no span.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("document {id:?} of index {index:?} is no span: {wrong}")]
pub struct Undecodable {
    /// Where it lies.
    pub index: String,
    /// Which one it is.
    pub id: String,
    /// The field, its value, and what was wanted.
    pub wrong: String,
}

/// Makes spans of the documents of one answer.
pub struct Decoder<'a> {
    texts: Texts<'a>,
    dot_replacement: &'a str,
    scope: Arc<Scope>,
    /// The one found last comes last.
    processes: Vec<(Process<'a>, Arc<Resource>)>,
    keys: HashMap<Cow<'a, str>, Str>,
}

/// The buffer that an answer's text lies in.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a>(pub(super) &'a Buffer);

/// What was odd about a document.
type Warnings = Vec<Str>;

// === impl Decoder ===

impl<'a> Decoder<'a> {
    /// For documents in `answer`, which were written as `documents` says or in any other way.
    pub fn new(answer: &'a Buffer, documents: &'a Documents) -> Self {
        Self {
            texts: Texts(answer),
            dot_replacement: &documents.tags_as_fields.dot_replacement,
            scope: Arc::default(),
            processes: Vec::new(),
            keys: HashMap::new(),
        }
    }

    /// The span that `source` is. Index and id are there to name it by.
    pub fn span(&mut self, index: &str, id: &str, source: Source<'a>) -> Result<Span, Undecodable> {
        let span = match source.0.0 {
            Some(document) => self.document(document),
            None => Err("_source is missing, or no object".to_owned()),
        };
        span.map_err(|wrong| Undecodable {
            index: index.to_owned(),
            id: id.to_owned(),
            wrong,
        })
    }

    fn document(&mut self, document: Document<'a>) -> Result<Span, String> {
        let trace_id = trace_id(&document.trace_id)
            .ok_or_else(|| wrong("traceID", &document.trace_id, "hex of 1 to 32 digits"))?;
        let span_id = span_id(&document.span_id)
            .ok_or_else(|| wrong("spanID", &document.span_id, "hex of 1 to 16 digits"))?;
        let start_ns = start_ns(&document)?;
        let is_of_second = second::wrote(&document);
        let mut warnings = Warnings::new();
        let duration_ns = match &document.duration {
            Scalar::Absent => 0,
            given => micros(given).unwrap_or_else(|| {
                warn(&mut warnings, wrong("duration", given, "microseconds"));
                0
            }),
        };
        let links = links(trace_id, &document, &mut warnings);
        let mut attributes = self.tags(&document.tags, "tags", &mut warnings);
        self.fields(document.tag, &mut attributes);
        let events = self.events(&document.logs, start_ns, &mut warnings);
        let resource = self.resource(document.process, &mut warnings);
        let mut flags = document.flags.whole();
        if is_of_second {
            second::mend(&mut attributes, &mut warnings);
            // those of OTLP, which are no flags of Jaeger's
            flags = None;
        }
        Ok(Span {
            span_id,
            name: self.texts.any(&document.operation_name),
            start_ns,
            end_ns: start_ns.saturating_add(duration_ns),
            events,
            flags: flags.and_then(|f| f.try_into().ok()).unwrap_or(0),
            warnings,
            ..tags::span(trace_id, attributes, links, resource, self.scope.clone())
        })
    }

    fn tags(
        &self,
        list: &List<Maybe<Tag<'_>>>,
        path: &str,
        warnings: &mut Warnings,
    ) -> Vec<KeyValue> {
        warn_of_list(list, path, warnings);
        let mut tags = Vec::with_capacity(list.items.len());
        for (nth, tag) in list.items.iter().enumerate() {
            match &tag.0 {
                Some(tag) => tags.push(KeyValue {
                    key: self.texts.any(&tag.key),
                    value: value::of_tag(&tag.kind, &tag.value, self.texts),
                }),
                None => warn(
                    warnings,
                    format!("{path}[{nth}] is left out: it is no object"),
                ),
            }
        }
        tags
    }

    fn fields(&mut self, fields: Members<'a>, tags: &mut Vec<KeyValue>) {
        tags.reserve(fields.0.len());
        for (name, value) in fields.0 {
            let value = value::of_field(&value, self.texts);
            let key = self.key(name);
            tags.push(KeyValue { key, value });
        }
    }

    /// The key that a field's name stands for.
    fn key(&mut self, name: Cow<'a, str>) -> Str {
        // nothing put in the place of a dot cannot be found again
        if self.dot_replacement.is_empty() || !name.contains(self.dot_replacement) {
            return self.texts.str(&name);
        }
        if let Some(key) = self.keys.get(&name) {
            return key.clone();
        }
        let key = Str::from(name.replace(self.dot_replacement, "."));
        if self.keys.len() < MOST_KEYS {
            self.keys.insert(name, key.clone());
        }
        key
    }

    fn events(
        &self,
        logs: &List<Maybe<Log<'_>>>,
        start_ns: u64,
        warnings: &mut Warnings,
    ) -> Vec<Event> {
        warn_of_list(logs, "logs", warnings);
        let mut events = Vec::with_capacity(logs.items.len());
        for (nth, log) in logs.items.iter().enumerate() {
            let Some(log) = &log.0 else {
                warn(
                    warnings,
                    format!("logs[{nth}] is left out: it is no object"),
                );
                continue;
            };
            let time_ns = micros(&log.timestamp).unwrap_or_else(|| {
                let at = format!("logs[{nth}].timestamp");
                warn(warnings, wrong(&at, &log.timestamp, "microseconds"));
                start_ns
            });
            events.push(Event {
                time_ns,
                attributes: self.tags(&log.fields, "logs.fields", warnings),
                ..Event::default()
            });
        }
        events
    }

    /// The resource of a process; equal processes of one answer share it.
    fn resource(&mut self, process: Process<'a>, warnings: &mut Warnings) -> Arc<Resource> {
        if let Some(at) = self.processes.iter().rposition(|(p, _)| *p == process) {
            let known = self.processes.remove(at);
            let resource = known.1.clone();
            self.processes.push(known);
            return resource;
        }
        let mut said = Warnings::new();
        let mut attributes = self.tags(&process.tags, "process.tags", &mut said);
        self.fields(process.tag.clone(), &mut attributes);
        let resource = Arc::new(Resource {
            service_name: match &process.service_name {
                Scalar::Absent => None,
                name => Some(self.texts.any(name)),
            },
            attributes,
            ..Resource::default()
        });
        // what was warned of would be warned of no more
        if said.is_empty() {
            if self.processes.len() >= PROCESSES {
                self.processes.remove(0);
            }
            self.processes.push((process, resource.clone()));
        }
        warnings.append(&mut said);
        resource
    }
}

// === impl Texts ===

impl Texts<'_> {
    /// `text` as a slice of the buffer, or in a buffer of its own when it does not lie there as it is.
    pub(super) fn str(self, text: &str) -> Str {
        self.slice(text).unwrap_or_else(|| Str::from(text))
    }

    fn slice(self, text: &str) -> Option<Str> {
        let start = self.0.as_bytes().as_ptr().addr();
        let offset = text.as_ptr().addr().checked_sub(start)?;
        self.0.slice(offset, text.len())?.into_str().ok()
    }

    /// The text of a value; that of another type is shown.
    fn any(self, value: &Scalar<'_>) -> Str {
        match value {
            Scalar::Text(text) => self.str(text),
            Scalar::Absent => Str::default(),
            other => Str::from(other.shown()),
        }
    }
}

/// Microseconds; where they are missing, milliseconds.
fn start_ns(document: &Document<'_>) -> Result<u64, String> {
    let millis = || {
        let millis = u64::try_from(document.start_time_millis.whole()?).ok()?;
        millis.checked_mul(1_000_000)
    };
    let start = match &document.start_time {
        Scalar::Absent => millis(),
        given => micros(given),
    };
    start.ok_or_else(|| {
        wrong(
            "startTime",
            &document.start_time,
            "microseconds of 0 or more",
        )
    })
}

/// All references, and the parent of versions that kept it apart.
fn links(trace_id: TraceId, document: &Document<'_>, warnings: &mut Warnings) -> Vec<Link> {
    let references = &document.references;
    warn_of_list(references, "references", warnings);
    let mut links = Vec::with_capacity(references.items.len());
    for (nth, reference) in references.items.iter().enumerate() {
        match reference.0.as_ref().map(link) {
            Some(Ok(link)) => links.push(link),
            Some(Err(wrong)) => {
                warn(warnings, format!("references[{nth}] is left out: {wrong}"));
            }
            None => warn(
                warnings,
                format!("references[{nth}] is left out: it is no object"),
            ),
        }
    }
    let parent = match &document.parent_span_id {
        Scalar::Absent => None,
        given if given.as_str() == Some("") => None,
        given => span_id(given).or_else(|| {
            warn(
                warnings,
                wrong("parentSpanID", given, "hex of 1 to 16 digits"),
            );
            None
        }),
    };
    let is_parent = |link: &Link, id| link.trace_id == trace_id && link.span_id == id;
    if let Some(id) = parent.filter(|id| !id.is_zero()) {
        let parent = match links.iter().position(|link| is_parent(link, id)) {
            Some(at) => links.remove(at),
            None => Link {
                trace_id,
                span_id: id,
                ref_type: RefType::ChildOf,
                ..Link::default()
            },
        };
        links.insert(0, parent);
    }
    links
}

fn link(reference: &Reference<'_>) -> Result<Link, String> {
    let Reference {
        ref_type,
        trace_id: trace,
        span_id: span,
    } = reference;
    Ok(Link {
        trace_id: trace_id(trace)
            .ok_or_else(|| wrong("traceID", trace, "hex of 1 to 32 digits"))?,
        span_id: span_id(span).ok_or_else(|| wrong("spanID", span, "hex of 1 to 16 digits"))?,
        // whatever else it is called, the other span came before
        ref_type: match ref_type.as_str() {
            Some("CHILD_OF") => RefType::ChildOf,
            _ => RefType::FollowsFrom,
        },
        ..Link::default()
    })
}

fn trace_id(value: &Scalar<'_>) -> Option<TraceId> {
    TraceId::parse(value.as_str()?).ok()
}

fn span_id(value: &Scalar<'_>) -> Option<SpanId> {
    SpanId::parse(value.as_str()?).ok()
}

/// Microseconds, in nanoseconds.
fn micros(value: &Scalar<'_>) -> Option<u64> {
    u64::try_from(value.whole()?).ok()?.checked_mul(1_000)
}

fn warn_of_list<T>(list: &List<T>, path: &str, warnings: &mut Warnings) {
    if list.is_wrong {
        warn(warnings, format!("{path} is left out: it is no list"));
    }
}

#[cold]
fn warn(warnings: &mut Warnings, warning: impl Display) {
    if warnings.len() >= MOST_WARNINGS {
        return;
    }
    warnings.push(Str::from(format!("in the index, {warning}")));
}

#[cold]
fn wrong(path: &str, found: &Scalar<'_>, wanted: &str) -> String {
    if *found == Scalar::Absent {
        return format!("{path} is missing: {wanted} were wanted");
    }
    // enough to know it by
    let shown: String = found.shown().chars().take(40).collect();
    format!("{path} {shown} is not {wanted}")
}
