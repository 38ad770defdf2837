//! What may be wrong with a certificate.

use std::fmt;

use crate::name::Name;

/// Why a certificate cannot go on as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is none.
    Missing,
    /// A file holds something else.
    Unusable,
    /// Its key is another's.
    OtherKey,
    /// Another authority has signed it.
    OtherAuthority,
    /// The authority that is about to go has signed it.
    Rolled,
    /// It is another instance's, or for something else.
    Stranger(String),
    /// It lacks names.
    Names(Vec<Name>),
    /// Less than a third of its time is left.
    Ends,
    /// Its time is over.
    Ended,
    /// It was made when the clock was ahead.
    NotYet,
    /// rustls refuses it for what it is used for.
    Refused(String),
    /// The copy of the authority's certificate beside it is another, or missing: that alone is written.
    Copy,
    /// Others may read its key: that alone is changed.
    Open,
    /// Somebody asked for another.
    Asked,
}

// === impl Reason ===

impl Reason {
    /// Clients take the certificate all the same.
    pub(crate) fn is_bearable(&self) -> bool {
        matches!(
            self,
            Self::Rolled | Self::Names(_) | Self::Ends | Self::Copy | Self::Open
        )
    }

    /// One word for machines.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unusable => "unreadable",
            Self::OtherKey => "mismatched-pair",
            Self::OtherAuthority => "wrong-issuer",
            Self::Rolled => "old-issuer",
            Self::Stranger(_) => "wrong-subject",
            Self::Names(_) => "wrong-san",
            Self::Ends => "short-life",
            Self::Ended => "expired",
            Self::NotYet => "not-yet-valid",
            Self::Refused(_) => "refused",
            Self::Copy => "wrong-ca-copy",
            Self::Open => "wrong-mode",
            Self::Asked => "asked",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there was none"),
            Self::Unusable => f.write_str("a file of the one before could not be read"),
            Self::OtherKey => f.write_str("the one before and its key did not belong together"),
            Self::OtherAuthority => {
                f.write_str("the one before was not signed by the authority of the namespace")
            }
            Self::Rolled => f.write_str("the one before was signed by the authority that goes"),
            Self::Stranger(subject) => {
                write!(f, "the one before was somebody else's ({subject})")
            }
            Self::Names(names) => {
                f.write_str("the one before lacked")?;
                names.iter().try_for_each(|name| write!(f, " {name}"))
            }
            Self::NotYet => f.write_str("the one before was not valid yet: see the clock"),
            Self::Ends => f.write_str("less than a third of the time of the one before was left"),
            Self::Ended => f.write_str("the time of the one before was over"),
            Self::Refused(problem) => write!(f, "the one before could not be used: {problem}"),
            Self::Copy => f.write_str("ca.crt beside it was not that of the namespace"),
            Self::Open => f.write_str("others could read its key"),
            Self::Asked => f.write_str("it was asked for"),
        }
    }
}
