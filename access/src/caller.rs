//! Whoever a request comes from, once something has proved it.

use std::collections::BTreeSet;

/// Somebody, proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// What this somebody is called: of a token the claim that is set for it, of a password the user, of a certificate the name that a rule knows.
    pub name: String,
    /// Groups, as who vouches for the caller told them.
    pub groups: BTreeSet<String>,
    /// What proved it.
    pub way: Way,
}

/// What proved who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// A sign-in at the OpenID provider, remembered in a sealed cookie.
    Session,
    /// A signed token in `Authorization`.
    Bearer,
    /// A user and a password in `Authorization`.
    Basic,
    /// Headers of a proxy that is trusted.
    Proxy,
    /// A client's certificate.
    Certificate,
}

// === impl Way ===

impl Way {
    /// The word that it is counted and logged by.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Bearer => "bearer",
            Self::Basic => "basic",
            Self::Proxy => "proxy",
            Self::Certificate => "certificate",
        }
    }
}
