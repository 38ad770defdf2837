//! What gRPC says in the headers of a request, for whoever serves it.
//!
//! In: headers. Out: whether it is gRPC at all, and how long its client waits. Messages, statuses and services are the rooms' own.
//!
//! Source: "gRPC over HTTP2", `grpc/grpc: doc/PROTOCOL-HTTP2.md`.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};

/// How long before a client gives up our answer must be on its way.
const MARGIN: Duration = Duration::from_millis(200);

/// Whether a request with these headers is gRPC.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.map(HeaderValue::as_bytes);
    let rest = content_type.and_then(|value| value.strip_prefix(b"application/grpc"));
    matches!(rest, Some([] | [b'+' | b';' | b' ', ..]))
}

/// How long we may take, when the client says how long it waits: somewhat less than that. A very short time keeps half for itself.
pub fn patience(headers: &HeaderMap) -> Option<Duration> {
    let waits = timeout(headers.get("grpc-timeout")?.as_bytes())?;
    Some(waits.saturating_sub(MARGIN).max(waits / 2))
}

/// At most eight digits and a unit.
fn timeout(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let n: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    match unit {
        b'H' => Some(Duration::from_secs(n * 3600)),
        b'M' => Some(Duration::from_secs(n * 60)),
        b'S' => Some(Duration::from_secs(n)),
        b'm' => Some(Duration::from_millis(n)),
        b'u' => Some(Duration::from_micros(n)),
        b'n' => Some(Duration::from_nanos(n)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn grpc_is_known_by_its_content_type() {
        for yes in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;x",
        ] {
            assert!(is_grpc(&of("content-type", yes)), "{yes}");
        }
        for no in ["application/grpc-web", "application/json", ""] {
            assert!(!is_grpc(&of("content-type", no)), "{no}");
        }
    }

    #[test]
    fn a_client_is_answered_before_it_gives_up() {
        for (timeout, millis) in [
            ("5S", Some(4800)),
            ("1M", Some(59_800)),
            ("4100m", Some(3900)),
            ("300m", Some(150)),
            ("100000u", Some(50)),
            ("1n", Some(0)),
            ("99999999H", Some(359_999_996_400_000 - 200)),
            ("", None),
            ("x", None),
            ("123456789S", None),
            ("-1S", None),
        ] {
            let patience = patience(&of("grpc-timeout", timeout));
            assert_eq!(patience.map(|p| p.as_millis()), millis, "{timeout}");
        }
    }
}
