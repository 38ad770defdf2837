//! What a broker is told beside what every one is told: settings, certificates, who may log in.

use crate::pki::Leaf;

/// How a broker differs from the plain one.
#[derive(Clone, Default)]
pub struct Options {
    pub(super) lines: Vec<String>,
    pub(super) tls: Option<Tls>,
    pub(super) user: Option<(String, String)>,
}

/// Certificates of a broker.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) authorities: String,
    pub(super) server: Leaf,
}

/// How a client logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// The password as it is.
    Plain,
    /// A proof that one knows it, by SHA-256.
    Scram256,
    /// The same by SHA-512.
    Scram512,
}

// === impl Options ===

impl Options {
    /// A further line of `server.properties`.
    #[must_use]
    pub fn setting(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// TLS that cuts off whoever shows no certificate of `authorities` (PEM).
    #[must_use]
    pub fn client_certificates(mut self, authorities: &str, server: &Leaf) -> Self {
        self.tls = Some(Tls {
            authorities: authorities.to_owned(),
            server: server.clone(),
        });
        self
    }

    /// Only this user may log in, by each of [`Mechanism::ALL`].
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.user = Some((name.to_owned(), password.to_owned()));
        self
    }

    /// What Kafka calls the two together.
    pub(super) fn protocol(&self) -> &'static str {
        match (&self.tls, &self.user) {
            (None, None) => "PLAINTEXT",
            (Some(_), None) => "SSL",
            (None, Some(_)) => "SASL_PLAINTEXT",
            (Some(_), Some(_)) => "SASL_SSL",
        }
    }
}

// === impl Mechanism ===

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::Scram256, Self::Scram512];

    /// As Kafka and its clients call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram256 => "SCRAM-SHA-256",
            Self::Scram512 => "SCRAM-SHA-512",
        }
    }
}
