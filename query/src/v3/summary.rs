//! What a list of traces shows of one: its root, how long it took, how many spans and errors, and of which services.
//!
//! In: the spans of one trace, some after the others, in either dialect; then whether it is corrected. Out: a [`TraceSummary`]; the same for the same spans in any order,
//! but that of several roots which start together the first one names the trace. It is that of the spans as [`super::spans`] gives them, without them: of each no more is held than
//! what the rules about shared ids and about clocks ask for, some dozen bytes, and its text is dropped. Equal spans are the store's to drop.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/internal/extension/jaegerquery/querysvc/summary.go` v2.20.0.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;

use model::{Dialect, KeyValue, Resource, Span, SpanId, SpanKind, StatusCode, Str, TraceId};
use storage::port::outline::{RESOURCE_KEYS, SPAN_KEYS};
use wire::jaeger::to_otlp::Translator;

use super::adjust::{host, sort};
use crate::Adjuster;
use crate::adjust::{Adjustable, clock_skew, shared_id};

/// Spans without a parent whose names are held: the earliest of them.
const ROOTS: usize = 64;

/// One trace in short.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceSummary {
    /// Its id.
    pub(crate) trace_id: TraceId,
    /// The service of the span without a parent that starts first; empty when each has one.
    pub(crate) root_service: Str,
    /// That span's operation.
    pub(crate) root_operation: Str,
    /// When the first span starts, nanoseconds since the Unix epoch.
    pub(crate) start_min_ns: u64,
    /// When the last span ends, nanoseconds since the Unix epoch.
    pub(crate) end_max_ns: u64,
    /// How many spans there are.
    pub(crate) spans: usize,
    /// How many of them failed.
    pub(crate) errors: usize,
    /// How many have a parent that is not in the trace.
    pub(crate) orphans: usize,
    /// Its services by name.
    pub(crate) services: Vec<ServiceSummary>,
}

/// One service's part in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceSummary {
    /// Its name.
    pub(crate) name: Str,
    /// How many spans are its own.
    pub(crate) spans: usize,
    /// How many of those failed.
    pub(crate) errors: usize,
}

/// A trace while its spans are read.
#[derive(Default)]
pub(crate) struct Outline {
    trace_id: TraceId,
    rows: Vec<Row>,
    /// Position and name of the earliest spans without a parent, by their start, then in their order.
    roots: Vec<(u64, usize, Str)>,
    services: HashMap<Str, u32>,
    /// Tells hosts apart.
    hosts: RandomState,
    translator: Translator,
    /// Of spans whose kind and outcome are asked for, and nothing else.
    no_resource: Arc<Resource>,
}

/// What is held of a span.
struct Row {
    id: SpanId,
    parent: Option<SpanId>,
    kind: SpanKind,
    failed: bool,
    start_ns: u64,
    end_ns: u64,
    from: Place,
}

/// Where a span comes from.
#[derive(Clone, Copy)]
struct Place {
    /// The service's number.
    service: u32,
    /// What its host is known by; 0: by nothing.
    host: u64,
}

// === impl Outline ===

impl Outline {
    /// Of a trace without spans yet.
    pub(crate) fn of(trace_id: TraceId) -> Self {
        Self {
            trace_id,
            ..Self::default()
        }
    }

    /// Its id.
    pub(crate) fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// How many spans it has.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds spans. Nothing of theirs is kept alive.
    pub(crate) fn add(&mut self, spans: &[Span]) {
        // while the spans are there, no resource has the address of another
        let mut places: HashMap<(*const Resource, bool), Place> = HashMap::new();
        for span in spans {
            let key = (Arc::as_ptr(&span.resource), span.dialect == Dialect::Otlp);
            let from = match places.get(&key) {
                Some(place) => *place,
                None => {
                    let place = self.place(span);
                    places.insert(key, place);
                    place
                }
            };
            let (kind, failed) = self.kind_and_outcome(span);
            if span.parent_span_id.is_none() {
                self.add_root(span);
            }
            self.rows.push(Row {
                id: span.span_id,
                parent: span.parent_span_id,
                kind,
                failed,
                start_ns: span.start_ns,
                end_ns: span.end_ns,
                from,
            });
        }
    }

    fn add_root(&mut self, span: &Span) {
        let at = self.roots.partition_point(|root| root.0 <= span.start_ns);
        if at < ROOTS {
            let root = (span.start_ns, self.rows.len(), span.name.detach());
            self.roots.insert(at, root);
            self.roots.truncate(ROOTS);
        }
    }

    fn place(&mut self, span: &Span) -> Place {
        let alone = Span {
            dialect: span.dialect,
            resource: Arc::new(Resource {
                service_name: span.resource.service_name.clone(),
                attributes: only(&RESOURCE_KEYS, &span.resource.attributes),
                ..Resource::default()
            }),
            ..Span::default()
        };
        let mut resource = Resource::clone(&self.translator.translate(&alone).resource);
        sort::sort(&mut resource.attributes);
        let host = match host(&resource) {
            "" => 0,
            host => self.hosts.hash_one(host).max(1),
        };
        let name = super::service_name(&resource);
        let service = match self.services.get(name) {
            Some(service) => *service,
            None => {
                let next = u32::try_from(self.services.len()).unwrap_or(u32::MAX);
                self.services.insert(Str::from(name), next);
                next
            }
        };
        Place { service, host }
    }

    fn kind_and_outcome(&mut self, span: &Span) -> (SpanKind, bool) {
        let told = match span.dialect {
            Dialect::Otlp => (span.kind, span.status.code),
            Dialect::Jaeger => {
                let alone = Span {
                    dialect: Dialect::Jaeger,
                    attributes: only(&SPAN_KEYS, &span.attributes),
                    resource: self.no_resource.clone(),
                    ..Span::default()
                };
                let told = self.translator.translate(&alone);
                (told.kind, told.status.code)
            }
        };
        (told.0, told.1 == StatusCode::Error)
    }

    /// What is to be said of it, after the corrections unless there are to be none.
    pub(crate) fn summary(mut self, adjuster: Option<Adjuster>) -> TraceSummary {
        let rows = &mut self.rows;
        if let Some(adjuster) = adjuster {
            shared_id::adjust(rows);
            clock_skew::adjust(rows, adjuster.max_clock_skew);
        }
        let mut names = vec![Str::default(); self.services.len()];
        for (name, number) in self.services {
            if let Some(place) = names.get_mut(number as usize) {
                *place = name;
            }
        }
        let name = |row: &Row| names.get(row.from.service as usize);
        let is_root =
            |(_, at, _): &&(u64, usize, Str)| rows.get(*at).is_some_and(|row| row.parent.is_none());
        let root = self.roots.iter().find(is_root);
        let root_row = root.and_then(|(_, at, _)| rows.get(*at));
        let ids: HashSet<SpanId> = rows.iter().map(|row| row.id).collect();
        let is_orphan = |row: &&Row| row.parent.is_some_and(|parent| !ids.contains(&parent));
        let mut services: BTreeMap<&Str, (usize, usize)> = BTreeMap::new();
        for row in rows.iter() {
            if let Some(name) = name(row) {
                let (spans, errors) = services.entry(name).or_default();
                *spans += 1;
                *errors += usize::from(row.failed);
            }
        }
        TraceSummary {
            trace_id: self.trace_id,
            root_service: root_row.and_then(name).cloned().unwrap_or_default(),
            root_operation: root.map(|root| root.2.clone()).unwrap_or_default(),
            start_min_ns: rows.iter().map(|r| r.start_ns).min().unwrap_or_default(),
            end_max_ns: rows.iter().map(|r| r.end_ns).max().unwrap_or_default(),
            spans: rows.len(),
            errors: rows.iter().filter(|row| row.failed).count(),
            orphans: rows.iter().filter(is_orphan).count(),
            services: services
                .into_iter()
                .map(|(name, (spans, errors))| ServiceSummary {
                    name: name.clone(),
                    spans,
                    errors,
                })
                .collect(),
        }
    }
}

/// Those of `attributes` that have one of these keys.
fn only(keys: &[&str], attributes: &[KeyValue]) -> Vec<KeyValue> {
    let wanted = attributes.iter().filter(|a| keys.contains(&&*a.key));
    wanted.cloned().collect()
}

impl Adjustable for Row {
    fn id(&self) -> SpanId {
        self.id
    }

    fn set_id(&mut self, id: SpanId) {
        self.id = id;
    }

    fn is(&self, kind: SpanKind) -> bool {
        self.kind == kind
    }

    fn parent(&self) -> Option<SpanId> {
        self.parent
    }

    fn set_parent(&mut self, parent: SpanId) {
        self.parent = Some(parent);
    }

    fn host(&self) -> String {
        match self.from.host {
            0 => String::new(),
            host => host.to_string(),
        }
    }

    fn start_ns(&self) -> u64 {
        self.start_ns
    }

    fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }

    fn shift(&mut self, by_ns: i64) {
        for time_ns in [&mut self.start_ns, &mut self.end_ns] {
            *time_ns = time_ns.saturating_add_signed(by_ns);
        }
    }

    /// Nobody reads what is odd about one span of many.
    fn warn(&mut self, _warning: String) {}

    fn lost_parent(_parent: SpanId) -> String {
        String::new()
    }
}
