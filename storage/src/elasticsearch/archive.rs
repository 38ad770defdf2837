//! Traces that are kept for good, in an index and perhaps a cluster of their own.
//!
//! In: spans of a trace, as they lie in the index, uncorrected. Out: documents of the archive, confirmed as all others are. Services of the archive have no documents: nobody reads any.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/factory.go` v1.76.0, which archives what it corrected for the eye (quirk 51).

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::{Batch, Instance};

use super::Shared;
use super::reader::Reader;
use crate::port::{Archive, TraceReader, WriteError};

pub(super) struct Archives(pub(super) Arc<Shared>);

impl Archive for Archives {
    fn keep(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        async move {
            match &self.0.known(&batch.instance)?.archive {
                Some(store) => {
                    let written = store.write(&[&batch], false).await;
                    // one trace is archived whole
                    written.map_err(|error| match error {
                        WriteError::Deferred { reason, .. } => WriteError::Unavailable { reason },
                        other => other,
                    })
                }
                None => Err(WriteError::Unavailable {
                    reason: format!(
                        "{} has no archive: set es-archive.enabled=true",
                        batch.instance
                    ),
                }),
            }
        }
        .boxed()
    }

    fn reader(&self, instance: &Instance) -> Option<Arc<dyn TraceReader>> {
        let opened = self.0.opened(instance)?;
        Some(Arc::new(Reader::new(opened.archive.as_ref()?)))
    }
}
