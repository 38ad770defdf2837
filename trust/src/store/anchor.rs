//! Certificates in a file that may be trusted.
//!
//! In: the bytes of a file, any bytes. Out: the authorities in it, and each block that is none, with why. Both PEM and a single certificate as DER are read. Whether an authority is valid today is
//! not asked here: that changes by itself.
//!
//! Source: RFC 5280, 4.2.1.9 and 4.2.1.3; before version 3 an authority has no extension that says so, and signs itself.

use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate, X509Version};

use super::flaw::Why;
use super::pem;

/// An authority, as it lies in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) der: CertificateDer<'static>,
    /// The line, and which block.
    pub(super) at: Option<(usize, usize)>,
    pub(super) subject: String,
    /// Seconds since the Unix epoch.
    pub(super) begins: i64,
    pub(super) ends: i64,
}

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) anchors: Vec<Anchor>,
    /// Blocks that are no authority's certificate.
    pub(super) flaws: Vec<Blemish>,
}

/// A flaw, before it is known of which file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blemish {
    pub(super) at: Option<(usize, usize)>,
    pub(super) why: Why,
    pub(super) text: String,
}

/// Blocks of one file that are told of.
const MOST_FLAWS: usize = 1_000;
/// What stands in a certificate is for people and logs only as far as this.
const SHOWN: usize = 200;

// === impl Content ===

impl Content {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let mut content = Self::default();
        let mut is_pem = false;
        for (nth, block) in (1..).zip(pem::blocks(bytes)) {
            is_pem = true;
            let at = Some((block.line, nth));
            let judged = match (block.label.as_str(), block.body) {
                (_, Err(problem)) => Err((Why::Damaged, problem.to_owned())),
                ("CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE", Ok(der)) => {
                    judge(&der)
                }
                (label, Ok(_)) if label.ends_with("PRIVATE KEY") => Err((
                    Why::OtherKind,
                    "it is a private key, which does not belong into a bundle: take it out"
                        .to_owned(),
                )),
                (label, Ok(_)) => {
                    let label = shown(label);
                    Err((Why::OtherKind, format!("it is a {label}, no CERTIFICATE")))
                }
            };
            content.take(at, judged);
        }
        // as Windows writes them
        if !is_pem && bytes.first() == Some(&0x30) {
            content.take(None, judge(bytes));
        }
        content.abridge();
        content
    }

    fn take(&mut self, at: Option<(usize, usize)>, judged: Result<Anchor, (Why, String)>) {
        match judged {
            Ok(anchor) => self.anchors.push(Anchor { at, ..anchor }),
            Err((why, text)) => self.flaws.push(Blemish { at, why, text }),
        }
    }

    /// Nobody reads more.
    fn abridge(&mut self) {
        let more = self.flaws.len().saturating_sub(MOST_FLAWS);
        self.flaws.truncate(MOST_FLAWS);
        if let (1.., Some(last)) = (more, self.flaws.last_mut()) {
            last.text
                .push_str(&format!(" (and {more} more blocks cannot be used)"));
        }
    }

    /// Whether some authority is valid at that second.
    pub(super) fn is_usable(&self, now: i64) -> bool {
        self.anchors.iter().any(|anchor| anchor.lasts(now).is_ok())
    }
}

// === impl Anchor ===

impl Anchor {
    /// Whether it is valid at that second; if not, why.
    pub(super) fn lasts(&self, now: i64) -> Result<(), (Why, String)> {
        let subject = &self.subject;
        if now > self.ends {
            let text = format!("the authority \"{subject}\" ended on {}", day(self.ends));
            return Err((Why::Expired, text));
        }
        if now < self.begins {
            let text = format!("the authority \"{subject}\" begins on {}", day(self.begins));
            return Err((Why::NotYetValid, text));
        }
        Ok(())
    }
}

fn judge(der: &[u8]) -> Result<Anchor, (Why, String)> {
    let damaged = |error: String| {
        let text = format!("it holds no certificate: {}", shown(&error));
        (Why::Damaged, text)
    };
    let (rest, parsed) = X509Certificate::from_der(der).map_err(|e| damaged(e.to_string()))?;
    let subject = shown(&parsed.subject().to_string());
    let no_authority = |what: &str| {
        let text = format!("the certificate of \"{subject}\" {what}");
        (Why::NotAnAuthority, text)
    };
    let constraints = parsed.basic_constraints();
    let is_authority = match constraints.map_err(|e| damaged(e.to_string()))? {
        Some(constraints) => constraints.value.ca,
        None => parsed.version() != X509Version::V3 && parsed.subject() == parsed.issuer(),
    };
    if !is_authority {
        return Err(no_authority("is no authority's: give that of its issuer"));
    }
    let usage = parsed.key_usage().map_err(|e| damaged(e.to_string()))?;
    if usage.is_some_and(|usage| !usage.value.key_cert_sign()) {
        return Err(no_authority("may not sign others (key usage)"));
    }
    let (begins, ends) = (
        parsed.validity().not_before.timestamp(),
        parsed.validity().not_after.timestamp(),
    );
    // what OpenSSL wrote beside it is not of the certificate
    let len = der.len() - rest.len();
    let der = CertificateDer::from(der.get(..len).unwrap_or(der).to_vec());
    RootCertStore::empty()
        .add(der.clone())
        .map_err(|e| damaged(e.to_string()))?;
    Ok(Anchor {
        der,
        at: None,
        subject,
        begins,
        ends,
    })
}

/// What somebody else wrote, fit for a line of a log.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// `2026-01-31`
fn day(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds).map_or_else(
        |_| "a day beyond all calendars".to_owned(),
        |moment| moment.date().to_string(),
    )
}
