//! No message takes more memory than 8 times its length and 64 KiB, however it was made.

#![allow(
    unsafe_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::Path;

use bytes::Bytes;
use wire::encoding::{ALL, Expected};
use wire::thrift::Protocol;

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

/// Of bodies that are so long, what they take is compared with their length.
const LONG: usize = 64 << 10;

thread_local! {
    /// The most bytes for a byte of a long body, and of which decoder.
    static WORST: Cell<(f64, &'static str)> = const { Cell::new((0.0, "none")) };
}

fn compare(name: &'static str, taken: usize, length: usize) {
    let ratio = taken as f64 / length as f64;
    if length >= LONG && ratio > WORST.get().0 {
        WORST.set((ratio, name));
    }
}

/// Says what the worst was; seen with `--nocapture`.
fn tell(what: &str) {
    let (ratio, name) = WORST.get();
    println!("{what}: at most {ratio:.2} bytes for a byte of a body of 64 KiB or more ({name})");
}

#[track_caller]
fn check(what: &str, body: Vec<u8>) {
    let body = Bytes::from(body);
    let limit = 8 * body.len() + 64 * 1024;
    type Decode = fn(Bytes) -> Result<wire::Decoded, wire::DecodeError>;
    // the others are reached through the encodings of records, below
    let decoders: [(&'static str, Decode); 2] = [
        ("jaeger", wire::jaeger::proto::decode_post_spans),
        ("zipkin 1", |body| wire::zipkin::decode_v1_json(body, 1)),
    ];
    for (name, decode) in decoders {
        let taken = peak(|| drop(decode(body.clone())));
        compare(name, taken, body.len());
        assert!(
            taken <= limit,
            "{name} of {what}: {taken} bytes for {} bytes, limit {limit}",
            body.len()
        );
    }
    for protocol in [Protocol::Binary, Protocol::Compact] {
        let taken = [
            peak(|| drop(wire::thrift::decode_batch(body.clone(), protocol))),
            peak(|| drop(wire::thrift::decode_message(body.clone(), protocol))),
            peak(|| drop(wire::thrift::decode_zipkin(body.clone(), protocol))),
        ];
        taken
            .iter()
            .for_each(|taken| compare("thrift", *taken, body.len()));
        assert!(
            taken.iter().all(|taken| *taken <= limit),
            "thrift ({protocol:?}) of {what}: {taken:?} bytes for {} bytes, limit {limit}",
            body.len()
        );
    }
    for expected in ALL.map(Expected::One).into_iter().chain([Expected::Auto]) {
        let taken = peak(|| drop(expected.decode(body.clone(), 1)));
        let name = match expected {
            Expected::One(encoding) => encoding.name(),
            Expected::Auto => "auto",
        };
        compare(name, taken, body.len());
        assert!(
            taken <= limit,
            "record ({expected}) of {what}: {taken} bytes for {} bytes, limit {limit}",
            body.len()
        );
    }
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
    tell("tiny parts");
}

/// A list of `element`s in the compact protocol, behind the header of field `number`.
fn compact_list(number: u8, element: &[u8], count: usize) -> Vec<u8> {
    let header = vec![9, 2 * number, 0xfc];
    [header, varint(count), element.repeat(count)].concat()
}

#[test]
fn many_tiny_parts_of_thrift_stay_within_the_bound() {
    const TAG: &[u8] = &[0x18, 0, 0x15, 0, 0];
    const BAD_TAG: &[u8] = &[0x18, 1, 0xff, 0x15, 8, 0x18, 1, 0xff, 0];
    const ODD_TAG: &[u8] = &[0x18, 0, 0x15, 18, 0];
    const LOG: &[u8] = &[0x16, 0, 0x19, 0x0c, 0];
    const REFERENCE: &[u8] = &[0x15, 0, 0x16, 0, 0x16, 0, 0x16, 0, 0];
    const SPAN: &[u8] = &[
        0x16, 0, 0x16, 0, 0x16, 0, 0x16, 2, 0x18, 1, 0xff, 0x25, 0, 0x16, 0, 0x16, 0,
    ];
    let process = [0x1c, 0x18, 0, 0];
    let batch = |spans: &[u8]| [&process[..], spans, &[0]].concat();
    let spans = |of: &[u8], count| batch(&compact_list(2, &[SPAN, of, &[0]].concat(), count));
    for many in [1_000, 100_000] {
        check("thrift spans", spans(&[], many));
        for (what, number, part) in [
            ("thrift tags", 10, TAG),
            ("thrift tags that are no text", 10, BAD_TAG),
            ("thrift tags of no type", 10, ODD_TAG),
            ("thrift logs", 11, LOG),
            ("thrift references", 6, REFERENCE),
        ] {
            check(what, spans(&compact_list(number, part, many), 1));
            check(what, spans(&compact_list(number, part, 10), many / 10));
        }
        let again = compact_list(10, TAG, 10).repeat(many / 10);
        check("thrift tags again and again", spans(&again, 1));
        let processes = [0x0c, 2, 0x18, 0, 0].repeat(many);
        check("thrift processes", batch(&processes));
    }
    let json = format!("{{{}}}", vec!["\"\":\"\""; 20].join(","));
    let large_json: Vec<_> = (0..20_000).map(|i| format!("\"{i}\":\"\"")).collect();
    let large_json = format!("{{{}}}", large_json.join(","));
    let text =
        |id: u8, text: &[u8]| [vec![id << 4 | 8], varint(text.len()), text.to_vec()].concat();
    let annotation = |value: &[u8]| [text(2, value), vec![0]].concat();
    let binary = |key: &[u8], value: &[u8], kind: u8| {
        [text(1, key), text(1, value), vec![0x15, 2 * kind, 0]].concat()
    };
    // a host with every part
    let peer = [0x1c, 0x15, 2, 0x14, 2, 0x18, 1, 0xff, 0x18, 0, 0, 0];
    let address = [
        text(1, b"sa"),
        vec![0x25, 0],
        vec![0x0c, 8],
        peer[1..].to_vec(),
    ]
    .concat();
    for (what, number, part) in [
        ("empty annotations", 6, vec![0]),
        ("annotations", 6, annotation(b"a")),
        ("annotations that are no text", 6, annotation(b"\xff")),
        ("annotations in json", 6, annotation(json.as_bytes())),
        (
            "annotations in large json",
            6,
            annotation(large_json.as_bytes()),
        ),
        (
            "core annotations",
            6,
            [annotation(b"cs"), annotation(b"sr")].concat(),
        ),
        ("empty binary annotations", 8, vec![0]),
        ("addresses", 8, address),
        ("errors", 8, binary(b"error", b"?", 6)),
        ("numbers that are none", 8, binary(b"", b"", 4)),
        ("keys that are no text", 8, binary(b"\xff", b"?", 9)),
        ("process tags", 8, binary(b"jaegerClient", b"", 2)),
    ] {
        // two of one part count as two
        let each = if number == 6 && part.len() == 10 {
            2
        } else {
            1
        };
        for (many, count) in [(50_000, 1), (2, 20_000), (1, 40_000)] {
            let many = many.min(1_000_000 / part.len()).max(1);
            let count = count.min(2_000_000 / part.len()).max(1);
            let list = [
                vec![9, 2 * number, 0xfc],
                varint(many * each),
                part.repeat(many),
                vec![0],
            ]
            .concat();
            let body = [vec![0xfc], varint(count), list.repeat(count)].concat();
            check(what, body);
        }
    }
    check(
        "empty zipkin spans",
        [vec![0xfc], varint(400_000), vec![0; 400_000]].concat(),
    );
    tell("tiny parts of Thrift");
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
    tell("broken JSON");
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
    tell("Zipkin's JSON");
}

#[test]
fn jaegers_json_stays_within_the_bound() {
    let id = "\"traceId\":\"AAAAAAAAAAAAAAAAAAAAAQ==\"";
    for (name, part) in [
        ("tags", "{}"),
        ("tags", "null"),
        ("tags", "{\"vType\":4}"),
        ("tags", "{\"vStr\":\"\\n\"}"),
        ("logs", "{}"),
        ("logs", "{\"fields\":[{}]}"),
        ("logs", "{\"timestamp\":\"1970-01-01T00:00:00Z\"}"),
        ("references", "{}"),
        ("warnings", "\"\""),
        ("unknown", "{\"a\":[]}"),
    ] {
        for count in [10, 20_000] {
            let parts = vec![part; count].join(",");
            check(name, format!("{{{id},\"{name}\":[{parts}]}}").into_bytes());
            if name == "tags" {
                let process = format!("{{{id},\"process\":{{\"tags\":[{parts}]}}}}");
                check("tags of a process", process.into_bytes());
            }
        }
    }
    for (member, again) in [
        ("\"process\":{}", 50_000),
        ("\"duration\":\"0\"", 50_000),
        ("\"tags\":[{}]", 50_000),
    ] {
        let members = vec![member; again].join(",");
        check(member, format!("{{{id},{members}}}").into_bytes());
    }
    let binary = "QUJD".repeat(200_000);
    let escaped = "\\u0041".repeat(200_000);
    for text in [binary, escaped, "ä\\n".repeat(300_000)] {
        let tag = format!("{{\"vType\":4,\"vBinary\":\"{text}\"}}");
        check(
            "one binary",
            format!("{{{id},\"tags\":[{tag}]}}").into_bytes(),
        );
        check("one name", format!("{{\"{text}\":0,{id}}}").into_bytes());
        check(
            "one text",
            format!("{{\"operationName\":\"{text}\",{id}}}").into_bytes(),
        );
    }
    tell("Jaeger's JSON");
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
            "jaeger-thrift-binary.bin",
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
