//! Levels, encodings, and what lines look like.

use time::macros::datetime;

use super::format::{Said, console, json};
use super::*;

fn said(message: &str) -> Said {
    let mut said = Said {
        message: message.to_owned(),
        ..Said::default()
    };
    said.fields
        .insert("listener".to_owned(), "otlp-grpc".into());
    said.fields.insert("times".to_owned(), 3.into());
    said.fields
        .insert("detail".to_owned(), "two\nlines \u{1b}[2J".into());
    said
}

#[test]
fn zaps_levels_and_encodings_are_known() {
    for (word, expect) in [
        ("debug", Level::Debug),
        ("INFO", Level::Info),
        ("warn", Level::Warn),
        ("dpanic", Level::Error),
        ("fatal", Level::Error),
    ] {
        assert_eq!(word.parse(), Ok(expect));
    }
    assert_eq!("json".parse(), Ok(Encoding::Json));
    assert!(matches!("console".parse(), Ok(Encoding::Console { .. })));
    let error = "loud".parse::<Level>().unwrap_err().to_string();
    assert_eq!(
        error,
        "\"loud\" is not known: it can be debug, info, warn, error, dpanic, panic or fatal"
    );
    assert_eq!(
        "xml".parse::<Encoding>().unwrap_err().to_string(),
        "\"xml\" is not known: it can be json or console"
    );
}

#[test]
fn json_is_zaps_and_stays_one_line() {
    let at = datetime!(2023-11-14 22:13:20.125 UTC);
    let expect = r#"{"level":"warn","ts":1700000000.125,"room":"listen","msg":"a\nb","listener":"otlp-grpc","times":3,"detail":"two\nlines \u001b[2J"}"#;
    assert_eq!(
        json(at, tracing::Level::WARN, "listen::accept", said("a\nb")),
        expect
    );
}

#[test]
fn a_field_does_not_hide_the_level_or_the_message() {
    let mut said = Said {
        message: "m".to_owned(),
        ..Said::default()
    };
    said.fields.insert("level".to_owned(), "x".into());
    let line = json(
        datetime!(1970-01-01 00:00:01 UTC),
        tracing::Level::INFO,
        "query",
        said,
    );
    assert_eq!(
        line,
        r#"{"level":"info","ts":1.0,"room":"query","msg":"m","level_":"x"}"#
    );
}

#[test]
fn text_stays_one_line_and_has_no_colours_unless_asked() {
    let at = datetime!(2023-11-14 22:13:20.125987 UTC);
    let expect = "2023-11-14T22:13:20.125Z WARN  a\\nb listener=otlp-grpc times=3 detail=\"two\\nlines \\u{1b}[2J\"";
    assert_eq!(
        console(at, tracing::Level::WARN, false, &said("a\nb")).unwrap(),
        expect
    );
    assert!(
        console(at, tracing::Level::WARN, true, &said("a"))
            .unwrap()
            .contains("\u{1b}[33mWARN ")
    );
}
