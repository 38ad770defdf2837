//! The part of the port that shows dead letters to people, and lets go of those that were sent again.
//!
//! In: whose, since when, why. Out: letters with their payloads, the oldest first, a page at a time.
//!
//! Deliberately absent: opening a payload, which is `layers::dead_letter`'s, and sending again.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use model::Instance;

use super::{ReadError, WriteError};

/// Letters, a page at a time; no page is empty.
pub type LetterStream<'a> = BoxStream<'a, Result<Vec<Buried>, ReadError>>;

/// Gives back what [`DeadLetters`](super::DeadLetters) keeps.
pub trait DeadLetterReader: Send + Sync {
    /// The letters that `query` asks for, as they are when it is asked.
    fn read<'a>(&'a self, query: &'a LetterQuery) -> LetterStream<'a>;

    /// Lets go of letters, by their ids: they are not read any more. `Ok` once that is durable; one that is gone already is no error.
    fn forget<'a>(
        &'a self,
        instance: &'a Instance,
        ids: Vec<String>,
    ) -> BoxFuture<'a, Result<(), WriteError>>;
}

/// Which letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterQuery {
    /// Whose.
    pub instance: Instance,
    /// Buried at this time or later, nanoseconds since the Unix epoch.
    pub since_ns: u64,
    /// The reason has these words in it, in whatever case.
    pub reason: String,
}

/// A letter that was buried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buried {
    /// What to forget it by.
    pub id: String,
    /// Whose it was.
    pub instance: Instance,
    /// When it was buried, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// Why, in words for a person.
    pub reason: String,
    /// Where it came from.
    pub origin: String,
    /// What it was; empty where it cannot be read.
    pub payload: Bytes,
}

// === impl LetterQuery ===

impl LetterQuery {
    /// All letters of `instance`.
    #[must_use]
    pub fn all(instance: Instance) -> Self {
        Self {
            instance,
            since_ns: 0,
            reason: String::new(),
        }
    }

    /// Whether it asks for such a letter.
    #[must_use]
    pub fn wants(&self, time_ns: u64, reason: &str) -> bool {
        time_ns >= self.since_ns
            && (self.reason.is_empty()
                || reason.to_lowercase().contains(&self.reason.to_lowercase()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_reason_are_looked_for_in_any_case() {
        let query = LetterQuery {
            since_ns: 5,
            reason: "Span.Max".to_owned(),
            ..LetterQuery::all(Instance::default())
        };
        assert!(query.wants(5, "more than span.max-bytes allows"));
        assert!(!query.wants(4, "more than span.max-bytes allows"));
        assert!(!query.wants(9, "mapper_parsing_exception"));
        assert!(LetterQuery::all(Instance::default()).wants(0, ""));
    }
}
