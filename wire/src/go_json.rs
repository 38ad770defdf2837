//! JSON as Go's `encoding/json` writes it, which is what Jaeger's clients are used to see.
//!
//! `<`, `>`, `&` and U+2028/2029 are escaped, so that the text may stand in a page; floats are in their shortest form, with an exponent
//! below 1e-6 and from 1e21 on. NaN and infinities, which JSON has no numbers for, are not written here: [`float_text`] names them.
//!
//! Source: Go 1.24 `encoding/json/encode.go`, `floatEncoder` and `appendString`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

/// So long is a piece, in bytes.
pub const PIECE: usize = 1 << 20;

/// Text in pieces. What is full is not moved any more.
struct Pieces(Vec<Vec<u8>>);

impl Write for Pieces {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match self.0.last_mut() {
            Some(last) if last.len() < PIECE => last.extend_from_slice(text),
            _ => {
                let mut piece = Vec::with_capacity(PIECE + text.len());
                piece.extend_from_slice(text);
                self.0.push(piece);
            }
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compact JSON in Go's spelling.
#[derive(Clone, Debug, Default)]
pub struct GoFormatter;

/// JSON in Go's spelling, indented with four spaces, as Jaeger's `prettyPrint` does.
pub struct GoPrettyFormatter(PrettyFormatter<'static>);

/// `value` as compact JSON.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> String {
    String::from_utf8(to_vec(value)).unwrap_or_default()
}

/// `value` as compact JSON.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    write(value, GoFormatter)
}

/// `value` as compact JSON, cut into pieces of about [`PIECE`] bytes anywhere.
pub fn to_pieces<T: Serialize + ?Sized>(value: &T) -> Vec<Vec<u8>> {
    let mut pieces = Pieces(vec![Vec::with_capacity(256)]);
    let mut serializer = serde_json::Serializer::with_formatter(&mut pieces, GoFormatter);
    if value.serialize(&mut serializer).is_err() {
        // as in `append_with`
        return vec![b"null".to_vec()];
    }
    pieces.0
}

/// `value` as JSON indented with four spaces.
pub fn to_vec_pretty<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    write(
        value,
        GoPrettyFormatter(PrettyFormatter::with_indent(b"    ")),
    )
}

/// Appends `value` to `out` as compact JSON.
pub(crate) fn append<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    append_with(value, GoFormatter, out);
}

fn write<T: Serialize + ?Sized, F: Formatter>(value: &T, formatter: F) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    append_with(value, formatter, &mut out);
    out
}

fn append_with<T: Serialize + ?Sized, F: Formatter>(value: &T, formatter: F, out: &mut Vec<u8>) {
    let start = out.len();
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, formatter);
    if value.serialize(&mut serializer).is_err() {
        // only a map with keys that are no text fails to serialize into memory, and no structure of ours has one
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// A float as Go's JSON writes it; `NaN`, `+Inf` and `-Inf` by Go's names.
pub fn float_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if !is_plain(value) {
        // Rust writes 1e-9 and 1e21; Go writes 1e-09 in `strconv` and cleans it to 1e-9 in JSON, and 1e+21
        let text = format!("{value:e}");
        return match text.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => {
                format!("{mantissa}e+{exponent}")
            }
            _ => text,
        };
    }
    format!("{value}")
}

/// Whether Go writes `value` without an exponent.
fn is_plain(value: f64) -> bool {
    value == 0.0 || (1e-6..1e21).contains(&value.abs())
}

fn write_fragment<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    let mut rest = fragment.as_bytes();
    // 0xe2 is how U+2028 and U+2029 begin, and other characters, too
    let special = |b: &u8| matches!(b, b'<' | b'>' | b'&' | 0xe2);
    while let Some((plain, tail)) = rest
        .iter()
        .position(special)
        .and_then(|at| rest.split_at_checked(at))
    {
        let (written, len): (&[u8], usize) = match tail {
            [b'<', ..] => (b"\\u003c", 1),
            [b'>', ..] => (b"\\u003e", 1),
            [b'&', ..] => (b"\\u0026", 1),
            [0xe2, 0x80, 0xa8, ..] => (b"\\u2028", 3),
            [0xe2, 0x80, 0xa9, ..] => (b"\\u2029", 3),
            _ => (&[0xe2], 1),
        };
        writer.write_all(plain)?;
        writer.write_all(written)?;
        rest = tail.get(len..).unwrap_or_default();
    }
    writer.write_all(rest)
}

// === impl GoFormatter ===

impl Formatter for GoFormatter {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        if is_plain(value) {
            // as `float_text` would, without a text of its own
            return write!(writer, "{value}");
        }
        writer.write_all(float_text(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_fragment(writer, fragment)
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        write_escape(writer, escape)
    }
}

fn write_escape<W: ?Sized + Write>(writer: &mut W, escape: CharEscape) -> io::Result<()> {
    serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
}

// === impl GoPrettyFormatter ===

impl Formatter for GoPrettyFormatter {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        GoFormatter.write_f64(writer, value)
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_fragment(writer, fragment)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_whole_and_none_is_much_longer_than_it_should_be() {
        for count in [0, 10, 300_000] {
            let values: Vec<String> = (0..count).map(|n| format!("<value {n}>")).collect();
            let pieces = to_pieces(&values);
            assert_eq!(pieces.concat(), to_vec(&values));
            assert!(pieces.iter().all(|piece| piece.len() < PIECE + 64));
            assert_eq!(pieces.len() > 1, count > 100_000);
        }
    }

    #[test]
    fn floats_read_as_gos() {
        for (value, text) in [
            (1.0, "1"),
            (0.0, "0"),
            (-0.0, "-0"),
            (3.25, "3.25"),
            (1e-9, "1e-9"),
            (1e-6, "0.000001"),
            (1.5e-7, "1.5e-7"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-2.5e300, "-2.5e+300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(float_text(value), text);
        }
    }

    #[test]
    fn text_is_escaped_as_in_go() {
        assert_eq!(
            to_string("<b>&\"'\n\u{1}\u{2028}ä"),
            "\"\\u003cb\\u003e\\u0026\\\"'\\n\\u0001\\u2028ä\""
        );
        // characters that begin as U+2028 does
        assert_eq!(to_string("✓\u{2029}\u{2027}€"), "\"✓\\u2029\u{2027}€\"");
    }

    #[test]
    fn pretty_is_four_spaces() {
        assert_eq!(
            to_vec_pretty(&serde_json::json!({"a": [1, 7.0], "b": []})),
            b"{\n    \"a\": [\n        1,\n        7\n    ],\n    \"b\": []\n}"
        );
    }
}
