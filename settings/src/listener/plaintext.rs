//! Which listeners may speak plaintext to other machines.
//!
//! In: the words of `plaintext.listeners`. Out: a set, or the word that names no listener.

use super::ListenerName;

/// All that listen for datagrams.
const DATAGRAMS: &str = "jaeger-udp";

/// The set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plaintext {
    all: bool,
    names: Vec<ListenerName>,
}

/// A word that is no listener.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plaintext.listeners: \"{word}\" is no listener: give all, or any of {known}")]
pub struct PlaintextError {
    word: String,
    known: String,
}

// === impl Plaintext ===

impl Plaintext {
    /// From the words of the list; `all` stands for every listener.
    ///
    /// # Errors
    /// The first word that is neither `all` nor a listener.
    pub fn from_words<'a>(
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, PlaintextError> {
        let mut set = Self::default();
        for word in words {
            match ListenerName::from_word(word) {
                Some(name) => set.names.push(name),
                None if word == DATAGRAMS => {
                    set.names
                        .extend(ListenerName::all().filter(|name| name.is_datagram()));
                }
                None if word == "all" => set.all = true,
                None => {
                    return Err(PlaintextError {
                        word: word.to_owned(),
                        known: known(),
                    });
                }
            }
        }
        Ok(set)
    }

    /// Whether `name` may.
    #[must_use]
    pub fn allows(&self, name: ListenerName) -> bool {
        self.all || self.names.contains(&name)
    }
}

fn known() -> String {
    ListenerName::all()
        .map(ListenerName::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
