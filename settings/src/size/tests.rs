use super::*;
use proptest::prelude::*;

#[test]
fn reads_numbers_and_units() {
    for (text, bytes) in [
        ("0", 0),
        ("4194304", 4 << 20),
        ("64KiB", 64 << 10),
        ("10 GiB", 10 << 30),
        ("10GB", 10_000_000_000),
        ("64Mi", 64 << 20),
        ("64mi", 64 << 20),
        ("1.5GiB", 3 << 29),
        ("12b", 12),
        (" 7 ", 7),
    ] {
        assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
    }
}

#[test]
fn refuses_what_is_no_size() {
    for (text, message) in [
        (
            "",
            "\"\" is no size: give a number of bytes, or one with a unit such as 64KiB, 4MiB, 10GiB",
        ),
        (
            "-1",
            "\"-1\" is no size: give a number of bytes, or one with a unit such as 64KiB, 4MiB, 10GiB",
        ),
        (
            "1.",
            "\"1.\" is no size: give a number of bytes, or one with a unit such as 64KiB, 4MiB, 10GiB",
        ),
        (
            "5 parsec",
            "unknown unit \"parsec\" in size \"5 parsec\": B, KB, MB, GB, TB, KiB, MiB, GiB, TiB are known",
        ),
        (
            "99999999999999999999",
            "size \"99999999999999999999\" is too large",
        ),
        ("17000000TiB", "size \"17000000TiB\" is too large"),
    ] {
        assert_eq!(
            text.parse::<ByteSize>().map_err(|e| e.to_string()),
            Err(message.to_owned())
        );
    }
}

#[test]
fn prints_the_largest_unit_that_divides() {
    assert_eq!(ByteSize(10 << 30).to_string(), "10GiB");
    assert_eq!(ByteSize(1_000_000).to_string(), "1000000");
    assert_eq!(ByteSize(0).to_string(), "0");
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(bytes in any::<u64>(), shift in 0_u32..40) {
        let size = ByteSize(bytes >> shift << shift);
        prop_assert_eq!(size.to_string().parse(), Ok(size));
    }

    #[test]
    fn any_text_is_an_answer(text in ".*") {
        let _answer = text.parse::<ByteSize>();
    }
}
