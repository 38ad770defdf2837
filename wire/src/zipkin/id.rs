//! Zipkin's ids in hex: as long as they like, of which the last digits count.
//!
//! Source: Jaeger v1.20 and Zipkin keep the rightmost digits of longer ids; v1.76 takes 1 to 32 in the second model.

use model::{SpanId, TraceId};

use crate::otlp::json::fields::Bad;

/// A trace's id; the field `what` is named in errors.
pub(crate) fn trace_id(what: &str, text: &str) -> Result<TraceId, Bad> {
    let id = tail(text, 32).and_then(|digits| TraceId::parse(digits).ok());
    match id {
        Some(id) if !id.is_zero() => Ok(id),
        Some(_) => Err(Bad::value(what, "an id: all zero", text)),
        None => Err(Bad::value(what, "an id in hex", text)),
    }
}

/// A span's id.
pub(crate) fn span_id(what: &str, text: &str) -> Result<SpanId, Bad> {
    match parent_id(what, text)? {
        Some(id) => Ok(id),
        None if text.is_empty() => Err(Bad::value(what, "an id in hex", text)),
        None => Err(Bad::value(what, "an id: all zero", text)),
    }
}

/// A parent's id; an empty one and one that is all zero name none.
pub(crate) fn parent_id(what: &str, text: &str) -> Result<Option<SpanId>, Bad> {
    if text.is_empty() {
        return Ok(None);
    }
    let id = tail(text, 16).and_then(|digits| SpanId::parse(digits).ok());
    let id = id.ok_or_else(|| Bad::value(what, "an id in hex", text))?;
    Ok((!id.is_zero()).then_some(id))
}

/// The last `digits` of `text`, when all of it is hex.
fn tail(text: &str, digits: usize) -> Option<&str> {
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    let start = text.len().saturating_sub(digits);
    hex.then(|| text.get(start..)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, trace: &str, span: &str) {
        let shown = |id: Result<String, Bad>| id.unwrap_or_else(|bad| bad.to_string());
        assert_eq!(shown(trace_id("t", text).map(|id| id.to_string())), trace);
        assert_eq!(shown(span_id("s", text).map(|id| id.to_string())), span);
    }

    #[test]
    fn the_last_digits_count() {
        check("1", "0000000000000001", "0000000000000001");
        check("ABCDEF0123456789", "abcdef0123456789", "abcdef0123456789");
        let long = "ff00000000000000aabbccddeeff00112233";
        let trace = "0000000000000000aabbccddeeff00112233";
        check(long, &trace[4..], "ccddeeff00112233");
    }

    #[test]
    fn what_is_no_id_is_named() {
        check(
            "",
            "t \"\" is not an id in hex",
            "s \"\" is not an id in hex",
        );
        check(
            "0g",
            "t \"0g\" is not an id in hex",
            "s \"0g\" is not an id in hex",
        );
        check(
            "+1",
            "t \"+1\" is not an id in hex",
            "s \"+1\" is not an id in hex",
        );
        check(
            "00",
            "t \"00\" is not an id: all zero",
            "s \"00\" is not an id: all zero",
        );
        assert_eq!(parent_id("p", "00").ok(), Some(None));
        assert_eq!(parent_id("p", "").ok(), Some(None));
        assert!(parent_id("p", "x").is_err());
    }
}
