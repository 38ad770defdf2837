//! Bytes that every span which answers a filter must hold, its resource included: a span without them need not be decoded.
//!
//! Only a tag compared with a text that nothing but text can be gives such bytes: numbers, truth values, binary and lists have texts that
//! do not stand in the encoding, and the tag table makes tags of its own.

use regex::bytes::{Regex, RegexBuilder};
use wire::jaeger::tags;

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

/// What to look for; `None` when spans have to be decoded.
pub(super) fn needle(filter: &Filter) -> Option<Regex> {
    let text = longest(filter)?;
    RegexBuilder::new(&regex::escape(text)).build().ok()
}

fn longest(filter: &Filter) -> Option<&str> {
    match filter {
        Filter::And(filters) => filters.iter().filter_map(longest).max_by_key(|t| t.len()),
        Filter::Tag { key, value } => {
            let text: &str = value.text();
            let usable = value.is_literal() && !MADE.contains(&key.as_str()) && is_only_text(text);
            usable.then_some(text)
        }
        Filter::Or(_) | Filter::Not(_) => None,
    }
}

/// Whether no value but a text has this text.
fn is_only_text(text: &str) -> bool {
    // integers, floats, and binary in hex
    let number_like = |b: u8| b.is_ascii_hexdigit() || matches!(b, b'+' | b'-' | b'.');
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
        assert_eq!(longest(filter), expect);
    }

    #[test]
    fn only_literal_text_of_attributes_is_looked_for() {
        check(&tag("http.route", "/cart"), Some("/cart"));
        check(&tag("k", "caf\u{e9}"), Some("caf\u{e9}"));
        for value in [
            "",
            "12",
            "-1.5e+300",
            "00ff",
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
    fn operators_in_a_literal_are_bytes() {
        let filter = Filter::Tag {
            key: "k".into(),
            value: Pattern::literal("a.(*x"),
        };
        let needle = needle(&filter).unwrap();
        assert!(needle.is_match(b"\xff\x00a.(*x"));
        assert!(!needle.is_match(b"abx"));
    }
}
