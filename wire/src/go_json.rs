//! JSON as Go's `encoding/json` writes it, which is what Jaeger's clients are used to see.
//!
//! `<`, `>`, `&` and U+2028/2029 are escaped, so that the text may stand in a page; floats are in their shortest form, with an exponent
//! below 1e-6 and from 1e21 on. NaN and infinities, which JSON has no numbers for, are not written here: [`float_text`] names them.
//!
//! Source: Go 1.24 `encoding/json/encode.go`, `floatEncoder` and `appendString`.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, PrettyFormatter};

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

/// `value` as JSON indented with four spaces.
pub fn to_vec_pretty<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    write(
        value,
        GoPrettyFormatter(PrettyFormatter::with_indent(b"    ")),
    )
}

fn write<T: Serialize + ?Sized, F: Formatter>(value: &T, formatter: F) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    match value.serialize(&mut serializer) {
        Ok(()) => out,
        // only a map with keys that are no text fails to serialize into memory, and no structure of ours has one
        Err(_) => b"null".to_vec(),
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
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
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

fn write_fragment<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    let bytes = fragment.as_bytes();
    let mut start = 0;
    for (at, ch) in fragment.char_indices() {
        let escaped: &[u8] = match ch {
            '<' => b"\\u003c",
            '>' => b"\\u003e",
            '&' => b"\\u0026",
            '\u{2028}' => b"\\u2028",
            '\u{2029}' => b"\\u2029",
            _ => continue,
        };
        writer.write_all(bytes.get(start..at).unwrap_or_default())?;
        writer.write_all(escaped)?;
        start = at + ch.len_utf8();
    }
    writer.write_all(bytes.get(start..).unwrap_or_default())
}

// === impl GoFormatter ===

impl Formatter for GoFormatter {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
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
    }

    #[test]
    fn pretty_is_four_spaces() {
        assert_eq!(
            to_vec_pretty(&serde_json::json!({"a": [1, 7.0], "b": []})),
            b"{\n    \"a\": [\n        1,\n        7\n    ],\n    \"b\": []\n}"
        );
    }
}
