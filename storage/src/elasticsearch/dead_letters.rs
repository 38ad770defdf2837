//! Letters of what could not be stored, in an index of the instance that it was of.
//!
//! In: letters. Out: `Ok` once the cluster confirmed each. Their mapping refuses nothing, and the payload is not looked at, so that what poisoned one index does not poison this one.

mod reading;

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::Instance;

use super::Shared;
use super::bulk::{Action, Documents, Sent};
use super::document::DocumentId;
use super::store::Store;
use super::template::OTHER_TYPE;
use crate::http_client::{Error, Flavour};
use crate::layers::window::system_clock;
use crate::letter;
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
                self.0.known(&instance)?.main.bury(&letters).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

// === impl Store ===

impl Store {
    pub(super) async fn bury(&self, letters: &[DeadLetter]) -> Result<(), Error> {
        let flavour = self.ready().await?;
        let sent = self
            .bury_as(letters, flavour, |letter| &letter.payload)
            .await;
        let refused = sent.whole()?;
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
        let sent = self.bury_as(&letters, flavour, |_| &[]).await;
        sent.complete(self.client.shown(), "a dead letter")
    }

    async fn bury_as(
        &self,
        letters: &[DeadLetter],
        flavour: Flavour,
        payload: fn(&DeadLetter) -> &[u8],
    ) -> Sent {
        let now_ns = system_clock()();
        let index = self.names.dead_letters_of(now_ns);
        let mut documents = Documents::new(flavour.has_types(), letters.len() * 1_024);
        for letter in letters {
            let document = letter::document(letter, payload(letter), now_ns);
            // the same letter of the same day once, however often it is sent
            let id = DocumentId::from(&letter::identity(letter));
            documents.push(Action::Create, &index, id.as_str(), OTHER_TYPE, |out| {
                out.extend_from_slice(document.to_string().as_bytes());
            });
        }
        self.bulk_to_indices().send(documents).await
    }
}
