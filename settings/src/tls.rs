//! TLS of a listener, as an operator writes it.
//!
//! In: the values under one `<prefix>.tls.` block. Out: a plain struct that `listen` reads. It opens no file and knows no TLS library: a name
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
    /// With it, every client must show a certificate that one of these authorities signed.
    pub client_ca: Option<PathBuf>,
    /// Go's names, such as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`; empty means the library's choice.
    pub cipher_suites: Vec<String>,
    /// `1.2` or `1.3`; none means `1.2`.
    pub min_version: Option<String>,
    /// `1.2` or `1.3`; none means `1.3`.
    pub max_version: Option<String>,
    /// How often the files are compared with what is in use; zero means the default, for files are always watched.
    pub reload_interval: Duration,
}
