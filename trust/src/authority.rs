//! The authority of a namespace: certificates that clients are given, and the key that it issues with.
//!
//! In: the two files, or nothing. Out: certificates for instances. An authority that is there is never replaced: whoever trusts it would be locked out.
//! Of the two files the key is written first, so that a certificate that can be seen can also issue. Which of several certificates issues is said by the key alone: one rename makes
//! the next authority the one that issues.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::bundle::Bundle;
use crate::error::Error;
use crate::folder::{self, PUBLIC, SECRET};
use crate::kind::short;
use crate::layout::Space;
use crate::member::Member;
use crate::name::Name;
use crate::pair;

/// How long an authority lasts: it is given to clients by hand.
const LIFE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Certificates begin this long ago, for clocks differ.
pub(crate) const BACKDATED: Duration = Duration::from_secs(3600);

/// What the name of one of ours begins with; the namespace follows.
const OURS: &str = "Spoor authority of namespace ";

/// The authority of one namespace.
pub(crate) struct Authority {
    bundle: Bundle,
    /// Which of the bundle issues.
    at: usize,
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
    /// What is there; none when neither certificate nor key is. `missing`: what would have to be issued.
    pub(crate) fn load(
        space: &Space,
        namespace: &str,
        missing: &Path,
        now: OffsetDateTime,
    ) -> Result<Option<Self>, Error> {
        let (cert, key) = (space.authority(), space.key());
        let Some(pem) = text(&cert)? else {
            return Ok(None);
        };
        let Some(key_pem) = read(&key)? else {
            return Err(Error::NoKey {
                authority: cert,
                missing: missing.to_owned(),
            });
        };
        refuse_writable(&key)?;
        Self::of(&pem, &key_pem, namespace, now)
            .map(Some)
            .map_err(|(is_key, problem)| Error::Authority {
                path: if is_key { key } else { cert },
                problem,
            })
    }

    /// Of the contents of both files; the error says whether it is the key that is at fault.
    pub(crate) fn of(
        pem: &str,
        key_pem: &str,
        namespace: &str,
        now: OffsetDateTime,
    ) -> Result<Self, (bool, String)> {
        let of_cert = |problem| (false, problem);
        let bundle = Bundle::parse(pem).map_err(of_cert)?;
        let pair = KeyPair::from_pem(key_pem)
            .map_err(|error| (true, format!("it holds no private key in PKCS#8: {error}")))?;
        let at = pair::public_half(key_pem)
            .and_then(|public| bundle.of_key(&public))
            .ok_or_else(|| (true, "it is the key of another authority".to_owned()))?;
        let der = bundle.get(at).cloned().unwrap_or_else(|| Vec::new().into());
        let (_, parsed) =
            X509Certificate::from_der(&der).map_err(|error| of_cert(error.to_string()))?;
        if let Some(other) = other_namespace(&parsed, namespace) {
            return Err(of_cert(format!("it is the authority of namespace {other}")));
        }
        let validity = parsed.validity();
        if validity.not_after.timestamp() < now.unix_timestamp() {
            return Err(of_cert(format!("it ended at {}", validity.not_after)));
        }
        let ends = validity.not_after.to_datetime();
        let issuer = rcgen::Issuer::from_ca_cert_der(&der, pair)
            .map_err(|error| of_cert(error.to_string()))?;
        Ok(Self {
            bundle,
            at,
            ends,
            issuer,
        })
    }

    /// A new one, in its files. A key that is there without a certificate is taken up: clients that have the certificate of before still trust it.
    pub(crate) fn make(space: &Space, namespace: &str, now: OffsetDateTime) -> Result<(), Error> {
        let key = space.key();
        let pair = match read(&key)? {
            Some(pem) => key_of(&key, &pem)?,
            None => make_key(&key, namespace)?,
        };
        let name = named(&format!("{OURS}{namespace}"), None);
        let pem = certificate(name, pair, namespace, now)?;
        folder::write(&space.authority(), PUBLIC, &pem)
    }

    /// The certificate of the next one, beside those that are trusted already, in `ca.crt`. Its key is there.
    pub(crate) fn trust_next(
        &self,
        space: &Space,
        namespace: &str,
        now: OffsetDateTime,
    ) -> Result<(), Error> {
        let key = space.next_key();
        let pair = key_of(&key, &read(&key)?.unwrap_or_default())?;
        let made = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339);
        // two of one name are told apart by their keys alone, which not every client tries
        let unit = format!("since {}", made.unwrap_or_default());
        let name = named(&format!("{OURS}{namespace}"), Some(&unit));
        let pem = certificate(name, pair, namespace, now)?;
        let mut both = self.bundle.pem().trim_end().to_owned();
        both.push('\n');
        both.push_str(&pem);
        folder::write(&space.authority(), PUBLIC, &both)
    }

    /// Only the one that issues is trusted from now on.
    pub(crate) fn trust_alone(&self, space: &Space) -> Result<(), Error> {
        folder::write(&space.authority(), PUBLIC, &self.bundle.pem_of(self.at))
    }

    /// The certificates that clients trust.
    pub(crate) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Which of them issues.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// When clients stop to trust it.
    pub(crate) fn ends(&self) -> OffsetDateTime {
        self.ends
    }

    /// A certificate for `member` under `names`.
    pub(crate) fn issue(
        &self,
        member: &Member,
        names: &BTreeSet<Name>,
        validity: Duration,
        now: OffsetDateTime,
    ) -> Result<Issued, Error> {
        let failed = || Error::making(member.to_string());
        let pair = KeyPair::generate().map_err(failed())?;
        let mut params = CertificateParams::default();
        let (common, unit) = member.kind.subject(&member.instance);
        params.distinguished_name = named(&common, unit);
        for name in names {
            params.subject_alt_names.push(match name {
                Name::Dns(name) => SanType::DnsName(name.as_str().try_into().map_err(failed())?),
                Name::Ip(ip) => SanType::IpAddress(*ip),
            });
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = member.kind.uses();
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

/// A new key in its file.
pub(crate) fn make_key(path: &Path, namespace: &str) -> Result<KeyPair, Error> {
    let failed = Error::making(format!("the authority of namespace {namespace}"));
    let pair = KeyPair::generate().map_err(failed)?;
    folder::write(path, SECRET, &pair.serialize_pem())?;
    Ok(pair)
}

fn key_of(path: &Path, pem: &str) -> Result<KeyPair, Error> {
    refuse_writable(path)?;
    KeyPair::from_pem(pem).map_err(|error| Error::Authority {
        path: path.to_owned(),
        problem: format!("it holds no private key in PKCS#8: {error}"),
    })
}

/// One that vouches for itself.
fn certificate(
    name: DistinguishedName,
    pair: KeyPair,
    namespace: &str,
    now: OffsetDateTime,
) -> Result<String, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    // no authority below it
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::CrlSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params.not_before = now - BACKDATED;
    params.not_after = now + LIFE;
    let failed = Error::making(format!("the authority of namespace {namespace}"));
    let certified = CertifiedIssuer::self_signed(params, pair).map_err(failed)?;
    Ok(certified.pem())
}

/// Whose it is, when it is one of ours and not this namespace's.
pub(crate) fn other_namespace(authority: &X509Certificate<'_>, namespace: &str) -> Option<String> {
    let common = authority.subject().iter_common_name().next()?;
    let common = common.as_str().ok()?;
    let other = common.strip_prefix(OURS)?;
    (common != short(&format!("{OURS}{namespace}"))).then(|| other.to_owned())
}

/// Whoever may write the key could put his own there, and issue what clients trust.
pub(crate) fn refuse_writable(key: &Path) -> Result<(), Error> {
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
    found(path, fs::read_to_string(path))
}

/// The same of a file that is damaged beyond being text: what is wrong with it shows when it is parsed.
fn text(path: &Path) -> Result<Option<String>, Error> {
    let bytes = found(path, fs::read(path))?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// That there is no file is no error.
fn found<T>(path: &Path, read: io::Result<T>) -> Result<Option<T>, Error> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::files("read", path)(error)),
    }
}

fn named(common: &str, unit: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    if let Some(unit) = unit {
        name.push(DnType::OrganizationalUnitName, unit);
    }
    name.push(DnType::CommonName, short(common));
    name
}
