//! How much memory a message will need, guessed from its length before it is read.
//!
//! In: lengths on the wire, and afterwards what they grew to. Out: a guess for the next one, so that a message that was let in is seldom
//! refused later, when reading and decoding it were already paid for. The guess is only ever an opening charge: what is held is set to the
//! truth once it is known.

use std::sync::atomic::{AtomicU32, Ordering};

/// Smaller messages say little about larger ones: what is fixed outweighs what grows.
const TELLING: usize = 4 << 10;
/// A ratio is kept in 256ths.
const ONE: usize = 256;

/// A ratio of memory to length that follows what is seen.
#[derive(Debug)]
pub(crate) struct Estimate {
    ratio: AtomicU32,
    most: usize,
}

/// One for each way that a message can come.
#[derive(Debug)]
pub(crate) struct Estimates {
    plain: Estimate,
    compressed: Estimate,
}

// === impl Estimate ===

impl Estimate {
    fn new(ratio: usize, most: usize) -> Self {
        Self {
            ratio: AtomicU32::new((ratio * ONE) as u32),
            most: most * ONE,
        }
    }

    /// What `len` bytes on the wire will need, at least `len`.
    pub(crate) fn of(&self, len: usize) -> usize {
        len.saturating_mul(self.ratio.load(Ordering::Relaxed) as usize) / ONE
    }

    /// `len` bytes on the wire needed `bytes`. Two threads that learn at once may lose one lesson, which is harmless.
    pub(crate) fn learn(&self, len: usize, bytes: usize) {
        if len < TELLING {
            return;
        }
        let seen = (bytes.saturating_mul(ONE) / len).clamp(ONE, self.most);
        let old = self.ratio.load(Ordering::Relaxed) as usize;
        self.ratio
            .store(((old * 7 + seen) / 8) as u32, Ordering::Relaxed);
    }
}

// === impl Estimates ===

impl Estimates {
    /// Begins with what spans of ordinary size need.
    pub(crate) fn new() -> Self {
        Self {
            plain: Estimate::new(3, 8),
            compressed: Estimate::new(12, 64),
        }
    }

    /// The one for messages that come compressed, or not.
    pub(crate) fn of(&self, compressed: bool) -> &Estimate {
        if compressed {
            &self.compressed
        } else {
            &self.plain
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guess_follows_what_is_seen_and_stays_in_its_bounds() {
        let estimate = Estimate::new(3, 8);
        assert_eq!(estimate.of(1000), 3000);
        for _ in 0..100 {
            estimate.learn(10_000, 50_000);
        }
        assert!((4900..=5000).contains(&estimate.of(1000)));
        for _ in 0..100 {
            estimate.learn(10_000, 10_000_000);
        }
        assert!((7900..=8000).contains(&estimate.of(1000)));
        for _ in 0..100 {
            estimate.learn(10_000, 0);
        }
        assert!((1000..=1030).contains(&estimate.of(1000)));
        estimate.learn(100, 100_000);
        assert!(estimate.of(1000) <= 1030, "a small message teaches nothing");
    }
}
