//! A tree as text that is read as the same tree.

use std::fmt::{self, Display, Formatter};

use settings::GoDuration;

use super::lexer::{is_of_word, keyword};
use super::parser::INTRINSICS;
use super::tree::{Condition, Tree, Value, kind_word};

/// A tag's key: with a dot or in quotes where it would be taken for something else.
struct Key<'a>(&'a str);

/// A text in quotes.
struct Quoted<'a>(&'a str);

// === impl Tree ===

impl Display for Tree {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut joined = |trees: &[Self], word: &str| {
            for (nth, tree) in trees.iter().enumerate() {
                if nth > 0 {
                    write!(f, " {word} ")?;
                }
                match tree {
                    Self::And(_) if word == "or" => write!(f, "{tree}")?,
                    Self::And(_) | Self::Or(_) => write!(f, "({tree})")?,
                    tree => write!(f, "{tree}")?,
                }
            }
            Ok(())
        };
        match self {
            Self::Or(trees) => joined(trees, "or"),
            Self::And(trees) => joined(trees, "and"),
            Self::Not(tree) if matches!(**tree, Self::And(_) | Self::Or(_)) => {
                write!(f, "not ({tree})")
            }
            Self::Not(tree) => write!(f, "not {tree}"),
            Self::Is(condition) => condition.fmt(f),
        }
    }
}

// === impl Condition ===

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::True(key) => Key(key).fmt(f),
            Self::Exists(key) => write!(f, "exists({})", Key(key)),
            Self::Tag(key, is, value) => write!(f, "{} {} {value}", Key(key), is.as_str()),
            Self::Service(is, name) => write!(f, "service {} {}", is.as_str(), Quoted(name)),
            Self::Operation(is, name) => write!(f, "operation {} {}", is.as_str(), Quoted(name)),
            Self::Duration(is, ns) => {
                let duration = GoDuration::from_ns(i64::try_from(*ns).unwrap_or(i64::MAX));
                write!(f, "duration {} {duration}", is.as_str())
            }
            Self::Kind(is, kind) => write!(f, "kind {} {}", is.as_str(), kind_word(*kind)),
            Self::Status(is, status) => write!(f, "status {} {}", is.as_str(), status.as_str()),
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(f),
            Self::Number(number) => number.fmt(f),
        }
    }
}

// === impl Key ===

impl Display for Key<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let begins_well = self
            .0
            .starts_with(|c: char| is_of_word(c) && !c.is_numeric() && !"-+.".contains(c));
        if !begins_well || !self.0.chars().all(is_of_word) {
            return Quoted(self.0).fmt(f);
        }
        let means_something_else =
            INTRINSICS.contains(&self.0) || self.0 == "exists" || keyword(self.0).is_some();
        write!(
            f,
            "{}{}",
            if means_something_else { "." } else { "" },
            self.0
        )
    }
}

// === impl Quoted ===

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' => f.write_str("\\\"")?,
                '\\' => f.write_str("\\\\")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c => write!(f, "{c}")?,
            }
        }
        f.write_str("\"")
    }
}
