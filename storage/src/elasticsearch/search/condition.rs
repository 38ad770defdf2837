//! What a span must be like, said twice where an index knows only a part of it.
//!
//! In: clauses. Out: a [`Condition`]: spans that surely answer, and those that may, which are then looked at one by one. An index holds values
//! of up to 256 characters; of a longer one it knows that it is there.

use serde_json::{Value, json};

/// A part of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Clause {
    /// Every span.
    Always,
    /// No span.
    Never,
    /// Spans that answer this.
    Query(Value),
}

/// Which spans answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// These do.
    pub(super) sure: Clause,
    /// All that do are among these; none: they are the same.
    pub(super) may: Option<Clause>,
}

// === impl Clause ===

impl Clause {
    /// All of these.
    pub(super) fn all(clauses: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Vec::new();
        for clause in clauses {
            match clause {
                Self::Always => {}
                Self::Never => return Self::Never,
                Self::Query(query) => all.push(query),
            }
        }
        match (all.pop(), all.is_empty()) {
            (None, _) => Self::Always,
            (Some(only), true) => Self::Query(only),
            (Some(last), false) => {
                all.push(last);
                Self::Query(json!({"bool": {"filter": all}}))
            }
        }
    }

    /// At least one of these.
    pub(super) fn any(clauses: impl IntoIterator<Item = Self>) -> Self {
        let mut any = Vec::new();
        for clause in clauses {
            match clause {
                Self::Always => return Self::Always,
                Self::Never => {}
                Self::Query(query) => any.push(query),
            }
        }
        match (any.pop(), any.is_empty()) {
            (None, _) => Self::Never,
            (Some(only), true) => Self::Query(only),
            (Some(last), false) => {
                any.push(last);
                Self::Query(json!({"bool": {"should": any, "minimum_should_match": 1}}))
            }
        }
    }

    /// Not this.
    pub(super) fn not(clause: Self) -> Self {
        match clause {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::Query(query) => Self::Query(json!({"bool": {"must_not": [query]}})),
        }
    }
}

// === impl Condition ===

impl Condition {
    /// The index knows all of it.
    pub(super) fn exact(clause: Clause) -> Self {
        Self {
            sure: clause,
            may: None,
        }
    }

    /// Those of `sure`, and perhaps some of `unknown`.
    pub(super) fn with_unknown(sure: Clause, unknown: Clause) -> Self {
        Self {
            may: Some(Clause::any([sure.clone(), unknown])),
            sure,
        }
    }

    pub(super) fn all(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(conditions, Clause::all)
    }

    pub(super) fn any(conditions: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(conditions, Clause::any)
    }

    /// What may answer is what surely does not, turned round.
    pub(super) fn not(condition: Self) -> Self {
        match condition.may {
            None => Self::exact(Clause::not(condition.sure)),
            Some(may) => Self {
                sure: Clause::not(may),
                may: Some(Clause::not(condition.sure)),
            },
        }
    }

    fn joined(conditions: impl IntoIterator<Item = Self>, join: fn(Vec<Clause>) -> Clause) -> Self {
        let (mut sure, mut may, mut is_exact) = (Vec::new(), Vec::new(), true);
        for condition in conditions {
            is_exact &= condition.may.is_none();
            may.push(condition.may.unwrap_or_else(|| condition.sure.clone()));
            sure.push(condition.sure);
        }
        Self {
            sure: join(sure),
            may: (!is_exact).then(|| join(may)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str) -> Clause {
        Clause::Query(json!(name))
    }

    #[test]
    fn clauses_are_as_short_as_they_can_be() {
        use Clause as C;
        use Clause::{Always, Never};
        assert_eq!(C::all([]), Always);
        assert_eq!(C::any([]), Never);
        assert_eq!(C::all([Always, query("a")]), query("a"));
        assert_eq!(C::any([Never, query("a")]), query("a"));
        assert_eq!(C::all([query("a"), Never]), Never);
        assert_eq!(C::any([query("a"), Always]), Always);
        assert_eq!(
            C::all([query("a"), query("b")]),
            C::Query(json!({"bool": {"filter": ["a", "b"]}}))
        );
        assert_eq!(
            C::any([query("a"), query("b")]),
            C::Query(json!({"bool": {"should": ["a", "b"], "minimum_should_match": 1}}))
        );
        assert_eq!((C::not(Always), C::not(Never)), (Never, Always));
        assert_eq!(
            C::not(query("a")),
            C::Query(json!({"bool": {"must_not": ["a"]}}))
        );
    }

    #[test]
    fn what_is_not_surely_so_may_not_be_so() {
        let unsure = Condition::with_unknown(query("s"), query("u"));
        let may = Clause::any([query("s"), query("u")]);
        let not = Condition::not(unsure.clone());
        assert_eq!(not.sure, Clause::not(may.clone()));
        assert_eq!(not.may, Some(Clause::not(query("s"))));
        let both = Condition::all([Condition::exact(query("e")), unsure]);
        assert_eq!(both.sure, Clause::all([query("e"), query("s")]));
        assert_eq!(both.may, Some(Clause::all([query("e"), may])));
        assert_eq!(Condition::all([]).may, None);
    }
}
