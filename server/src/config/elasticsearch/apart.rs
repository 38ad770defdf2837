//! Whether instances are kept apart.
//!
//! In: the store of each instance. Out: a problem for each two that would write to the same indices, or that show a cluster the same key: they could read and
//! change each other's spans, and the cluster could not tell them apart. The store and the archive of one instance may share both.

use std::collections::BTreeSet;
use std::path::PathBuf;

use storage::elasticsearch::Config;
use storage::elasticsearch::config::Place;
use trust::PublicKey;

use super::super::check::Check;
use super::{ARCHIVE, STORE, urls};

/// What stands behind a prefix in the names that are found by a pattern.
const KINDS: [&str; 4] = ["span", "service", "dependencies", "sampling"];

/// A store, with what it must share with no other.
pub(super) struct Store {
    pub(super) config: Config,
    /// It has an item of `instances`.
    has_item: bool,
    places: Vec<Claim>,
}

struct Claim {
    /// With the hyphen behind it.
    prefix: String,
    prefix_at: String,
    clusters: BTreeSet<String>,
    key: Option<Key>,
}

struct Key {
    at: String,
    path: PathBuf,
    /// None where it could not be read, which has been told.
    public: Option<PublicKey>,
}

// === impl Store ===

impl Store {
    pub(super) fn new(config: Config, has_item: bool, check: &Check<'_>) -> Self {
        let archive = config.archive.as_ref().map(|place| (ARCHIVE, place));
        let places = [(STORE, &config.main)].into_iter().chain(archive);
        let places = places.map(|(prefix, place)| Claim::new(prefix, place, check));
        Self {
            places: places.collect(),
            has_item,
            config,
        }
    }

    /// Every claim of this one beside every claim of the other.
    fn beside<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Claim, &'a Claim)> {
        let ours = self.places.iter();
        ours.flat_map(move |one| other.places.iter().map(move |two| (one, two)))
    }
}

// === impl Claim ===

impl Claim {
    fn new(prefix: &str, place: &Place, check: &Check<'_>) -> Self {
        let mut index = place.indices.prefix.clone();
        if !index.is_empty() && !index.ends_with('-') {
            index.push('-');
        }
        let tls = place.connection.tls.as_ref();
        let key = tls.and_then(|tls| {
            Some(Key {
                at: check.settings.at(&format!("{prefix}.tls.key")),
                path: tls.key.clone()?,
                public: trust::public_key(tls).ok().flatten(),
            })
        });
        Self {
            prefix: index,
            prefix_at: check.settings.at(&format!("{prefix}.index-prefix")),
            clusters: urls::places(&place.connection.urls),
            key,
        }
    }

    /// Whether a pattern for the indices of this one finds those of the other.
    fn finds(&self, other: &Self) -> bool {
        let rest = other.prefix.strip_prefix(&self.prefix);
        let rest = rest.and_then(|rest| rest.strip_prefix("jaeger-"));
        let is_kind = |rest: &str| {
            let kind = rest.split_once('-').map(|(kind, _)| kind);
            kind.is_some_and(|kind| KINDS.contains(&kind))
        };
        self.prefix == other.prefix || rest.is_some_and(is_kind)
    }
}

impl Key {
    fn is(&self, other: &Self) -> bool {
        self.path == other.path || (self.public.is_some() && self.public == other.public)
    }
}

/// Tells of each two that share something. Two without an item share everything, which is told in one for all of them.
pub(super) fn check(stores: &[Store], check: &mut Check<'_>) {
    for (index, one) in stores.iter().enumerate() {
        let others = stores.iter().skip(index + 1);
        for two in others.filter(|two| one.has_item || two.has_item) {
            // of a thousand instances there are half a million pairs: what is cheap and mostly tells them apart comes first, and nothing is written down before
            let pair = || format!("{} and {}", one.config.instance, two.config.instance);
            let indices = one.beside(two).find_map(|(a, b)| {
                if !a.finds(b) && !b.finds(a) {
                    return None;
                }
                let at = a.clusters.intersection(&b.clusters).next()?;
                Some((a, b, at))
            });
            if let Some((a, b, at)) = indices {
                let what = if a.prefix == b.prefix {
                    format!("would share the indices \"{}jaeger-…\"", a.prefix)
                } else {
                    format!(
                        "have the prefixes \"{}\" and \"{}\", and what one looks for finds indices of the other",
                        a.prefix, b.prefix
                    )
                };
                check.wrong_at(
                    &both(&a.prefix_at, &b.prefix_at),
                    format!(
                        "{} {what} on {at}: give each an index-prefix of its own",
                        pair()
                    ),
                );
            }
            let keys = one.beside(two).find_map(|(a, b)| {
                let (a, b) = (a.key.as_ref()?, b.key.as_ref()?);
                a.is(b).then_some((a, b))
            });
            if let Some((a, b)) = keys {
                let files = both(&a.path.display().to_string(), &b.path.display().to_string());
                check.wrong_at(
                    &both(&a.at, &b.at),
                    format!("{} have the same private key ({files}), so a cluster cannot tell them apart: give each a certificate with a key of its own", pair()),
                );
            }
        }
    }
}

fn both(one: &str, two: &str) -> String {
    if one == two {
        one.to_owned()
    } else {
        format!("{one} and {two}")
    }
}
