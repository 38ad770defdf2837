//! Periods that an index may be of, as they stand in names: an hour, a day, and the larger ones that patterns are of.
//!
//! In: a point in time. Out: the number of its period, and the text of a number. Periods of one kind that follow each other have numbers that do.

use std::fmt::Write as _;

use time::OffsetDateTime;

const HOUR_NS: u64 = 3_600_000_000_000;

/// Kinds, from the shortest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Period {
    Hour,
    Day,
    Month,
    Year,
}

// === impl Period ===

impl Period {
    /// The next longer one.
    pub(super) fn longer(self) -> Option<Self> {
        match self {
            Self::Hour => Some(Self::Day),
            Self::Day => Some(Self::Month),
            Self::Month => Some(Self::Year),
            Self::Year => None,
        }
    }

    /// The number of the one that `time_ns` lies in.
    pub(super) fn number(self, time_ns: u64) -> u64 {
        let hours = time_ns / HOUR_NS;
        match self {
            Self::Hour => hours,
            Self::Day => hours / 24,
            Self::Month => {
                let (year, month, ..) = date(hours);
                year * 12 + u64::from(month) - 1
            }
            Self::Year => date(hours).0,
        }
    }

    /// Appends year, month, day, hour, as far as this kind goes, with `separator` between them.
    pub(super) fn write(self, out: &mut String, number: u64, separator: &str) {
        let (year, month, day, hour) = match self {
            Self::Hour => date(number),
            Self::Day => date(number.saturating_mul(24)),
            Self::Month => (number / 12, (number % 12) as u8 + 1, 0, 0),
            Self::Year => (number, 0, 0, 0),
        };
        let parts = [u64::from(month), u64::from(day), u64::from(hour)];
        let parts = parts.iter().take(match self {
            Self::Hour => 3,
            Self::Day => 2,
            Self::Month => 1,
            Self::Year => 0,
        });
        // into a string, which takes everything
        write!(out, "{year:04}").unwrap_or_default();
        for part in parts {
            write!(out, "{separator}{part:02}").unwrap_or_default();
        }
    }
}

/// Year, month, day and hour, in UTC, of an hour since the Unix epoch.
fn date(hours: u64) -> (u64, u8, u8, u8) {
    let seconds = i64::try_from(hours.saturating_mul(3_600)).unwrap_or(i64::MAX);
    // 64 bits of nanoseconds end in the year 2554
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let year = u64::try_from(time.year()).unwrap_or_default();
    (year, time.month().into(), time.day(), time.hour())
}
