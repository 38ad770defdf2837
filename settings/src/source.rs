//! Where a value came from, and what can be wrong with one.
//!
//! In: nothing; these are the words that `layers` speaks. Out: texts that name the setting the way its writer wrote it.

use std::fmt;
use std::path::PathBuf;

use crate::value::ValueError;

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The command line, by this name, which may be an old one.
    Flag(String),
    /// This environment variable.
    Variable(String),
    /// This key of this file.
    File {
        /// The file.
        path: PathBuf,
        /// The key, nested ones joined by dots.
        key: String,
    },
    /// Nothing set it.
    Default,
}

/// Something that keeps Spoor from starting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A flag that neither Jaeger nor Spoor ever had.
    #[error("unknown flag --{name}{}", did_you_mean(.nearest, "--"))]
    UnknownFlag {
        /// As given.
        name: String,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A key in the file that is no setting.
    #[error("unknown key {key} in {}{}", path.display(), did_you_mean(.nearest, ""))]
    UnknownKey {
        /// As written, nested ones joined by dots.
        key: String,
        /// The file.
        path: PathBuf,
        /// What may have been meant.
        nearest: Option<&'static str>,
    },
    /// A flag at the end of the command line, its value missing.
    #[error("--{0} needs a value: --{0}=…")]
    NoValue(String),
    /// A long flag with one dash.
    #[error("{0}: flags begin with two dashes: -{0}")]
    OneDash(String),
    /// A value that is none of its kind.
    #[error("{at}: {error}")]
    Value {
        /// The setting, as its writer wrote it.
        at: Source,
        /// What is wrong.
        error: ValueError,
    },
    /// A list or a group where one value belongs.
    #[error("{0}: one value belongs here, not a list or a group of keys")]
    Shape(Source),
    /// The file can not be read.
    #[error("config-file {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Settings that this version must not go on with.
    #[error("{}: {how}", settings.join(", "))]
    Refused {
        /// As they were written.
        settings: Vec<String>,
        /// How to move.
        how: &'static str,
    },
    /// A value of the right kind that makes no sense here; the text names the setting.
    #[error("{0}")]
    Invalid(String),
}

fn did_you_mean(nearest: &Option<&'static str>, dashes: &str) -> String {
    nearest.map_or_else(String::new, |name| {
        format!(": did you mean {dashes}{name}?")
    })
}

// === impl Source ===

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => write!(f, "{name} (environment)"),
            Self::File { path, key } => write!(f, "{key} in {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}
