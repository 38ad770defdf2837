//! How brokers are reached: where they are, TLS, and who we say we are.
//!
//! In: settings, and files with certificates and a password, read when a client is made; whom all connections trust. Out: librdkafka's configuration, for a producer or for a consumer. What was said wrongly is an error
//! that names the setting. librdkafka reads files once, when it is made: [`Connection::fingerprint`] tells when to make it anew.
//!
//! Deliberately absent: Kerberos, for which the library that speaks it would have to be on the machine.
//!
//! Source: `jaegertracing/jaeger: internal/storage/kafka/auth` v1.76.0; librdkafka's CONFIGURATION.md 2.12.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use rdkafka::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use settings::tls::ClientTls;
use trust::Dialer;

/// Whose brokers, and as whom.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The settings that it was read from: `kafka.producer` or `kafka.consumer`.
    pub settings: String,
    /// `host:port` of some brokers; they name the others.
    pub brokers: Vec<String>,
    /// What brokers log and count us as.
    pub client_id: String,
    /// TLS; `None`: plaintext.
    pub tls: Option<ClientTls>,
    /// Whom to trust where `tls` names nobody.
    pub trust: trust::Store,
    /// Who we say we are; `None`: nobody but what the certificate says.
    pub login: Option<Login>,
}

/// Name and password, by SASL.
#[derive(Clone, Debug)]
pub struct Login {
    /// How it is shown to the broker.
    pub mechanism: Mechanism,
    /// The name.
    pub username: String,
    /// The password; nothing where it is in a file.
    pub password: SecretString,
    /// A file with the password, which counts before the above and is read again when it changes.
    pub password_file: Option<PathBuf>,
}

/// A mechanism of SASL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// As it is.
    Plain,
    /// As an answer to a challenge, SHA-256.
    ScramSha256,
    /// As an answer to a challenge, SHA-512.
    ScramSha512,
}

/// What keeps a client from being made, with the setting that mends it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

/// Secrets are short; a larger file is none.
const MAX_PASSWORD_BYTES: u64 = 64 << 10;

// === impl Unusable ===

impl Unusable {
    /// What librdkafka does not take.
    #[must_use]
    pub fn of(settings: &str, error: &dyn std::fmt::Display) -> Self {
        Self(format!("{settings}: {error}"))
    }
}

// === impl Connection ===

impl Connection {
    /// For tests and for what has no settings: plaintext, nobody.
    #[must_use]
    pub fn plaintext(settings: &str, brokers: &[String]) -> Self {
        Self {
            settings: settings.to_owned(),
            brokers: brokers.to_vec(),
            client_id: "spoor".to_owned(),
            tls: None,
            trust: trust::Store::default(),
            login: None,
        }
    }

    /// Whether it is the same brokers, reached with the same files and name, wherever that was set.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let login = |of: &Self| {
            of.login.as_ref().map(|login| {
                (
                    login.mechanism.as_str(),
                    login.username.clone(),
                    login.password.expose_secret().to_owned(),
                    login.password_file.clone(),
                )
            })
        };
        let tls = |of: &Self| {
            of.tls.clone().map(|tls| ClientTls {
                prefix: String::new(),
                ..tls
            })
        };
        self.brokers == other.brokers
            && self.client_id == other.client_id
            && tls(self) == tls(other)
            && self.trust == other.trust
            && login(self) == login(other)
    }

    /// Where the brokers are, for people.
    #[must_use]
    pub fn shown(&self) -> String {
        self.brokers.join(",")
    }

    /// What reads the files of TLS, and keeps the last good ones; `None`: there is no TLS.
    #[must_use]
    pub fn dialer(&self) -> Option<Dialer> {
        let tls = self.tls.clone()?;
        Some(Dialer::tls(tls, &self.trust))
    }

    /// Differs when a client would be made of other files than before; files that cannot be used count as those before. Blocks.
    #[must_use]
    pub fn fingerprint(&self, dialer: Option<&Dialer>) -> u64 {
        let mut hasher = DefaultHasher::new();
        dialer.map(Dialer::fingerprint).hash(&mut hasher);
        if let Some(Ok(password)) = self.login.as_ref().map(|login| self.password(login)) {
            password.expose_secret().hash(&mut hasher);
        }
        hasher.finish()
    }

    /// librdkafka's configuration of any client of these brokers. Blocks.
    ///
    /// # Errors
    /// A file that cannot be used, or a setting that librdkafka has no equal of.
    pub fn client(&self, dialer: Option<&Dialer>) -> Result<ClientConfig, Unusable> {
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", self.brokers.join(","))
            .set("client.id", &self.client_id)
            // both families, whichever the name has
            .set("broker.address.family", "any")
            .set("reconnect.backoff.ms", "100")
            .set("reconnect.backoff.max.ms", "1000")
            // a broker that hangs is left, not waited for a minute
            .set("socket.timeout.ms", "10000")
            .set("socket.keepalive.enable", "true")
            .set("socket.nagle.disable", "true");
        let protocol = match (&self.tls, &self.login) {
            (None, None) => "plaintext",
            (Some(_), None) => "ssl",
            (None, Some(_)) => "sasl_plaintext",
            (Some(_), Some(_)) => "sasl_ssl",
        };
        client.set("security.protocol", protocol);
        if let (Some(tls), Some(dialer)) = (&self.tls, dialer) {
            // says which file and why, where librdkafka says a number of OpenSSL's
            dialer
                .check()
                .map_err(|error| Unusable(error.to_string()))?;
            let stored = dialer.stored_authorities();
            let stored = stored.map_err(|error| Unusable(error.to_string()))?;
            self.set_tls(tls, stored, &mut client)?;
        }
        if let Some(login) = &self.login {
            let password = self.password(login)?;
            client
                .set("sasl.mechanism", login.mechanism.as_str())
                .set("sasl.username", &login.username)
                .set("sasl.password", password.expose_secret());
        }
        Ok(client)
    }

    /// `stored` are the authorities that are trusted where the block names none.
    fn set_tls(
        &self,
        tls: &ClientTls,
        stored: Option<String>,
        client: &mut ClientConfig,
    ) -> Result<(), Unusable> {
        let text = |path: &Path, name: &str| {
            path.to_str().map(str::to_owned).ok_or_else(|| {
                Unusable(format!(
                    "{}.tls.{name}: {} is not UTF-8, which librdkafka wants of a path",
                    self.settings,
                    path.display()
                ))
            })
        };
        match (&tls.ca, stored.filter(|pem| !pem.is_empty())) {
            (Some(ca), _) => client.set("ssl.ca.location", text(ca, "ca")?),
            (None, Some(pem)) => client.set("ssl.ca.pem", pem),
            // we know of none: whatever OpenSSL finds
            (None, None) => client.set("ssl.ca.location", "probe"),
        };
        if let (Some(cert), Some(key)) = (&tls.cert, &tls.key) {
            client
                .set("ssl.certificate.location", text(cert, "cert")?)
                .set("ssl.key.location", text(key, "key")?);
        }
        if tls.server_name.is_some() {
            return Err(Unusable(format!(
                "{}.tls.server-name: brokers are called by their own names, and each certificate has to hold its own: take it out, or name the brokers as their certificates do",
                self.settings
            )));
        }
        if tls.skip_host_verify {
            client
                .set("enable.ssl.certificate.verification", "false")
                .set("ssl.endpoint.identification.algorithm", "none");
        } else {
            client.set("ssl.endpoint.identification.algorithm", "https");
        }
        Ok(())
    }

    fn password(&self, login: &Login) -> Result<SecretString, Unusable> {
        let Some(path) = &login.password_file else {
            return Ok(login.password.clone());
        };
        let wrong = |problem: String| {
            Unusable(format!(
                "{}.plaintext.password-file: {}: {problem}",
                self.settings,
                path.display()
            ))
        };
        let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?;
        if size.len() > MAX_PASSWORD_BYTES {
            return Err(wrong(format!(
                "{} bytes are no password: give a file of at most {MAX_PASSWORD_BYTES}",
                size.len()
            )));
        }
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        Ok(SecretString::from(text.trim_end_matches(['\n', '\r'])))
    }
}

// === impl Mechanism ===

impl Mechanism {
    /// The name that librdkafka and Jaeger know it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    /// The one of this name, in whatever case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Plain, Self::ScramSha256, Self::ScramSha512]
            .into_iter()
            .find(|mechanism| mechanism.as_str().eq_ignore_ascii_case(text))
    }
}
