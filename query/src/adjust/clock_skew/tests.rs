//! The rule as a table: parent and child with start and duration in ms, and what becomes of the child.

use model::Str;

use super::super::testing::*;
use super::*;

const MS: u64 = 1_000_000;
const NO_LIMIT: Duration = Duration::from_secs(3600);

fn at(mut span: Span, host: &str, start_ms: u64, duration_ms: u64) -> Span {
    span.start_ns = start_ms * MS;
    span.duration_ns = duration_ms * MS;
    let tags = if host.is_empty() {
        Vec::new()
    } else {
        vec![tag("ip", host)]
    };
    span.process = process("s", tags);
    span
}

fn warnings(span: &Span) -> Vec<&str> {
    span.warnings.iter().map(Str::as_str).collect()
}

#[track_caller]
fn check(parent: (u64, u64), child: (u64, u64), child_start_ms: u64, delta: &str) {
    let mut spans = vec![
        at(span(1, 0), "a", parent.0, parent.1),
        at(span(2, 1), "b", child.0, child.1),
    ];
    spans[1].logs = vec![log((child.0 + 1) * MS, vec![])];
    adjust(&mut spans, NO_LIMIT);
    assert_eq!(spans[0].start_ns, parent.0 * MS);
    assert_eq!(spans[1].start_ns, child_start_ms * MS);
    assert_eq!(spans[1].logs[0].time_ns, (child_start_ms + 1) * MS);
    if delta.is_empty() {
        assert!(spans[1].warnings.is_empty());
    } else {
        let expect = format!("This span's timestamps were adjusted by {delta}");
        assert_eq!(warnings(&spans[1]), [expect]);
    }
}

#[test]
fn a_child_on_another_host_is_moved_into_its_parent() {
    check((100, 100), (110, 50), 110, "");
    check((100, 100), (50, 50), 125, "75ms");
    check((100, 100), (400, 50), 125, "-275ms");
    check((100, 50), (50, 100), 100, "50ms");
    check((100, 50), (110, 100), 110, "");
    check((5000, 2000), (2000, 1000), 5500, "3.5s");
}

#[test]
fn children_on_one_host_inherit_the_shift_and_unknown_hosts_never_do() {
    let tree = |host: &str| {
        vec![
            at(span(3, 2), host, 51, 10),
            at(span(1, 0), "a", 100, 100),
            at(span(2, 1), host, 50, 50),
        ]
    };
    let mut spans = tree("b");
    adjust(&mut spans, NO_LIMIT);
    let starts: Vec<_> = spans.iter().map(|s| s.start_ns / MS).collect();
    assert_eq!(starts, [126, 100, 125]);

    let mut spans = tree("");
    adjust(&mut spans, NO_LIMIT);
    // the parent was moved first, so the child is centred in where it is now
    let starts: Vec<_> = spans.iter().map(|s| s.start_ns / MS).collect();
    assert_eq!(starts, [145, 100, 125]);
}

#[test]
fn a_shift_beyond_the_limit_is_only_told_of() {
    for (limit, text) in [
        (
            Duration::ZERO,
            "clock skew adjustment disabled; not applying calculated delta of 75ms",
        ),
        (
            Duration::from_millis(74),
            "max clock skew adjustment delta of 74ms exceeded; not applying calculated delta of 75ms",
        ),
    ] {
        let mut spans = vec![
            at(span(1, 0), "a", 100, 100),
            at(span(2, 1), "b", 50, 50),
            at(span(3, 2), "b", 51, 1),
        ];
        adjust(&mut spans, limit);
        assert_eq!(spans[1].start_ns, 50 * MS);
        assert_eq!(warnings(&spans[1]), [text]);
        assert_eq!(warnings(&spans[2]), [text], "inherited");
    }
}

#[test]
fn missing_parents_and_doubled_ids_are_said_and_circles_left_alone() {
    let mut spans = vec![
        at(span(1, 0xabc), "a", 100, 10),
        at(span(1, 0), "b", 100, 10),
        at(span(5, 6), "a", 1, 1),
        at(span(6, 5), "b", 9, 1),
        at(span(7, 7), "b", 9, 1),
    ];
    adjust(&mut spans, NO_LIMIT);
    assert_eq!(
        warnings(&spans[0]),
        ["invalid parent span IDs=0000000000000abc; skipping clock skew adjustment"]
    );
    assert_eq!(warnings(&spans[1]), [DUPLICATE]);
    for circle in &spans[2..] {
        assert!(circle.warnings.is_empty());
    }
}

#[test]
fn parts_of_a_microsecond_are_no_skew() {
    let mut spans = vec![at(span(1, 0), "a", 1, 1), at(span(2, 1), "b", 1, 1)];
    spans[0].start_ns += 900;
    spans[1].start_ns += 100;
    adjust(&mut spans, Duration::ZERO);
    assert!(spans[1].warnings.is_empty());
}

#[test]
fn a_host_is_an_address_in_any_of_its_types() {
    for (value, expect) in [
        (tag("ip", "10.1.2.3"), "10.1.2.3"),
        (tag("ip", 0x0a01_0203), "10.1.2.3"),
        (tag("ip", [10, 1, 2, 3].as_slice()), "10.1.2.3"),
        (
            tag(
                "ip",
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3].as_slice(),
            ),
            "10.1.2.3",
        ),
        (
            tag(
                "ip",
                [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].as_slice(),
            ),
            "::1",
        ),
        (tag("ip", [1, 2, 3].as_slice()), ""),
        (tag("ip", 1.0), ""),
        (tag("host.name", "h"), ""),
    ] {
        let mut span = span(1, 0);
        span.process = process("s", vec![value]);
        assert_eq!(host(&span), expect);
    }
}

#[test]
fn a_trace_as_deep_as_it_is_long_is_walked() {
    let mut spans: Vec<Span> = (1..=100_000)
        .map(|id| at(span(id, id - 1), "", id, 1))
        .collect();
    adjust(&mut spans, Duration::ZERO);
    assert_eq!(spans.len(), 100_000);
}
