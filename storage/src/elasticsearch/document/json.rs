//! JSON, appended to a buffer: the pieces that documents are made of.
//!
//! In: texts, numbers, ids. Out: compact JSON at the end of a `Vec`. Nothing is built aside, since every span that is stored passes here.
//! Text is escaped where JSON wants it and nowhere else: documents go to a store, not into a page.

use model::{SpanId, TraceId};
use wire::go_json;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `text` in quotes.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let plain = first_special(bytes);
    if plain == bytes.len() {
        out.extend_from_slice(bytes);
    } else {
        escaped(out, bytes, plain);
    }
    out.push(b'"');
}

/// `bytes`, of which the first `plain` need nothing.
#[cold]
fn escaped(out: &mut Vec<u8>, mut bytes: &[u8], mut plain: usize) {
    loop {
        let (before, after) = bytes.split_at(plain);
        out.extend_from_slice(before);
        let Some((&special, rest)) = after.split_first() else {
            return;
        };
        match special {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                out.extend_from_slice(b"\\u00");
                hex(out, &[control]);
            }
        }
        bytes = rest;
        plain = first_special(bytes);
    }
}

/// Where the first byte stands that JSON wants escaped; the length when there is none. Eight at a time.
#[inline]
fn first_special(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let special = specials(u64::from_le_bytes(*word));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let special = rest
        .iter()
        .position(|b| *b < 0x20 || *b == b'"' || *b == b'\\');
    at + special.unwrap_or(rest.len())
}

/// The top bit of each byte that is special. Bits above the lowest one may be wrong, by a borrow.
#[inline]
fn specials(word: u64) -> u64 {
    const EACH: u64 = u64::MAX / 255;
    const TOP: u64 = EACH * 0x80;
    let below = |word: u64, limit: u64| word.wrapping_sub(EACH * limit) & !word & TOP;
    below(word, 0x20)
        | below(word ^ (EACH * b'"' as u64), 1)
        | below(word ^ (EACH * b'\\' as u64), 1)
}

/// A whole number.
#[inline]
pub(super) fn uint(out: &mut Vec<u8>, mut value: u64) {
    // u64::MAX has 20 digits
    let mut digits = [0; 20];
    let mut first = digits.len();
    for place in digits.iter_mut().rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
        first -= 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(first..).unwrap_or_default());
}

/// A whole number.
#[inline]
pub(super) fn int(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    uint(out, value.unsigned_abs());
}

/// A float as Go writes it; what is no number as text.
pub(super) fn float(out: &mut Vec<u8>, value: f64) {
    let number = go_json::float_text(value);
    if value.is_finite() {
        out.extend_from_slice(number.as_bytes());
    } else {
        text(out, &number);
    }
}

/// A truth value.
#[inline]
pub(super) fn boolean(out: &mut Vec<u8>, value: bool) {
    let word: &[u8] = if value { b"true" } else { b"false" };
    out.extend_from_slice(word);
}

/// `bytes` in lower-case hex, without quotes.
#[inline]
pub(super) fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.reserve(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.push(HEX.get(usize::from(digit)).copied().unwrap_or_default());
        }
    }
}

/// A trace id in quotes: 16 digits when its upper half is zero, else 32.
#[inline]
pub(super) fn trace_id(out: &mut Vec<u8>, id: TraceId) {
    out.push(b'"');
    if id.high() != 0 {
        hex(out, &id.high().to_be_bytes());
    }
    hex(out, &id.low().to_be_bytes());
    out.push(b'"');
}

/// A span id in quotes.
#[inline]
pub(super) fn span_id(out: &mut Vec<u8>, id: SpanId) {
    out.push(b'"');
    hex(out, &id.0);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn text_is_escaped_where_json_wants_it() {
        for (plain, json) in [
            ("", r#""""#),
            ("jäger ✓ <b>&", r#""jäger ✓ <b>&""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            (
                "\u{0}\u{1f}\u{7f}\n\r\t",
                "\"\\u0000\\u001f\u{7f}\\n\\r\\t\"",
            ),
            ("12345678\"", r#""12345678\"""#),
            ("1234567\\\\\"", r#""1234567\\\\\"""#),
        ] {
            assert_eq!(written(|out| text(out, plain)), json);
        }
    }

    #[test]
    fn numbers_are_written_whole() {
        for value in [0, 1, 9, 10, 1_795_420_469_123_456, i64::MAX, i64::MIN, -1] {
            assert_eq!(written(|out| int(out, value)), value.to_string());
        }
        assert_eq!(written(|out| uint(out, u64::MAX)), u64::MAX.to_string());
        assert_eq!(written(|out| float(out, f64::NEG_INFINITY)), "\"-Inf\"");
        assert_eq!(written(|out| float(out, 7.0)), "7");
    }

    #[test]
    fn ids_have_jaegers_length() {
        let trace = |high, low| written(|out| trace_id(out, TraceId::from_halves(high, low)));
        assert_eq!(trace(0, 0xa1b2c), "\"00000000000a1b2c\"");
        assert_eq!(trace(1, 2), "\"00000000000000010000000000000002\"");
        assert_eq!(
            written(|out| span_id(out, SpanId::from_u64(0xfe))),
            "\"00000000000000fe\""
        );
    }

    proptest! {
        #[test]
        fn any_text_reads_back(any in "[\u{0}-\u{80}\"\\\\äß\u{2028}\u{ffff}]{0,40}") {
            let json = written(|out| text(out, &any));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), any);
        }
    }
}
