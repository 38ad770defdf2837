//! Trace and span ids: bytes in network order, and the hex text that people and URLs use.
//!
//! Text forms follow Jaeger: a trace id is 16 lower-case digits when its high half is zero, else 32; a span id is always 16.
//! Source: `jaegertracing/jaeger-idl: model/v1/ids.go` v0.6.0.

use std::fmt;

/// The id of a trace: 16 bytes, big-endian.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

/// The id of a span: 8 bytes, big-endian.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

/// Why a text is not an id. The texts are those of Jaeger's API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// More than 32 characters.
    #[error("TraceID cannot be longer than 32 hex characters: {0}")]
    TooLong(String),
    /// More than 16 characters for a span id.
    #[error("SpanID cannot be longer than 16 hex characters: {0}")]
    SpanTooLong(String),
    /// Empty, or a character that is no hex digit.
    #[error("strconv.ParseUint: parsing {text:?}: invalid syntax", text = .0)]
    Syntax(String),
}

// === impl TraceId ===

impl TraceId {
    /// From two 64-bit halves.
    pub fn from_halves(high: u64, low: u64) -> Self {
        Self(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
    }

    /// The upper 64 bits.
    pub fn high(self) -> u64 {
        (u128::from_be_bytes(self.0) >> 64) as u64
    }

    /// The lower 64 bits.
    pub fn low(self) -> u64 {
        u128::from_be_bytes(self.0) as u64
    }

    /// All bits zero: no valid id.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 16]
    }

    /// From 1 to 32 hex digits of either case, shorter ones padded on the left.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        if text.len() > 32 {
            return Err(ParseIdError::TooLong(text.to_owned()));
        }
        // Jaeger parses the two halves one by one, and its error quotes the half that was wrong
        let (high, low) = match text.len().checked_sub(16) {
            Some(cut) if cut > 0 && text.is_char_boundary(cut) => text.split_at(cut),
            _ => ("", text),
        };
        let high = if high.is_empty() { 0 } else { parse_hex(high)? };
        Ok(Self::from_halves(high, parse_hex(low)?))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.high() {
            0 => write!(f, "{:016x}", self.low()),
            high => write!(f, "{high:016x}{:016x}", self.low()),
        }
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

// === impl SpanId ===

impl SpanId {
    /// From a 64-bit number.
    pub fn from_u64(id: u64) -> Self {
        Self(id.to_be_bytes())
    }

    /// As a 64-bit number.
    pub fn to_u64(self) -> u64 {
        u64::from_be_bytes(self.0)
    }

    /// All bits zero: no valid id.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 8]
    }

    /// From 1 to 16 hex digits of either case, shorter ones padded on the left.
    pub fn parse(text: &str) -> Result<Self, ParseIdError> {
        if text.len() > 16 {
            return Err(ParseIdError::SpanTooLong(text.to_owned()));
        }
        parse_hex(text).map(Self::from_u64)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.to_u64())
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `u64::from_str_radix` would take a sign; Go's `ParseUint` does not.
fn parse_hex(text: &str) -> Result<u64, ParseIdError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(ParseIdError::Syntax(text.to_owned()));
    }
    u64::from_str_radix(text, 16).map_err(|_| ParseIdError::Syntax(text.to_owned()))
}

#[cfg(test)]
mod tests;
