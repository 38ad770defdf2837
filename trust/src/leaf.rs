//! Whether a certificate can go on being used.
//!
//! In: its files, whom clients trust, the names it must hold. Out: nothing to do, or the reason to mend it. Never an error: what cannot be read is issued again. It is the only judge:
//! what is mended while Spoor runs and what `spoor certs verify` names is the same.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use time::OffsetDateTime;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::authority::{Authority, BACKDATED, mode, read};
use crate::bundle::Bundle;
use crate::kind::Kind;
use crate::layout::Layout;
use crate::member::Member;
use crate::name::Name;
use crate::pair;
use crate::reason::Reason;

/// What was found.
#[derive(Default)]
pub(crate) struct Leaf {
    /// The names that it holds.
    pub(crate) names: BTreeSet<Name>,
    /// All that is wrong with it, the worst first.
    pub(crate) faults: Vec<Reason>,
    /// The certificate and its key, as PEM, where both can stay.
    pub(crate) kept: Option<(String, String)>,
}

/// Whom clients trust.
#[derive(Clone, Copy)]
pub(crate) struct Trust<'a> {
    pub(crate) bundle: &'a Bundle,
    /// Which of them issues here, and until when; none where certificates were put that somebody else has issued.
    pub(crate) issuer: Option<(usize, OffsetDateTime)>,
}

// === impl Trust ===

impl<'a> Trust<'a> {
    pub(crate) fn of(authority: &'a Authority) -> Self {
        Self {
            bundle: authority.bundle(),
            issuer: Some((authority.at(), authority.ends())),
        }
    }
}

// === impl Leaf ===

impl Leaf {
    pub(crate) fn judge(
        layout: &Layout,
        trust: Trust<'_>,
        member: &Member,
        now: OffsetDateTime,
    ) -> Self {
        let (cert, key) = match (read(&layout.cert()), read(&layout.key())) {
            (Ok(Some(cert)), Ok(Some(key))) => (cert, key),
            (Err(_), _) | (_, Err(_)) => return Self::due(Reason::Unusable),
            _ => return Self::due(Reason::Missing),
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(cert.as_bytes()).collect();
        let (Ok(chain), Some(public)) = (chain, pair::public_half(&key)) else {
            return Self::due(Reason::Unusable);
        };
        let Some((der, rest)) = chain.split_first() else {
            return Self::due(Reason::Unusable);
        };
        let Ok((_, leaf)) = X509Certificate::from_der(der) else {
            return Self::due(Reason::Unusable);
        };
        if leaf.public_key().raw != public {
            return Self::due(Reason::OtherKey);
        }
        let names = names(&leaf);
        let mut faults = faults_of(&leaf, &names, rest.is_empty(), trust, member, now);
        if faults.is_empty() {
            let refused = refused(der, rest, trust.bundle, member, now);
            faults.extend(refused.map(Reason::Refused));
        }
        let is_good = faults.is_empty();
        faults.extend(beside(layout, trust));
        Self {
            names,
            faults,
            kept: is_good.then_some((cert, key)),
        }
    }

    fn due(reason: Reason) -> Self {
        Self {
            faults: vec![reason],
            ..Self::default()
        }
    }

    /// Why it has to be mended.
    pub(crate) fn reason(&self) -> Option<&Reason> {
        self.faults.first()
    }

    /// Clients still take it.
    pub(crate) fn is_usable(&self) -> bool {
        self.faults.iter().all(Reason::is_bearable)
    }

    /// The names for the next one: another process of this instance may be called by some that this one does not know.
    pub(crate) fn names_for(&self, member: &Member) -> BTreeSet<Name> {
        let is_others =
            |reason: &Reason| matches!(reason, Reason::OtherAuthority | Reason::Stranger(_));
        let is_over = |reason: &Reason| matches!(reason, Reason::Ends | Reason::Ended);
        let drops = self.faults.iter().any(is_others)
            || member.knows_all && self.faults.iter().any(is_over);
        let namespace = member.instance.namespace();
        let kept = self
            .names
            .iter()
            .filter(|name| !drops && !name.is_of_another(namespace));
        kept.chain(&member.names).cloned().collect()
    }
}

/// What the certificate itself says, and who says it.
fn faults_of(
    leaf: &X509Certificate<'_>,
    names: &BTreeSet<Name>,
    is_alone: bool,
    trust: Trust<'_>,
    member: &Member,
    now: OffsetDateTime,
) -> Vec<Reason> {
    let now = now.unix_timestamp();
    let validity = leaf.validity();
    let (from, to) = (
        validity.not_before.timestamp(),
        validity.not_after.timestamp(),
    );
    let backdated = i64::try_from(BACKDATED.as_secs()).unwrap_or_default();
    let left = to.saturating_sub(now);
    let life = to.saturating_sub(from).saturating_sub(backdated);
    // of the authority's last days nothing can be gained
    let is_last = trust
        .issuer
        .is_some_and(|(_, ends)| to >= ends.unix_timestamp());
    let signer = trust.bundle.signer_of(leaf);
    let mut faults = Vec::new();
    // where it was put there may be others between them
    if signer.is_none() && (trust.issuer.is_some() || is_alone) {
        faults.push(Reason::OtherAuthority);
    }
    if trust.issuer.is_some() && !is_subject(leaf, member) {
        faults.push(Reason::Stranger(leaf.subject().to_string()));
    }
    if from > now {
        faults.push(Reason::NotYet);
    }
    if left <= 0 {
        faults.push(Reason::Ended);
    }
    if signer.is_some() && trust.issuer.is_some_and(|(at, _)| signer != Some(at)) {
        faults.push(Reason::Rolled);
    }
    if (1..life / 3).contains(&left) && !is_last {
        faults.push(Reason::Ends);
    }
    let lacking: Vec<Name> = member.names.difference(names).cloned().collect();
    if !lacking.is_empty() {
        faults.push(Reason::Names(lacking));
    }
    faults
}

/// What is wrong beside a certificate that is right.
fn beside(layout: &Layout, trust: Trust<'_>) -> Vec<Reason> {
    let copy = read(&layout.copy()).ok().flatten();
    let is_open = |path: &Path| mode(path).is_some_and(|mode| mode & 0o077 != 0);
    // what was put there has the modes that it was given, and perhaps no copy
    let is_ours = trust.issuer.is_some();
    let mut faults = Vec::new();
    if copy.as_deref() != Some(trust.bundle.pem()) && (is_ours || copy.is_some()) {
        faults.push(Reason::Copy);
    }
    if is_ours && is_open(&layout.key()) {
        faults.push(Reason::Open);
    }
    faults
}

/// What a client, or a server, that trusts the bundle says to it.
fn refused(
    leaf: &CertificateDer<'_>,
    rest: &[CertificateDer<'_>],
    bundle: &Bundle,
    member: &Member,
    now: OffsetDateTime,
) -> Option<String> {
    let at = UnixTime::since_unix_epoch(Duration::from_secs(
        u64::try_from(now.unix_timestamp()).unwrap_or_default(),
    ));
    let provider = Arc::new(default_provider());
    let as_client = || {
        WebPkiClientVerifier::builder_with_provider(bundle.roots(), provider.clone())
            .build()
            .map_err(|error| error.to_string())?
            .verify_client_cert(leaf, rest, at)
            .map_err(|error| error.to_string())
            .map(drop)
    };
    let as_server = || {
        let name = member.names.iter().find_map(|name| match name {
            Name::Dns(name) => ServerName::try_from(name.as_str()).ok(),
            Name::Ip(ip) => Some(ServerName::from(*ip)),
        });
        let Some(name) = name else { return Ok(()) };
        WebPkiServerVerifier::builder_with_provider(bundle.roots(), provider.clone())
            .build()
            .map_err(|error| error.to_string())?
            .verify_server_cert(leaf, rest, &name, &[], at)
            .map_err(|error| error.to_string())
            .map(drop)
    };
    match member.kind {
        Kind::Server => as_server(),
        Kind::Node => as_server().and_then(|()| as_client()),
        Kind::Client => as_client(),
    }
    .err()
}

fn is_subject(leaf: &X509Certificate<'_>, member: &Member) -> bool {
    let (common, unit) = member.kind.subject(&member.instance);
    let mut commons = leaf.subject().iter_common_name();
    let mut units = leaf.subject().iter_organizational_unit();
    let text = |part: Option<&x509_parser::x509::AttributeTypeAndValue<'_>>| {
        part.and_then(|part| part.as_str().ok().map(str::to_owned))
    };
    text(commons.next()).as_deref() == Some(common.as_str())
        && text(units.next()).as_deref() == unit
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
