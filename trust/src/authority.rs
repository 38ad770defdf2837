//! The authority of a namespace: a certificate that clients are given, and the key that it issues with.
//!
//! In: the two files, or nothing. Out: certificates for instances. An authority that is there is never replaced: whoever trusts it would be locked out.
//! Of the two files the key is written first, so that a certificate that can be seen can also issue.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use model::Instance;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::error::Error;
use crate::folder::{self, PUBLIC, SECRET};
use crate::layout::Layout;
use crate::name::Name;

/// How long an authority lasts: it is given to clients by hand.
const LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Certificates begin this long ago, for clocks differ.
pub(crate) const BACKDATED: Duration = Duration::from_secs(3600);

/// The authority of one namespace.
pub(crate) struct Authority {
    pem: String,
    der: CertificateDer<'static>,
    ends: OffsetDateTime,
    issuer: rcgen::Issuer<'static, KeyPair>,
}

/// A new certificate and its key, as PEM.
pub(crate) struct Issued {
    pub(crate) cert: String,
    pub(crate) key: String,
}

// === impl Authority ===

impl Authority {
    /// What is there; none when neither certificate nor key is.
    pub(crate) fn load(layout: &Layout, now: OffsetDateTime) -> Result<Option<Self>, Error> {
        let (cert, key) = (layout.authority(), layout.authority_key());
        let Some(pem) = read(&cert)? else {
            return Ok(None);
        };
        let Some(key_pem) = read(&key)? else {
            return Err(Error::NoKey {
                authority: cert,
                missing: layout.cert(),
            });
        };
        let wrong = |path: &Path, problem: String| Error::Authority {
            path: path.to_owned(),
            problem,
        };
        refuse_writable(&key)?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| wrong(&cert, format!("it holds no certificate as PEM: {error}")))?;
        let (_, parsed) = X509Certificate::from_der(&der)
            .map_err(|error| wrong(&cert, format!("it holds no X.509 certificate: {error}")))?;
        if !parsed.is_ca() {
            return Err(wrong(&cert, "it is no authority's certificate".to_owned()));
        }
        if parsed.validity().not_after.timestamp() < now.unix_timestamp() {
            return Err(wrong(
                &cert,
                format!("it ended at {}", parsed.validity().not_after),
            ));
        }
        let ends = parsed.validity().not_after.to_datetime();
        let pair = KeyPair::from_pem(&key_pem)
            .map_err(|error| wrong(&key, format!("it holds no private key in PKCS#8: {error}")))?;
        if parsed.public_key().subject_public_key.data.as_ref() != pair.public_key_raw() {
            return Err(wrong(&key, "it is the key of another authority".to_owned()));
        }
        let issuer = rcgen::Issuer::from_ca_cert_der(&der, pair)
            .map_err(|error| wrong(&cert, error.to_string()))?;
        Ok(Some(Self {
            pem,
            der,
            ends,
            issuer,
        }))
    }

    /// A new one, in its files. A key that is there without a certificate is taken up: clients that have the certificate of before still trust it.
    pub(crate) fn make(
        layout: &Layout,
        instance: &Instance,
        now: OffsetDateTime,
    ) -> Result<Self, Error> {
        let namespace = instance.namespace();
        let failed = || Error::making(format!("the authority of namespace {namespace}"));
        let key = layout.authority_key();
        refuse_writable(&key)?;
        let pair = match read(&key)? {
            Some(pem) => KeyPair::from_pem(&pem).map_err(|error| Error::Authority {
                path: key.clone(),
                problem: format!("it holds no private key in PKCS#8: {error}"),
            })?,
            None => {
                let pair = KeyPair::generate().map_err(failed())?;
                folder::write(&key, SECRET, &pair.serialize_pem())?;
                pair
            }
        };
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("Spoor authority of namespace {namespace}"));
        // no authority below it
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        params.not_before = now - BACKDATED;
        params.not_after = now + LIFE;
        let certified = CertifiedIssuer::self_signed(params, pair).map_err(failed())?;
        folder::write(&layout.authority(), PUBLIC, &certified.pem())?;
        // from the files, so that the first run goes the way of all others
        Self::load(layout, now)?.ok_or_else(|| Error::Authority {
            path: layout.authority(),
            problem: "it is gone again".to_owned(),
        })
    }

    /// The certificate that clients trust, as PEM.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// When clients stop to trust it.
    pub(crate) fn ends(&self) -> OffsetDateTime {
        self.ends
    }

    /// Whether `leaf` bears this authority's signature.
    pub(crate) fn has_signed(&self, leaf: &X509Certificate<'_>) -> bool {
        let own = X509Certificate::from_der(&self.der);
        own.is_ok_and(|(_, own)| leaf.verify_signature(Some(own.public_key())).is_ok())
    }

    /// A certificate for `instance` under `names`: to serve with, and to show as a client.
    pub(crate) fn issue(
        &self,
        instance: &Instance,
        names: &BTreeSet<Name>,
        validity: Duration,
        now: OffsetDateTime,
    ) -> Result<Issued, Error> {
        let failed = || Error::making(instance.as_str());
        let pair = KeyPair::generate().map_err(failed())?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("{}.{}", instance.name(), instance.namespace()));
        for name in names {
            params.subject_alt_names.push(match name {
                Name::Dns(name) => SanType::DnsName(name.as_str().try_into().map_err(failed())?),
                Name::Ip(ip) => SanType::IpAddress(*ip),
            });
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        params.not_before = now - BACKDATED;
        // none outlives who vouches for it
        params.not_after = (now + validity).min(self.ends);
        let cert = params.signed_by(&pair, &self.issuer).map_err(failed())?;
        Ok(Issued {
            cert: cert.pem(),
            key: pair.serialize_pem(),
        })
    }
}

/// Whoever may write the key could put his own there, and issue what clients trust.
fn refuse_writable(key: &Path) -> Result<(), Error> {
    match mode(key) {
        Some(mode) if mode & 0o022 != 0 => Err(Error::Authority {
            path: key.to_owned(),
            problem: format!("others may write to it (mode {:o})", mode & 0o777),
        }),
        _ => Ok(()),
    }
}

/// Who may do what with a file; none when there is none.
pub(crate) fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path)
        .ok()
        .map(|meta| meta.permissions().mode())
}

/// The text of a file; none when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::files("read", path)(error)),
    }
}

fn named(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    // longer ones are refused by some clients
    let short: String = common.chars().take(64).collect();
    name.push(DnType::CommonName, short);
    name
}
