//! Tags in a document: in the list that every one has, or as fields of an object beside it.
//!
//! In: keys and values from the tag table, one by one. Out: `{"key":…,"type":…,"value":…}` in a list, and `{"http@method":"GET"}` for those
//! that an operator wants as fields. Values of fields are always native, as in every version of Jaeger.
//!
//! A tag stays in the list where a field would cost the document or the value: bytes, floats that are no numbers, names that no field can have
//! (empty, blank, a dot after the replacement, longer than 256 bytes), keys beyond the index's limit, and text that is too long for an index: as a
//! field it would not be found, since OpenSearch does not say which fields it left out. Readers look in both places.
//!
//! Source: `splitElevatedTags` in `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/writer.go` v1.76.0; for text values
//! `model/keyvalue.go` v1.20.0.

use std::ops::Range;

use wire::jaeger::tags::ValueRef;

use super::json;
use super::keys::{Open, Owner};
use crate::elasticsearch::config::{TagValues, TagsAsFields};
use crate::elasticsearch::template::mapping::is_indexed;

/// A name that is longer in bytes stays a key in the list.
const MAX_FIELD: usize = 256;

/// Opens a list and closes it.
pub(super) struct List {
    is_empty: bool,
}

/// Tags that become fields, until their object is written.
#[derive(Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    /// Where name and value stand in `bytes`.
    found: Vec<(Range<usize>, Range<usize>)>,
}

// === impl List ===

impl List {
    /// At the end of `out`.
    #[inline]
    pub(super) fn open(out: &mut Vec<u8>) -> Self {
        out.push(b'[');
        Self { is_empty: true }
    }

    /// One more tag.
    #[inline]
    pub(super) fn push(
        &mut self,
        out: &mut Vec<u8>,
        key: &str,
        value: &ValueRef<'_>,
        values: TagValues,
    ) {
        let start: &[u8] = if self.is_empty {
            b"{\"key\":"
        } else {
            b",{\"key\":"
        };
        self.is_empty = false;
        out.extend_from_slice(start);
        json::text(out, key);
        let kind: &[u8] = match value {
            ValueRef::String(_) => b",\"type\":\"string\",\"value\":",
            ValueRef::Bool(_) => b",\"type\":\"bool\",\"value\":",
            ValueRef::Int(_) => b",\"type\":\"int64\",\"value\":",
            ValueRef::Double(_) => b",\"type\":\"float64\",\"value\":",
            ValueRef::Binary(_) => b",\"type\":\"binary\",\"value\":",
        };
        out.extend_from_slice(kind);
        match values {
            TagValues::Native => native(out, value),
            TagValues::String => as_text(out, value),
        }
        out.push(b'}');
    }

    /// The end.
    #[inline]
    pub(super) fn close(self, out: &mut Vec<u8>) {
        out.push(b']');
    }
}

// === impl Fields ===

impl Fields {
    /// Takes a tag, if it becomes a field.
    pub(super) fn take(
        &mut self,
        rules: &TagsAsFields,
        page: &mut Open,
        owner: Owner,
        key: &str,
        value: &ValueRef<'_>,
    ) -> bool {
        let keeps_its_value = match value {
            ValueRef::Binary(_) => false,
            ValueRef::Double(value) => value.is_finite(),
            ValueRef::String(text) => is_indexed(text.as_str()),
            ValueRef::Bool(_) | ValueRef::Int(_) => true,
        };
        if !keeps_its_value || !(rules.all || rules.include.contains(key)) {
            return false;
        }
        let start = self.bytes.len();
        self.push_name(key, &rules.dot_replacement);
        let end = self.bytes.len();
        let name = self.bytes.get(start..end).unwrap_or_default();
        let name = std::str::from_utf8(name).unwrap_or_default();
        if !is_field(name) || !page.admits(owner, name) {
            self.bytes.truncate(start);
            return false;
        }
        native(&mut self.bytes, value);
        self.found.push((start..end, end..self.bytes.len()));
        true
    }

    fn push_name(&mut self, key: &str, dot_replacement: &str) {
        let mut parts = key.split('.');
        let first = parts.next().unwrap_or_default();
        self.bytes.extend_from_slice(first.as_bytes());
        for part in parts {
            self.bytes.extend_from_slice(dot_replacement.as_bytes());
            self.bytes.extend_from_slice(part.as_bytes());
        }
    }

    /// Writes what was taken as the member `tag`, if anything was: sorted by name, the last of equal names. Empty afterwards.
    pub(super) fn write_member(&mut self, out: &mut Vec<u8>) {
        if self.found.is_empty() {
            return;
        }
        let bytes = &self.bytes;
        let part = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        self.found.sort_by(|(a, _), (b, _)| part(a).cmp(part(b)));
        out.extend_from_slice(b",\"tag\":");
        let mut before: &[u8] = b"{";
        let mut rest = self.found.iter().peekable();
        while let Some((name, value)) = rest.next() {
            if rest
                .peek()
                .is_some_and(|(next, _)| part(next) == part(name))
            {
                continue;
            }
            out.extend_from_slice(before);
            json::text(out, std::str::from_utf8(part(name)).unwrap_or_default());
            out.push(b':');
            out.extend_from_slice(part(value));
            before = b",";
        }
        out.push(b'}');
        self.bytes.clear();
        self.found.clear();
    }
}

/// Whether a cluster takes a field of this name: it cuts at dots and wants something in each part.
fn is_field(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= MAX_FIELD
        && !name.contains('.')
        && !name.contains(char::is_control)
        && !name.chars().all(char::is_whitespace)
}

/// A value as JSON has it.
#[inline]
fn native(out: &mut Vec<u8>, value: &ValueRef<'_>) {
    match value {
        ValueRef::String(text) => json::text(out, text.as_str()),
        ValueRef::Bool(value) => json::boolean(out, *value),
        ValueRef::Int(value) => json::int(out, *value),
        ValueRef::Double(value) => json::float(out, *value),
        ValueRef::Binary(bytes) => hex(out, bytes),
    }
}

/// A value as text, which Jaeger before 1.69 reads.
fn as_text(out: &mut Vec<u8>, value: &ValueRef<'_>) {
    match value {
        ValueRef::String(text) => json::text(out, text.as_str()),
        ValueRef::Binary(bytes) => hex(out, bytes),
        ValueRef::Double(value) => json::text(out, &float_text(*value)),
        ValueRef::Bool(value) => json::text(out, if *value { "true" } else { "false" }),
        ValueRef::Int(value) => {
            out.push(b'"');
            json::int(out, *value);
            out.push(b'"');
        }
    }
}

fn hex(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    json::hex(out, bytes);
    out.push(b'"');
}

/// A float as v1.20 spells it, with the digits that v1.20 cuts after the tenth.
fn float_text(value: f64) -> String {
    if !value.is_finite() {
        return wire::go_json::float_text(value);
    }
    let scientific = format!("{value:e}");
    let exponent = scientific.split_once('e').map(|(m, e)| (m, e.parse()));
    match exponent {
        Some((mantissa, Ok::<i32, _>(exponent))) if !(-4..10).contains(&exponent) => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use model::{Slice, Str};
    use wire::jaeger::tags::Text;

    use super::super::KeyBook;
    use super::*;

    fn text(out: Vec<u8>) -> String {
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check(value: &ValueRef<'_>, as_native: &str, as_1_20: &str) {
        for (values, expect) in [(TagValues::Native, as_native), (TagValues::String, as_1_20)] {
            let mut out = Vec::new();
            let mut list = List::open(&mut out);
            list.push(&mut out, "k", value, values);
            list.close(&mut out);
            assert_eq!(text(out), format!(r#"[{{"key":"k",{expect}}}]"#));
        }
    }

    #[test]
    fn values_are_native_or_text() {
        let plain = Str::from("a\"b");
        let bytes = Slice::from(&b"\x00\x01\xfe"[..]);
        let string = ValueRef::String(Text::Shared(&plain));
        let said = r#""type":"string","value":"a\"b""#;
        check(&string, said, said);
        let said = r#""type":"binary","value":"0001fe""#;
        check(&ValueRef::Binary(&bytes), said, said);
        check(
            &ValueRef::Bool(true),
            r#""type":"bool","value":true"#,
            r#""type":"bool","value":"true""#,
        );
        check(
            &ValueRef::Int(-5),
            r#""type":"int64","value":-5"#,
            r#""type":"int64","value":"-5""#,
        );
        check(
            &ValueRef::Double(72.5),
            r#""type":"float64","value":72.5"#,
            r#""type":"float64","value":"72.5""#,
        );
        let said = r#""type":"float64","value":"NaN""#;
        check(&ValueRef::Double(f64::NAN), said, said);
    }

    #[test]
    fn floats_as_text_are_those_of_1_20_and_lose_no_digit() {
        for (value, expect) in [
            (0.0, "0"),
            (7.0, "7"),
            (1.25, "1.25"),
            (1e-9, "1e-09"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1_234_567_890.0, "1234567890"),
            (12_345_678_901.0, "1.2345678901e+10"),
            (-1e21, "-1e+21"),
            (1e300, "1e+300"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(float_text(value), expect);
        }
    }

    fn rules(all: bool, include: &[&str], dot_replacement: &str) -> TagsAsFields {
        TagsAsFields {
            all,
            include: include.iter().map(|key| (*key).to_owned()).collect(),
            dot_replacement: dot_replacement.to_owned(),
            ..TagsAsFields::default()
        }
    }

    fn taken(rules: &TagsAsFields, keys: &[&str]) -> (Vec<bool>, String) {
        let (book, mut fields) = (KeyBook::new(0), Fields::default());
        let mut page = book.open("i");
        let mut nth = 0;
        let took = keys.iter().map(|key| {
            nth += 1;
            fields.take(rules, &mut page, Owner::Span, key, &ValueRef::Int(nth))
        });
        let (took, mut out) = (took.collect(), Vec::new());
        fields.write_member(&mut out);
        (took, text(out))
    }

    #[test]
    fn fields_are_sorted_and_the_last_of_equal_ones_counts() {
        assert_eq!(
            taken(&rules(true, &[], "@"), &["b", "a.b.c", "a@b", "a.b", "Z"]),
            (
                vec![true; 5],
                r#","tag":{"Z":5,"a@b":4,"a@b@c":2,"b":1}"#.to_owned()
            )
        );
        assert_eq!(
            taken(&rules(false, &["a.b"], "_"), &["a.b", "a_b"]),
            (vec![true, false], r#","tag":{"a_b":1}"#.to_owned())
        );
        assert_eq!(taken(&rules(true, &[], "@"), &[]), (vec![], String::new()));
    }

    #[test]
    fn what_no_field_can_be_called_stays_a_tag() {
        let long = "k".repeat(MAX_FIELD + 1);
        let (took, _) = taken(&rules(true, &[], "@"), &["", " ", "\n", &long, "."]);
        assert_eq!(took, [false, false, false, false, true]);
        let (took, _) = taken(&rules(true, &[], "."), &["a", "a.b"]);
        assert_eq!(took, [true, false], "an object and a value of one name");
    }

    #[test]
    fn what_a_field_would_lose_stays_a_tag() {
        let (book, mut fields) = (KeyBook::new(0), Fields::default());
        let (mut page, rules) = (book.open("i"), rules(true, &[], "@"));
        let bytes = Slice::from(&b"x"[..]);
        for value in [ValueRef::Binary(&bytes), ValueRef::Double(f64::NAN)] {
            assert!(!fields.take(&rules, &mut page, Owner::Span, "k", &value));
        }
        assert!(fields.take(&rules, &mut page, Owner::Span, "k", &ValueRef::Double(1.5)));
    }
}
