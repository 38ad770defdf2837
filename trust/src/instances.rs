//! Which instance a request belongs to: its listener says so, or its client's certificate, or its tenant header.
//!
//! In: the rules, and of each request the listener, the names in the client's certificate and the header's values. Out: the instance, or why there is
//! none. One place for what comes in and what is asked, so that who writes to a namespace and who reads from it is decided alike.
//!
//! Without rules everything belongs to the default instance. With a rule for certificates or for a header, what no rule places is refused: a span in
//! the wrong namespace is worse than a span that its sender has to send again. Nothing here proves anything: `listen` has verified certificates, and a
//! header is believed where an operator says so.

mod asked;

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

use http::HeaderMap;
use model::Instance;

use crate::name::Name;

pub use asked::{Astray, Shown};

/// The rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instances {
    /// Where everything belongs that no rule places, as long as there is none for certificates or a header.
    pub default: Instance,
    /// All that comes in on a listener, by the listener's word.
    pub listeners: HashMap<String, Instance>,
    /// Names in clients' certificates; the first that fits counts.
    pub certificates: Vec<(Pattern, Instance)>,
    /// The header.
    pub tenants: Option<Tenants>,
    /// Instances that have a store, whether or not a rule leads to them.
    pub with_store: BTreeSet<Instance>,
}

/// A header that says whose a request is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenants {
    /// Its name, in lower case.
    pub header: String,
    /// Each is a namespace, and the instance in it has the default's name.
    pub known: BTreeSet<String>,
    /// Listeners where it is believed; empty: all.
    pub listeners: BTreeSet<String>,
}

/// A name in a certificate: a URI, perhaps with `*` at its end, or a DNS name, perhaps with `*` as its first label. The two are kept apart: whoever may choose
/// the last part of a URI could else pass for a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    is_uri: bool,
}

/// The names in a client's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names<'a> {
    /// Its DNS names.
    pub dns: &'a [String],
    /// Its URIs.
    pub uris: &'a [String],
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no name in a certificate: give a URI, perhaps with * at its end, such as spiffe://cluster.local/ns/shop/*, or a DNS name, perhaps with * as its first label"
)]
pub struct InvalidPattern(String);

/// A request that belongs to no instance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// In Jaeger's words.
    #[error("missing tenant header")]
    Missing,
    /// In Jaeger's words.
    #[error("unknown tenant")]
    Unknown,
    /// In Jaeger's words.
    #[error("extra tenant header")]
    Repeated,
    /// The header names another namespace than the certificate does.
    #[error("the tenant header names another namespace than the client's certificate")]
    Contradiction,
    /// No rule knows any of its names.
    #[error(
        "no namespace is known for the client's certificate ({0}): see instance.by-certificate"
    )]
    Certificate(String),
    /// Nothing says whose it is.
    #[error(
        "nothing says which namespace this is for: show a client certificate, or see instance.by-listener and multi-tenancy.listeners"
    )]
    Nameless,
}

/// How many names of a certificate are shown.
const SHOWN: usize = 3;

// === impl Instances ===

impl Instances {
    /// One instance for everything.
    #[must_use]
    pub fn one(default: Instance) -> Self {
        Self {
            default,
            listeners: HashMap::new(),
            certificates: Vec::new(),
            tenants: None,
            with_store: BTreeSet::new(),
        }
    }

    /// Every instance that a request can belong to, the default first, and those that have a store all the same.
    #[must_use]
    pub fn all(&self) -> Vec<Instance> {
        let tenants = self.tenants.iter().flat_map(|tenants| &tenants.known);
        let mut all = vec![self.default.clone()];
        let others: BTreeSet<Instance> = (self.listeners.values().cloned())
            .chain(
                self.certificates
                    .iter()
                    .map(|(_, instance)| instance.clone()),
            )
            .chain(tenants.filter_map(|tenant| self.of_tenant(tenant)))
            .chain(self.with_store.iter().cloned())
            .filter(|instance| *instance != self.default)
            .collect();
        all.extend(others);
        all
    }

    /// Whether a request can belong to it.
    #[must_use]
    pub fn is_reached(&self, instance: &Instance) -> bool {
        let mut named =
            (self.listeners.values()).chain(self.certificates.iter().map(|(_, instance)| instance));
        let is_tenant = || {
            let known = self.tenants.as_ref().map(|tenants| &tenants.known);
            instance.name() == self.default.name()
                && known.is_some_and(|known| known.contains(instance.namespace()))
        };
        *instance == self.default || named.any(|named| named == instance) || is_tenant()
    }

    /// Where a request belongs that came in on `listener` with these headers, from a client whose certificate holds `names`; `None`: it showed none.
    ///
    /// # Errors
    /// When no rule places it.
    pub fn of_request(
        &self,
        listener: &str,
        names: Option<Names<'_>>,
        headers: &HeaderMap,
    ) -> Result<Instance, Stranger> {
        let header = self.tenants.as_ref().map(|tenants| &tenants.header);
        let values = header.into_iter().flat_map(|name| headers.get_all(name));
        self.of(listener, names, values.map(|value| value.to_str().ok()))
    }

    /// Where a request belongs that came in on `listener`, from a client whose certificate holds `names` (`None`: it showed none), with these
    /// values of the header, `None` for one that is no text.
    ///
    /// # Errors
    /// When no rule places it.
    pub fn of<'a>(
        &self,
        listener: &str,
        names: Option<Names<'_>>,
        mut tenants: impl Iterator<Item = Option<&'a str>>,
    ) -> Result<Instance, Stranger> {
        if let Some(instance) = self.listeners.get(listener) {
            return Ok(instance.clone());
        }
        let believed = self
            .tenants
            .as_ref()
            .filter(|rule| rule.listeners.is_empty() || rule.listeners.contains(listener));
        if let (Some(names), false) = (names, self.certificates.is_empty()) {
            let instance = self.of_names(names)?;
            let same = |tenant: Option<&str>| tenant == Some(instance.namespace());
            return match believed {
                Some(_) if !tenants.all(same) => Err(Stranger::Contradiction),
                _ => Ok(instance),
            };
        }
        if let Some(rule) = believed {
            let first = tenants.next().ok_or(Stranger::Missing)?;
            if tenants.next().is_some() {
                return Err(Stranger::Repeated);
            }
            let known = first.filter(|tenant| rule.known.contains(*tenant));
            return known
                .and_then(|tenant| self.of_tenant(tenant))
                .ok_or(Stranger::Unknown);
        }
        if self.tenants.is_some() || !self.certificates.is_empty() {
            return Err(Stranger::Nameless);
        }
        Ok(self.default.clone())
    }

    fn of_names(&self, names: Names<'_>) -> Result<Instance, Stranger> {
        let fits = |pattern: &Pattern| pattern.fits(names);
        let found = self.certificates.iter().find(|(pattern, _)| fits(pattern));
        found.map(|(_, instance)| instance.clone()).ok_or_else(|| {
            let shown = names.uris.iter().chain(names.dns).take(SHOWN);
            let shown: Vec<&str> = shown.map(String::as_str).collect();
            Stranger::Certificate(shown.join(", "))
        })
    }

    fn of_tenant(&self, tenant: &str) -> Option<Instance> {
        Instance::new(tenant, self.default.name()).ok()
    }
}

// === impl Pattern ===

impl Pattern {
    /// Whether one of the names is one that it means.
    #[must_use]
    pub fn fits(&self, names: Names<'_>) -> bool {
        if self.is_uri {
            let fits = |uri: &String| match self.text.strip_suffix('*') {
                Some(start) => uri.len() > start.len() && uri.starts_with(start),
                None => *uri == self.text,
            };
            return names.uris.iter().any(fits);
        }
        let fits = |name: &String| match self.text.strip_prefix("*.") {
            // one label, as in a certificate
            Some(rest) => name.split_once('.').is_some_and(|(label, behind)| {
                !label.is_empty() && behind.eq_ignore_ascii_case(rest)
            }),
            None => name.eq_ignore_ascii_case(&self.text),
        };
        names.dns.iter().any(fits)
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let is_uri = text.contains("://");
        let inner = if is_uri {
            text.strip_suffix('*').unwrap_or(text)
        } else {
            text.strip_prefix("*.").unwrap_or(text)
        };
        let is_name = |c: char| c.is_ascii_graphic() && c != '*' && c != ',';
        let is_dns = is_uri || matches!(inner.parse(), Ok(Name::Dns(_)));
        if inner.is_empty() || !inner.chars().all(is_name) || !is_dns {
            return Err(InvalidPattern(text.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            is_uri,
        })
    }
}

// === impl Stranger ===

impl Stranger {
    /// The word that it is counted by.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing => "tenant_missing",
            Self::Unknown => "tenant_unknown",
            Self::Repeated => "tenant_repeated",
            Self::Contradiction => "tenant_contradicts_certificate",
            Self::Certificate(_) => "certificate_unknown",
            Self::Nameless => "namespace_unknown",
        }
    }

    /// Whether it did not say who it is, rather than being somebody who may not.
    #[must_use]
    pub fn is_nameless(&self) -> bool {
        matches!(self, Self::Missing | Self::Nameless)
    }
}

#[cfg(test)]
mod tests;
