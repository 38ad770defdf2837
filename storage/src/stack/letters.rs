//! Letters of what never reached a writer, each to where its instance keeps such.
//!
//! In: letters of any instance. Out: `Ok` once all are durable. An instance that is not known any more has them where the first backend keeps any.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use model::Instance;

use super::kept::{Kept, Known};
use crate::port::{DeadLetter, DeadLetters, WriteError};

pub(super) struct Letters(pub(super) Arc<Known>);

impl DeadLetters for Letters {
    fn bury(&self, letters: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let mut by_instance: BTreeMap<Instance, Vec<DeadLetter>> = BTreeMap::new();
            for letter in letters {
                let instance = letter.instance.clone();
                by_instance.entry(instance).or_default().push(letter);
            }
            let known = self.0.all();
            for (instance, letters) in by_instance {
                let kept = known.get(&instance).cloned();
                let kept = kept.unwrap_or_else(|| Kept::from(instance.clone()));
                let backends = self.0.backends_of(&kept);
                let place = backends.iter().find_map(|b| b.dead_letters_of(&instance));
                let place = place.ok_or_else(|| WriteError::Unavailable {
                    reason: format!("{instance} has no store that keeps dead letters"),
                })?;
                place.bury(letters).await?;
            }
            Ok(())
        })
    }
}
