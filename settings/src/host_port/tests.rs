use super::*;
use proptest::prelude::*;

#[test]
fn reads_every_form_and_prints_it_back() {
    for (text, printed) in [
        (":14250", ":14250"),
        ("9411", ":9411"),
        ("127.0.0.1:4317", "127.0.0.1:4317"),
        ("[::1]:4317", "[::1]:4317"),
        ("[::]:0", "[::]:0"),
        ("[2001:db8::0001]:80", "[2001:db8::1]:80"),
        ("collector.tracing.svc:14250", "collector.tracing.svc:14250"),
        ("localhost:16686", "localhost:16686"),
    ] {
        let read: HostPort = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(read.to_string(), printed);
        assert_eq!(printed.parse(), Ok(read));
    }
}

#[test]
fn refuses_with_the_part_that_is_wrong() {
    for (text, message) in [
        ("", "\"\" has no port: give host:port, :port or [v6]:port"),
        (
            "localhost",
            "\"localhost\" has no port: give host:port, :port or [v6]:port",
        ),
        (
            ":",
            "\"\" in \":\" is no port: give a number from 0 to 65535",
        ),
        (
            ":+80",
            "\"+80\" in \":+80\" is no port: give a number from 0 to 65535",
        ),
        (
            "65536",
            "\"65536\" in \"65536\" is no port: give a number from 0 to 65535",
        ),
    ] {
        assert_eq!(
            text.parse::<HostPort>().map_err(|e| e.to_string()),
            Err(message.to_owned())
        );
    }
    for text in [
        "::1:80",
        "[fe80::1%eth0]:80",
        "[127.0.0.1]:80",
        "a b:80",
        "1.2.3:80",
        "[::1:80",
        "http://x:80",
    ] {
        assert!(
            matches!(
                text.parse::<HostPort>(),
                Err(HostPortError::Host { .. } | HostPortError::Port { .. })
            ),
            "{text}"
        );
    }
}

#[test]
fn loopback_is_what_only_this_machine_reaches() {
    for (text, expect) in [
        ("127.0.0.1:1", true),
        ("127.9.9.9:1", true),
        ("[::1]:1", true),
        ("[::ffff:127.0.0.1]:1", true),
        ("LocalHost:1", true),
        (":1", false),
        ("0.0.0.0:1", false),
        ("[::]:1", false),
        ("localhost.example:1", false),
    ] {
        assert_eq!(
            text.parse::<HostPort>().map(|at| at.host.is_loopback()),
            Ok(expect),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_an_answer_that_reads_back(text in ".*") {
        if let Ok(read) = text.parse::<HostPort>() {
            prop_assert_eq!(read.to_string().parse(), Ok(read));
        }
    }
}
