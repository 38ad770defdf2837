//! Where a page ends, so that the next begins there and no document is lost or comes twice.
//!
//! In: the last hit. Out: where to begin. Documents are sorted by start and then by the number that their shard gave them, which no other of the
//! shard has. Documents of several shards may share both: the next page begins with those that share the last one's, and who reads passes over
//! what he has seen. This needs no point in time that the cluster keeps, which not every version has.

use serde_json::{Value, json};

use super::Hit;

/// A place in the order of documents.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::elasticsearch) struct Position {
    time: Value,
    number: Value,
}

// === impl Position ===

impl Position {
    pub(in crate::elasticsearch) fn of(hit: &Hit<'_>) -> Option<Self> {
        match hit.sort.as_slice() {
            [time, number] => Some(Self {
                time: time.clone(),
                number: number.clone(),
            }),
            _ => None,
        }
    }

    /// Sorts by `startTime`.
    pub(in crate::elasticsearch) fn sort(order: &str) -> Value {
        Self::sort_by("startTime", "long", order)
    }

    /// Sorts by a field that indices without documents may not know.
    pub(in crate::elasticsearch) fn sort_by(field: &str, kind: &str, order: &str) -> Value {
        json!([
            {field: {"order": order, "unmapped_type": kind}},
            {"_seq_no": {"order": order, "unmapped_type": "long"}},
        ])
    }

    /// `search_after` for this place and what follows, ascending.
    pub(in crate::elasticsearch) fn and_newer(&self) -> Value {
        self.beside(-1)
    }

    /// `search_after` for this place and what follows, descending.
    pub(in crate::elasticsearch) fn and_older(&self) -> Value {
        self.beside(1)
    }

    fn beside(&self, by: i64) -> Value {
        let number = self
            .number
            .as_i64()
            .map(|number| json!(number.saturating_add(by)));
        json!([self.time, number.unwrap_or_else(|| self.number.clone())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_with_what_shares_the_end_of_the_one_before() {
        let at = |time: Value, number: Value| Position { time, number };
        let place = at(json!(1_795_420_469_123_456_u64), json!(7));
        assert_eq!(place.and_newer(), json!([1_795_420_469_123_456_u64, 6]));
        assert_eq!(place.and_older(), json!([1_795_420_469_123_456_u64, 8]));
        // a document without a number is where such documents are
        let last = at(json!(1), json!(i64::MAX));
        assert_eq!(last.and_older(), json!([1, i64::MAX]));
        assert_eq!(at(json!(1), Value::Null).and_newer(), json!([1, null]));
    }
}
