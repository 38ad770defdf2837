//! Numbers and truth values from text, with the errors of Go's `strconv`, which clients of the API see word by word.
//!
//! In: a parameter's text. Out: the value, or Go's sentence. Durations are `settings`'.
//!
//! Source: Go 1.24 `strconv/atoi.go`, `atob.go`, `atof.go`, `quote.go`.

mod time;

pub(super) use time::parse_time;

/// A signed decimal number of at most `bits` bits.
pub(super) fn parse_int(text: &str, bits: u32) -> Result<i64, String> {
    parse_int_as("ParseInt", text, bits)
}

/// The same, with the error of another of Go's functions.
pub(super) fn parse_int_as(function: &str, text: &str, bits: u32) -> Result<i64, String> {
    let error = |why| {
        Err(format!(
            "strconv.{function}: parsing {}: {why}",
            quote(text)
        ))
    };
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return error("invalid syntax");
    }
    let (min, max) = match bits {
        32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    match text.parse::<i64>() {
        Ok(value) if (min..=max).contains(&value) => Ok(value),
        _ => error("value out of range"),
    }
}

/// One of Go's words for a truth value.
pub(super) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!(
            "strconv.ParseBool: parsing {}: invalid syntax",
            quote(text)
        )),
    }
}

/// A decimal float, or a word for one that is no number. Go's hexadecimal floats are not taken.
pub(super) fn parse_float(text: &str) -> Result<f64, String> {
    let error = |why| {
        Err(format!(
            "strconv.ParseFloat: parsing {}: {why}",
            quote(text)
        ))
    };
    match text.parse::<f64>() {
        Ok(value) if value.is_infinite() && text.contains(|c: char| c.is_ascii_digit()) => {
            error("value out of range")
        }
        Ok(value) => Ok(value),
        Err(_) => error("invalid syntax"),
    }
}

/// `text` in double quotes, with Go's escapes.
pub(super) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for ch in text.chars() {
        match ch {
            '"' | '\\' => out.extend(['\\', ch]),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\u{0}'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(ch))),
            '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(ch)));
            }
            _ => out.push(ch),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_in_go() {
        for (text, bits, expect) in [
            ("5", 64, Ok(5)),
            ("-5", 32, Ok(-5)),
            ("+7", 32, Ok(7)),
            ("9223372036854775807", 64, Ok(i64::MAX)),
            ("-9223372036854775808", 64, Ok(i64::MIN)),
            ("x", 32, Err("parsing \"x\": invalid syntax")),
            ("", 64, Err("parsing \"\": invalid syntax")),
            ("-", 64, Err("parsing \"-\": invalid syntax")),
            ("1_0", 64, Err("parsing \"1_0\": invalid syntax")),
            ("1.5", 64, Err("parsing \"1.5\": invalid syntax")),
            ("a\"b\n", 64, Err("parsing \"a\\\"b\\n\": invalid syntax")),
            (
                "2147483648",
                32,
                Err("parsing \"2147483648\": value out of range"),
            ),
            (
                "99999999999999999999",
                64,
                Err("parsing \"99999999999999999999\": value out of range"),
            ),
        ] {
            let expect = expect.map_err(|why| format!("strconv.ParseInt: {why}"));
            assert_eq!(parse_int(text, bits), expect);
        }
    }

    #[test]
    fn floats_read_as_in_go() {
        assert_eq!(parse_float("0.95"), Ok(0.95));
        assert_eq!(parse_float("1e-3"), Ok(0.001));
        assert!(parse_float("nan").is_ok_and(f64::is_nan));
        for (text, why) in [
            ("", "parsing \"\": invalid syntax"),
            ("0,5", "parsing \"0,5\": invalid syntax"),
            ("1e400", "parsing \"1e400\": value out of range"),
        ] {
            let expect = format!("strconv.ParseFloat: {why}");
            assert_eq!(parse_float(text), Err(expect));
        }
    }

    #[test]
    fn truth_values_read_as_in_go() {
        assert_eq!(parse_bool("T"), Ok(true));
        assert_eq!(parse_bool("0"), Ok(false));
        assert_eq!(
            parse_bool("yes").unwrap_err(),
            "strconv.ParseBool: parsing \"yes\": invalid syntax"
        );
        assert!(parse_bool("tRUE").is_err());
    }
}
