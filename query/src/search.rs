//! A search as protocols say it, made into the store's.
//!
//! In: words, times and durations, each of them or none. Out: a [`TraceQuery`], or why there is none, in the words of Jaeger's store: gRPC's services and api_v3 have no
//! times by default. The first HTTP API has, and words of its own.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/reader.go` v1.76.0, `validateQuery`.

use model::Str;
use storage::{Filter, Pattern, TraceQuery};

/// How many traces a search asks for that does not say so.
const DEFAULT_DEPTH: usize = 100;

/// What is searched for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Search {
    /// Only spans of this service; empty: of any.
    pub(crate) service: String,
    /// Only spans of this operation; empty: of any.
    pub(crate) operation: String,
    /// Keys and values of tags, in this order.
    pub(crate) tags: Vec<(String, String)>,
    /// Nanoseconds since the Unix epoch.
    pub(crate) start_min_ns: Option<u64>,
    /// Nanoseconds since the Unix epoch.
    pub(crate) start_max_ns: Option<u64>,
    /// Nanoseconds; 0: any.
    pub(crate) duration_min_ns: i64,
    /// Nanoseconds; 0: any.
    pub(crate) duration_max_ns: i64,
    /// Most traces; none and less than none: the default.
    pub(crate) depth: i64,
}

/// Why a search cannot be made: mend the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unsearchable {
    /// One of the two times is missing.
    #[error("start and End Time must be set")]
    NoTimes,
    /// It ends before it starts.
    #[error("start Time Minimum is above Maximum")]
    Times,
    /// Nothing is both longer and shorter.
    #[error("duration Minimum is above Maximum")]
    Durations,
}

// === impl Search ===

impl Search {
    /// The store's form of it. With `expressions`, a tag's value may be one.
    pub(crate) fn query(self, expressions: bool) -> Result<TraceQuery, Unsearchable> {
        let (Some(start_min_ns), Some(start_max_ns)) = (self.start_min_ns, self.start_max_ns)
        else {
            return Err(Unsearchable::NoTimes);
        };
        if start_max_ns < start_min_ns {
            return Err(Unsearchable::Times);
        }
        let (min, max) = (self.duration_min_ns, self.duration_max_ns);
        if min != 0 && max != 0 && max < min {
            return Err(Unsearchable::Durations);
        }
        Ok(self.between(start_min_ns, start_max_ns, expressions))
    }

    /// The same between these times, whatever it says of times itself. Nothing is found where the bounds are the wrong way round.
    pub(crate) fn between(
        self,
        start_min_ns: u64,
        start_max_ns: u64,
        expressions: bool,
    ) -> TraceQuery {
        let some = |text: String| (!text.is_empty()).then(|| Str::from(text));
        let positive = |ns: i64| u64::try_from(ns).ok().filter(|&ns| ns > 0);
        let leaf = |(key, value): (String, String)| Filter::Tag {
            key: key.into(),
            value: match expressions {
                true => Pattern::new(value),
                false => Pattern::literal(value),
            },
        };
        TraceQuery {
            service: some(self.service),
            operation: some(self.operation),
            filter: Filter::And(self.tags.into_iter().map(leaf).collect()),
            start_min_ns,
            // nothing is shorter than nothing
            start_max_ns: if self.duration_max_ns < 0 {
                0
            } else {
                start_max_ns
            },
            duration_min_ns: positive(self.duration_min_ns),
            duration_max_ns: positive(self.duration_max_ns),
            limit: match usize::try_from(self.depth) {
                Ok(0) | Err(_) => DEFAULT_DEPTH,
                Ok(depth) => depth,
            },
            ..TraceQuery::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search() -> Search {
        Search {
            start_min_ns: Some(1),
            start_max_ns: Some(2),
            ..Search::default()
        }
    }

    #[test]
    fn times_have_to_be_said_and_in_order() {
        let check = |min, max, why| {
            let search = Search {
                start_min_ns: min,
                start_max_ns: max,
                ..Search::default()
            };
            assert_eq!(search.query(true).err(), why);
        };
        check(None, Some(1), Some(Unsearchable::NoTimes));
        check(Some(1), None, Some(Unsearchable::NoTimes));
        check(Some(2), Some(1), Some(Unsearchable::Times));
        check(Some(0), Some(0), None);
    }

    #[test]
    fn durations_of_nothing_are_none() {
        let of = |duration_min_ns, duration_max_ns| Search {
            duration_min_ns,
            duration_max_ns,
            ..search()
        };
        let query = of(0, 0).query(true).unwrap();
        assert_eq!((query.duration_min_ns, query.duration_max_ns), (None, None));
        let query = of(5, 5).query(true).unwrap();
        assert_eq!(
            (query.duration_min_ns, query.duration_max_ns),
            (Some(5), Some(5))
        );
        assert_eq!(of(6, 5).query(true).err(), Some(Unsearchable::Durations));
        assert_eq!(of(0, -1).query(true).unwrap().start_max_ns, 0);
    }

    #[test]
    fn no_depth_is_jaegers() {
        for (depth, limit) in [(0, 100), (-1, 100), (3, 3), (1 << 31, 1 << 31)] {
            let search = Search { depth, ..search() };
            assert_eq!(search.query(true).unwrap().limit, limit);
        }
    }
}
