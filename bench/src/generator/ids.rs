//! Ids, and values that no two spans share: functions of (seed, round, trace, span).

use super::rng::mix;

/// The upper half of the ids of a round's traces.
pub fn round(seed: u64, round: u64) -> u64 {
    mix(seed ^ 0x0053_504f_4f52, round)
}

/// The lower half of a trace's id.
pub fn trace(round: u64, trace: u32) -> u64 {
    mix(round, u64::from(trace))
}

/// A trace's id.
pub fn trace_id(seed: u64, round: u64, trace: u32) -> u128 {
    let high = self::round(seed, round);
    (u128::from(high) << 64) | u128::from(self::trace(high, trace))
}

/// The id of a span of the trace with this lower half.
pub fn span(trace: u64, at: u32) -> u64 {
    mix(trace, u64::from(at)) | 1
}

/// A span's unique value, which it carries as `http.request.id`.
pub fn unique(trace: u64, at: u32) -> u64 {
    mix(trace ^ 0x7265_7175_6573_7400, u64::from(at))
}

/// One of a million values. All take three bytes as a varint, so that one can be written over another.
pub fn of_a_million(trace: u64, at: u32) -> u64 {
    (1 << 14) + mix(trace ^ 0x656e_6475_7365_7200, u64::from(at)) % 1_000_000
}

/// From 0 up to 1, never a whole number.
pub fn score(trace: u64, at: u32) -> f64 {
    (mix(trace ^ 0x0073_636f_7265, u64::from(at)) >> 12 | 1) as f64 / (1_u64 << 52) as f64
}

/// A unique value as it is written: 16 hex digits.
pub fn hex(value: u64) -> [u8; 16] {
    let mut out = [0; 16];
    for (n, digit) in out.iter_mut().enumerate() {
        let nibble = (value >> (60 - 4 * n)) & 15;
        *digit = b"0123456789abcdef"[nibble as usize];
    }
    out
}
