//! Authorities, the certificates that they issue, and the two ways in which files of certificates are replaced in life.
#![allow(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    reason = "what tests make up is right"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    SerialNumber,
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsConnector;

/// An authority that signs itself.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
#[derive(Clone)]
pub struct Leaf {
    /// The certificate.
    pub cert: String,
    /// Its key, as PKCS#8.
    pub key: String,
}

/// A folder as Kubernetes mounts a secret: each file is a link into `..data`, which is a link that is swapped for all of them at once.
pub struct Mounted {
    folder: PathBuf,
    version: u64,
}

/// Trusts `authorities` and nothing else, and shows `leaf` when asked.
pub fn trusting(authorities: &str, leaf: Option<&Leaf>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        roots.add(authority.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match leaf {
        Some(Leaf { cert, key }) => builder.with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        ),
        None => Ok(builder.with_no_client_auth()),
    };
    TlsConnector::from(Arc::new(config.unwrap()))
}

// === impl Authority ===

impl Authority {
    /// With a key of its own.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// With a key of its own, and vouched for by `above`.
    pub fn below(above: &Self, name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::signed_by(params, key, &above.0).unwrap())
    }

    /// Its certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// For 127.0.0.1, `::1` and `localhost`, and good for a client too.
    pub fn server(&self, serial: u64) -> Leaf {
        let names = ["127.0.0.1", "::1", "localhost"].map(str::to_owned);
        let mut params = CertificateParams::new(names).unwrap();
        params.serial_number = Some(SerialNumber::from(serial));
        self.leaf(&params)
    }

    /// For a client whose name is `name`.
    pub fn client(&self, name: &str) -> Leaf {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        self.leaf(&params)
    }

    fn leaf(&self, params: &CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        Leaf {
            cert: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// Puts `text` into a file that is never half there, as careful writers do.
pub fn replace(file: &Path, text: &str) {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, text).unwrap();
    std::fs::rename(fresh, file).unwrap();
}

// === impl Mounted ===

impl Mounted {
    /// With the first files, by name.
    pub fn new(folder: PathBuf, files: &[(&str, &str)]) -> Self {
        std::fs::create_dir_all(&folder).unwrap();
        let mut mounted = Self { folder, version: 0 };
        mounted.swap(files);
        for (name, _) in files {
            let link = Path::new("..data").join(name);
            std::os::unix::fs::symlink(link, mounted.folder.join(name)).unwrap();
        }
        mounted
    }

    /// A new folder with all files, a link to it in the place of the old one, and the old folder is removed.
    pub fn swap(&mut self, files: &[(&str, &str)]) {
        let old = self.folder.join(format!("..version-{}", self.version));
        self.version += 1;
        let name = format!("..version-{}", self.version);
        let new = self.folder.join(&name);
        std::fs::create_dir(&new).unwrap();
        for (file, text) in files {
            std::fs::write(new.join(file), text).unwrap();
        }
        let link = self.folder.join("..data_tmp");
        std::os::unix::fs::symlink(&name, &link).unwrap();
        std::fs::rename(link, self.folder.join("..data")).unwrap();
        if old.exists() {
            std::fs::remove_dir_all(old).unwrap();
        }
    }
}
