//! A query, parsed: what was said, before it is said what that means.

use model::SpanKind;

use crate::query::{Comparison, Decimal};

/// What can stand behind `kind`.
pub(super) const KINDS: [SpanKind; 6] = [
    SpanKind::Unspecified,
    SpanKind::Internal,
    SpanKind::Server,
    SpanKind::Client,
    SpanKind::Producer,
    SpanKind::Consumer,
];

/// Conditions, joined.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// At least one of these, which are two or more.
    Or(Vec<Tree>),
    /// All of these, which are two or more.
    And(Vec<Tree>),
    /// Not this.
    Not(Box<Tree>),
    /// One condition.
    Is(Condition),
}

/// A condition on one span.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// A tag that is true.
    True(String),
    /// A tag that is there.
    Exists(String),
    /// A tag whose value compares so. Orders compare with numbers, expressions are texts.
    Tag(String, Operator, Value),
    /// The service's name: equal to a text or matched by an expression.
    Service(Operator, String),
    /// The operation's name.
    Operation(Operator, String),
    /// The duration, with nanoseconds.
    Duration(Operator, u64),
    /// The kind of the span: equal or not.
    Kind(Operator, SpanKind),
    /// How the span ended: equal or not.
    Status(Operator, Outcome),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Matches,
    /// `!~`
    NotMatches,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

/// What a tag's value is compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(Decimal),
}

/// Words of `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It failed.
    Error,
    /// It is said to be fine.
    Ok,
    /// Nothing is said.
    Unset,
}

// === impl Operator ===

impl Operator {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::AtLeast => ">=",
            Self::More => ">",
        }
    }

    /// The order that it asks for; `None`: it asks for none.
    pub(super) fn order(self) -> Option<Comparison> {
        match self {
            Self::Less => Some(Comparison::Less),
            Self::AtMost => Some(Comparison::AtMost),
            Self::AtLeast => Some(Comparison::AtLeast),
            Self::More => Some(Comparison::More),
            Self::Equal | Self::NotEqual | Self::Matches | Self::NotMatches => None,
        }
    }

    /// Whether it compares with an expression.
    pub(super) fn is_of_expressions(self) -> bool {
        matches!(self, Self::Matches | Self::NotMatches)
    }

    /// Whether it is that another does not hold.
    pub(super) fn is_negated(self) -> bool {
        matches!(self, Self::NotEqual | Self::NotMatches)
    }
}

/// The word for `kind`: the tag's value, or that there is none.
pub(super) fn kind_word(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "unspecified",
        said => said.as_str(),
    }
}

// === impl Outcome ===

impl Outcome {
    pub(super) const ALL: [Self; 3] = [Self::Error, Self::Ok, Self::Unset];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Ok => "ok",
            Self::Unset => "unset",
        }
    }
}
