//! `downsampling.*`: a share of all traces is kept, the rest is dropped on purpose and counted.
//!
//! In: decoded spans. Out: those whose trace is among the share. The trace's id and the salt decide, so that all collectors with one salt keep
//! the same traces, whole.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/api/spanstore/downsampling_writer.go` v1.76.0: FNV-1a of 64 bits over the salt, then the id.

use model::{Span, TraceId};

/// The salt when none is set.
const DEFAULT_SALT: &str = "downsampling-default-salt";
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

/// Which traces are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Downsampling {
    /// The greatest hash that is kept; `None`: all are.
    most: Option<u64>,
    /// The hash of the salt, to go on from.
    salted: u64,
}

// === impl Downsampling ===

impl Downsampling {
    /// Keeps `ratio` of the traces, from 0 to 1. An empty salt is Jaeger's.
    pub(crate) fn new(ratio: f64, salt: &str) -> Self {
        let salt = if salt.is_empty() { DEFAULT_SALT } else { salt };
        Self {
            most: (ratio < 1.0).then_some((ratio * u64::MAX as f64) as u64),
            salted: hash(OFFSET, salt.as_bytes()),
        }
    }

    /// Takes out the spans of other traces. Answers how many.
    pub(crate) fn thin(&self, spans: &mut Vec<Span>) -> usize {
        let Some(most) = self.most else { return 0 };
        let before = spans.len();
        spans.retain(|span| self.hash(span.trace_id) <= most);
        before - spans.len()
    }

    fn hash(&self, id: TraceId) -> u64 {
        hash(self.salted, &id.0)
    }
}

fn hash(from: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(from, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(ratio: f64, salt: &str) -> Vec<u64> {
        let mut spans = (0..10_000)
            .map(|n| Span {
                trace_id: TraceId::from_halves(n * 7, n),
                ..Span::default()
            })
            .collect();
        let dropped = Downsampling::new(ratio, salt).thin(&mut spans);
        assert_eq!(dropped + spans.len(), 10_000);
        spans.iter().map(|s| s.trace_id.low()).collect()
    }

    #[test]
    fn a_share_is_kept_and_the_same_one_by_all() {
        assert_eq!(kept(1.0, "").len(), 10_000);
        assert_eq!(kept(0.0, "").len(), 0);
        let half = kept(0.5, "");
        assert!((4_800..=5_200).contains(&half.len()), "{}", half.len());
        assert_eq!(half, kept(0.5, DEFAULT_SALT));
        assert_ne!(half, kept(0.5, "other"));
        // who keeps less keeps a part of what another keeps who keeps more
        let tenth = kept(0.1, "");
        assert!(tenth.iter().all(|n| half.contains(n)));
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(OFFSET, b""), OFFSET);
        assert_eq!(hash(OFFSET, b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash(OFFSET, b"foobar"), 0x8594_4171_f739_67e8);
    }
}
