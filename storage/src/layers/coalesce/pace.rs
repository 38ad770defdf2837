//! How much may wait for a write, so that what waits is stored before its sender gives up.
//!
//! In: when writes begin and end, and of how many bytes. Out: the bytes that may wait. It is what a write gets through in a second, as writes were lately: whoever is let in waits for the write
//! under way and for its own. A store that takes less than what comes is kept busy that way, and all others are sent home at once and not when their time is over: spans that were written for
//! nobody would be written again.
//!
//! Deliberately absent: what waits, and clocks.

use std::time::Duration;

use tokio::time::Instant;

/// How long a write should take.
const AIM: Duration = Duration::from_secs(1);
/// A write that takes longer than this may take any time: nobody else should wait for it.
const STUCK: Duration = Duration::from_secs(2);
/// However slow the store is. One request may always wait.
const LEAST: usize = 64 << 10;

pub(super) struct Pace {
    /// Bytes that a write gets through within [`AIM`], as far as is known.
    bytes: usize,
    most: usize,
    writing: Option<(Instant, usize)>,
}

// === impl Pace ===

impl Pace {
    /// While nothing is known, and for the quickest store, `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self {
            bytes: most,
            most,
            writing: None,
        }
    }

    /// A write of `bytes` begins.
    pub(super) fn begin(&mut self, bytes: usize, now: Instant) {
        self.writing = Some((now, bytes));
    }

    /// It ended. One that stored nothing says nothing of how fast others are.
    pub(super) fn end(&mut self, is_stored: bool, now: Instant) {
        let Some((began, bytes)) = self.writing.take().filter(|_| is_stored) else {
            return;
        };
        let took = now.duration_since(began);
        // a small write is quick, and no slower for each byte than a large one: nothing is overrated
        let fits = bytes as f64 * AIM.as_secs_f64() / took.as_secs_f64().max(1e-6);
        let fits = fits as usize;
        let known = if took > AIM { LEAST } else { self.bytes };
        self.bytes = fits.max(known).min(self.most);
    }

    /// The bytes that may wait, and that the next write may have.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether the write under way takes so long that nobody else should wait for it.
    pub(super) fn is_stuck(&self, now: Instant) -> bool {
        self.writing
            .is_some_and(|(began, _)| now.duration_since(began) > STUCK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    /// What may wait after writes of so many bytes that took so many milliseconds.
    #[track_caller]
    fn check(writes: &[(usize, u64)], expect: usize) {
        let mut pace = Pace::new(8 * MIB);
        let mut now = Instant::now();
        for (bytes, millis) in writes {
            pace.begin(*bytes, now);
            now += Duration::from_millis(*millis);
            pace.end(true, now);
        }
        assert_eq!(pace.bytes(), expect, "{writes:?}");
    }

    #[tokio::test]
    async fn as_much_waits_as_is_written_in_a_second() {
        check(&[], 8 * MIB);
        check(&[(8 * MIB, 900)], 8 * MIB);
        check(&[(8 * MIB, 1_600)], 5 * MIB);
        check(
            &[(8 * MIB, 1_600), (5 * MIB, 1_250), (4 * MIB, 1_000)],
            4 * MIB,
        );
        // it comes back as soon as the store does
        check(&[(8 * MIB, 2_000), (MIB, 1_000), (MIB, 100)], 8 * MIB);
    }

    #[tokio::test]
    async fn a_long_pause_leaves_a_little_and_is_forgotten_after_a_quick_write() {
        check(&[(1_000, 20_000)], LEAST);
        check(&[(1_000, 20_000), (100_000, 10)], 8 * MIB);
    }

    #[tokio::test]
    async fn a_write_that_failed_says_nothing_and_one_that_lasts_says_it_soon() {
        let (mut pace, now) = (Pace::new(8 * MIB), Instant::now());
        pace.begin(MIB, now);
        assert!(!pace.is_stuck(now + Duration::from_secs(1)));
        assert!(pace.is_stuck(now + Duration::from_secs(3)));
        pace.end(false, now + Duration::from_secs(20));
        assert!(!pace.is_stuck(now + Duration::from_secs(30)));
        assert_eq!(pace.bytes(), 8 * MIB);
    }
}
