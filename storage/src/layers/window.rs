//! How old, and how far ahead of our clock, a span may be.
//!
//! In: a span and the time now. Out: whether it may be stored. [`Bury`](super::Bury) asks before it passes a batch on, so that no client's
//! wrong clock makes an index or a folder of 1970.
//!
//! Deliberately absent: a look at the end of a span. Stores are cut by start times.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::Span;

use super::ledger::{TOO_NEW, TOO_OLD};

/// The time now, in nanoseconds since the Unix epoch.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What may be stored, by start time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// `span.max-age`: spans that started longer ago are not stored; zero: no limit.
    pub max_age: Duration,
    /// `span.max-future`: spans that start later than this from now are not stored; zero: no limit.
    pub max_future: Duration,
}

/// Why a span is outside the window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outside {
    /// It started too long ago.
    #[error(
        "it started {} before now, more than span.max-age allows ({})",
        text(*age),
        text(*max_age)
    )]
    TooOld {
        /// How long ago.
        age: Duration,
        /// The limit.
        max_age: Duration,
    },
    /// It starts too far in the future.
    #[error("it starts {} from now, more than span.max-future allows ({})", text(*ahead), text(*max_future))]
    TooNew {
        /// How far ahead.
        ahead: Duration,
        /// The limit.
        max_future: Duration,
    },
}

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        // before 1970 or after 2554 no span is in any window
        since
            .map(|d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
            .unwrap_or_default()
    })
}

// === impl Window ===

impl Window {
    /// Without limits.
    pub const OPEN: Self = Self {
        max_age: Duration::ZERO,
        max_future: Duration::ZERO,
    };

    /// Whether `span` may be stored at `now_ns`, nanoseconds since the Unix epoch.
    pub fn check(&self, span: &Span, now_ns: u64) -> Result<(), Outside> {
        let age = Duration::from_nanos(now_ns.saturating_sub(span.start_ns));
        let ahead = Duration::from_nanos(span.start_ns.saturating_sub(now_ns));
        if !self.max_age.is_zero() && age > self.max_age {
            return Err(Outside::TooOld {
                age,
                max_age: self.max_age,
            });
        }
        if !self.max_future.is_zero() && ahead > self.max_future {
            return Err(Outside::TooNew {
                ahead,
                max_future: self.max_future,
            });
        }
        Ok(())
    }
}

impl Default for Window {
    /// 720 hours back, 24 hours ahead.
    fn default() -> Self {
        Self {
            max_age: Duration::from_secs(720 * 3600),
            max_future: Duration::from_secs(24 * 3600),
        }
    }
}

// === impl Outside ===

impl Outside {
    /// The word that counts it in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::TooOld { .. } => TOO_OLD,
            Self::TooNew { .. } => TOO_NEW,
        }
    }
}

/// Whole hours, minutes or seconds: the largest unit that tells it.
fn text(duration: Duration) -> String {
    match duration.as_secs() {
        secs if secs >= 3600 => format!("{}h{}m", secs / 3600, secs % 3600 / 60),
        secs if secs >= 60 => format!("{}m{}s", secs / 60, secs % 60),
        _ => format!("{duration:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_000_000 * HOUR;
    const HOUR: u64 = 3_600_000_000_000;

    #[track_caller]
    fn check(window: Window, start_ns: u64, expect: Option<&str>) {
        let span = Span {
            start_ns,
            ..Span::default()
        };
        let outside = window.check(&span, NOW).err();
        assert_eq!(outside.as_ref().map(Outside::label), expect);
    }

    #[test]
    fn a_span_must_start_inside_the_window() {
        let window = Window::default();
        check(window, NOW, None);
        check(window, NOW - 720 * HOUR, None);
        check(window, NOW - 720 * HOUR - 1, Some("too_old"));
        check(window, 0, Some("too_old"));
        check(window, NOW + 24 * HOUR, None);
        check(window, NOW + 24 * HOUR + 1, Some("too_new"));
        check(window, u64::MAX, Some("too_new"));
    }

    #[test]
    fn zero_is_no_limit() {
        check(Window::OPEN, 0, None);
        check(Window::OPEN, u64::MAX, None);
    }

    #[test]
    fn the_reason_names_the_setting_and_both_times() {
        let span = Span {
            start_ns: NOW - 721 * HOUR,
            ..Span::default()
        };
        let outside = Window::default().check(&span, NOW).unwrap_err();
        assert_eq!(
            outside.to_string(),
            "it started 721h0m before now, more than span.max-age allows (720h0m)"
        );
    }

    #[test]
    fn the_system_clock_is_in_this_century() {
        let now = system_clock()();
        assert!((946_684_800_000_000_000..4_102_444_800_000_000_000).contains(&now));
    }
}
