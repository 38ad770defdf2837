//! Who may do what, and where.
//!
//! In: lines as an operator writes them (`access.grants`), each `WHO WHAT WHERE…`; of a request whom it comes from. Out: yes or no. Nothing is granted but what a
//! line says. As long as there is no line at all, whoever is let in may do everything, provided that there is one namespace only.

mod line;

use model::Instance;
use trust::{Names, Pattern};

use crate::caller::Caller;

pub use line::InvalidGrant;

/// What somebody does to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Asks for its traces, and keeps one in its archive.
    Read,
    /// Sends spans to it.
    Write,
}

/// Lines of grants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    lines: Vec<Grant>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    who: Who,
    reads: bool,
    writes: bool,
    places: Vec<Place>,
}

/// Whom a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// Whoever has connected, proved or not.
    Anyone,
    /// Whoever has proved to be somebody.
    SignedIn,
    User(String),
    Group(String),
    Certificate(Pattern),
}

/// Where a line holds.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Everywhere,
    Namespace(String),
    Instance(Instance),
}

/// Whom a request comes from, by all that was proved of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Whom<'a> {
    /// Who signed in, or showed a token or a password.
    pub caller: Option<&'a Caller>,
    /// The names in the client's certificate.
    pub names: Option<Names<'a>>,
}

// === impl Verb ===

impl Verb {
    /// As a line has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

// === impl Grants ===

impl Grants {
    /// From lines such as `group:shop-devs read shop`.
    ///
    /// # Errors
    /// The first line that says nothing, in whole and with what is missing.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidGrant> {
        let lines = lines.into_iter().map(line::parse);
        Ok(Self {
            lines: lines.collect::<Result<_, _>>()?,
        })
    }

    /// Whether there is no line.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether some line lets somebody do this somewhere.
    #[must_use]
    pub fn grant_any(&self, verb: Verb) -> bool {
        self.lines.iter().any(|line| line.is_of(verb))
    }

    /// Whether some line is about certificates, so that a listener has to ask for them.
    #[must_use]
    pub fn know_certificates(&self) -> bool {
        let of_certificate = |line: &Grant| matches!(line.who, Who::Certificate(_));
        self.lines.iter().any(of_certificate)
    }

    /// Whether some line lets `whom` do this to `instance`.
    #[must_use]
    pub fn allow(&self, whom: Whom<'_>, verb: Verb, instance: &Instance) -> bool {
        self.lines.iter().any(|line| {
            line.is_of(verb)
                && line.places.iter().any(|place| place.holds(instance))
                && line.who.is(whom)
        })
    }
}

// === impl Grant ===

impl Grant {
    fn is_of(&self, verb: Verb) -> bool {
        match verb {
            Verb::Read => self.reads,
            Verb::Write => self.writes,
        }
    }
}

// === impl Who ===

impl Who {
    fn is(&self, whom: Whom<'_>) -> bool {
        let caller = whom.caller;
        match self {
            Self::Anyone => true,
            Self::SignedIn => caller.is_some(),
            Self::User(name) => caller.is_some_and(|caller| caller.name == *name),
            Self::Group(group) => caller.is_some_and(|caller| caller.groups.contains(group)),
            Self::Certificate(pattern) => whom.names.is_some_and(|names| pattern.fits(names)),
        }
    }
}

// === impl Place ===

impl Place {
    fn holds(&self, instance: &Instance) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Namespace(namespace) => instance.namespace() == namespace,
            Self::Instance(one) => instance == one,
        }
    }
}

#[cfg(test)]
mod tests;
