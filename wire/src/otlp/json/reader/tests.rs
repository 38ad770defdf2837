use proptest::prelude::*;

use super::*;

fn skips(text: &str) -> bool {
    let mut reader = Reader::new(text);
    reader.skip_value().and_then(|()| reader.end()).is_ok()
}

#[track_caller]
fn check(text: &str) {
    let theirs = serde_json::from_str::<serde_json::Value>(text).is_ok();
    assert_eq!(skips(text), theirs, "{text}");
}

#[test]
fn what_serde_takes_is_taken_and_nothing_else() {
    for text in [
        "",
        " ",
        "null",
        " true ",
        "false",
        "nul",
        "tru",
        "0",
        "-0",
        "01",
        "-",
        "1.",
        "1.5",
        ".5",
        "1e5",
        "1e",
        "1E+5",
        "1e-",
        "\"\"",
        "\"a",
        "\"\\n\"",
        "\"\\x\"",
        "\"\\u00e4\"",
        "\"\\u00\"",
        "\"\u{1}\"",
        "[]",
        "[1]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[[],{}]",
        "{}",
        "{\"a\":1}",
        "{\"a\" 1}",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":[{\"b\":null}]}",
        "[}",
        "{]",
        "]",
        "1 2",
        "[\"{\"]",
        "[[[]]",
    ] {
        check(text);
    }
}

#[test]
fn escapes_become_characters() {
    let mut reader = Reader::new(r#""a\"\\\/\b\f\n\r\tä\u00E4\ud83d\ude00\ud800x\udc00""#);
    assert_eq!(
        reader.string().unwrap(),
        "a\"\\/\u{8}\u{c}\n\r\tää😀\u{fffd}x\u{fffd}"
    );
}

#[test]
fn deep_nesting_does_not_recurse() {
    assert!(skips(&("[".repeat(900) + &"]".repeat(900))));
    assert!(!skips(&"[".repeat(1_000_000)));
    assert!(!skips(&"{\"a\":".repeat(1_000_000)));
}

proptest! {
    #[test]
    fn strings_end_where_they_end(bytes in prop::collection::vec(
        prop_oneof![any::<u8>(), Just(b'"'), Just(b'\\'), Just(0x1f), Just(0x20), Just(0x80)],
        0..40,
    )) {
        let stop = bytes.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
        prop_assert_eq!(plain_len(&bytes), stop.unwrap_or(bytes.len()));
    }

    #[test]
    fn any_soup_of_tokens_is_judged_as_serde_does(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"a\"", "1", "-2.5e3", "true", "null", " ", "\\", "\"",
            ]),
            0..12,
        )
    ) {
        let text = tokens.concat();
        let theirs = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        prop_assert_eq!(skips(&text), theirs, "{}", text);
    }
}
