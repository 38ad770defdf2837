use super::*;
use proptest::prelude::*;

#[track_caller]
fn reads(text: &str, ns: i64) {
    assert_eq!(text.parse(), Ok(GoDuration(ns)), "{text}");
}

#[track_caller]
fn refuses(text: &str, error: &str) {
    assert_eq!(
        text.parse::<GoDuration>().map_err(|e| e.to_string()),
        Err(error.to_owned())
    );
}

#[test]
fn reads_what_go_reads() {
    reads("0", 0);
    reads("-0", 0);
    reads("5s", 5_000_000_000);
    reads("+5s", 5_000_000_000);
    reads("5.0s", 5_000_000_000);
    reads("5.s", 5_000_000_000);
    reads(".5s", 500_000_000);
    reads("1h2m", 3_720_000_000_000);
    reads("1.5s", 1_500_000_000);
    reads("5us", 5_000);
    reads("5\u{b5}s", 5_000);
    reads("5\u{3bc}s", 5_000);
    reads("-2ms", -2_000_000);
    reads("3m1.5h", 5_580_000_000_000);
    reads("0.9223372036854775807h", 3_320_413_933_267);
    reads("0.3333333333333333333h", 1_200_000_000_000);
    reads("9223372036854775807ns", i64::MAX);
    reads("-9223372036854775808ns", i64::MIN);
    reads("0.100000000000000000000h", 360_000_000_000);
}

#[test]
fn refuses_in_gos_words() {
    refuses("", "time: invalid duration \"\"");
    refuses("x", "time: invalid duration \"x\"");
    refuses("-", "time: invalid duration \"-\"");
    refuses(".", "time: invalid duration \".\"");
    refuses(".s", "time: invalid duration \".s\"");
    refuses("5", "time: missing unit in duration \"5\"");
    refuses("1h5", "time: missing unit in duration \"1h5\"");
    refuses("2x", "time: unknown unit \"x\" in duration \"2x\"");
    refuses(
        "2e+03ms",
        "time: unknown unit \"e+\" in duration \"2e+03ms\"",
    );
    refuses(
        "9223372036854775808ns",
        "time: invalid duration \"9223372036854775808ns\"",
    );
    refuses("3000000h", "time: invalid duration \"3000000h\"");
    refuses("\u{e9}", "time: invalid duration \"\\xc3\\xa9\"");
    refuses("a\"b", "time: invalid duration \"a\\\"b\"");
}

#[test]
fn prints_what_go_prints() {
    for (ns, text) in [
        (0, "0s"),
        (1, "1ns"),
        (1_100, "1.1\u{b5}s"),
        (2_200_000, "2.2ms"),
        (-2_000_000, "-2ms"),
        (52_000_000, "52ms"),
        (1_500_000_000, "1.5s"),
        (245_000_000_000, "4m5s"),
        (245_001_000_000, "4m5.001s"),
        (3_600_000_000_000, "1h0m0s"),
        (18_367_001_000_000, "5h6m7.001s"),
        (i64::MAX, "2562047h47m16.854775807s"),
        (i64::MIN, "-2562047h47m16.854775808s"),
    ] {
        assert_eq!(format_ns(ns), text);
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(ns in any::<i64>()) {
        // Go goes through floating point for the fraction, so that it may lose a nanosecond above some 2^53; below it is exact.
        let back = format_ns(ns).parse::<GoDuration>().map(GoDuration::as_ns);
        prop_assert!(back.is_ok_and(|back| back.abs_diff(ns) <= 1));
    }

    #[test]
    fn any_text_is_an_answer(text in ".*") {
        let _answer = text.parse::<GoDuration>();
    }
}
