//! Lists that were answered a moment ago, for whoever asks the same again.
//!
//! In: an instance, who asks, the question, and a whole answer. Out: that answer, to the same instance, the same credentials and the same question alone, until it is too old. Credentials are
//! never kept: a hash of them is, under a key that was made up at the start and is written nowhere. Bounded by bytes and by age.
//!
//! Deliberately absent: answers that lack something, traces, and anything that is shared between instances.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use model::{Instance, SpanKind, Str};
use moka::sync::Cache as Moka;
use secrecy::{ExposeSecret as _, SecretString};
use storage::{DependencyLink, Operation};

use super::tags::{Tagged, Whose};

/// What an entry takes beside its texts: its key, its age and its place.
const ENTRY: usize = 512;
/// What an item takes beside its texts.
const ITEM: usize = 64;

/// How much is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How old an answer may be (`query.cache-ttl`, 2 s); zero: none is kept.
    pub ttl: Duration,
    /// How much memory all take (`query.cache-bytes`, 16 MiB).
    pub bytes: usize,
}

/// The answers. Cloning shares them.
#[derive(Clone)]
pub(super) struct Cache {
    answers: Moka<Key, List>,
}

/// Tells callers apart by their credentials, and holds none.
#[derive(Clone)]
pub(super) struct Owners {
    secret: [u8; 32],
}

/// To whom an answer was given, for what. Two that differ in any of these share nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) instance: Instance,
    pub(super) owner: Owner,
    /// How often the instances had changed: another store may be behind one that came anew.
    pub(super) changes: u64,
    pub(super) question: Question,
}

/// The hash of a caller's credentials; of one without, zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Owner([u8; 32]);

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Question {
    Services,
    Operations {
        service: String,
        kind: Option<SpanKind>,
    },
    Dependencies {
        start_ns: u64,
        end_ns: u64,
    },
    Tags(Whose),
}

/// An answer.
#[derive(Clone)]
pub(super) enum List {
    Services(Arc<[Str]>),
    Operations(Arc<[Operation]>),
    Dependencies(Arc<[DependencyLink]>),
    Tags(Arc<[Tagged]>),
}

/// A list that can be kept. What is kept holds no more of a request than its own text.
pub(super) trait Kept: Sized {
    fn to_list(&self) -> List;
    fn of_list(list: &List) -> Option<Self>;
}

// === impl Config ===

impl Default for Config {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(2),
            bytes: 16 << 20,
        }
    }
}

// === impl Cache ===

impl Cache {
    /// `None`: nothing is kept.
    pub(super) fn new(config: &Config) -> Option<Self> {
        if config.ttl.is_zero() || config.bytes == 0 {
            return None;
        }
        let answers = Moka::builder()
            .max_capacity(config.bytes as u64)
            .weigher(|key: &Key, list: &List| {
                u32::try_from(key.bytes() + list.bytes()).unwrap_or(u32::MAX)
            })
            .time_to_live(config.ttl)
            .build();
        Some(Self { answers })
    }

    pub(super) fn get<T: Kept>(&self, key: &Key) -> Option<T> {
        T::of_list(&self.answers.get(key)?)
    }

    pub(super) fn keep(&self, key: Key, list: &impl Kept) {
        self.answers.insert(key, list.to_list());
    }
}

// === impl Owners ===

impl Owners {
    /// With a key that is made up.
    pub(super) fn new() -> Self {
        let mut secret = [0; 32];
        for (n, part) in secret.chunks_exact_mut(8).enumerate() {
            part.copy_from_slice(&RandomState::new().hash_one(n).to_le_bytes());
        }
        Self { secret }
    }

    pub(super) fn owner(&self, credentials: Option<&SecretString>) -> Owner {
        let Some(credentials) = credentials else {
            return Owner::default();
        };
        let text = credentials.expose_secret().as_bytes();
        Owner(*blake3::keyed_hash(&self.secret, text).as_bytes())
    }
}

// === impl Key ===

impl Key {
    fn bytes(&self) -> usize {
        let asked = match &self.question {
            Question::Operations { service, .. } => service.len(),
            Question::Tags(whose) => whose.service.len() + whose.operation.len(),
            Question::Services | Question::Dependencies { .. } => 0,
        };
        ENTRY + asked + self.instance.as_str().len()
    }
}

// === impl List ===

impl List {
    fn bytes(&self) -> usize {
        let (items, texts): (usize, usize) = match self {
            Self::Services(list) => (list.len(), list.iter().map(|name| name.len()).sum()),
            Self::Operations(list) => (list.len(), list.iter().map(|o| o.name.len()).sum()),
            Self::Dependencies(list) => {
                let texts = list.iter().map(|link| {
                    link.parent.len() + link.child.len() + ITEM * link.durations.buckets.len()
                });
                (list.len(), texts.sum())
            }
            Self::Tags(list) => {
                let texts = list.iter().map(|tag| {
                    let values = tag.values.iter().map(|value| ITEM + value.len());
                    tag.key.len() + values.sum::<usize>()
                });
                (list.len(), texts.sum())
            }
        };
        items * ITEM + texts
    }
}

// === impl Kept ===

impl Kept for Vec<Str> {
    fn to_list(&self) -> List {
        List::Services(self.iter().map(Str::detach).collect())
    }

    fn of_list(list: &List) -> Option<Self> {
        match list {
            List::Services(list) => Some(list.to_vec()),
            _ => None,
        }
    }
}

impl Kept for Vec<Operation> {
    fn to_list(&self) -> List {
        let kept = self.iter().map(|operation| Operation {
            name: operation.name.detach(),
            kind: operation.kind,
        });
        List::Operations(kept.collect())
    }

    fn of_list(list: &List) -> Option<Self> {
        match list {
            List::Operations(list) => Some(list.to_vec()),
            _ => None,
        }
    }
}

impl Kept for Vec<DependencyLink> {
    fn to_list(&self) -> List {
        let kept = self.iter().cloned().map(|mut link| {
            (link.parent, link.child) = (link.parent.detach(), link.child.detach());
            link
        });
        List::Dependencies(kept.collect())
    }

    fn of_list(list: &List) -> Option<Self> {
        match list {
            List::Dependencies(list) => Some(list.to_vec()),
            _ => None,
        }
    }
}

impl Kept for Vec<Tagged> {
    fn to_list(&self) -> List {
        // made of copies
        List::Tags(self.iter().cloned().collect())
    }

    fn of_list(list: &List) -> Option<Self> {
        match list {
            List::Tags(list) => Some(list.to_vec()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
