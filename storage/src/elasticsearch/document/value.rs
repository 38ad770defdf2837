//! A tag's value, as any version of Jaeger wrote it: native or as text.
//!
//! In: the tag's type and its JSON. Out: a value, always: one that cannot be read becomes a text that says so, as in v2, so that the trace is
//! read all the same.
//!
//! Source: `internal/storage/v1/elasticsearch/spanstore/to_domain.go` v1.76.0 and `internal/storage/v2/elasticsearch/tracestore/from_dbmodel.go`
//! v2.20.0 of `jaegertracing/jaeger`.

use model::{Slice, Str, Value};

use super::decode::Texts;
use super::scalar::Scalar;

/// The value of a tag in a list.
pub(super) fn of_tag(kind: &Scalar<'_>, value: &Scalar<'_>, texts: Texts<'_>) -> Value {
    let kind = match kind {
        Scalar::Absent => return of_field(value, texts),
        Scalar::Text(kind) => kind.as_ref(),
        other => return unknown(&other.shown()),
    };
    let read = match kind {
        "string" => match value {
            Scalar::Text(text) => Some(Value::String(texts.str(text))),
            // v2 writes the empty text so
            Scalar::Absent => Some(Value::String(Str::default())),
            _ => None,
        },
        "bool" => match value {
            Scalar::Bool(value) => Some(Value::Bool(*value)),
            Scalar::Text(text) => truth(text).map(Value::Bool),
            _ => None,
        },
        "int64" => value.whole().map(Value::Int),
        "float64" => match value {
            Scalar::Int(value) => Some(Value::Double(*value as f64)),
            Scalar::Float(value) => Some(Value::Double(*value)),
            Scalar::Text(text) => text.parse().ok().map(Value::Double),
            _ => None,
        },
        "binary" => value.as_str().and_then(from_hex).map(Value::Bytes),
        other => return unknown(&format!("{other:?}")),
    };
    let unreadable =
        || Value::from(format!("<{kind} that cannot be read: {}>", value.shown()).as_str());
    read.unwrap_or_else(unreadable)
}

/// The value of a tag that is a field: its type is that of the JSON.
pub(super) fn of_field(value: &Scalar<'_>, texts: Texts<'_>) -> Value {
    match value {
        Scalar::Absent => Value::String(Str::default()),
        Scalar::Bool(value) => Value::Bool(*value),
        Scalar::Int(value) => Value::Int(*value),
        Scalar::Float(value) => Value::Double(*value),
        Scalar::Text(text) => Value::String(texts.str(text)),
        Scalar::Other => Value::from("<value that cannot be read: an array or an object>"),
    }
}

#[cold]
fn unknown(kind: &str) -> Value {
    Value::from(format!("<Unknown Jaeger TagType {kind}>").as_str())
}

/// The words that Go reads.
fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

fn from_hex(text: &str) -> Option<Slice> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| Some((digit(*high)? << 4 | digit(*low)?) as u8);
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    bytes.filter(|_| rest.is_empty()).map(Slice::from)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use model::Buffer;

    use super::*;

    #[track_caller]
    fn check(kind: &str, json: &str, expect: impl Into<Value>) {
        let buffer = Buffer::new(Bytes::copy_from_slice(json.as_bytes())).unwrap();
        let value = serde_json::from_slice(buffer.as_bytes()).unwrap();
        let kind = match kind {
            "" => Scalar::Absent,
            kind => Scalar::Text(kind.into()),
        };
        assert_eq!(of_tag(&kind, &value, Texts(&buffer)), expect.into());
    }

    #[test]
    fn values_of_every_version_are_read() {
        check("string", r#""a\nb""#, "a\nb");
        check("string", "null", "");
        for json in ["true", r#""true""#, r#""T""#, r#""1""#] {
            check("bool", json, true);
        }
        check("bool", r#""False""#, false);
        for json in ["-42", r#""-42""#, "-42.9"] {
            check("int64", json, -42_i64);
        }
        check("int64", "9223372036854775807", i64::MAX);
        for json in ["72.5", r#""72.5""#, "7.25e1", r#""7.25e+01""#] {
            check("float64", json, 72.5);
        }
        check("float64", "7", 7.0);
        check("float64", r#""+Inf""#, f64::INFINITY);
        check("float64", r#""-Inf""#, f64::NEG_INFINITY);
        check("binary", r#""0001fe""#, Slice::from(&b"\x00\x01\xfe"[..]));
        check("binary", r#""FF""#, Slice::from(&b"\xff"[..]));
        check("binary", r#""""#, Slice::default());
    }

    #[test]
    fn a_tag_without_a_type_has_that_of_its_value() {
        check("", r#""a""#, "a");
        check("", "1", 1_i64);
        check("", "1.5", 1.5);
        check("", "false", false);
        check("", "null", "");
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        check("string", "7", "<string that cannot be read: 7>");
        check(
            "string",
            "[]",
            "<string that cannot be read: an array or an object>",
        );
        check("bool", r#""yes""#, r#"<bool that cannot be read: "yes">"#);
        check("bool", "null", "<bool that cannot be read: null>");
        check("int64", r#""a""#, r#"<int64 that cannot be read: "a">"#);
        check("int64", "1e300", "<int64 that cannot be read: 1e+300>");
        check("float64", "true", "<float64 that cannot be read: true>");
        check("binary", r#""0g""#, r#"<binary that cannot be read: "0g">"#);
        check(
            "binary",
            r#""000""#,
            r#"<binary that cannot be read: "000">"#,
        );
        check(
            "",
            "{}",
            "<value that cannot be read: an array or an object>",
        );
        check("x", "1", r#"<Unknown Jaeger TagType "x">"#);
    }
}
