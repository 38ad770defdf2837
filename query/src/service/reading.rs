//! Traces as they are read: put together from the port's chunks, or handed on chunk by chunk.
//!
//! In: a stream of the port, and the call that it is read for, whose deadline ends it. Out: pieces or whole traces, then whether there are all. What was read
//! before the deadline is an answer, a partial one. Nothing is kept but the trace that more chunks may come for.

use std::sync::Arc;

use futures_util::StreamExt as _;
use model::{Batch, Span, TraceId};
use storage::{Completeness, GetTrace, ReadError, ReadItem, TraceReader, TraceStream};

use super::{ArchiveError, Assembled, Call, Prepare, prepared};
use crate::short_ids::Asked;

/// The traces of one answer.
pub(crate) struct Traces<'a> {
    call: &'a Call<'a>,
    stream: TraceStream<'a>,
    /// The one that more chunks may come for; it is given when it is known to be whole or short.
    open: Option<Assembled>,
    /// Of the piece that came last.
    last: Option<TraceId>,
    count: usize,
    end: Option<Completeness>,
}

// === impl Traces ===

impl<'a> Traces<'a> {
    pub(super) fn new(call: &'a Call<'a>, stream: TraceStream<'a>) -> Self {
        Self {
            call,
            stream,
            open: None,
            last: None,
            count: 0,
            end: None,
        }
    }

    /// Some spans of one trace, in the store's order; `None` at the end. Pieces of one trace follow each other.
    pub(crate) async fn next_piece(&mut self) -> Result<Option<Assembled>, ReadError> {
        while self.end.is_none() {
            let begun = self.last.is_some();
            let end = match self.call.within(self.stream.next()).await {
                Some(Some(Ok(ReadItem::Spans(spans)))) => {
                    if let Some(piece) = self.piece(spans) {
                        return Ok(Some(piece));
                    }
                    continue;
                }
                Some(Some(Ok(ReadItem::End(completeness)))) => completeness,
                None | Some(Some(Err(ReadError::Cancelled(_)))) if begun => Completeness::Partial {
                    reason: self.call.late_reason(),
                },
                None | Some(Some(Err(ReadError::Cancelled(_)))) => return Err(self.call.late()),
                Some(Some(Err(error))) => return Err(error),
                Some(None) => Completeness::Partial {
                    reason: "the store stopped answering".to_owned(),
                },
            };
            if end != Completeness::Complete {
                self.call.service.metrics.cut();
            }
            self.end = Some(end);
        }
        Ok(None)
    }

    /// The next trace with all of its spans, as far as there are; `None` at the end.
    pub(crate) async fn next_trace(&mut self) -> Result<Option<Assembled>, ReadError> {
        while let Some(piece) = self.next_piece().await? {
            match &mut self.open {
                Some(trace) if trace.trace_id == piece.trace_id => trace.spans.extend(piece.spans),
                open => {
                    if let Some(whole) = open.replace(piece) {
                        return Ok(Some(whole));
                    }
                }
            }
        }
        let mut last = self.open.take();
        if let (Some(last), Some(Completeness::Partial { reason })) = (&mut last, &self.end) {
            last.short = Some(reason.clone());
        }
        Ok(last)
    }

    /// All traces, prepared one by one, and whether there were all.
    pub(super) async fn collect<T: Send + 'static>(
        mut self,
        prepare: Prepare<T>,
    ) -> Result<(Vec<(TraceId, T)>, Completeness), ReadError> {
        let mut traces = Vec::new();
        while let Some(whole) = self.next_trace().await? {
            traces.push(prepared(whole, &prepare).await?);
        }
        Ok((traces, self.completeness()))
    }

    /// How many traces have begun.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Whether there were all, once there are no more.
    pub(crate) fn completeness(&self) -> Completeness {
        self.end.clone().unwrap_or(Completeness::Complete)
    }

    fn piece(&mut self, spans: Vec<Span>) -> Option<Assembled> {
        let trace_id = spans.first()?.trace_id;
        if self.last.replace(trace_id) != Some(trace_id) {
            self.count += 1;
        }
        Some(Assembled {
            trace_id,
            spans,
            short: None,
        })
    }
}

// === impl Call ===

impl Call<'_> {
    /// Begins to read the traces with these ids.
    pub(crate) fn reading<'a>(&'a self, asked: &'a Asked) -> Traces<'a> {
        self.reading_from(&*self.readers.traces, asked)
    }

    /// Where the instance's traces are.
    pub(crate) fn reader(&self) -> &dyn TraceReader {
        &*self.readers.traces
    }

    /// Begins to read these traces as they are stored: spans under the lower half of an id are a trace of their own.
    pub(crate) fn stored_in<'a>(
        &'a self,
        reader: &'a dyn TraceReader,
        ids: &'a [GetTrace],
    ) -> Traces<'a> {
        Traces::new(self, reader.get_traces(&self.cx, ids))
    }

    /// Keeps these spans for good.
    pub(crate) async fn keep(&self, spans: Vec<Span>) -> Result<(), ArchiveError> {
        let archive = self.readers.archive.clone();
        let archive = archive.ok_or(ArchiveError::NotConfigured)?;
        let batch = Batch::new(self.instance.clone(), spans, 0);
        match self.within(archive.keep(batch)).await {
            Some(kept) => Ok(kept?),
            None => Err(ArchiveError::Read(self.late())),
        }
    }

    /// The archive's reader; none: nothing was ever kept.
    pub(crate) fn archive_reader(&self) -> Option<Arc<dyn TraceReader>> {
        let archive = self.readers.archive.as_ref();
        archive.and_then(|archive| archive.reader(&self.instance))
    }

    /// Begins to read the traces with these ids from another reader of the same instance.
    pub(crate) fn reading_from<'a>(
        &'a self,
        reader: &'a dyn TraceReader,
        asked: &'a Asked,
    ) -> Traces<'a> {
        Traces::new(self, asked.join(reader.get_traces(&self.cx, asked.ids())))
    }
}
