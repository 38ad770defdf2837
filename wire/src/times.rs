//! Times and durations of protobuf as numbers, and back.
//!
//! Rule: an absent time is none, and so is the first instant of year 1: that is the time that Go's clients send which set none. The Unix epoch is a time.

use prost_types::{Duration, Timestamp};

/// Go's zero time, in seconds since the Unix epoch.
const ZERO_SECONDS: i64 = -62_135_596_800;
const NANOS: i128 = 1_000_000_000;

/// Nanoseconds since the Unix epoch; what lies before it is the epoch.
#[must_use]
pub fn unix_ns(time: Option<Timestamp>) -> Option<u64> {
    let Timestamp { seconds, nanos } = time?;
    if (seconds, nanos) == (ZERO_SECONDS, 0) {
        return None;
    }
    let ns = i128::from(seconds) * NANOS + i128::from(nanos);
    Some(u64::try_from(ns.max(0)).unwrap_or(u64::MAX))
}

/// Nanoseconds; 0 when there is none.
#[must_use]
pub fn duration_ns(duration: Option<Duration>) -> i64 {
    let Duration { seconds, nanos } = duration.unwrap_or_default();
    let ns = i128::from(seconds) * NANOS + i128::from(nanos);
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}

/// The time of so many nanoseconds since the Unix epoch.
#[must_use]
pub fn timestamp(ns: u64) -> Timestamp {
    let (seconds, nanos) = parts(ns);
    Timestamp { seconds, nanos }
}

/// So many nanoseconds.
#[must_use]
pub fn duration(ns: u64) -> Duration {
    let (seconds, nanos) = parts(ns);
    Duration { seconds, nanos }
}

/// Seconds, and what is left in nanoseconds: both fit, whatever 64 bits hold.
fn parts(ns: u64) -> (i64, i32) {
    const A_SECOND: u64 = 1_000_000_000;
    ((ns / A_SECOND) as i64, (ns % A_SECOND) as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_again() {
        for ns in [
            0,
            1,
            999_999_999,
            1_000_000_000,
            1_700_000_000_123_456_789,
            u64::MAX,
        ] {
            assert_eq!(unix_ns(Some(timestamp(ns))), Some(ns));
        }
        assert_eq!(duration_ns(Some(duration(1_000_000_001))), 1_000_000_001);
    }

    fn at(seconds: i64, nanos: i32) -> Option<Timestamp> {
        Some(Timestamp { seconds, nanos })
    }

    #[test]
    fn gos_zero_time_is_none_and_the_epoch_is_a_time() {
        assert_eq!(unix_ns(None), None);
        assert_eq!(unix_ns(at(ZERO_SECONDS, 0)), None);
        assert_eq!(unix_ns(at(0, 0)), Some(0));
        assert_eq!(unix_ns(at(1, 5)), Some(1_000_000_005));
        assert_eq!(unix_ns(at(-1, 0)), Some(0));
        assert_eq!(unix_ns(at(i64::MAX, i32::MAX)), Some(u64::MAX));
        assert_eq!(unix_ns(at(i64::MIN, i32::MIN)), Some(0));
    }

    #[test]
    fn durations_are_bounded() {
        let of = |seconds, nanos| duration_ns(Some(Duration { seconds, nanos }));
        assert_eq!(duration_ns(None), 0);
        assert_eq!(of(1, 1), 1_000_000_001);
        assert_eq!(of(0, -1), -1);
        assert_eq!(of(i64::MAX, 0), i64::MAX);
        assert_eq!(of(i64::MIN, 0), i64::MIN);
    }
}
