//! The traces of all instances, and who has to leave when there are too many.
//!
//! In: spans that were copied. Out: snapshots of traces, which stay as they are while others write.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use model::{Instance, Span, SpanId, TraceId};
use wire::record;

use super::Config;

/// A span, and the bytes that it keeps.
pub(super) struct Stored {
    pub(super) span: Span,
    /// Of its own.
    pub(super) bytes: usize,
    /// Of its resource, which others may share.
    pub(super) resource_bytes: usize,
    /// Of its scope, which others may share.
    pub(super) scope_bytes: usize,
}

/// The bytes of a trace's index entries and lists, beside its spans.
const TRACE_OVERHEAD: usize = 512;

/// The spans of a trace, in the order they came.
pub(super) type Spans = Arc<Vec<Arc<Stored>>>;

/// All traces.
#[derive(Default)]
pub(super) struct Store {
    tenants: HashMap<Instance, Tenant>,
    totals: Totals,
}

/// Numbers over all instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) bytes: usize,
    pub(super) spans: usize,
    pub(super) traces: usize,
    pub(super) evicted_spans: u64,
    pub(super) evicted_traces: u64,
}

#[derive(Default)]
struct Tenant {
    traces: HashMap<TraceId, Trace>,
    /// The ids of `traces` by the time that their first span came.
    order: VecDeque<TraceId>,
    bytes: usize,
}

#[derive(Default)]
struct Trace {
    spans: Spans,
    bytes: usize,
    /// Where spans of this id and start stand: equal ones are among them.
    places: HashMap<(SpanId, u64), Vec<usize>>,
}

// === impl Store ===

impl Store {
    /// Puts spans in, but for those that are there already; gives the positions of those that can never fit.
    pub(super) fn insert(
        &mut self,
        instance: &Instance,
        spans: Vec<Stored>,
        config: &Config,
    ) -> Vec<usize> {
        let mut rejected = Vec::new();
        for (at, span) in spans.into_iter().enumerate() {
            let id = span.span.trace_id;
            let tenant = self.tenants.entry(instance.clone()).or_default();
            if !tenant.traces.contains_key(&id) {
                tenant.order.push_back(id);
                self.totals.traces += 1;
            }
            let trace = tenant.traces.entry(id).or_default();
            if trace.holds(&span.span) {
                continue;
            }
            let bytes = trace.bytes_of(&span);
            if trace.bytes.saturating_add(bytes) > config.max_bytes {
                rejected.push(at);
                if trace.spans.is_empty() {
                    tenant.remove(id);
                    self.totals.traces -= 1;
                }
                continue;
            }
            trace.push(span, bytes);
            tenant.bytes += bytes;
            self.totals.bytes += bytes;
            self.totals.spans += 1;
            self.make_room(instance, id, config);
        }
        rejected
    }

    /// The spans of a trace.
    pub(super) fn trace(&self, instance: &Instance, id: TraceId) -> Option<Spans> {
        let trace = self.tenants.get(instance)?.traces.get(&id)?;
        Some(trace.spans.clone())
    }

    /// All traces of an instance.
    pub(super) fn traces(&self, instance: &Instance) -> Vec<(TraceId, Spans)> {
        let tenant = self.tenants.get(instance);
        tenant
            .into_iter()
            .flat_map(|t| t.traces.iter())
            .map(|(id, trace)| (*id, trace.spans.clone()))
            .collect()
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// Whether the numbers are those of what is there. For tests.
    #[cfg(test)]
    pub(super) fn assert_sound(&self, config: &Config) {
        let mut real = Totals {
            evicted_spans: self.totals.evicted_spans,
            evicted_traces: self.totals.evicted_traces,
            ..Totals::default()
        };
        for tenant in self.tenants.values() {
            let mut order: Vec<_> = tenant.order.iter().copied().collect();
            let mut ids: Vec<_> = tenant.traces.keys().copied().collect();
            order.sort();
            ids.sort();
            assert_eq!(order, ids, "the order names each trace once");
            let bytes = tenant.traces.values().map(|t| t.bytes).sum::<usize>();
            assert_eq!(tenant.bytes, bytes);
            for trace in tenant.traces.values() {
                assert!(!trace.spans.is_empty(), "no trace is empty");
                let places = trace.places.values().map(Vec::len).sum::<usize>();
                assert_eq!(places, trace.spans.len());
                real.spans += trace.spans.len();
            }
            real.bytes += bytes;
            real.traces += ids.len();
        }
        assert_eq!(self.totals, real);
        assert!(real.bytes <= config.max_bytes, "{real:?}");
        assert!(config.max_traces == 0 || real.traces <= config.max_traces);
    }

    /// Lets traces go until the limits hold: always the oldest of the instance that holds most bytes, but never the one just written to.
    fn make_room(&mut self, instance: &Instance, just_written: TraceId, config: &Config) {
        let over = |totals: &Totals| {
            totals.bytes > config.max_bytes
                || (config.max_traces > 0 && totals.traces > config.max_traces)
        };
        while over(&self.totals) {
            let oldest = |of: &Instance, tenant: &Tenant| {
                let spared = |id: &TraceId| of == instance && *id == just_written;
                tenant.order.iter().copied().find(|id| !spared(id))
            };
            let victim = self
                .tenants
                .iter_mut()
                .filter_map(|(of, tenant)| Some((oldest(of, tenant)?, tenant)))
                .max_by_key(|(_, tenant)| tenant.bytes);
            let Some((id, tenant)) = victim else { return };
            let Some(gone) = tenant.remove(id) else {
                return;
            };
            self.totals.bytes -= gone.bytes;
            self.totals.spans -= gone.spans.len();
            self.totals.traces -= 1;
            self.totals.evicted_spans += gone.spans.len() as u64;
            self.totals.evicted_traces += 1;
        }
    }
}

// === impl Tenant ===

impl Tenant {
    fn remove(&mut self, id: TraceId) -> Option<Trace> {
        // at the front or next to it, but for the one just written to
        if let Some(at) = self.order.iter().position(|other| *other == id) {
            self.order.remove(at);
        }
        let trace = self.traces.remove(&id)?;
        self.bytes -= trace.bytes;
        Some(trace)
    }
}

// === impl Trace ===

impl Trace {
    fn holds(&self, span: &Span) -> bool {
        let places = self.places.get(&(span.span_id, span.start_ns));
        places
            .into_iter()
            .flatten()
            .filter_map(|at| self.spans.get(*at))
            .any(|other| same(&other.span, span))
    }

    /// What `span` adds: its resource and scope too, unless the span before it has the same; the first adds the trace's own entries.
    fn bytes_of(&self, span: &Stored) -> usize {
        let Some(last) = self.spans.last() else {
            return span.bytes + span.resource_bytes + span.scope_bytes + TRACE_OVERHEAD;
        };
        let mut bytes = span.bytes;
        if !Arc::ptr_eq(&last.span.resource, &span.span.resource) {
            bytes += span.resource_bytes;
        }
        if !Arc::ptr_eq(&last.span.scope, &span.span.scope) {
            bytes += span.scope_bytes;
        }
        bytes
    }

    fn push(&mut self, span: Stored, bytes: usize) {
        let place = (span.span.span_id, span.span.start_ns);
        self.places.entry(place).or_default().push(self.spans.len());
        self.bytes += bytes;
        Arc::make_mut(&mut self.spans).push(Arc::new(span));
    }
}

/// Whether two spans are equal in every field, floats by their bits, so that a NaN is equal to itself.
fn same(a: &Span, b: &Span) -> bool {
    let bytes = |span: &Span| {
        let (mut resource, mut scope, mut own) = (Vec::new(), Vec::new(), Vec::new());
        record::encode_resource(&span.resource, &mut resource);
        record::encode_scope(&span.scope, &mut scope);
        record::encode_span(span, &mut own);
        (resource, scope, own)
    };
    a.name == b.name && bytes(a) == bytes(b)
}
