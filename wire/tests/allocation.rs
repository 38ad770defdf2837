//! No message takes more memory than 8 times its length and 64 KiB, however it was made.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    missing_docs
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use bytes::Bytes;

/// Keeps the peak of what this thread has allocated.
struct Peak;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn add(size: isize) {
    LIVE.set(LIVE.get() + size);
    PEAK.set(PEAK.get().max(LIVE.get()));
}

// SAFETY: hands everything on to the system's allocator, and only counts; the counters allocate nothing.
unsafe impl GlobalAlloc for Peak {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Peak = Peak;

/// The most that `work` had allocated at a time.
fn peak(work: impl FnOnce()) -> usize {
    let before = LIVE.get();
    PEAK.set(before);
    work();
    usize::try_from(PEAK.get() - before).unwrap()
}

#[track_caller]
fn check(what: &str, body: Vec<u8>) {
    let body = Bytes::from(body);
    let limit = 8 * body.len() + 64 * 1024;
    type Decode = fn(Bytes) -> Result<wire::Decoded, wire::DecodeError>;
    let decoders: [(&str, Decode); 6] = [
        ("otlp", wire::otlp::decode),
        ("json", wire::otlp::decode_json),
        ("jaeger", wire::jaeger::proto::decode_post_spans),
        ("zipkin", |body| wire::zipkin::decode_v2_proto(body, 1)),
        ("zipkin json", |body| wire::zipkin::decode_v2_json(body, 1)),
        ("zipkin 1", |body| wire::zipkin::decode_v1_json(body, 1)),
    ];
    for (name, decode) in decoders {
        let taken = peak(|| drop(decode(body.clone())));
        assert!(
            taken <= limit,
            "{name} of {what}: {taken} bytes for {} bytes, limit {limit}",
            body.len()
        );
    }
    let taken = peak(|| drop(wire::jaeger::proto::decode_span(body.clone())));
    assert!(taken <= limit, "span of {what}: {taken}, limit {limit}");
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

fn field(number: usize, body: &[u8]) -> Vec<u8> {
    [varint(number << 3 | 2), varint(body.len()), body.to_vec()].concat()
}

fn attribute(number: usize, value: &[u8]) -> Vec<u8> {
    field(number, &[field(1, b"k"), field(2, value)].concat())
}

/// Frames, in which `parts` are spans, or parts of one.
fn frames(what: &str, parts: &[u8]) {
    let ids = [field(1, &[1; 16]), field(2, &[1; 8])].concat();
    let span = [ids, parts.to_vec()].concat();
    check(what, parts.to_vec());
    check(what, field(1, &field(2, parts)));
    check(what, field(1, parts));
    check(what, field(1, &field(2, &field(2, &span))));
    check(what, field(1, &field(1, &span)));
    let ids = [field(1, &[1; 16]), field(3, &[1; 8])].concat();
    check(what, field(1, &[ids, parts.to_vec()].concat()));
}

#[test]
fn many_tiny_parts_stay_within_the_bound() {
    let many = 20_000;
    let span = field(2, &[field(1, &[1; 16]), field(2, &[1; 8])].concat());
    for (what, part) in [
        ("empty spans", field(2, &[])),
        ("empty jaeger spans", field(1, &[])),
        ("smallest spans", span),
        ("empty attributes", field(9, &[])),
        ("empty tags", field(8, &[])),
        ("empty events", field(11, &[])),
        ("empty logs", field(9, &[])),
        ("empty links", field(13, &[])),
        ("empty references", field(4, &[])),
        ("empty warnings", field(12, &[])),
        ("empty processes", field(10, &[])),
        ("keys that are no text", field(9, &field(1, b"\xff"))),
        ("tags that are no text", field(8, &field(1, b"\xff"))),
        (
            "event names that are no text",
            field(11, &field(2, b"\xff")),
        ),
        ("warnings that are no text", field(12, b"\xff")),
        (
            "merged arrays",
            attribute(9, &field(5, &field(1, &[])).repeat(50)),
        ),
        (
            "merged maps",
            attribute(9, &field(6, &field(1, &[])).repeat(50)),
        ),
        ("resources", field(1, &field(1, &[]))),
        ("zipkin's empty tags", field(11, &[])),
        ("zipkin's annotations", field(10, &field(2, b"a|{}|1"))),
        ("zipkin's smallest spans", {
            let ids = [field(1, &[1; 8]), field(3, &[1; 8])].concat();
            field(1, &ids)
        }),
        ("zipkin's spans with an address", {
            let ids = [field(1, &[1; 8]), field(3, &[1; 8])].concat();
            let address = field(8, &field(2, &[1; 4]));
            field(1, &[ids, address].concat())
        }),
    ] {
        frames(what, &part.repeat(many.min(600_000 / part.len())));
    }
    let array = field(1, &[]).repeat(many);
    frames("a long array", &attribute(9, &field(5, &array)));
    let parts = field(5, &field(1, &[])).repeat(many);
    frames("an array in many parts", &attribute(9, &parts));
    let group = field(
        2,
        &field(2, &[field(1, &[1; 16]), field(2, &[1; 8])].concat()),
    );
    check("groups of one span", field(1, &group).repeat(many));
    check("scopes of one span", field(1, &group.repeat(many)));
}

#[test]
fn broken_json_stays_within_the_bound() {
    for span in [
        "{}",
        "1",
        "{\"traceId\":\"x\"}",
        "[]",
        "{\"name\":\"\u{1f600}\"}",
        "null",
    ] {
        let spans = vec![span; 50_000].join(",");
        let text = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}");
        check(span, text.into_bytes());
    }
    for part in [
        "{}",
        "{\"key\":\"a\"}",
        "{\"key\":\"\\u0000\",\"value\":{\"boolValue\":true}}",
    ] {
        let parts = vec![part; 50_000].join(",");
        let span = format!(
            "{{\"traceId\":\"{}\",\"spanId\":\"{}\",\"attributes\":[{parts}],\"events\":[{parts}]}}",
            "1".repeat(32),
            "1".repeat(16)
        );
        let text = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{span}]}}]}}]}}");
        check(part, text.into_bytes());
    }
    check("brackets", "[".repeat(500_000).into_bytes());
    check("objects", "{\"a\":".repeat(200_000).into_bytes());
    check(
        "one string",
        format!(
            "{{\"resourceSpans\":[{{\"schemaUrl\":\"{}\"}}]}}",
            "ä\\n".repeat(300_000)
        )
        .into_bytes(),
    );
}

#[test]
fn zipkins_json_stays_within_the_bound() {
    for span in [
        "{}",
        "1",
        "null",
        "{\"id\":\"x\"}",
        "{\"id\":\"1\",\"traceId\":\"1\"}",
        "{\"id\":\"1\",\"traceId\":\"1\",\"name\":\"\\n\"}",
        "{\"id\":\"1\",\"traceId\":\"1\",\"tags\":{\"error\":\"\"}}",
        "{\"id\":\"1\",\"traceId\":\"1\",\"tags\":{\"host.name\":\"\"}}",
        "{\"id\":\"1\",\"traceId\":\"1\",\"annotations\":[{}]}",
        "{\"id\":\"1\",\"traceId\":\"1\",\"binaryAnnotations\":[{}]}",
        "{\"id\":\"1\",\"traceId\":\"1\",\"localEndpoint\":{\"ipv4\":\"::0\",\"port\":1}}",
        "{\"id\":\"1\",\"traceId\":\"\u{e4}\"}",
    ] {
        for count in [10, 1_000, 50_000] {
            check(
                span,
                format!("[{}]", vec![span; count].join(",")).into_bytes(),
            );
        }
    }
    let json = "\\\"a\\\":1,".repeat(20_000);
    for (name, part) in [
        ("annotations", "{}".to_owned()),
        ("annotations", "{\"value\":\"a|{}|1\"}".to_owned()),
        (
            "annotations",
            "{\"value\":\"a|{\\\"a\\\":\\\"\\\"}|1\"}".to_owned(),
        ),
        ("annotations", "{\"endpoint\":{}}".to_owned()),
        ("binaryAnnotations", "{}".to_owned()),
        ("binaryAnnotations", "{\"key\":\"lc\"}".to_owned()),
        ("binaryAnnotations", "{\"key\":\"\\n\"}".to_owned()),
        (
            "annotations",
            format!("{{\"value\":\"a|{{{json}\\\"a\\\":2}}|1\"}}"),
        ),
    ] {
        for count in [10, 1_000, 50_000] {
            let parts = vec![part.as_str(); count.min(2_000_000 / part.len())].join(",");
            let text = format!("[{{\"id\":\"1\",\"traceId\":\"1\",\"{name}\":[{parts}]}}]");
            check(name, text.into_bytes());
        }
    }
    for tag in ["\"a\":\"\"", "\"\\n\":1", "\"a\":true", "\"NNNNNN\":\"\""] {
        let tags = (0..50_000).map(|n| tag.replace("NNNNNN", &n.to_string()));
        let tags = tags.collect::<Vec<_>>().join(",");
        let text = format!("[{{\"id\":\"1\",\"traceId\":\"1\",\"tags\":{{{tags}}}}}]");
        check(tag, text.into_bytes());
    }
    let bytes = [
        b"[{\"id\":\"1\",\"name\":\"",
        &vec![0xff; 300_000][..],
        b"\"}]",
    ];
    check("bytes that are no text", bytes.concat());
}

#[test]
fn recorded_inputs_and_their_halves_stay_within_the_bound() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/golden");
    let mut inputs = 0;
    for case in std::fs::read_dir(golden).unwrap() {
        for kind in [
            "otlp-json.json",
            "jaeger-grpc.bin",
            "zipkin-v1-json.json",
            "zipkin-v2-json.json",
        ] {
            let Ok(input) =
                std::fs::read(case.as_ref().unwrap().path().join(format!("input.{kind}")))
            else {
                continue;
            };
            inputs += 1;
            for end in (0..input.len()).step_by(7) {
                check(kind, input[..end].to_vec());
            }
        }
    }
    assert!(inputs > 10);
}
