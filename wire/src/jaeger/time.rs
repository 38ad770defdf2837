//! When a span ends, in formats that say when it starts and how long it takes.
//!
//! In: nanoseconds as Go's `time` package holds them, where what 64 bits cannot hold has wrapped. Out: nanoseconds since the Unix epoch.

/// Nanoseconds of a second.
pub(crate) const NANOS: i64 = 1_000_000_000;

/// The end of a span of `duration_ns`. A negative duration ends before it starts, but not before the epoch.
#[inline]
pub(crate) fn end_ns(start_ns: u64, duration_ns: i64) -> u64 {
    match u64::try_from(duration_ns) {
        // across the epoch it wraps, so that the duration is written again as it came
        Ok(duration) => start_ns.wrapping_add(duration),
        Err(_) => start_ns.saturating_sub(duration_ns.unsigned_abs()),
    }
}

/// Microseconds as nanoseconds, wrapping as Go's do.
#[inline]
pub(crate) fn nanos_of_micros(micros: i64) -> i64 {
    micros.wrapping_mul(1_000)
}
