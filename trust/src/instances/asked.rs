//! Which instance a question is about: its path may name one, of those that whoever asks may see.
//!
//! In: the rules, what a request shows of who sent it, and the instance that its path names, if it does. Out: the instance, or why there is none. Who may see what is
//! decided by what a client shows, never by a path: a path chooses among what there is to choose from. An instance that is not served and one that somebody else
//! has are told alike, so that nobody learns others' names by asking for them.

use http::HeaderMap;
use model::Instance;

use super::{Instances, Names, Stranger};

/// So many instances are named in a sentence.
const NAMED: usize = 20;

/// What a request shows of whoever sent it.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a> {
    /// The listener that it came in on, by its word.
    pub listener: &'a str,
    /// The names in its client's certificate; `None`: it showed none.
    pub names: Option<Names<'a>>,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

/// A question that no instance answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Astray {
    /// Nothing, or nothing that is known, says who asks.
    #[error(transparent)]
    Stranger(#[from] Stranger),
    /// The path names an instance that is not here, or that is not for whoever asks.
    #[error("no such instance")]
    Elsewhere,
    /// The path names one namespace and the header another.
    #[error("the tenant header names another namespace than the path")]
    Contradiction,
    /// Whoever asks may see several, and did not say which.
    #[error(
        "several instances are served here: put /ns/{{namespace}}/{{name}} of one before the path, or bind this listener to one with instance.by-listener. There are {}",
        named(.0)
    )]
    Several(Vec<Instance>),
}

// === impl Instances ===

impl Instances {
    /// The instance that a question is about, of those that whoever asks may see.
    ///
    /// - A client that its listener or its certificate binds to an instance may see that one alone.
    /// - One that a header places in a namespace may see what is served of that; the one by the default's name when the path names none.
    /// - Where no rule says who is who, all may see all that is served, and have to say which when there are several.
    ///
    /// # Errors
    /// When there is none, or not one.
    pub fn of_question(
        &self,
        shown: Shown<'_>,
        named: Option<&Instance>,
    ) -> Result<Instance, Astray> {
        let placed = self.of_request(shown.listener, shown.names, shown.headers)?;
        let is_certain = self.is_certain(shown);
        let Some(named) = named else {
            return match is_certain || self.tenants.is_some() || self.is_alone() {
                true => Ok(placed),
                false => Err(Astray::Several(self.all())),
            };
        };
        if *named == placed {
            return Ok(placed);
        }
        let by_header = !is_certain && self.tenants.is_some();
        if by_header && named.namespace() != placed.namespace() {
            return Err(Astray::Contradiction);
        }
        match !is_certain && self.is_served(named) {
            true => Ok(named.clone()),
            false => Err(Astray::Elsewhere),
        }
    }

    /// The instances that whoever asks may see, of which a path may name each.
    ///
    /// # Errors
    /// When no rule places who asks.
    pub fn to_choose_from(&self, shown: Shown<'_>) -> Result<Vec<Instance>, Stranger> {
        let placed = self.of_request(shown.listener, shown.names, shown.headers)?;
        if self.is_certain(shown) {
            return Ok(vec![placed]);
        }
        let mut all = self.all();
        if self.tenants.is_some() {
            all.retain(|instance| instance.namespace() == placed.namespace());
        }
        all.retain(|instance| self.is_served(instance));
        Ok(all)
    }

    /// Whether the listener or a certificate places a request that shows this, rather than a header or the want of a rule.
    #[must_use]
    pub fn is_certain(&self, shown: Shown<'_>) -> bool {
        self.listeners.contains_key(shown.listener)
            || (shown.names.is_some() && !self.certificates.is_empty())
    }

    /// Whether all instances are of one namespace.
    #[must_use]
    pub fn has_one_namespace(&self) -> bool {
        let namespace = self.default.namespace();
        let all = self.all();
        all.iter().all(|instance| instance.namespace() == namespace)
    }

    /// Whether a rule places a request that shows this, rather than the want of one.
    #[must_use]
    pub fn is_placed(&self, shown: Shown<'_>) -> bool {
        self.listeners.contains_key(shown.listener)
            || self.tenants.is_some()
            || !self.certificates.is_empty()
    }

    /// Whether a question can be about it, by a rule or by a path that names it.
    #[must_use]
    pub fn is_asked(&self, instance: &Instance) -> bool {
        let may_be_named = match &self.tenants {
            Some(tenants) => tenants.known.contains(instance.namespace()),
            None => self.certificates.is_empty(),
        };
        self.is_reached(instance) || (may_be_named && self.with_store.contains(instance))
    }

    /// Whether a request can belong to it, or it has a store.
    fn is_served(&self, instance: &Instance) -> bool {
        self.with_store.contains(instance) || self.is_reached(instance)
    }

    /// Whether the default instance is the only one, where there are no rules for certificates and none for a header.
    fn is_alone(&self) -> bool {
        let mut others = self.listeners.values().chain(&self.with_store);
        others.all(|instance| *instance == self.default)
    }
}

/// The first of them.
fn named(instances: &[Instance]) -> String {
    let first: Vec<&str> = instances.iter().take(NAMED).map(Instance::as_str).collect();
    let first = first.join(", ");
    match instances.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
