//! Traces that are kept for good: keeping one, and finding those that are nowhere else.
//!
//! In: an id, or an answer that lacks some. Out: a trace in the archive as it was sent, whole or not at all; the answer with what only the archive has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use model::{Batch, TraceId};
use storage::{Completeness, GetTrace, ReadError, WriteError};

use super::{Answer, Assembled, Call, Prepare, Traces};
use crate::short_ids::Asked;

/// So many spans are archived with one write.
const ARCHIVED_SPANS: usize = 4096;

/// Why a trace was not archived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The store has no archive.
    #[error("archive span storage was not configured")]
    NotConfigured,
    /// There is no such trace.
    #[error("trace not found")]
    NotFound,
    /// Not all of it can be read, and half a trace is not kept.
    #[error("failed to archive trace: spans may be missing: {0}")]
    Partial(String),
    /// It could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It could not be written.
    #[error("failed to archive trace: {0}")]
    Write(#[from] WriteError),
}

// === impl Call ===

impl Call<'_> {
    /// Adds what is only in the archive, in the order of `ids`. What a bound cut off is not there to be told from what has gone.
    pub(super) async fn add_archived<T: Send + 'static>(
        &self,
        ids: &[GetTrace],
        prepare: Prepare<T>,
        answer: &mut Answer<T>,
    ) -> Result<(), ReadError> {
        let Some(reader) = self.archive_reader() else {
            return Ok(());
        };
        let found: HashSet<TraceId> = answer.traces.iter().map(|(id, _)| *id).collect();
        let missing = ids.iter().filter(|get| !found.contains(&get.trace_id));
        let missing: Vec<GetTrace> = missing.copied().collect();
        if missing.is_empty() || answer.completeness != Completeness::Complete {
            return Ok(());
        }
        let asked = Asked::of(&missing);
        let stream = asked.join(reader.get_traces(&self.cx, asked.ids()));
        let (archived, completeness) = Traces::new(self, stream).collect(prepare).await?;
        answer.archived |= !archived.is_empty();
        answer.traces.extend(archived);
        answer.completeness = completeness;
        let place: HashMap<TraceId, usize> = ids
            .iter()
            .enumerate()
            .rev()
            .map(|(at, get)| (get.trace_id, at))
            .collect();
        answer
            .traces
            .sort_by_key(|(id, _)| place.get(id).copied().unwrap_or(usize::MAX));
        Ok(())
    }

    /// Keeps a trace for good, as it was sent, whatever becomes of the store's own copy.
    pub async fn archive(&self, id: GetTrace) -> Result<(), ArchiveError> {
        let archive = self.readers.archive.clone();
        let archive = archive.ok_or(ArchiveError::NotConfigured)?;
        let whole: Prepare<Assembled> = Arc::new(|trace| trace);
        // as it was sent: what came under the lower half of the id stays under that
        let (turn, asked) = (self.turn().await?, Asked::of(&[id]));
        let stream = self.readers.traces.get_traces(&self.cx, asked.ids());
        let answer = self.answer(asked.ids(), stream, whole, turn).await?;
        if let Completeness::Partial { reason } = answer.completeness {
            return Err(ArchiveError::Partial(reason));
        }
        if answer.traces.is_empty() {
            return Err(ArchiveError::NotFound);
        }
        let traces = answer.traces.into_iter();
        let mut spans = traces.flat_map(|(_, trace)| trace.spans).peekable();
        while spans.peek().is_some() {
            let some = spans.by_ref().take(ARCHIVED_SPANS).collect();
            let batch = Batch::new(self.instance.clone(), some, 0);
            match self.within(archive.keep(batch)).await {
                Some(kept) => kept?,
                None => return Err(ArchiveError::Read(self.late())),
            }
        }
        Ok(())
    }
}
