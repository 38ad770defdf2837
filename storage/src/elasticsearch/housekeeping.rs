//! Housekeeping: indices that are too old are deleted, indices behind aliases are made, rolled over, and taken out of what is read.
//!
//! In: a [`Place`], and what is to be done. Out: what was done, in lines for a person; each can be done again at any time, and then does only what is left to do.
//! Whatever is deleted has the very prefix of this place and a name that is known to its end: nothing of another instance is touched, and no index that is written
//! to by its alias.
//!
//! Source: `jaegertracing/jaeger: cmd/es-index-cleaner, cmd/es-rollover, cmd/esmapping-generator` v1.76.0.

mod age;
mod aliases;
mod cleaner;
mod listing;
mod lookback;
mod mapping;
mod metrics;
mod name;
mod rollover;
mod schedule;
mod sets;
mod templates;

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config::{Indices, Place};
use super::index::Names;
use super::store::Store;
use crate::http_client::{Client, Error, Flavour, Request, Response};

pub use cleaner::{Age, Clean, Cleaned, Kinds};
pub use lookback::Unit;
pub use mapping::mapping;
pub use rollover::{Conditions, Done, Init};
pub use sets::Sets;

pub(super) use metrics::Families;
pub(super) use schedule::Keeper;
pub(super) use templates::State;

/// How long a cluster may work on one request, where nobody says.
const PATIENCE: Duration = Duration::from_secs(120);

/// A place, opened for its upkeep.
pub struct Housekeeper {
    client: Arc<Client>,
    indices: Indices,
    names: Arc<Names>,
    /// How long a cluster may work on one request.
    patience: Duration,
}

// === impl Housekeeper ===

impl Housekeeper {
    /// Nothing is asked of the cluster yet. Reads files with certificates and secrets, which blocks.
    ///
    /// # Errors
    /// A setting or a file that cannot be used, by name.
    pub fn open(place: Place, patience: Duration) -> Result<Self, String> {
        let Place {
            connection,
            indices,
            ..
        } = place;
        let names =
            Names::new(&connection.settings, &indices).map_err(|error| error.to_string())?;
        let client = Client::new(connection)?;
        client.check_files()?;
        Ok(Self {
            client: Arc::new(client),
            indices,
            names: Arc::new(names),
            patience,
        })
    }

    /// Of a store that is open, by its connections.
    fn of(store: &Store) -> Self {
        Self {
            client: store.client.clone(),
            indices: store.place.indices.clone(),
            names: store.names.clone(),
            patience: PATIENCE,
        }
    }

    /// How the cluster is called in messages.
    pub(super) fn shown(&self) -> &str {
        self.client.shown()
    }

    pub(super) async fn flavour(&self) -> Result<Flavour, Error> {
        self.client.flavour().await
    }

    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    /// Asks, with as much patience as was granted.
    pub(super) async fn ask(&self, request: Request) -> Result<serde_json::Value, Error> {
        let answer = self.send(request).await?;
        Ok(answer.succeeded(self.client.shown())?.json())
    }

    /// The same, whatever the answer is.
    pub(super) async fn send(&self, request: Request) -> Result<Response, Error> {
        let request = request.deadline(Some(Instant::now() + self.patience));
        let sent = self.client.send(&request).await;
        sent.map_err(|error| match error {
            // nobody but us set the deadline
            Error::Cancelled(_) => {
                let (shown, seconds) = (self.client.shown(), self.patience.as_secs());
                Error::Unreachable(format!("{shown} did not answer within {seconds}s"))
            }
            error => error,
        })
    }
}
