//! Letters of what could not be stored, in a topic of their own.
//!
//! In: letters. Out: `Ok` once the brokers took each. A record is the JSON object that an index of dead letters holds too; its key tells the letter from others, so that a compacted topic keeps each
//! once. One whose payload is too large for a record is kept without it, and says so.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::Shared;
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
    fn new(letter: &DeadLetter, max_bytes: usize) -> Self {
        let now_ns = system_clock()();
        let mut key = letter::identity(letter).finalize().to_hex().to_string();
        key.truncate(KEY_LEN);
        let mut value = letter::document(letter, &letter.payload, now_ns).to_string();
        if value.len() > max_bytes {
            let without = DeadLetter {
                reason: format!(
                    "{}; its payload of {} bytes is not kept: a record may have {max_bytes}",
                    letter.reason,
                    letter.payload.len()
                ),
                ..letter.clone()
            };
            value = letter::document(&without, &[], now_ns).to_string();
        }
        Self {
            key,
            value: value.into_bytes(),
        }
    }
}

impl DeadLetters for Letters {
    fn bury(&self, letters: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>> {
        async move {
            for letter in &letters {
                let channel = self.0.channel(&letter.instance)?;
                let letter = Letter::new(letter, channel.config().tuning.max_message_bytes);
                channel.bury(&letter).await?;
            }
            Ok(())
        }
        .boxed()
    }
}
