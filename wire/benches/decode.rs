//! What decoding and encoding cost a span, beside plain prost: `cargo bench -p wire`.
//!
//! Prints a table of nanoseconds, allocations and allocated bytes a span, for OTLP, Jaeger's protobuf and Thrift, Zipkin, and values of Kafka records, in batches of
//! 512 and of 10 spans of 11 attributes and about 539 bytes. Each number is the best of many rounds: the others had company.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    clippy::indexing_slicing
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use model::{Dialect, Event, KeyValue, Resource, Scope, Span, SpanId, SpanKind, TraceId, Value};
use prost::Message as _;
use wire::encoding::{self, Encoder, Encoding, Written};
use wire::r#gen::{api_v2, otlp, zipkin};
use wire::thrift::{self, Protocol};

/// Writes Thrift, which the room itself only reads.
#[allow(dead_code)]
#[path = "../src/thrift/tests/oracle.rs"]
mod oracle;

/// Counts what is allocated.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static ALLOCATED: AtomicU64 = AtomicU64::new(0);

// SAFETY: hands everything on to the system's allocator, and only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        ALLOCATED.fetch_add(layout.size() as u64, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// Spans of one service, as an instrumented HTTP server makes them.
fn spans(count: usize, dialect: Dialect) -> Vec<Span> {
    let mut random = Random(42);
    let mut resource = Resource::of_service("checkout");
    resource.attributes = vec![
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("service.instance.id", "checkout-7d9f8c6b5-x2x4q"),
        KeyValue::new("k8s.namespace.name", "shop"),
    ];
    let resource = Arc::new(resource);
    let scope = Arc::new(Scope {
        name: "http-server".into(),
        version: "1.2.3".into(),
        ..Scope::default()
    });
    (0..count)
        .map(|_| {
            let start_ns = 1_795_420_469_000_000_000 + random.next() % 1_000_000_000;
            let route = random.next() % 40;
            let attributes = vec![
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new(
                    "url.path",
                    format!("/api/v1/orders/{:08}", random.next() % 100_000_000).as_str(),
                ),
                KeyValue::new("url.scheme", "https"),
                KeyValue::new(
                    "http.route",
                    format!("/api/v1/orders/{{id}}/{route}").as_str(),
                ),
                KeyValue::new("http.response.status_code", 200_i64),
                KeyValue::new("server.address", "checkout.shop.svc.cluster.local"),
                KeyValue::new("server.port", 8080_i64),
                KeyValue::new(
                    "client.address",
                    format!("10.1.{}.{}", random.next() % 256, random.next() % 256).as_str(),
                ),
                KeyValue::new("user_agent.original", "Mozilla/5.0 (X11; Linux x86_64)"),
                KeyValue::new("network.protocol.version", "1.1"),
                KeyValue::new("thread.id", (random.next() % 64) as i64),
            ];
            let event = Event {
                time_ns: start_ns + 1_000,
                name: if dialect == Dialect::Otlp {
                    "queued".into()
                } else {
                    "".into()
                },
                attributes: vec![KeyValue::new("depth", (random.next() % 100) as i64)],
                ..Event::default()
            };
            Span {
                trace_id: TraceId::from_halves(random.next(), random.next()),
                span_id: SpanId::from_u64(random.next() | 1),
                parent_span_id: (dialect == Dialect::Otlp)
                    .then(|| SpanId::from_u64(random.next() | 1)),
                name: format!("GET /api/v1/orders/{{id}}/{route}").as_str().into(),
                kind: if dialect == Dialect::Otlp {
                    SpanKind::Server
                } else {
                    SpanKind::Unspecified
                },
                start_ns,
                end_ns: start_ns + random.next() % 50_000_000,
                attributes,
                events: vec![event],
                resource: resource.clone(),
                scope: scope.clone(),
                dialect,
                ..Span::default()
            }
        })
        .collect()
}

/// The same spans as Zipkin's clients send them, with the resource's attributes in tags.
fn of_zipkin(spans: &[Span]) -> zipkin::ListOfSpans {
    let text = |value: &Value| match value {
        Value::String(text) => text.to_string(),
        Value::Int(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let span = |span: &Span| zipkin::Span {
        trace_id: span.trace_id.0.to_vec(),
        parent_id: span.parent_span_id.unwrap_or_default().0.to_vec(),
        id: span.span_id.0.to_vec(),
        kind: zipkin::span::Kind::Server.into(),
        name: span.name.to_string(),
        timestamp: span.start_ns / 1_000,
        duration: span.duration_ns() / 1_000,
        local_endpoint: Some(zipkin::Endpoint {
            service_name: span.resource.service_name().to_owned(),
            ipv4: vec![10, 1, 2, 3],
            port: 8080,
            ..zipkin::Endpoint::default()
        }),
        annotations: vec![zipkin::Annotation {
            timestamp: span.start_ns / 1_000 + 1,
            value: "queued".to_owned(),
        }],
        tags: [&span.resource.attributes, &span.attributes]
            .into_iter()
            .flatten()
            .map(|a| (a.key.to_string(), text(&a.value)))
            .collect(),
        ..zipkin::Span::default()
    };
    zipkin::ListOfSpans {
        spans: spans.iter().map(span).collect(),
    }
}

fn zipkin_json(list: &zipkin::ListOfSpans) -> Vec<u8> {
    let hex = |id: &[u8]| id.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let span = |span: &zipkin::Span| {
        serde_json::json!({
            "traceId": hex(&span.trace_id),
            "parentId": hex(&span.parent_id),
            "id": hex(&span.id),
            "kind": "SERVER",
            "name": span.name,
            "timestamp": span.timestamp,
            "duration": span.duration,
            "localEndpoint": {
                "serviceName": span.local_endpoint.as_ref().unwrap().service_name,
                "ipv4": "10.1.2.3",
                "port": 8080,
            },
            "annotations": [{
                "timestamp": span.annotations[0].timestamp,
                "value": span.annotations[0].value,
            }],
            "tags": span.tags,
        })
    };
    let list: Vec<_> = list.spans.iter().map(span).collect();
    serde_json::to_vec(&list).unwrap()
}

/// One line of the table.
struct Row<'a> {
    name: &'a str,
    spans: usize,
    bytes: usize,
}

/// What one call of `work` allocates.
fn allocations<T>(work: &mut impl FnMut() -> T) -> (u64, u64) {
    black_box(work());
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let before_bytes = ALLOCATED.load(Ordering::Relaxed);
    black_box(work());
    (
        ALLOCATIONS.load(Ordering::Relaxed) - before,
        ALLOCATED.load(Ordering::Relaxed) - before_bytes,
    )
}

fn nanos_a_span<T>(row: &Row<'_>, rounds: usize, work: &mut impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    for _ in 0..rounds {
        black_box(work());
    }
    start.elapsed().as_nanos() as f64 / (rounds * row.spans) as f64
}

fn print(row: &Row<'_>, best: f64, (allocations, allocated): (u64, u64)) {
    let per = |n: u64| n as f64 / row.spans as f64;
    println!(
        "{:<34} {:>5} {:>7} {best:>9.0} {:>9.1} {:>10.0}",
        row.name,
        row.spans,
        row.bytes / row.spans,
        per(allocations),
        per(allocated)
    );
}

/// Runs `work` often, and prints what it cost a span at best; dropping what it made is part of it.
fn measure<T>(name: &str, spans: usize, bytes: usize, mut work: impl FnMut() -> T) {
    let row = Row { name, spans, bytes };
    let allocated = allocations(&mut work);
    let best = (0..40)
        .map(|_| nanos_a_span(&row, 4_000 / spans, &mut work))
        .fold(f64::MAX, f64::min);
    print(&row, best, allocated);
}

/// Runs `ours` and `theirs` in turn, so that both have the same company, and prints both and their ratio.
fn compare<T, U>(
    name: &str,
    spans: usize,
    bytes: usize,
    mut ours: impl FnMut() -> T,
    mut theirs: impl FnMut() -> U,
) {
    let row = Row { name, spans, bytes };
    let prost = format!("{name}, prost");
    let prost_row = Row {
        name: &prost,
        ..row
    };
    let allocated = (allocations(&mut ours), allocations(&mut theirs));
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..80 {
        let rounds = 4_000 / spans;
        best.0 = best.0.min(nanos_a_span(&row, rounds, &mut ours));
        best.1 = best.1.min(nanos_a_span(&prost_row, rounds, &mut theirs));
    }
    print(&row, best.0, allocated.0);
    print(&prost_row, best.1, allocated.1);
    println!("{:>55.0} %", 100.0 * best.0 / best.1);
}

fn text(value: &Value, check: &mut usize) {
    if let Value::String(text) = value {
        *check += usize::from(std::str::from_utf8(text.as_bytes()).is_ok());
    }
}

/// The cost of values of Kafka records; those that hold one span are written one after the other into one buffer.
fn kafka_values(name: &str, encoding: Encoding, batch: &[Span]) {
    let mut out = Vec::new();
    let mut values = Vec::new();
    match encoding.encoder() {
        None => return,
        Some(Encoder::Span(encode)) => {
            for span in batch {
                out.clear();
                encode(span, &mut Written::default(), &mut out);
                values.push(Bytes::copy_from_slice(&out));
            }
        }
        Some(Encoder::Batch(encode)) => {
            encode(batch, &mut out);
            values.push(Bytes::copy_from_slice(&out));
        }
    }
    let bytes = values.iter().map(Bytes::len).sum();
    let name_of = |verb: &str| format!("{name}, {verb}");
    measure(&name_of("encode"), batch.len(), bytes, || {
        out.clear();
        match encoding.encoder() {
            None => {}
            Some(Encoder::Span(encode)) => {
                let mut written = Written::default();
                batch
                    .iter()
                    .for_each(|span| encode(span, &mut written, &mut out));
            }
            Some(Encoder::Batch(encode)) => encode(batch, &mut out),
        }
        out.len()
    });
    measure(&name_of("decode"), batch.len(), bytes, || {
        for value in &values {
            black_box(encoding.decode(value.clone(), 1).unwrap());
        }
    });
}

fn main() {
    println!("what                               spans  B/span   ns/span  allocs  alloc B/span");
    for count in [512, 10] {
        let batch = spans(count, Dialect::Otlp);
        let body = Bytes::from(wire::otlp::encode(&batch));
        compare(
            "otlp decode",
            count,
            body.len(),
            || wire::otlp::decode(body.clone()).unwrap(),
            || otlp::ExportTraceServiceRequest::decode(body.clone()).unwrap(),
        );
        let json = Bytes::from(wire::otlp::encode_json(&batch));
        measure("otlp json decode", count, json.len(), || {
            wire::otlp::decode_json(json.clone()).unwrap()
        });
        let theirs = otlp::ExportTraceServiceRequest::decode(body.clone()).unwrap();
        compare(
            "otlp encode",
            count,
            body.len(),
            || wire::otlp::encode(&batch),
            || theirs.encode_to_vec(),
        );
        let decoded = wire::otlp::decode(body.clone()).unwrap().spans;
        measure("utf-8 check of all values", count, body.len(), || {
            let mut good = 0;
            for span in &decoded {
                for attribute in &span.attributes {
                    text(&attribute.value, &mut good);
                }
            }
            good
        });
        let mut out = Vec::new();
        measure("record encode_span", count, body.len(), || {
            out.clear();
            for span in &batch {
                wire::record::encode_span(span, &mut out);
            }
            out.len()
        });
        let mut records = Vec::new();
        let mut ranges = Vec::new();
        for span in &batch {
            let start = records.len();
            wire::record::encode_span(span, &mut records);
            ranges.push(start..records.len());
        }
        let buffer = model::Buffer::new(Bytes::from(records)).unwrap();
        measure("record decode_span", count, body.len(), || {
            for range in &ranges {
                let (resource, scope) = (batch[0].resource.clone(), batch[0].scope.clone());
                black_box(
                    wire::record::decode_span(&buffer, range.clone(), resource, scope).unwrap(),
                );
            }
        });

        let theirs = of_zipkin(&batch);
        let json = Bytes::from(zipkin_json(&theirs));
        measure("zipkin json decode", count, json.len(), || {
            wire::zipkin::decode_v2_json(json.clone(), 1).unwrap()
        });
        let body = Bytes::from(theirs.encode_to_vec());
        compare(
            "zipkin decode",
            count,
            body.len(),
            || wire::zipkin::decode_v2_proto(body.clone(), 1).unwrap(),
            || zipkin::ListOfSpans::decode(body.clone()).unwrap(),
        );

        let batch = spans(count, Dialect::Jaeger);
        let body = Bytes::from(wire::jaeger::proto::encode_post_spans(&batch));
        compare(
            "jaeger decode",
            count,
            body.len(),
            || wire::jaeger::proto::decode_post_spans(body.clone()).unwrap(),
            || api_v2::PostSpansRequest::decode(body.clone()).unwrap(),
        );
        for (name, protocol) in [
            ("thrift compact decode", Protocol::Compact),
            ("thrift binary decode", Protocol::Binary),
        ] {
            let body = Bytes::from(oracle::batch_of(protocol, &batch));
            measure(name, count, body.len(), || {
                thrift::decode_batch(body.clone(), protocol).unwrap()
            });
            let body = Bytes::from(oracle::zipkin_of(protocol, &batch));
            let name = name.replace("thrift", "zipkin thrift");
            measure(&name, count, body.len(), || {
                thrift::decode_zipkin(body.clone(), protocol).unwrap()
            });
        }
        let theirs = api_v2::PostSpansRequest::decode(body.clone()).unwrap();
        compare(
            "jaeger encode",
            count,
            body.len(),
            || wire::jaeger::proto::encode_post_spans(&batch),
            || theirs.encode_to_vec(),
        );
        for (dialect, batch) in [("jaeger", &batch), ("otlp", &spans(count, Dialect::Otlp))] {
            for encoding in encoding::ALL {
                kafka_values(&format!("{encoding} of {dialect}"), encoding, batch);
            }
        }
    }
}
