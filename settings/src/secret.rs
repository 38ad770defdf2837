//! A value that must not be seen.
//!
//! In: a password or a token. Out: itself, but only by asking for it by name. Printing it, for people or for debugging, shows stars; it is wiped when dropped.
//! It does not fetch secrets from anywhere.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// What is shown in place of any secret, whatever its length.
pub const STARS: &str = "********";

/// A password, a token.
#[derive(Clone)]
pub struct Secret(SecretString);

// === impl Secret ===

impl Secret {
    /// Takes the value in.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value itself: for the place that sends it, and no other.
    #[must_use]
    pub fn reveal(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether there is nothing in it, which means "not set".
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reveal().is_empty()
    }
}

impl From<&Secret> for SecretString {
    fn from(secret: &Secret) -> Self {
        secret.0.clone()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.reveal() == other.reveal()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STARS)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STARS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_only_stars() {
        let secret = Secret::new("canary");
        assert_eq!(
            format!("{secret} {secret:?} {:?}", Some(&secret)),
            "******** ******** Some(********)"
        );
        assert_eq!(secret.reveal(), "canary");
    }
}
