//! Why a text is not of the language: where, what was expected, what stands there.

use std::fmt;

/// Characters of what was found that are shown.
const SHOWN: usize = 40;

/// A text is not of the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Where: the place of the character, the first is 1.
    pub position: usize,
    /// What is wrong there.
    pub what: String,
}

// === impl Error ===

impl Error {
    /// At a byte of `text`.
    pub(super) fn new(text: &str, at: usize, what: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or(text);
        Self {
            position: before.chars().count() + 1,
            what: what.into(),
        }
    }

    /// Something else was expected than what stands between these bytes of `text`.
    pub(super) fn expected(text: &str, at: std::ops::Range<usize>, what: &str) -> Self {
        let found = match text.get(at.clone()) {
            None | Some("") => "the end".to_owned(),
            Some(found) => {
                let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
                let mut shown: String = found.chars().take(SHOWN).map(visible).collect();
                if found.chars().count() > SHOWN {
                    shown.push('…');
                }
                format!("'{shown}'")
            }
        };
        Self::new(text, at.start, format!("expected {what}, found {found}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at character {}: {}", self.position, self.what)
    }
}

impl std::error::Error for Error {}
