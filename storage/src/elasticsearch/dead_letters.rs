//! Letters of what could not be stored, in an index of the instance that it was of.
//!
//! In: letters. Out: `Ok` once the cluster confirmed each. Their mapping refuses nothing, and the payload is not looked at, so that what poisoned one index does not poison this one.

mod reading;

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::Instance;
use serde_json::json;

use super::Shared;
use super::bulk::{Action, Documents, Refused};
use super::client::{Error, Flavour};
use super::store::Store;
use super::template::OTHER_TYPE;
use crate::layers::window::system_clock;
use crate::port::{DeadLetter, DeadLetters, WriteError};

pub(super) use reading::Reader;

pub(super) struct Letters(pub(super) Arc<Shared>);

impl DeadLetters for Letters {
    fn bury(&self, letters: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>> {
        async move {
            let mut by_instance: HashMap<Instance, Vec<DeadLetter>> = HashMap::new();
            for letter in letters {
                let instance = letter.instance.clone();
                by_instance.entry(instance).or_default().push(letter);
            }
            for (instance, letters) in by_instance {
                self.0.main(&instance)?.bury(&letters).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

/// The date in UTC, as names of indices have it.
fn day(time_ns: u64) -> String {
    let seconds = i64::try_from(time_ns / 1_000_000_000).unwrap_or_default();
    let date = time::OffsetDateTime::from_unix_timestamp(seconds)
        .unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
        .date();
    format!(
        "{:04}-{:02}-{:02}",
        date.year(),
        u8::from(date.month()),
        date.day()
    )
}

// === impl Store ===

impl Store {
    async fn bury(&self, letters: &[DeadLetter]) -> Result<(), Error> {
        let flavour = self.ready().await?;
        let refused = self
            .bury_as(letters, flavour, |letter| &letter.payload)
            .await?;
        if refused.is_empty() {
            return Ok(());
        }
        // the payload alone can be too large: what it was of is kept without it
        let letters: Vec<DeadLetter> = refused
            .iter()
            .filter_map(|one| Some((letters.get(one.at)?, &one.reason)))
            .map(|(letter, why)| {
                let bytes = letter.payload.len();
                tracing::warn!(
                    instance = %self.instance,
                    bytes,
                    reason = letter.reason,
                    refused = why,
                    "a dead letter is kept without its payload, which the cluster refuses"
                );
                DeadLetter {
                    reason: format!(
                        "{}; its payload of {bytes} bytes is not kept: {why}",
                        letter.reason
                    ),
                    ..letter.clone()
                }
            })
            .collect();
        match self.bury_as(&letters, flavour, |_| &[]).await?.first() {
            None => Ok(()),
            Some(refused) => Err(Error::Denied(format!(
                "{} refused a dead letter: {}",
                self.client.shown(),
                refused.reason
            ))),
        }
    }

    async fn bury_as(
        &self,
        letters: &[DeadLetter],
        flavour: Flavour,
        payload: fn(&DeadLetter) -> &[u8],
    ) -> Result<Vec<Refused>, Error> {
        let now_ns = system_clock()();
        let index = format!("{}-{}", self.names.dead_letters(), day(now_ns));
        let mut documents = Documents::new(flavour.has_types(), letters.len() * 1_024);
        for letter in letters {
            // the same letter of the same day once, however often it is sent
            let mut hasher = blake3::Hasher::new();
            for part in [
                letter.reason.as_bytes(),
                letter.origin.as_bytes(),
                &letter.payload,
            ] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part);
            }
            let mut hash = [0; 16];
            hasher.finalize_xof().fill(&mut hash);
            let document = json!({
                "time": now_ns / 1_000_000,
                "instance": letter.instance.to_string(),
                "reason": letter.reason,
                "origin": letter.origin,
                "payload": STANDARD.encode(payload(letter)),
            });
            let id = URL_SAFE_NO_PAD.encode(hash);
            documents.push(Action::Create, &index, &id, OTHER_TYPE, |out| {
                out.extend_from_slice(document.to_string().as_bytes());
            });
        }
        let mut bulk = self.bulk();
        bulk.requires_alias = false;
        bulk.send(&documents).await.whole()
    }
}
