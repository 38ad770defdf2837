//! Why a connection was not opened, in words that say what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use rustls::CertificateError;
use settings::tls::ClientTls;

use super::verifier;
use crate::store::SETTING;

/// Why a connection was not opened.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// Nobody answers there.
    #[error("cannot connect to {host} at {address}: {source}")]
    Connect {
        /// Who was called.
        host: String,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// It took too long.
    #[error("{host} at {address} did not finish connecting within {seconds}s")]
    Silent {
        /// Who was called.
        host: String,
        /// Where.
        address: SocketAddr,
        /// How long it was given.
        seconds: u64,
    },
    /// A file cannot be read.
    #[error("cannot read {path} ({setting}): {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else than it should.
    #[error("{path} ({setting}) {problem}")]
    Content {
        /// The file.
        path: PathBuf,
        /// The setting that names it.
        setting: String,
        /// What is wrong with it.
        problem: String,
    },
    /// What is called can be in no certificate.
    #[error("\"{name}\" is no name that a certificate can hold: set {prefix}.server-name")]
    Name {
        /// The TLS block.
        prefix: String,
        /// What is called.
        name: String,
    },
    /// The other side does not speak TLS.
    #[error(
        "{host} at {address} does not speak TLS: turn TLS on there, or set {prefix}.enabled=false here"
    )]
    Plaintext {
        /// Who was called.
        host: String,
        /// Where.
        address: SocketAddr,
        /// The TLS block.
        prefix: String,
    },
    /// Nobody whom we trust has signed its certificate.
    #[error(
        "the certificate of {host} at {address} is signed by nobody who is trusted{}: give the authority's certificate {mend}",
        .issuer.as_ref().map_or_else(String::new, |issuer| format!(" (its issuer: \"{issuer}\")"))
    )]
    Untrusted {
        /// Who was called.
        host: String,
        /// Where.
        address: SocketAddr,
        /// Who signed the topmost certificate that it showed: whose certificate is missing. In the words of whoever is there; fit for a line of a log.
        issuer: Option<String>,
        /// Where that is to be given, `with` this or that setting, and whom we trust now.
        mend: String,
    },
    /// Its certificate is another's.
    #[error(
        "the certificate of the server at {address} is not for {host}: call it by a name that it holds, or set {prefix}.server-name ({reason})"
    )]
    OtherName {
        /// Who was called.
        host: String,
        /// Where.
        address: SocketAddr,
        /// The TLS block.
        prefix: String,
        /// Which names it holds.
        reason: String,
    },
    /// The other side wants another certificate of ours, or one at all.
    #[error(
        "{host} at {address} refused our certificate ({reason}): see {prefix}.cert and {prefix}.key"
    )]
    Refused {
        /// Who was called.
        host: String,
        /// Where.
        address: SocketAddr,
        /// The TLS block.
        prefix: String,
        /// What it said.
        reason: String,
    },
    /// This process is ending.
    #[error("this process is ending")]
    Ending,
    /// Anything else.
    #[error("cannot speak TLS with {host} at {address}: {source}")]
    Handshake {
        /// Who was called.
        host: String,
        /// Where.
        address: SocketAddr,
        /// What went wrong.
        source: io::Error,
    },
}

// === impl DialError ===

impl DialError {
    /// What a failed handshake means. `now` is whom we trust, `issuer` who signed the topmost certificate that was shown.
    pub(super) fn tls(
        settings: &ClientTls,
        host: &str,
        address: SocketAddr,
        error: io::Error,
        issuer: Option<String>,
        now: &str,
    ) -> Self {
        use rustls::AlertDescription as Alert;

        let (host, prefix) = (host.to_owned(), settings.prefix.clone());
        let inner = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
            .cloned();
        match inner {
            Some(rustls::Error::InvalidMessage(_)) => Self::Plaintext {
                host,
                address,
                prefix,
            },
            Some(unknown) if verifier::is_of_the_chain(&unknown) => Self::Untrusted {
                host,
                address,
                issuer,
                mend: match &settings.ca {
                    None => format!(
                        "with {SETTING}, for all connections, or with {prefix}.ca, which is trusted for this one alone then (trusted now: {now})"
                    ),
                    Some(_) => format!(
                        "with {prefix}.ca, or take that out, and the system's authorities and those of {SETTING} are trusted (trusted now: {now})"
                    ),
                },
            },
            Some(
                source @ rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName
                    | CertificateError::NotValidForNameContext { .. },
                ),
            ) => Self::OtherName {
                host,
                address,
                prefix,
                reason: source.to_string(),
            },
            Some(
                source @ rustls::Error::AlertReceived(
                    Alert::CertificateRequired
                    | Alert::BadCertificate
                    | Alert::UnknownCA
                    | Alert::CertificateUnknown
                    | Alert::CertificateExpired
                    | Alert::AccessDenied,
                ),
            ) => Self::Refused {
                host,
                address,
                prefix,
                reason: source.to_string(),
            },
            _ => Self::Handshake {
                host,
                address,
                source: error,
            },
        }
    }
}
