//! Requests written once and sent many times with new ids, times and rare values: an [`Epoch`].
//!
//! In: a [`Workload`]. Out: request bodies (`ExportTraceServiceRequest`).

use super::ids;
use super::layout::{Layout, PlannedRequest};
use super::protobuf::{Message, Slot};
use super::span::{write_resource, write_span};
use super::workload::Workload;

/// Requests of some thousand traces, to be filled in and sent.
#[derive(Debug)]
pub struct Epoch {
    /// What they carry.
    pub layout: Layout,
    bodies: Vec<Message>,
}

// === impl Epoch ===

impl Epoch {
    /// Plans and writes a round.
    pub fn new(workload: &Workload) -> Self {
        let layout = Layout::new(workload);
        let bodies = layout
            .requests
            .iter()
            .map(|request| write_request(&layout, request))
            .collect();
        Self { layout, bodies }
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }

    /// How many spans a request has.
    pub fn spans(&self, request: usize) -> u32 {
        let request = self.layout.requests.get(request);
        request.map_or(0, |r| r.spans.len() as u32)
    }

    /// Mean size of a span on the wire, resources included, in bytes.
    pub fn mean_span_bytes(&self) -> f64 {
        let bytes: usize = self.bodies.iter().map(|b| b.bytes.len()).sum();
        bytes as f64 / self.layout.spans() as f64
    }

    /// The body of a request, sent under number `round` at `now_ns`.
    pub fn body(&self, request: usize, round: u64, now_ns: i64) -> Vec<u8> {
        let Some(message) = self.bodies.get(request) else {
            return Vec::new();
        };
        let mut bytes = message.bytes.clone();
        let high = ids::round(self.layout.workload.seed, round);
        let (mut trace, mut span) = (0, 0);
        for (at, slot) in &message.slots {
            let at = *at as usize;
            let mut put = |value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
            match *slot {
                Slot::TraceId(number) => {
                    trace = ids::trace(high, number);
                    put(&((u128::from(high) << 64) | u128::from(trace)).to_be_bytes());
                }
                Slot::SpanId(number) => {
                    span = number;
                    put(&ids::span(trace, number).to_be_bytes());
                }
                Slot::ParentId(number) => put(&ids::span(trace, number).to_be_bytes()),
                Slot::Unique => put(&ids::hex(ids::unique(trace, span))),
                Slot::OfAMillion => {
                    let value = ids::of_a_million(trace, span);
                    put(&[
                        value as u8 | 0x80,
                        (value >> 7) as u8 | 0x80,
                        (value >> 14) as u8,
                    ]);
                }
                Slot::Score => put(&ids::score(trace, span).to_le_bytes()),
                Slot::Time(offset) => put(&(now_ns + offset).to_le_bytes()),
            }
        }
        bytes
    }
}

fn write_request(layout: &Layout, request: &PlannedRequest) -> Message {
    let mut scope_spans = Message::default();
    let mut scope = Message::default();
    scope.bytes(1, b"io.opentelemetry.http");
    scope.bytes(2, b"2.9.0");
    scope_spans.message(1, &scope);
    for (trace, at) in &request.spans {
        let plan = &layout.traces[*trace as usize].spans[*at as usize];
        scope_spans.message(2, &write_span(&layout.workload, *trace, *at, plan));
    }
    let mut resource_spans = Message::default();
    resource_spans.message(1, &write_resource(request.pod));
    resource_spans.message(2, &scope_spans);
    let mut message = Message::default();
    message.message(1, &resource_spans);
    message
}
