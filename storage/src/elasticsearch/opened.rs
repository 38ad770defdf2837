//! What an instance has open.
//!
//! In: a [`Config`]. Out: its store, and its archive, as they are until the settings say otherwise; and a writer that is bound to them, so that what is under way ends where it began when
//! another store takes their place.

use std::collections::BTreeMap;
use std::iter;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{Batch, Instance};
use tokio_util::sync::CancellationToken;

use super::metrics::Families;
use super::store::Store;
use super::{Config, Shared};
use crate::port::{DeadLetter, DeadLetters, TraceWriter, WriteError};

/// By namespace and name.
pub(super) type Stores = BTreeMap<Instance, Arc<Opened>>;

/// A store, and its archive.
pub(super) struct Opened {
    pub(super) main: Arc<Store>,
    pub(super) archive: Option<Arc<Store>>,
    /// Housekeeping ends with it.
    pub(super) ending: CancellationToken,
}

/// Writes the spans and the dead letters of one instance to what was open for it.
pub(super) struct Bound {
    opened: Arc<Opened>,
    shared: Arc<Shared>,
}

// === impl Opened ===

impl Opened {
    /// Blocks: files are looked at.
    pub(super) fn open(
        config: Config,
        families: &Families,
        ending: &CancellationToken,
    ) -> Result<Self, String> {
        let Config {
            instance,
            main,
            archive,
        } = config;
        let open = |place, store| -> Result<Arc<Store>, String> {
            let metrics = families.of(&instance, store);
            let opened = Store::open(instance.clone(), place, metrics)?;
            opened.client.check_files()?;
            Ok(Arc::new(opened))
        };
        Ok(Self {
            main: open(main, "main")?,
            archive: archive.map(|place| open(place, "archive")).transpose()?,
            ending: ending.child_token(),
        })
    }

    /// Whether it is what `config` asks for.
    pub(super) fn is_as(&self, config: &Config) -> bool {
        let archive = match (&self.archive, &config.archive) {
            (None, None) => true,
            (Some(store), Some(place)) => store.place.is_same(place),
            _ => false,
        };
        archive && self.main.place.is_same(&config.main)
    }

    /// Nothing more begins here.
    pub(super) fn leave(&self) {
        self.ending.cancel();
        for store in std::iter::once(&self.main).chain(&self.archive) {
            store.gate.leave();
        }
    }
}

// === impl Bound ===

impl Bound {
    pub(super) fn new(opened: Arc<Opened>, shared: Arc<Shared>) -> Self {
        Self { opened, shared }
    }
}

impl TraceWriter for Bound {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        self.write_together(batch, Vec::new())
    }

    fn write_together(
        &self,
        first: Batch,
        others: Vec<Batch>,
    ) -> BoxFuture<'_, Result<(), WriteError>> {
        async move {
            self.shared.check_open()?;
            let batches: Vec<&Batch> = iter::once(&first).chain(&others).collect();
            self.opened.main.write(&batches, true).await
        }
        .boxed()
    }
}

impl DeadLetters for Bound {
    fn bury(&self, letters: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>> {
        async move {
            self.shared.check_open()?;
            Ok(self.opened.main.bury(&letters).await?)
        }
        .boxed()
    }
}
