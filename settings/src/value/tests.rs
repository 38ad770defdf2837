use super::*;

#[test]
fn booleans_are_gos_words() {
    for word in ["1", "t", "T", "TRUE", "true", "True"] {
        assert_eq!(parse_bool(word), Some(true));
    }
    for word in ["0", "f", "F", "FALSE", "false", "False"] {
        assert_eq!(parse_bool(word), Some(false));
    }
    for word in ["yes", "on", "tRUE", ""] {
        assert_eq!(parse_bool(word), None);
    }
}

#[test]
fn every_kind_reads_and_prints() {
    for (kind, text, printed) in [
        (Kind::Bool, "T", "true"),
        (Kind::Int, "-5", "-5"),
        (Kind::Float, "1e-05", "0.00001"),
        (Kind::Duration, "90s", "1m30s"),
        (Kind::Bytes, "4194304", "4MiB"),
        (Kind::Bytes, "", ""),
        (Kind::List, " a, b ,,c", "a,b,c"),
        (Kind::Lines, "A: 1\n\nB: 2, 3", "A: 1,B: 2, 3"),
        (Kind::HostPort, "9411", ":9411"),
        (Kind::HostPort, "", ""),
        (Kind::Secret, "canary", "********"),
        (Kind::Secret, "", ""),
    ] {
        assert_eq!(
            Value::parse(kind, text).map(|value| value.to_string()),
            Ok(printed.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_value_is_named() {
    for (kind, text, message) in [
        (Kind::Bool, "yes", "\"yes\" is neither true nor false"),
        (Kind::Int, "5.0", "\"5.0\" is no whole number"),
        (Kind::Float, "NaN", "\"NaN\" is no number"),
        (Kind::Duration, "5", "time: missing unit in duration \"5\""),
        (
            Kind::HostPort,
            "here",
            "\"here\" has no port: give host:port, :port or [v6]:port",
        ),
    ] {
        assert_eq!(
            Value::parse(kind, text).map_err(|e| e.to_string()),
            Err(message.to_owned())
        );
    }
}
