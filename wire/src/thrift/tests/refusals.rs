//! What is refused: fields that are missing, sizes that lie, nesting without end.

use super::*;

#[test]
fn a_missing_field_refuses_the_batch_by_name() {
    for protocol in PROTOCOLS {
        let without = |missing: i16| {
            let body = write(protocol, |w| {
                w.process("svc", &[]);
                w.list(2, 1, |w, _| {
                    for number in [1, 2, 3, 4, 5, 7, 8, 9] {
                        match number {
                            _ if number == missing => {}
                            5 => {
                                w.bytes(5, b"op");
                            }
                            7 => {
                                w.i32(7, 0);
                            }
                            _ => {
                                w.i64(number, 1);
                            }
                        }
                    }
                });
            });
            // behind it is room for the smallest span
            let body = [body, vec![0; 16]].concat();
            decode(body, protocol).map(|b| b.decoded.spans.len())
        };
        assert_eq!(without(0), Ok(1));
        for (number, name) in [
            (1, "span's lower trace id"),
            (5, "span's operation name"),
            (7, "span's flags"),
            (9, "span's duration"),
        ] {
            let error = without(number).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{name} is missing at byte ")),
                "{error}"
            );
        }
        let no_process = write(protocol, |w| w.list(2, 0, |_, _| {}));
        let error = decode(no_process, protocol).unwrap_err().to_string();
        assert!(
            error.starts_with("batch's process is missing at byte "),
            "{error}"
        );
        let no_spans = write(protocol, |w| w.process("svc", &[]));
        let error = decode(no_spans, protocol).unwrap_err().to_string();
        assert!(
            error.starts_with("batch's spans is missing at byte "),
            "{error}"
        );
    }
}

#[test]
fn sizes_that_lie_and_nesting_without_end_are_refused() {
    let check = |body: &[u8], protocol, start: &str| {
        let error = decode(body.to_vec(), protocol).unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    };
    // spans: a list of 2^31 - 1, of -1, of strings
    let list = |count: u32, element| [&[15, 0, 2, element][..], &count.to_be_bytes()].concat();
    check(
        &list(i32::MAX as u32, 12),
        Protocol::Binary,
        "message ends inside batch's spans at byte 8",
    );
    check(
        &list(u32::MAX, 12),
        Protocol::Binary,
        "invalid batch's spans at byte 8",
    );
    let texts = [list(1, 11), vec![0; 9]].concat();
    check(&texts, Protocol::Binary, "invalid batch's spans at byte 8");
    check(
        &[8, 0, 2, 0, 0, 0, 0],
        Protocol::Binary,
        "invalid batch's spans",
    );
    check(
        &[11, 0, 50, 0xff, 0, 0, 0],
        Protocol::Binary,
        "invalid unknown field",
    );
    check(
        &[11, 0, 50, 0x7f, 0, 0, 0],
        Protocol::Binary,
        "message ends inside unknown field",
    );
    check(
        &[0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07],
        Protocol::Compact,
        "message ends inside batch's spans",
    );
    check(
        &[0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f],
        Protocol::Compact,
        "invalid batch's spans",
    );
    check(&[0x0f], Protocol::Compact, "invalid batch at byte 1");
    let structs = [12, 0, 50].repeat(100_000);
    check(&structs, Protocol::Binary, "unknown field nests deeper");
    check(
        &[0x9c].repeat(100_000),
        Protocol::Compact,
        "unknown field nests deeper",
    );
    let lists = [&[0x99][..], &[0x19].repeat(100_000)].concat();
    check(&lists, Protocol::Compact, "unknown field nests deeper");
    let maps = [&[0x9b, 1, 0x3b][..], &[3, 1, 0x3b].repeat(100_000)].concat();
    check(&maps, Protocol::Compact, "unknown field nests deeper");
}

#[test]
fn every_part_of_a_batch_is_refused_or_taken_and_never_panics() {
    for protocol in PROTOCOLS {
        let body = write(protocol, |w| {
            w.process("svc", &[KeyValue::new("a", 1.5)]);
            w.list(2, 1, |w, _| {
                w.span_head(1, 0, 1, 2);
                w.span_tail(0, 1, 1);
                w.tags(10, &[KeyValue::new("b", true)]);
            });
        });
        for end in 0..body.len() {
            let error = decode(body[..end].to_vec(), protocol).unwrap_err();
            assert!(matches!(error, DecodeError::Truncated { .. }), "{error}");
        }
    }
}
