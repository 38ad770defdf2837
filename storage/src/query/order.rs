//! Which traces come first, and where in that order a trace stands.
//!
//! In: start and duration of spans that answer. Out: an order over traces that is the same each time: by what is compared, then by trace id,
//! rising. A trace stands where the first of its answering spans puts it: in the order `NewestFirst` by its latest start, in `OldestFirst` by
//! its earliest, in `LongestFirst` by its longest duration, in `ShortestFirst` by its shortest.

use std::cmp::{Ordering, Reverse};
use std::fmt;
use std::str::FromStr;

use model::TraceId;

/// Which traces come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// By start, the latest first.
    #[default]
    NewestFirst,
    /// By start, the earliest first.
    OldestFirst,
    /// By duration, the longest first.
    LongestFirst,
    /// By duration, the shortest first.
    ShortestFirst,
}

/// Where a trace stands in an [`Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the order compares, in nanoseconds: a start since the Unix epoch, or a duration.
    pub key_ns: u64,
    /// The trace: what decides among equal keys.
    pub trace_id: TraceId,
}

// === impl Order ===

impl Order {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::NewestFirst,
        Self::OldestFirst,
        Self::LongestFirst,
        Self::ShortestFirst,
    ];

    /// What it compares of a span.
    pub fn key(self, start_ns: u64, duration_ns: u64) -> u64 {
        if self.is_by_duration() {
            duration_ns
        } else {
            start_ns
        }
    }

    /// Whether durations are compared, and not starts.
    pub fn is_by_duration(self) -> bool {
        matches!(self, Self::LongestFirst | Self::ShortestFirst)
    }

    /// Whether the greatest key comes first.
    pub fn is_falling(self) -> bool {
        matches!(self, Self::NewestFirst | Self::LongestFirst)
    }

    /// A number that is the greater the earlier a key comes.
    pub fn rank(self, key_ns: u64) -> u64 {
        if self.is_falling() { key_ns } else { !key_ns }
    }

    /// How two places follow each other: less comes first.
    pub fn compare(self, a: &Place, b: &Place) -> Ordering {
        let of = |place: &Place| (Reverse(self.rank(place.key_ns)), place.trace_id);
        of(a).cmp(&of(b))
    }
}

impl fmt::Display for Order {
    /// As the API's parameter `sort` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NewestFirst => "-start",
            Self::OldestFirst => "start",
            Self::LongestFirst => "-duration",
            Self::ShortestFirst => "duration",
        })
    }
}

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|o| o.to_string() == text);
        known.ok_or_else(|| {
            format!(
                "{text:?} is none of start, -start, duration, -duration (- is the greatest first)"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_are_ordered_by_id_whichever_way_the_keys_go() {
        let place = |key_ns, id| Place {
            key_ns,
            trace_id: TraceId::from_halves(0, id),
        };
        for order in Order::ALL {
            assert!(order.compare(&place(5, 1), &place(5, 2)).is_lt());
            let falling = order.compare(&place(6, 9), &place(5, 1)).is_lt();
            assert_eq!(falling, order.is_falling());
        }
    }

    #[test]
    fn an_order_is_read_as_it_is_written() {
        for order in Order::ALL {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        assert!("newest".parse::<Order>().is_err());
    }
}
