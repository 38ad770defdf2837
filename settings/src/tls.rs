//! TLS of a listener and of a client, as an operator writes it.
//!
//! In: the values under one `<prefix>.tls.` block. Out: a plain struct that `listen` or a storage client reads, or what is wrong with the block. It opens no file and knows no TLS library: a name
//! that the library lacks is found where the certificate is loaded. Source: Jaeger v1.76 `internal/config/tlscfg`.

use std::path::PathBuf;
use std::time::Duration;

/// One block of server flags, `<prefix>.cert`, `<prefix>.key` and so on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerTls {
    /// What stands before the last word of each flag, such as `collector.otlp.grpc.tls`: errors name the setting with it.
    pub prefix: String,
    /// The chain of certificates, leaf first, as PEM.
    pub cert: Option<PathBuf>,
    /// The private key of the leaf, as PEM.
    pub key: Option<PathBuf>,
    /// With it, every client must show a certificate that one of these authorities signed, unless `client_auth` says otherwise.
    pub client_ca: Option<PathBuf>,
    /// `required` or `optional`; none means `required`.
    pub client_auth: Option<String>,
    /// Go's names, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`; empty means the library's choice.
    pub cipher_suites: Vec<String>,
    /// `1.2` or `1.3`; none means `1.2`.
    pub min_version: Option<String>,
    /// `1.2` or `1.3`; none means `1.3`.
    pub max_version: Option<String>,
    /// How often the files are compared with what is in use; zero means the default, for files are always watched.
    pub reload_interval: Duration,
    /// Nobody gave files: `cert` and `key` are where those of our own making lie, once they are made.
    pub own: bool,
}

/// One block of client flags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientTls {
    /// What stands before the last word of each flag, such as `es.tls`.
    pub prefix: String,
    /// The authorities that may have signed the server's certificate, as PEM; none means the system's.
    pub ca: Option<PathBuf>,
    /// Our own chain, as PEM, when the server asks for one.
    pub cert: Option<PathBuf>,
    /// Its private key, as PEM.
    pub key: Option<PathBuf>,
    /// The name that the server's certificate must hold, when it is not the host that is called.
    pub server_name: Option<String>,
    /// Accepts any certificate. For tests alone: whoever stands in between reads everything.
    pub skip_host_verify: bool,
}

/// What is wrong with a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// A flag of the block is set, yet the block is off: half a configuration is refused, as in Jaeger.
    #[error("{prefix}.* options cannot be used when {prefix}.enabled is false")]
    NotEnabled {
        /// The block.
        prefix: String,
    },
    /// The block is on and lacks a file.
    #[error(
        "{prefix}.enabled is true, but {prefix}.{missing} is not set: give the path of a PEM file"
    )]
    Missing {
        /// The block.
        prefix: String,
        /// The last word of the flag.
        missing: &'static str,
    },
    /// One of the two files is given and the other is not.
    #[error(
        "{prefix}.{given} is set, but {prefix}.{missing} is not: give the paths of both PEM files, or of neither and they are made"
    )]
    Half {
        /// The block.
        prefix: String,
        /// The last word of the flag that is set.
        given: &'static str,
        /// That of the other.
        missing: &'static str,
    },
    /// Versions are written with a dot.
    #[error("{prefix}.{flag} is \"{value}\": give 1.2 or 1.3")]
    Version {
        /// The block.
        prefix: String,
        /// The last word of the flag.
        flag: &'static str,
        /// What was given.
        value: String,
    },
    /// A word that is none of the two.
    #[error("{prefix}.client-auth is \"{value}\": give required or optional")]
    ClientAuth {
        /// The block.
        prefix: String,
        /// What was given.
        value: String,
    },
    /// The range is empty.
    #[error("{prefix}.min-version is {min}, above {prefix}.max-version {max}")]
    Order {
        /// The block.
        prefix: String,
        /// The lower end.
        min: String,
        /// The upper end.
        max: String,
    },
}

// === impl ServerTls ===

impl ServerTls {
    /// Whether a client may come without a certificate, though one that it shows is checked.
    #[must_use]
    pub fn is_client_optional(&self) -> bool {
        self.client_auth.as_deref() == Some("optional")
    }

    /// Whether the block, being on, is whole. Files are not opened here. Neither certificate nor key is whole too: they are made then.
    ///
    /// # Errors
    /// Each part that is missing or makes no sense, the certificate first.
    pub fn check(&self) -> Result<(), TlsError> {
        let half = match (&self.cert, &self.key) {
            (Some(_), None) => Some(("cert", "key")),
            (None, Some(_)) => Some(("key", "cert")),
            _ => None,
        };
        if let Some((given, missing)) = half {
            return Err(TlsError::Half {
                prefix: self.prefix.clone(),
                given,
                missing,
            });
        }
        match self.client_auth.as_deref() {
            None | Some("required") => {}
            Some("optional") if self.client_ca.is_some() => {}
            Some("optional") => {
                return Err(TlsError::Missing {
                    prefix: self.prefix.clone(),
                    missing: "client-ca",
                });
            }
            Some(value) => {
                return Err(TlsError::ClientAuth {
                    prefix: self.prefix.clone(),
                    value: value.to_owned(),
                });
            }
        }
        let wrong = |flag, value: &str| TlsError::Version {
            prefix: self.prefix.clone(),
            flag,
            value: value.to_owned(),
        };
        // 1.0 and 1.1 as the lower end only ask for too little: 1.2 is in that range.
        let min = self.min_version.as_deref().unwrap_or("1.2");
        if !["1.0", "1.1", "1.2", "1.3"].contains(&min) {
            return Err(wrong("min-version", min));
        }
        let max = self.max_version.as_deref().unwrap_or("1.3");
        if !["1.2", "1.3"].contains(&max) {
            return Err(wrong("max-version", max));
        }
        if min > max {
            return Err(TlsError::Order {
                prefix: self.prefix.clone(),
                min: min.to_owned(),
                max: max.to_owned(),
            });
        }
        Ok(())
    }
}

// === impl ClientTls ===

impl ClientTls {
    /// Whether the block, being on, is whole.
    ///
    /// # Errors
    /// A certificate without its key, or the other way round.
    pub fn check(&self) -> Result<(), TlsError> {
        let missing = match (&self.cert, &self.key) {
            (Some(_), None) => "key",
            (None, Some(_)) => "cert",
            _ => return Ok(()),
        };
        Err(TlsError::Missing {
            prefix: self.prefix.clone(),
            missing,
        })
    }
}

#[cfg(test)]
mod tests;
