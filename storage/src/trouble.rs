//! What an answer lacks, in words.
//!
//! In: one sentence for each thing that failed or was cut. Out: whether the answer is whole, and the first few of them.

use crate::given;
use crate::port::{Completeness, Found, FoundTrace};

/// Sentences that are told; of further ones the number.
const SHOWN: usize = 3;

/// What an answer lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trouble {
    said: Vec<String>,
    more: usize,
}

// === impl Trouble ===

impl Trouble {
    /// Something is missing.
    pub(crate) fn note(&mut self, what: String) {
        if self.said.contains(&what) {
            return;
        }
        if self.said.len() < SHOWN {
            self.said.push(what);
        } else {
            self.more += 1;
        }
    }

    /// What another answer lacks, too.
    pub(crate) fn add(&mut self, other: Self) {
        for what in other.said {
            self.note(what);
        }
        self.more += other.more;
    }

    /// What is missing; none: nothing is.
    pub(crate) fn reason(&self) -> Option<String> {
        let reason = self.said.join("; ");
        match self.more {
            _ if reason.is_empty() => None,
            0 => Some(reason),
            more => Some(format!("{reason}; and {more} more")),
        }
    }

    /// What a search found that lacks this, cut at `limit` traces.
    pub(crate) fn found(mut self, mut traces: Vec<FoundTrace>, limit: usize) -> Found {
        if traces.len() > limit {
            self.note(given::cut(&given::traces(limit)));
            traces.truncate(limit);
        }
        Found {
            traces,
            completeness: self.completeness(),
        }
    }

    pub(crate) fn completeness(&self) -> Completeness {
        match self.reason() {
            Some(reason) => Completeness::Partial { reason },
            None => Completeness::Complete,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_are_told_once_and_the_others_counted() {
        let mut trouble = Trouble::default();
        assert_eq!(trouble.completeness(), Completeness::Complete);
        for what in ["a", "b", "a", "c", "d", "e"] {
            trouble.note(what.to_owned());
        }
        let mut all = Trouble::default();
        all.note("b".to_owned());
        all.add(trouble);
        assert_eq!(all.reason().as_deref(), Some("b; a; c; and 2 more"));
    }
}
