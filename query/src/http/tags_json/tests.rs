//! The sentences are Go's, word by word.

use super::*;

#[track_caller]
fn good(text: &str, expect: &[(&str, &str)]) {
    let pairs = parse(text).unwrap();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(pairs, expect);
}

#[test]
fn objects_of_text_are_read() {
    good("{}", &[]);
    good("null", &[]);
    good(r#" {"a":"b", "c" : "d"} "#, &[("a", "b"), ("c", "d")]);
    good(r#"{"a":"x","a":"y"}"#, &[("a", "y")]);
    good(r#"{"a":null}"#, &[("a", "")]);
    good(
        r#"{"k\u00e4":"\ud83d\ude00 \ud800 \\ud800 \"\n"}"#,
        &[("kä", "😀 \u{fffd} \\ud800 \"\n")],
    );
}

#[test]
fn errors_are_gos() {
    let value = "looking for beginning of value";
    for (text, expect) in [
        ("", "unexpected end of JSON input".to_owned()),
        ("{", "unexpected end of JSON input".to_owned()),
        (r#"{"a":"b"#, "unexpected end of JSON input".to_owned()),
        (
            "notjson",
            "invalid character 'o' in literal null (expecting 'u')".to_owned(),
        ),
        ("x", format!("invalid character 'x' {value}")),
        ("'", format!("invalid character '\\'' {value}")),
        ("ä", format!("invalid character 'Ã' {value}")),
        (r#"{"a":}"#, format!("invalid character '}}' {value}")),
        (
            "{a}",
            "invalid character 'a' looking for beginning of object key string".to_owned(),
        ),
        (
            r#"{"a" "b"}"#,
            "invalid character '\"' after object key".to_owned(),
        ),
        (
            r#"{"a":"b" "c"}"#,
            "invalid character '\"' after object key:value pair".to_owned(),
        ),
        (
            r#"{"a":"b",}"#,
            "invalid character '}' looking for beginning of object key string".to_owned(),
        ),
        (
            "[1 2]",
            "invalid character '2' after array element".to_owned(),
        ),
        (
            "{} x",
            "invalid character 'x' after top-level value".to_owned(),
        ),
        (
            "01",
            "invalid character '1' after top-level value".to_owned(),
        ),
        ("-x", "invalid character 'x' in numeric literal".to_owned()),
        (
            "1.x",
            "invalid character 'x' after decimal point in numeric literal".to_owned(),
        ),
        (
            "1ex",
            "invalid character 'x' in exponent of numeric literal".to_owned(),
        ),
        (
            "\"\n\"",
            "invalid character '\\n' in string literal".to_owned(),
        ),
        (
            r#""\x""#,
            "invalid character 'x' in string escape code".to_owned(),
        ),
        (
            r#""\u00g""#,
            "invalid character 'g' in \\u hexadecimal character escape".to_owned(),
        ),
        (
            r#"{"a":1}"#,
            "json: cannot unmarshal number into Go value of type string".to_owned(),
        ),
        (
            r#"{"a":true}"#,
            "json: cannot unmarshal bool into Go value of type string".to_owned(),
        ),
        (
            r#"{"a":[]}"#,
            "json: cannot unmarshal array into Go value of type string".to_owned(),
        ),
        (
            r#"{"a":{}}"#,
            "json: cannot unmarshal object into Go value of type string".to_owned(),
        ),
        (
            "[]",
            "json: cannot unmarshal array into Go value of type map[string]string".to_owned(),
        ),
        (
            "\"a\"",
            "json: cannot unmarshal string into Go value of type map[string]string".to_owned(),
        ),
    ] {
        assert_eq!(parse(text), Err(expect), "{text}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_costs_no_stack() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse(&deep).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        let _unused = parse(&text).is_ok();
    }

    #[test]
    fn what_serde_takes_the_check_takes(
        text in "[\\[\\]{}\",:0-9eEtrufalsn.\\\\ +-]{0,12}"
    ) {
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            proptest::prop_assert_eq!(check(text.as_bytes()), Ok(()));
        }
    }
}
