//! Which instance a request may read or write, by the rules that place it and the grants of whom it comes from.
//!
//! In: what a request shows ([`Shown`]), whom something has proved it comes from, the instance that its path names. Out: the instance, or why there is none. One place for every
//! endpoint and every protocol. Rules say where a request belongs (`trust`), grants who may be there: where there are grants, both have to agree. An instance that
//! is not here and one that somebody may not know of are told alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use model::Instance;
use trust::{Astray, Instances, Rules, Shown, Stranger};

use crate::caller::Caller;
use crate::grants::{Grants, Verb, Whom};

/// Decides. Cloning shares it.
#[derive(Debug, Clone)]
pub struct Guard {
    rules: Rules,
    grants: Arc<ArcSwap<Grants>>,
    changes: Arc<AtomicU64>,
    /// Somebody can sign in, by whatever way; then whoever has not is asked to.
    signs_in: bool,
}

/// Why a request may not be where it wants to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// The rules place it nowhere, or not there.
    #[error(transparent)]
    Astray(#[from] Astray),
    /// Nothing proves who asks, and nobody unknown may.
    #[error("sign in: this is not shown to whoever asks")]
    SignIn,
    /// Whoever asks is known, and no grant is theirs.
    #[error("{who} may {} nothing here: see access.grants", .verb.as_str())]
    Nothing {
        /// Whoever asks, as they were proved.
        who: String,
        /// What was wanted.
        verb: Verb,
    },
    /// Whoever sends is placed in a namespace by a rule, and no grant lets them write there.
    #[error("{who} may not write to {instance}: see access.grants")]
    Writing {
        /// Whoever sends, as they were proved.
        who: String,
        /// Where to.
        instance: Instance,
    },
}

// === impl Guard ===

impl Guard {
    /// By rules and grants; `signs_in` when there is a way to prove who one is, other than a certificate.
    #[must_use]
    pub fn new(rules: Rules, grants: Grants, signs_in: bool) -> Self {
        Self {
            rules,
            grants: Arc::new(ArcSwap::from_pointee(grants)),
            changes: Arc::default(),
            signs_in,
        }
    }

    /// The rules that it goes by.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// These grants hold for every request that comes from now on.
    pub fn replace_grants(&self, grants: Grants) {
        self.grants.store(Arc::new(grants));
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// How often rules or grants took others' place: what was learnt before a change need not hold after it.
    #[must_use]
    pub fn changes(&self) -> u64 {
        let grants = self.changes.load(Ordering::Acquire);
        self.rules.changes().wrapping_add(grants)
    }

    /// The instance that a question is about, of those that whoever asks may read.
    ///
    /// # Errors
    /// When there is none, or not one.
    pub fn question(
        &self,
        shown: Shown<'_>,
        caller: Option<&Caller>,
        named: Option<&Instance>,
    ) -> Result<Instance, Denied> {
        let rules = self.rules.now();
        let grants = self.grants.load();
        if grants.is_empty() {
            self.is_known(&rules, shown, caller)?;
            return Ok(rules.of_question(shown, named)?);
        }
        let choices = self.granted(&rules, &grants, shown, caller)?;
        if let Some(named) = named {
            // a header and a path that contradict each other are told, as ever
            let found = choices.iter().find(|instance| *instance == named);
            return found.cloned().ok_or(Denied::Astray(Astray::Elsewhere));
        }
        let placed = rules.of_question(shown, None).ok();
        if let Some(placed) = placed.filter(|placed| choices.contains(placed)) {
            return Ok(placed);
        }
        match choices.as_slice() {
            [one] => Ok(one.clone()),
            _ => Err(Denied::Astray(Astray::Several(choices))),
        }
    }

    /// The instances that whoever asks may read, of which a path may name each; never none.
    ///
    /// # Errors
    /// When there is none, or nothing says who asks.
    pub fn choices(
        &self,
        shown: Shown<'_>,
        caller: Option<&Caller>,
    ) -> Result<Vec<Instance>, Denied> {
        let rules = self.rules.now();
        let grants = self.grants.load();
        if grants.is_empty() {
            self.is_known(&rules, shown, caller)?;
            return Ok(rules.to_choose_from(shown).map_err(Astray::from)?);
        }
        self.granted(&rules, &grants, shown, caller)
    }

    /// Where spans belong that came in so. Where no rule places them, a grant does that lets whoever sends them write to one instance only.
    ///
    /// # Errors
    /// When no rule places them, or whoever sends them may not write there.
    pub fn writing(&self, shown: Shown<'_>, caller: Option<&Caller>) -> Result<Instance, Denied> {
        let rules = self.rules.now();
        let placed = rules.of_request(shown.listener, shown.names, shown.headers);
        let grants = self.grants.load();
        if grants.is_empty() {
            return Ok(placed.map_err(Astray::from)?);
        }
        let whom = whom(shown, caller);
        let may = |instance: &Instance| grants.allow(whom, Verb::Write, instance);
        let is_unplaced = match &placed {
            Ok(placed) if may(placed) => return Ok(placed.clone()),
            Ok(_) => !rules.is_placed(shown),
            Err(stranger) => stranger.is_nameless() && caller.is_some(),
        };
        // by a header anybody may name anything: what is there is not learnt by trying
        let is_tried = rules.tenants.is_some() && !is_unplaced && !rules.is_certain(shown);
        if is_unplaced {
            let mut theirs = rules.all().into_iter().filter(may);
            if let (Some(one), None) = (theirs.next(), theirs.next()) {
                return Ok(one);
            }
        }
        if caller.is_none() && shown.names.is_none() && (placed.is_ok() || is_tried) {
            return Err(Denied::SignIn);
        }
        let instance = placed.map_err(Astray::from)?;
        if is_tried {
            return Err(Astray::from(Stranger::Unknown).into());
        }
        let who = who(shown, caller);
        Err(Denied::Writing { who, instance })
    }

    /// Of what the rules let be asked, what a grant lets be read.
    fn granted(
        &self,
        rules: &Instances,
        grants: &Grants,
        shown: Shown<'_>,
        caller: Option<&Caller>,
    ) -> Result<Vec<Instance>, Denied> {
        let seen = match rules.to_choose_from(shown) {
            Ok(seen) => seen,
            // who is known otherwise needs neither certificate nor header
            Err(stranger) if stranger.is_nameless() && caller.is_some() => rules.all(),
            // told as one that is there and is not granted
            Err(Stranger::Unknown) => Vec::new(),
            Err(stranger) => return Err(Astray::from(stranger).into()),
        };
        let whom = whom(shown, caller);
        let is_granted = |instance: &Instance| grants.allow(whom, Verb::Read, instance);
        let granted: Vec<Instance> = seen.into_iter().filter(is_granted).collect();
        if !granted.is_empty() {
            return Ok(granted);
        }
        match caller {
            None if self.signs_in || shown.names.is_none() => Err(Denied::SignIn),
            _ => Err(Denied::Nothing {
                who: who(shown, caller),
                verb: Verb::Read,
            }),
        }
    }

    /// Without grants whoever is known may read everything, where there is one namespace: of several nobody has said whose is which.
    fn is_known(
        &self,
        rules: &Instances,
        shown: Shown<'_>,
        caller: Option<&Caller>,
    ) -> Result<(), Denied> {
        if !self.signs_in {
            return Ok(());
        }
        if caller.is_none() {
            return Err(Denied::SignIn);
        }
        match rules.has_one_namespace() {
            true => Ok(()),
            false => Err(Denied::Nothing {
                who: who(shown, caller),
                verb: Verb::Read,
            }),
        }
    }
}

impl From<Rules> for Guard {
    /// By rules alone.
    fn from(rules: Rules) -> Self {
        Self::new(rules, Grants::default(), false)
    }
}

// === impl Denied ===

impl Denied {
    /// The word that it is counted by.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Astray(Astray::Stranger(stranger)) => stranger.reason(),
            Self::Astray(Astray::Elsewhere) => "no_such_instance",
            Self::Astray(Astray::Contradiction) => "tenant_contradicts_path",
            Self::Astray(Astray::Several(_)) => "several_instances",
            Self::SignIn => "not_signed_in",
            Self::Nothing { .. } | Self::Writing { .. } => "not_granted",
        }
    }

    /// Whether signing in may help.
    #[must_use]
    pub fn asks_to_sign_in(&self) -> bool {
        matches!(self, Self::SignIn)
    }
}

fn whom<'a>(shown: Shown<'a>, caller: Option<&'a Caller>) -> Whom<'a> {
    Whom {
        caller,
        names: shown.names,
    }
}

/// Whoever asks, for a sentence to themselves.
fn who(shown: Shown<'_>, caller: Option<&Caller>) -> String {
    let name = match (caller, shown.names) {
        (Some(caller), _) => &caller.name,
        (None, Some(names)) => match names.uris.iter().chain(names.dns).next() {
            Some(name) => name,
            None => return "a client whose certificate holds no name".to_owned(),
        },
        (None, None) => return "whoever has not signed in".to_owned(),
    };
    format!("\"{name}\"")
}

#[cfg(test)]
mod tests;
