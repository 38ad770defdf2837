//! What is wrong, in words.
//!
//! In: what the judge says of a certificate. Out: the file at fault, a word for machines, a sentence for people.

use std::fmt;
use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::authority::{mode, read};
use crate::layout::{Layout, there};
use crate::member::Member;
use crate::reason::Reason;

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Where.
    pub path: PathBuf,
    /// One word for machines.
    pub word: &'static str,
    /// What, for people.
    pub text: String,
}

// === impl Complaint ===

impl Complaint {
    pub(super) fn new(
        path: impl Into<PathBuf>,
        word: &'static str,
        text: impl Into<String>,
    ) -> Self {
        Self {
            path: path.into(),
            word,
            text: text.into(),
        }
    }

    /// What the judge says of `member`, whose files are those of `layout`.
    pub(super) fn of(reason: &Reason, layout: &Layout, member: &Member) -> Vec<Self> {
        let (path, text) = match reason {
            Reason::Missing => {
                let missing = [layout.cert(), layout.key()].into_iter();
                let missing = missing.filter(|path| !there(path));
                return missing
                    .map(|path| Self::new(path, reason.word(), "there is none"))
                    .collect();
            }
            Reason::Unusable if is_certificate(&layout.cert()) => (
                layout.key(),
                "it holds no private key that can be used".to_owned(),
            ),
            Reason::Unusable => (
                layout.cert(),
                "it holds no certificate that can be read".to_owned(),
            ),
            Reason::OtherKey => (layout.key(), "it is not the key of tls.crt".to_owned()),
            Reason::OtherAuthority => {
                let namespace = member.instance.namespace();
                let text = format!("no authority of namespace {namespace} has signed it");
                (layout.cert(), text)
            }
            Reason::Rolled => (
                layout.cert(),
                "the authority that is about to go has signed it".to_owned(),
            ),
            Reason::Stranger(subject) => (
                layout.cert(),
                format!("it is somebody else's, or for something else: {subject}"),
            ),
            Reason::Names(names) => {
                let names: Vec<String> = names.iter().map(ToString::to_string).collect();
                (layout.cert(), format!("it lacks {}", names.join(" ")))
            }
            Reason::Ends => (
                layout.cert(),
                "less than a third of its time is left".to_owned(),
            ),
            Reason::Ended => (layout.cert(), "its time is over".to_owned()),
            Reason::NotYet => (layout.cert(), "it is not valid yet".to_owned()),
            Reason::Refused(problem) => (layout.cert(), format!("rustls refuses it: {problem}")),
            Reason::Copy => (
                layout.copy(),
                "it is not what ca.crt of the namespace is".to_owned(),
            ),
            Reason::Open => {
                let mode = mode(&layout.key()).unwrap_or_default() & 0o777;
                let text = format!("others may use it (mode {mode:o}): it should be 600");
                (layout.key(), text)
            }
            Reason::Asked => return Vec::new(),
        };
        vec![Self::new(path, reason.word(), text)]
    }
}

/// What the problem of an authority is called.
pub(super) fn word_of(problem: &str) -> &'static str {
    [
        ("no authority's", "not-a-ca"),
        ("key of another", "mismatched-pair"),
        ("ended at", "expired"),
        ("others may write", "wrong-mode"),
        ("of namespace", "wrong-subject"),
    ]
    .iter()
    .find(|(part, _)| problem.contains(part))
    .map_or("unreadable", |(_, word)| word)
}

fn is_certificate(path: &Path) -> bool {
    let pem = read(path).ok().flatten().unwrap_or_default();
    let mut all = CertificateDer::pem_slice_iter(pem.as_bytes());
    let is_good = all
        .next()
        .is_some_and(|der| der.is_ok_and(|der| X509Certificate::from_der(&der).is_ok()));
    is_good && all.all(|der| der.is_ok())
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.path.display(), self.word, self.text)
    }
}
