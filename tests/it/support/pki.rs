//! Authorities, the certificates that they issue, and the two ways in which files of certificates are replaced in life.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SerialNumber};

/// An authority that signs itself.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as PEM.
pub(crate) struct Leaf {
    pub(crate) cert: String,
    pub(crate) key: String,
}

/// A folder as Kubernetes mounts a secret: each file is a link into `..data`, which is a link that is swapped for all of them at once.
pub(crate) struct Mounted {
    folder: PathBuf,
    version: u64,
}

// === impl Authority ===

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// For 127.0.0.1 and `localhost`, and good for a client too.
    pub(crate) fn server(&self, serial: u64) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let mut params =
            CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        params.serial_number = Some(SerialNumber::from(serial));
        Leaf {
            cert: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// Puts `text` into a file that is never half there, as careful writers do.
pub(crate) fn replace(file: &Path, text: &str) {
    let fresh = file.with_extension("new");
    std::fs::write(&fresh, text).unwrap();
    std::fs::rename(fresh, file).unwrap();
}

// === impl Mounted ===

impl Mounted {
    pub(crate) fn new(folder: PathBuf, files: &[(&str, &str)]) -> Self {
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
    pub(crate) fn swap(&mut self, files: &[(&str, &str)]) {
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
