//! Connections that we open: plaintext, or TLS that trusts what an operator says.
//!
//! In: a TLS block of a client, or none, and the store of authorities; an address and the name that is called. Out: a stream, or an error that names the setting to set. Files are read
//! again when they change, at the next connection; [`Changes`] tells whether those that are open may still be used. Nothing here tries twice.

mod changes;
mod error;
mod key;
mod material;
mod verifier;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use settings::tls::ClientTls;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::either::Either;

pub use changes::Changes;
pub use error::DialError;
pub use key::{PublicKey, public_key};
use material::Files;

use crate::Store;

/// A connection, open.
pub type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// The whole of connecting, TLS included.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens connections to one kind of server.
pub struct Dialer {
    tls: Option<Arc<Tls>>,
}

struct Tls {
    settings: ClientTls,
    /// Whom to trust where the settings name nobody.
    store: Store,
    /// HTTP/2 is not offered.
    http1_only: bool,
    /// What was built last.
    built: Mutex<Built>,
}

/// What the files were made into.
#[derive(Default)]
struct Built {
    /// The last that could be used, and of which files.
    good: Option<(u64, Arc<ClientConfig>)>,
    /// Why those that are there now cannot be used: said once.
    refused: Option<String>,
}

// === impl Dialer ===

impl Dialer {
    /// Without TLS.
    #[must_use]
    pub fn plaintext() -> Self {
        Self { tls: None }
    }

    /// With TLS. Where `settings` names an authority, that one alone is trusted; otherwise those of `store`.
    #[must_use]
    pub fn tls(settings: ClientTls, store: &Store) -> Self {
        Self {
            tls: Some(Arc::new(Tls {
                settings,
                store: store.clone(),
                http1_only: false,
                built: Mutex::default(),
            })),
        }
    }

    /// Offers HTTP/1.1 alone, to a client that speaks nothing else.
    #[must_use]
    pub fn for_http1(mut self) -> Self {
        if let Some(tls) = self.tls.as_mut().and_then(Arc::get_mut) {
            tls.http1_only = true;
        }
        self
    }

    /// Whether it speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Whether the files can be used: what a start fails with. Blocks.
    ///
    /// # Errors
    /// The one that every connection would fail with.
    pub fn check(&self) -> Result<(), DialError> {
        self.tls
            .as_ref()
            .map_or(Ok(()), |tls| tls.config().map(drop))
    }

    /// Differs when connections are made of other files than before. Blocks.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let Some(tls) = &self.tls else { return 0 };
        // files that cannot be used leave those in use that were before
        drop(tls.config());
        let built = tls.built.lock();
        built.good.as_ref().map_or(0, |(of, _)| *of)
    }

    /// Those of the store whom it trusts, as PEM, for a library that connects by itself. `None`: the settings name somebody else, or take anybody. Blocks.
    ///
    /// # Errors
    /// The one that every connection would fail with.
    pub fn stored_authorities(&self) -> Result<Option<String>, DialError> {
        let Some(tls) = &self.tls else {
            return Ok(None);
        };
        Ok(Files::read(&tls.settings, &tls.store)?.stored_pem())
    }

    /// A connection to `address`, which is `host`'s: the name that its certificate must hold, unless another one is set.
    ///
    /// # Errors
    /// What kept it from being opened, with the setting that mends it.
    pub async fn dial(&self, host: &str, address: SocketAddr) -> Result<Stream, DialError> {
        let opened = tokio::time::timeout(PATIENCE, self.open(host, address)).await;
        opened.unwrap_or_else(|_| {
            Err(DialError::Silent {
                host: host.to_owned(),
                address,
                seconds: PATIENCE.as_secs(),
            })
        })
    }

    async fn open(&self, host: &str, address: SocketAddr) -> Result<Stream, DialError> {
        let unreachable = |source| DialError::Connect {
            host: host.to_owned(),
            address,
            source,
        };
        let stream = TcpStream::connect(address).await.map_err(unreachable)?;
        stream.set_nodelay(true).map_err(unreachable)?;
        let Some(tls) = &self.tls else {
            return Ok(Either::Left(stream));
        };
        let files = tls.clone();
        let (config, trusted) = tokio::task::spawn_blocking(move || {
            let config = files.config()?;
            Ok((config, files.trusted()))
        })
        .await
        .unwrap_or(Err(DialError::Ending))?;
        let called = tls.settings.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(called.to_owned()).map_err(|_| DialError::Name {
            prefix: tls.settings.prefix.clone(),
            name: called.to_owned(),
        })?;
        let connecting = TlsConnector::from(config).connect(name, stream);
        let (opened, issuer) = verifier::witness(connecting).await;
        opened.map(Either::Right).map_err(|error| {
            DialError::tls(&tls.settings, called, address, error, issuer, &trusted)
        })
    }
}

// === impl Tls ===

impl Tls {
    /// Whom we trust now, for messages.
    fn trusted(&self) -> String {
        match &self.settings.ca {
            Some(ca) => ca.display().to_string(),
            // they were looked at a moment ago
            None => self.store.described(&self.store.anchors()),
        }
    }

    /// What is there now; built again only when a file changed. Files that cannot be used leave the last good ones in use.
    fn config(&self) -> Result<Arc<ClientConfig>, DialError> {
        let made = self.make();
        let mut built = self.built.lock();
        match (made, &built.good) {
            (Ok(None), Some((_, config))) => {
                let config = config.clone();
                built.refused = None;
                Ok(config)
            }
            (Ok(None), None) => Err(DialError::Ending),
            (Ok(Some((fingerprint, config))), _) => {
                built.good = Some((fingerprint, config.clone()));
                built.refused = None;
                Ok(config)
            }
            (Err(error), None) => Err(error),
            (Err(error), Some((_, config))) => {
                let (config, said) = (config.clone(), error.to_string());
                if built.refused.as_ref() != Some(&said) {
                    tracing::warn!(
                        settings = self.settings.prefix,
                        error = said,
                        "new certificates cannot be used, the last good ones stay in use"
                    );
                    built.refused = Some(said);
                }
                Ok(config)
            }
        }
    }

    /// The files as they are now, made into a configuration; none: they are those in use.
    fn make(&self) -> Result<Option<(u64, Arc<ClientConfig>)>, DialError> {
        let files = Files::read(&self.settings, &self.store)?;
        let fingerprint = files.fingerprint();
        let is_known = |built: &Built| matches!(&built.good, Some((of, _)) if *of == fingerprint);
        if is_known(&self.built.lock()) {
            return Ok(None);
        }
        let mut config = files.build(&self.settings)?;
        if self.http1_only {
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
        }
        Ok(Some((fingerprint, Arc::new(config))))
    }
}

#[cfg(test)]
mod tests;
