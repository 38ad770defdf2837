//! A caller's trace context, as its headers carry it.
//!
//! In: headers. Out: the trace, the span that asked and whether it is sampled; what is not as the standard has it is none, and the request begins a trace of its own.
//!
//! Source: W3C Trace Context, level 1 (`traceparent`, `tracestate`) and level 2 (`traceresponse`).

use http::HeaderMap;
use model::{SpanId, Str, TraceId};

/// The longest `tracestate` that is kept, as the standard advises.
const STATE: usize = 512;

/// Where a request stands in a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Context {
    pub(super) trace_id: TraceId,
    /// The span that asked.
    pub(super) parent: Option<SpanId>,
    /// What vendors added.
    pub(super) state: Str,
    pub(super) is_sampled: bool,
}

// === impl Context ===

impl Context {
    /// Of `traceparent`, when there is exactly one and it is good.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut all = headers.get_all("traceparent").iter();
        let (Some(one), None) = (all.next(), all.next()) else {
            return None;
        };
        let mut parts = one.to_str().ok()?.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace_id = TraceId::parse(hex(parts.next()?, 32)?).ok()?;
        let parent = SpanId::parse(hex(parts.next()?, 16)?).ok()?;
        let flags = u8::from_str_radix(hex(parts.next()?, 2)?, 16).ok()?;
        // later versions may add parts
        let is_good = version != "ff" && (version != "00" || parts.next().is_none());
        if !is_good || trace_id.is_zero() || parent.is_zero() {
            return None;
        }
        let states = headers.get_all("tracestate").iter();
        let states: Option<Vec<&str>> = states.map(|state| state.to_str().ok()).collect();
        let state = states.unwrap_or_default().join(",");
        Some(Self {
            trace_id,
            parent: Some(parent),
            state: match state.len() <= STATE {
                true => state.as_str().into(),
                false => Str::default(),
            },
            is_sampled: flags & 1 == 1,
        })
    }

    /// `traceresponse`, for the span that answers.
    pub(super) fn response(&self, span_id: SpanId) -> String {
        let (high, low) = (self.trace_id.high(), self.trace_id.low());
        format!("00-{high:016x}{low:016x}-{:016x}-01", span_id.to_u64())
    }
}

/// Exactly so many lower-case digits.
fn hex(text: &str, len: usize) -> Option<&str> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (text.len() == len && text.bytes().all(digit)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn of(parents: &[&'static str]) -> Option<Context> {
        let mut headers = HeaderMap::new();
        for parent in parents {
            headers.append("traceparent", parent.parse().unwrap());
        }
        headers.insert("tracestate", "a=1".parse().unwrap());
        Context::of(&headers)
    }

    #[test]
    fn a_good_one_is_continued() {
        let context = of(&[GOOD]).unwrap();
        assert_eq!(context.parent.unwrap().to_u64(), 0xb7ad_6b71_6920_3331);
        assert_eq!(context.trace_id.high(), 0x0af7_6519_16cd_43dd);
        assert!(context.is_sampled && context.state.as_str() == "a=1");
        assert_eq!(
            context.response(SpanId::from_u64(1)),
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000001-01"
        );
        let later = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00-more";
        assert!(!of(&[later]).unwrap().is_sampled);
    }

    #[test]
    fn what_is_not_as_the_standard_has_it_is_none() {
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
        ] {
            assert_eq!(of(&[bad]), None, "{bad}");
        }
        assert_eq!(of(&[GOOD, GOOD]), None);
        assert_eq!(of(&[]), None);
    }
}
