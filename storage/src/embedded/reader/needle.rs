//! Bytes that every span which answers a filter must hold, its resource included: a span without them need not be decoded.
//!
//! A tag compared with a text that nothing but text can be gives such bytes: numbers, truth values, binary and lists have texts that do not
//! stand in the encoding. Of any other comparison the key does. The tag table makes tags of its own: of their keys nothing has to be there.

use regex::bytes::Regex;
use wire::jaeger::tags;

use crate::embedded::segment::Wanted;
use crate::query::Filter;

/// Keys whose values the tag table makes, or takes from elsewhere than attributes.
const MADE: [&str; 8] = [
    tags::SPAN_KIND,
    tags::STATUS_CODE,
    tags::STATUS_DESCRIPTION,
    tags::ERROR,
    tags::SCOPE_NAME,
    tags::SCOPE_VERSION,
    tags::TRACE_STATE,
    tags::EVENT,
];

/// What to look for.
pub(super) struct Needle {
    /// The bytes of one of the filter's tags.
    pub(super) bytes: Regex,
    /// That tag.
    pub(super) wanted: Wanted,
}

/// What to look for; `None` when spans have to be decoded.
pub(super) fn needle(filter: &Filter) -> Option<Needle> {
    let (key, text) = longest(filter)?;
    let binary = text.and_then(binary);
    let mut pattern = regex::escape(text.unwrap_or(key));
    if let Some(binary) = &binary {
        pattern.push('|');
        for byte in binary {
            pattern.push_str(&format!("(?-u:\\x{byte:02x})"));
        }
    }
    Some(Needle {
        bytes: Regex::new(&pattern).ok()?,
        wanted: Wanted {
            key: key.as_bytes().to_vec(),
            text: text.map(|text| text.as_bytes().to_vec()),
            binary,
        },
    })
}

/// The binary value whose text this is: hexadecimal digits, two for each byte.
fn binary(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}

/// A key and, if there is one, the text that its value must be.
fn longest(filter: &Filter) -> Option<(&str, Option<&str>)> {
    match filter {
        Filter::And(filters) => filters
            .iter()
            .filter_map(longest)
            .max_by_key(|(key, text)| (text.map_or(0, str::len), key.len())),
        Filter::Tag { key, value } | Filter::SpanTag { key, value } => {
            let text = value.text().as_str();
            let is_text = value.is_literal() && is_only_text(text);
            of_attribute(key).map(|key| (key, is_text.then_some(text)))
        }
        Filter::Has { key } | Filter::Number { key, .. } => {
            of_attribute(key).map(|key| (key, None))
        }
        _ => None,
    }
}

/// A key that only an attribute has. One that is no text is given another, with this character in it, when it is decoded.
fn of_attribute(key: &str) -> Option<&str> {
    let is_made = MADE.contains(&key) || key.contains('\u{fffd}');
    (!is_made && !key.is_empty()).then_some(key)
}

/// Whether no value but a text has this text, or a binary one.
fn is_only_text(text: &str) -> bool {
    // integers and floats
    let number_like = |b: u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
    let word = [
        "true",
        "false",
        "null",
        "NaN",
        "Inf",
        "+Inf",
        "-Inf",
        "Infinity",
        "-Infinity",
    ];
    !text.starts_with(['[', '{']) && !word.contains(&text) && !text.bytes().all(number_like)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Pattern;

    fn tag(key: &str, value: &str) -> Filter {
        Filter::Tag {
            key: key.into(),
            value: Pattern::new(value),
        }
    }

    #[track_caller]
    fn check(filter: &Filter, expect: Option<&str>) {
        assert_eq!(longest(filter).and_then(|(_, text)| text), expect);
    }

    #[test]
    fn of_any_other_comparison_the_key_is_looked_for() {
        for filter in [
            tag("http.status_code", "5.*"),
            tag("http.status_code", "500"),
            Filter::Has {
                key: "http.status_code".into(),
            },
        ] {
            let needle = needle(&filter).unwrap();
            assert!(needle.bytes.is_match(b"\x01http.status_code\xff"));
            assert_eq!(needle.wanted.text, None);
        }
        for key in ["error", "", "\u{fffd}"] {
            assert!(needle(&Filter::Has { key: key.into() }).is_none(), "{key}");
        }
        let both = vec![tag("a.longer.key", "5.*"), tag("b", "text")];
        check(&Filter::And(both), Some("text"));
    }

    #[test]
    fn only_literal_text_of_attributes_is_looked_for() {
        check(&tag("http.route", "/cart"), Some("/cart"));
        check(&tag("k", "caf\u{e9}"), Some("caf\u{e9}"));
        check(&tag("k", "00ff"), Some("00ff"));
        for value in [
            "",
            "12",
            "-1.5e+300",
            "true",
            "NaN",
            "+Inf",
            "[1]",
            "{}",
            "a.*",
        ] {
            check(&tag("k", value), None);
        }
        check(&tag("error", "yes"), None);
        check(&tag("span.kind", "server"), None);
        check(&Filter::default(), None);
    }

    #[test]
    fn all_of_several_need_one_and_any_of_several_none() {
        let both = vec![tag("a", "one!"), tag("b", "longer!"), tag("c", "7")];
        check(&Filter::And(both.clone()), Some("longer!"));
        check(&Filter::Or(both), None);
        check(&Filter::Not(Box::new(tag("a", "one!"))), None);
    }

    #[test]
    fn digits_are_looked_for_as_the_bytes_they_may_stand_for_too() {
        let needle = needle(&tag("k", "00ffa5")).unwrap();
        for holds in [b"x00ffa5".as_slice(), b"x\x00\xff\xa5"] {
            assert!(needle.bytes.is_match(holds));
        }
        for not in [b"00FFA5".as_slice(), b"\x00\xff", b"00ffa"] {
            assert!(!needle.bytes.is_match(not));
        }
        assert_eq!(binary("abc"), None);
        assert_eq!(binary("xy"), None);
    }

    #[test]
    fn operators_in_a_literal_are_bytes() {
        let filter = Filter::Tag {
            key: "k".into(),
            value: Pattern::literal("a.(*x"),
        };
        let needle = needle(&filter).unwrap();
        assert!(needle.bytes.is_match(b"\xff\x00a.(*x"));
        assert!(!needle.bytes.is_match(b"abx"));
    }
}
