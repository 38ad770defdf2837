//! The bytes of the TLS files, all of one moment.
//!
//! In: paths. Out: the bytes and a fingerprint by which two readings are compared. Nothing is parsed here.

use std::path::{Path, PathBuf};

use settings::tls::ServerTls;
use xxhash_rust::xxh3::Xxh3;

use super::Error;

/// Larger files are not PEM files of ours.
const MOST_BYTES: u64 = 4 << 20;

/// The files of one listener. Holds a private key, so it has no `Debug`.
pub(super) struct Files {
    pub(super) cert: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) client_ca: Option<Vec<u8>>,
}

impl Files {
    /// Blocks: for a thread that may.
    pub(super) fn read(settings: &ServerTls) -> Result<Self, Error> {
        let ServerTls {
            prefix,
            cert,
            key,
            client_ca,
            ..
        } = settings;
        Ok(Self {
            cert: required(cert.as_ref(), prefix, "cert")?,
            key: required(key.as_ref(), prefix, "key")?,
            client_ca: match client_ca {
                Some(path) => Some(read(path, prefix, "client-ca")?),
                None => None,
            },
        })
    }

    pub(super) fn fingerprint(&self) -> u64 {
        let mut hash = Xxh3::new();
        for part in [Some(&self.cert), Some(&self.key), self.client_ca.as_ref()]
            .into_iter()
            .flatten()
        {
            hash.update(&part.len().to_le_bytes());
            hash.update(part);
        }
        hash.digest()
    }
}

fn required(path: Option<&PathBuf>, prefix: &str, name: &str) -> Result<Vec<u8>, Error> {
    match path {
        Some(path) => read(path, prefix, name),
        None => Err(Error::Unset {
            setting: format!("{prefix}.{name}"),
        }),
    }
}

fn read(path: &Path, prefix: &str, name: &str) -> Result<Vec<u8>, Error> {
    let setting = || format!("{prefix}.{name}");
    let unreadable = |source| Error::Unreadable {
        path: path.to_owned(),
        setting: setting(),
        source,
    };
    let length = std::fs::metadata(path).map_err(unreadable)?.len();
    if length > MOST_BYTES {
        let problem = format!("is {length} bytes long, too long for a pem file");
        return Err(Error::Content {
            path: path.to_owned(),
            setting: setting(),
            problem,
        });
    }
    std::fs::read(path).map_err(unreadable)
}
