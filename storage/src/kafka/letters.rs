//! Letters of what could not be stored, in a topic of their own.
//!
//! In: letters. Out: `Ok` once the brokers took each. A record is the JSON object that an index of dead letters holds too; its key tells the letter from others, so that a compacted topic keeps each
//! once. One whose payload is too large for a record is kept without it, and says so.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde_json::Value;

use super::Shared;
use super::writer::Kept;
use crate::layers::window::system_clock;
use crate::letter;
use crate::port::{DeadLetter, DeadLetters, WriteError};

/// Digits of a key.
const KEY_LEN: usize = 32;

pub(super) struct Letters(pub(super) Arc<Shared>);

/// A letter as a record.
pub(super) struct Letter {
    pub(super) key: String,
    pub(super) value: Vec<u8>,
}

// === impl Letter ===

impl Letter {
    fn new(letter: &DeadLetter) -> Self {
        let value = letter::document(letter, &letter.payload, system_clock()());
        Self::of(letter, &value)
    }

    /// The same without its payload, which has no room where a record has `bytes`.
    fn without_payload(letter: &DeadLetter, bytes: usize) -> Self {
        let without = DeadLetter {
            reason: format!(
                "{}; its payload of {} bytes is not kept: the topic takes no record of {bytes} bytes",
                letter.reason,
                letter.payload.len()
            ),
            ..letter.clone()
        };
        let value = letter::document(&without, &[], system_clock()());
        Self::of(letter, &value)
    }

    fn of(letter: &DeadLetter, value: &Value) -> Self {
        let mut key = letter::identity(letter).finalize().to_hex().to_string();
        key.truncate(KEY_LEN);
        Self {
            key,
            value: value.to_string().into_bytes(),
        }
    }
}

impl DeadLetters for Letters {
    fn bury(&self, letters: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>> {
        async move {
            for letter in &letters {
                let channel = self.0.channel(&letter.instance)?;
                let whole = Letter::new(letter);
                let max_bytes = channel.config().tuning.max_message_bytes;
                if whole.value.len() <= max_bytes && channel.bury(&whole).await? == Kept::Whole {
                    continue;
                }
                let bare = Letter::without_payload(letter, whole.value.len());
                if channel.bury(&bare).await? == Kept::TooLarge {
                    return Err(WriteError::Unavailable {
                        reason: format!(
                            "no dead letter can be kept in topic {}, not even of {} bytes: raise its max.message.bytes",
                            channel.config().dead_letter_topic,
                            bare.value.len()
                        ),
                    });
                }
            }
            Ok(())
        }
        .boxed()
    }
}
