//! Whether the certificate of an instance can go on being used.
//!
//! In: its files, the authority, the names it must hold. Out: nothing to do, or the reason to issue another. Never an error: what cannot be read is
//! issued again.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use rcgen::{KeyPair, PublicKeyData as _};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::authority::{Authority, BACKDATED, read};
use crate::layout::{CA, Layout};
use crate::name::Name;

/// Why another certificate is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is none.
    Missing,
    /// A file holds something else.
    Unusable,
    /// Its key is another's.
    OtherKey,
    /// Another authority has signed it, or the copy of the authority's certificate beside it is not the authority's.
    OtherAuthority,
    /// It lacks names.
    Names(Vec<Name>),
    /// Less than a third of its time is left.
    Ends,
    /// It was made when the clock was ahead.
    NotYet,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("there was none"),
            Self::Unusable => f.write_str("a file of the one before could not be read"),
            Self::OtherKey => f.write_str("the one before and its key did not belong together"),
            Self::OtherAuthority => {
                f.write_str("the one before was not signed by the authority of the namespace")
            }
            Self::Names(names) => {
                f.write_str("the one before lacked")?;
                names.iter().try_for_each(|name| write!(f, " {name}"))
            }
            Self::NotYet => f.write_str("the one before was not valid yet: see the clock"),
            Self::Ends => f.write_str("less than a third of the time of the one before was left"),
        }
    }
}

/// What was found: the names that it holds, and why it has to be issued again.
pub(crate) struct Leaf {
    pub(crate) names: BTreeSet<Name>,
    pub(crate) due: Option<Reason>,
    /// Clients still take it.
    pub(crate) is_usable: bool,
}

// === impl Leaf ===

impl Leaf {
    pub(crate) fn judge(
        layout: &Layout,
        authority: &Authority,
        wanted: &BTreeSet<Name>,
        now: OffsetDateTime,
    ) -> Self {
        let due = |reason| Self {
            names: BTreeSet::new(),
            is_usable: false,
            due: Some(reason),
        };
        let copy = layout.instance().join(CA);
        let (cert, key, copy) = match (read(&layout.cert()), read(&layout.key()), read(&copy)) {
            (Ok(Some(cert)), Ok(Some(key)), Ok(Some(copy))) => (cert, key, copy),
            (Err(_), _, _) | (_, Err(_), _) | (_, _, Err(_)) => return due(Reason::Unusable),
            _ => return due(Reason::Missing),
        };
        let Ok(der) = CertificateDer::from_pem_slice(cert.as_bytes()) else {
            return due(Reason::Unusable);
        };
        let (Ok((_, leaf)), Ok(pair)) = (X509Certificate::from_der(&der), KeyPair::from_pem(&key))
        else {
            return due(Reason::Unusable);
        };
        if leaf.public_key().subject_public_key.data.as_ref() != pair.der_bytes() {
            return due(Reason::OtherKey);
        }
        if !authority.has_signed(&leaf) || copy != authority.pem() {
            return due(Reason::OtherAuthority);
        }
        let validity = leaf.validity();
        let (from, to) = (
            validity.not_before.timestamp(),
            validity.not_after.timestamp(),
        );
        let backdated = i64::try_from(BACKDATED.as_secs()).unwrap_or_default();
        let left = to.saturating_sub(now.unix_timestamp());
        let life = to.saturating_sub(from).saturating_sub(backdated);
        // of the authority's last days nothing can be gained
        let is_last = to >= authority.ends().unix_timestamp();
        if from > now.unix_timestamp() {
            return due(Reason::NotYet);
        }
        if left < life / 3 && !(is_last && left > 0) {
            return Self {
                is_usable: left > 0,
                ..due(Reason::Ends)
            };
        }
        let names = names(&leaf);
        let lacking: Vec<Name> = wanted.difference(&names).cloned().collect();
        Self {
            names,
            is_usable: true,
            due: Some(lacking)
                .filter(|lacking| !lacking.is_empty())
                .map(Reason::Names),
        }
    }
}

fn names(leaf: &X509Certificate<'_>) -> BTreeSet<Name> {
    let Ok(Some(alternative)) = leaf.subject_alternative_name() else {
        return BTreeSet::new();
    };
    let name = |general: &GeneralName<'_>| match general {
        GeneralName::DNSName(name) => name.parse().ok(),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
            .map(Name::Ip)
            .ok(),
        _ => None,
    };
    alternative
        .value
        .general_names
        .iter()
        .filter_map(name)
        .collect()
}
