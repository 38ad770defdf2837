//! A setting's value, parsed.
//!
//! In: text and the kind that is expected. Out: the value, and the text that reads back to it; a secret prints as stars. It knows nothing of where the text
//! came from.

use std::fmt;

use crate::flag::Kind;
use crate::secret::STARS;
use crate::{ByteSize, DurationError, GoDuration, HostPort, HostPortError, Secret, SizeError};

/// A parsed value. Its `Debug` shows no password, not one in a URL either.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Int`].
    Int(i64),
    /// Of [`Kind::Float`].
    Float(f64),
    /// Of [`Kind::Duration`].
    Duration(GoDuration),
    /// Of [`Kind::Bytes`]; none when empty, where the default is computed.
    Bytes(Option<ByteSize>),
    /// Of [`Kind::Text`].
    Text(String),
    /// Of [`Kind::List`] or [`Kind::Lines`].
    List(Vec<String>),
    /// Of [`Kind::HostPort`]; none when empty.
    HostPort(Option<HostPort>),
    /// Of [`Kind::Secret`].
    Secret(Secret),
}

/// Why a text is no value of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not one of Go's words.
    #[error("\"{0}\" is neither true nor false")]
    Bool(String),
    /// Not a whole number.
    #[error("\"{0}\" is no whole number")]
    Int(String),
    /// Not a number.
    #[error("\"{0}\" is no number")]
    Float(String),
    /// Not a duration.
    #[error(transparent)]
    Duration(#[from] DurationError),
    /// Not a size.
    #[error(transparent)]
    Bytes(#[from] SizeError),
    /// Not an address.
    #[error(transparent)]
    HostPort(#[from] HostPortError),
}

/// Go's words for true and false, as its `strconv.ParseBool` reads them.
#[must_use]
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

// === impl Value ===

impl Value {
    /// Reads `text` as a value of `kind`.
    ///
    /// # Errors
    /// When it is none; the error shows the text, which no secret ever reaches.
    pub fn parse(kind: Kind, text: &str) -> Result<Self, ValueError> {
        Ok(match kind {
            Kind::Bool => Self::Bool(
                parse_bool(text.trim()).ok_or_else(|| ValueError::Bool(text.to_owned()))?,
            ),
            Kind::Int => Self::Int(
                text.trim()
                    .parse()
                    .map_err(|_| ValueError::Int(text.to_owned()))?,
            ),
            Kind::Float => {
                let number: f64 = text
                    .trim()
                    .parse()
                    .map_err(|_| ValueError::Float(text.to_owned()))?;
                Self::Float(
                    Some(number)
                        .filter(|n| n.is_finite())
                        .ok_or_else(|| ValueError::Float(text.to_owned()))?,
                )
            }
            Kind::Duration => Self::Duration(text.trim().parse()?),
            Kind::Bytes if text.trim().is_empty() => Self::Bytes(None),
            Kind::Bytes => Self::Bytes(Some(text.parse()?)),
            Kind::Text => Self::Text(text.to_owned()),
            Kind::List => Self::List(words(text)),
            Kind::Lines => Self::List(
                text.lines()
                    .map(str::trim)
                    .filter(|line| !line.is_empty())
                    .map(str::to_owned)
                    .collect(),
            ),
            Kind::HostPort if text.trim().is_empty() => Self::HostPort(None),
            Kind::HostPort => Self::HostPort(Some(text.parse()?)),
            Kind::Secret => Self::Secret(Secret::new(text)),
        })
    }

    /// Whether this is the value that means "not set": false, zero, nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Bool(value) => !value,
            Self::Int(value) => *value == 0,
            Self::Float(value) => *value == 0.0,
            Self::Duration(value) => value.is_zero(),
            Self::Bytes(value) => value.is_none(),
            Self::Text(value) => value.is_empty(),
            Self::List(value) => value.is_empty(),
            Self::HostPort(value) => value.is_none(),
            Self::Secret(value) => value.is_empty(),
        }
    }
}

/// The words between commas, without blanks around them.
fn words(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// A URL may carry a password before its host; stars take its place.
#[must_use]
pub fn without_password(text: &str) -> String {
    let url = text.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at_checked(end)?;
        let (user, host) = authority.rsplit_once('@')?;
        let (name, _password) = user.split_once(':')?;
        Some(format!("{scheme}://{name}:{STARS}@{host}{tail}"))
    });
    url.unwrap_or_else(|| text.to_owned())
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Duration(value) => value.fmt(f),
            Self::Bytes(value) => value.fmt(f),
            Self::Text(value) => without_password(value).fmt(f),
            Self::List(values) => f
                .debug_list()
                .entries(values.iter().map(|text| without_password(text)))
                .finish(),
            Self::HostPort(value) => value.fmt(f),
            Self::Secret(value) => value.fmt(f),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Duration(value) => value.fmt(f),
            Self::Bytes(Some(value)) => value.fmt(f),
            Self::HostPort(Some(value)) => value.fmt(f),
            Self::Bytes(None) | Self::HostPort(None) => Ok(()),
            Self::Text(value) => f.write_str(value),
            Self::List(value) => f.write_str(&value.join(",")),
            Self::Secret(value) if value.is_empty() => Ok(()),
            Self::Secret(value) => value.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
