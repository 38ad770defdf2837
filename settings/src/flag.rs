//! One setting: its names, what kind of value it takes, and what it does here.
//!
//! In: a row of the table in `flags`. Out: the row, with the names that follow from it. It holds no value: that is `layers`'. The rule for variable names is
//! Jaeger's (viper's): upper case, dots and dashes become underscores.

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`, in Go's words.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Go's duration, such as `1m30s`.
    Duration,
    /// Bytes, with or without a unit.
    Bytes,
    /// Any text.
    Text,
    /// A comma-separated list.
    List,
    /// A value that may be given several times; in a variable, one a line.
    Lines,
    /// `host:port`, or nothing.
    HostPort,
    /// Any text, never shown.
    Secret,
}

/// Which roles read a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Every role.
    All,
    /// What receives spans: `collector` and `all-in-one`.
    Collector,
    /// What answers queries: `query` and `all-in-one`.
    Query,
    /// What forwards spans: `agent`.
    Agent,
    /// What takes spans from Kafka to a store: `ingester`.
    Ingester,
    /// What serves a store to other processes: `remote-storage`.
    RemoteStorage,
    /// What applications find on their own machine: `collector`, `all-in-one` and `agent`.
    CollectorAndAgent,
}

/// What a setting does in Spoor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It works.
    Acts,
    /// It is known and changes nothing; the words say why, what to use instead, or that a later version brings it.
    Accepted(&'static str),
    /// An old name of another setting.
    Alias {
        /// The name of today.
        to: &'static str,
        /// How the value is carried over.
        rule: AliasRule,
    },
    /// Spoor does not start with it, because going on would lose or mix data; the words say how to move. Whatever the value: who sets it counts on
    /// what is not here.
    Refused(&'static str),
}

/// How an old setting's value becomes the new one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AliasRule {
    /// As it is.
    Same,
    /// A bare port becomes `:port`; 0 meant "not set".
    Port,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Its name, as on the command line without the dashes, and as the key in a file. A setting that is a variable alone has that variable's name.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// The value when nothing sets it, as one would write it. Empty where it is computed; then `help` says how.
    pub default: &'static str,
    /// What it means, with the unit.
    pub help: &'static str,
    /// Who reads it.
    pub reader: Reader,
    /// What it does.
    pub effect: Effect,
    /// Only the environment sets it.
    pub variable_only: bool,
}

// === impl Flag ===

impl Flag {
    const fn new(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        help: &'static str,
        effect: Effect,
    ) -> Self {
        Self {
            name,
            kind,
            default,
            help,
            reader: Reader::All,
            effect,
            variable_only: false,
        }
    }

    /// A setting that works.
    #[must_use]
    pub const fn acts(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        help: &'static str,
    ) -> Self {
        Self::new(name, kind, default, help, Effect::Acts)
    }

    /// A setting that is known and changes nothing.
    #[must_use]
    pub const fn accepted(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        note: &'static str,
    ) -> Self {
        Self::new(name, kind, default, "", Effect::Accepted(note))
    }

    /// An old name.
    #[must_use]
    pub const fn alias(name: &'static str, kind: Kind, to: &'static str) -> Self {
        Self::new(
            name,
            kind,
            "",
            "",
            Effect::Alias {
                to,
                rule: AliasRule::Same,
            },
        )
    }

    /// An old name that held a bare port.
    #[must_use]
    pub const fn old_port(name: &'static str, to: &'static str) -> Self {
        Self::new(
            name,
            Kind::Text,
            "",
            "",
            Effect::Alias {
                to,
                rule: AliasRule::Port,
            },
        )
    }

    /// A setting that Spoor does not start with.
    #[must_use]
    pub const fn refused(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        how: &'static str,
    ) -> Self {
        Self::new(name, kind, default, "", Effect::Refused(how))
    }

    /// The same row, read by `reader` alone.
    #[must_use]
    pub const fn by(self, reader: Reader) -> Self {
        Self { reader, ..self }
    }

    /// The same row, set by the environment alone.
    #[must_use]
    pub const fn variable_only(self) -> Self {
        Self {
            variable_only: true,
            ..self
        }
    }

    /// The environment variables that set it, the first one winning.
    #[must_use]
    pub fn variables(&self) -> Vec<String> {
        let own = variable(self.name);
        match self.name {
            // Jaeger 2 has this name for it.
            "listen.host" => vec![own, "JAEGER_LISTEN_HOST".to_owned()],
            _ => vec![own],
        }
    }

    /// Whether a role that reads what is for `readers` has any use for it.
    #[must_use]
    pub fn is_for(&self, readers: &[Reader]) -> bool {
        match self.reader {
            Reader::All => true,
            Reader::CollectorAndAgent => {
                readers.contains(&Reader::Collector) || readers.contains(&Reader::Agent)
            }
            reader => readers.contains(&reader),
        }
    }
}

/// The environment variable of a setting's name.
#[must_use]
pub fn variable(name: &str) -> String {
    name.chars()
        .map(|c| {
            if matches!(c, '.' | '-') {
                '_'
            } else {
                c.to_ascii_uppercase()
            }
        })
        .collect()
}

impl Kind {
    /// The word in help texts for a value of this kind.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "number",
            Self::Duration => "duration",
            Self::Bytes => "bytes",
            Self::Text => "text",
            Self::List => "list",
            Self::Lines => "text, repeatable",
            Self::HostPort => "host:port",
            Self::Secret => "secret",
        }
    }
}
