//! What differed in a whole run of comparing: by recording and reason where it may, in words where it may not.
//!
//! In: differences, one by one. Out: a table on standard output, and a panic if anything else differs than what is listed, or if something that is
//! listed does not: a list that has grown too long hides what it permits.

use std::collections::{BTreeMap, BTreeSet};

use super::Difference;

/// What differed so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// How often, by the name of the recording and the reason.
    permitted: BTreeMap<(String, &'static str), usize>,
    wrong: Vec<String>,
}

// === impl Tally ===

impl Tally {
    /// A difference from the recording `name`, found at `place`.
    pub fn add(&mut self, name: &str, place: &str, difference: &Difference) {
        match difference.permitted {
            Some(why) => self.permit(name, why),
            None => self.wrong(format!("{name} ({place}): {difference}")),
        }
    }

    /// A difference that is right.
    pub fn permit(&mut self, name: &str, why: &'static str) {
        *self.permitted.entry((name.to_owned(), why)).or_default() += 1;
    }

    /// A difference that is not.
    pub fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    /// Nothing differs without a reason.
    ///
    /// # Panics
    ///
    /// Otherwise, with all that does.
    pub fn check(&self) {
        let (count, wrong) = (self.wrong.len(), self.wrong.join("\n"));
        assert_eq!(count, 0, "{count} differences:\n{wrong}");
    }

    /// Just what is listed differs: recordings, each with the reason.
    ///
    /// # Panics
    ///
    /// If anything else does, or something of it does not.
    #[allow(
        clippy::print_stdout,
        reason = "who runs the comparison reads what differs"
    )]
    pub fn check_listed<'a>(&self, what: &str, listed: impl Iterator<Item = (&'a str, &'a str)>) {
        self.check();
        for ((name, why), count) in &self.permitted {
            println!("{what}: {name} differs {count} times: {why}");
        }
        let there = self.permitted.keys();
        let there: BTreeSet<_> = there.map(|(name, why)| (name.as_str(), *why)).collect();
        let listed: BTreeSet<_> = listed.collect();
        let surplus: Vec<_> = there.difference(&listed).collect();
        let unfounded: Vec<_> = listed.difference(&there).collect();
        assert!(
            surplus.is_empty() && unfounded.is_empty(),
            "{what}: not listed: {surplus:#?}\nlisted, but nothing differs: {unfounded:#?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        let mut tally = Tally::default();
        tally.permit("kinds", "1: for a reason");
        tally
    }

    #[test]
    fn what_is_listed_may_differ() {
        tally().check_listed("here", [("kinds", "1: for a reason")].into_iter());
    }

    #[test]
    #[should_panic(expected = "listed, but nothing differs")]
    fn what_is_listed_and_differs_no_more_is_told() {
        let listed = [("kinds", "1: for a reason"), ("tags", "1: for a reason")];
        tally().check_listed("here", listed.into_iter());
    }

    #[test]
    #[should_panic(expected = "not listed")]
    fn what_differs_and_is_not_listed_is_told() {
        tally().check_listed("here", [].into_iter());
    }

    #[test]
    #[should_panic(expected = "1 differences:\ntags: gone")]
    fn what_has_no_reason_is_told() {
        let mut tally = tally();
        tally.wrong("tags: gone".to_owned());
        tally.check_listed("here", [("kinds", "1: for a reason")].into_iter());
    }
}
