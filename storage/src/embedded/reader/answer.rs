//! Gives traces, chunk by chunk, within the limits of the answer.
//!
//! In: ids in the order to give them. Out: items of a [`TraceStream`](crate::TraceStream), a few at a time, so that no thread is held while
//! the caller is slow.

use std::sync::Arc;
use std::vec::IntoIter;

use model::TraceId;

use super::fetch::Fetcher;
use super::trace::{Located, locate};
use super::{Damage, partial};
use crate::embedded::head::{Snapshot, Source};
use crate::port::{Completeness, ReadContext, ReadError, ReadItem};

/// Spans in one item at most.
const CHUNK: usize = 512;
/// A step ends after about this many spans.
const STEP: usize = 1024;

/// Traces to be given.
pub(super) struct Answer {
    pub(super) cx: ReadContext,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) ids: IntoIter<TraceId>,
    /// How the answer ends when nothing else cuts it.
    pub(super) completeness: Completeness,
    pub(super) fetcher: Fetcher,
    pub(super) damage: Damage,
    /// The trace that is being given: its rows that were not yet.
    current: IntoIter<Located>,
    given: Given,
    pub(super) ended: bool,
}

#[derive(Default)]
struct Given {
    traces: usize,
    spans: usize,
    bytes: usize,
}

// === impl Answer ===

impl Answer {
    pub(super) fn new(
        cx: ReadContext,
        snapshot: Arc<Snapshot>,
        ids: Vec<TraceId>,
        damage: Damage,
    ) -> Self {
        Self {
            cx,
            snapshot,
            ids: ids.into_iter(),
            completeness: Completeness::Complete,
            fetcher: Fetcher::default(),
            damage,
            current: Vec::new().into_iter(),
            given: Given::default(),
            ended: false,
        }
    }

    /// The next items. The last one is the end.
    pub(super) fn step(&mut self) -> Vec<Result<ReadItem, ReadError>> {
        let mut items = Vec::new();
        let before = self.given.spans;
        while !self.ended && self.given.spans - before < STEP && items.len() < 64 {
            match self.next() {
                Ok(ReadItem::Spans(spans)) if spans.is_empty() => {}
                item => {
                    self.ended = !matches!(item, Ok(ReadItem::Spans(_)));
                    items.push(item);
                }
            }
        }
        items
    }

    fn next(&mut self) -> Result<ReadItem, ReadError> {
        self.cx.check()?;
        let limits = self.cx.limits;
        if self.current.as_slice().is_empty() {
            let Some(rows) = self.next_trace() else {
                let end = std::mem::replace(&mut self.completeness, Completeness::Complete);
                return Ok(ReadItem::End(self.damage.or(end)));
            };
            if self.given.traces >= limits.traces {
                return Ok(self.cut(&format!("{} traces (query.max-traces)", limits.traces)));
            }
            self.given.traces += 1;
            self.current = rows.into_iter();
        }
        if self.given.spans >= limits.spans {
            return Ok(self.cut(&format!("{} spans (query.max-spans)", limits.spans)));
        }
        let count = CHUNK.min(limits.spans - self.given.spans);
        let rows: Vec<Located> = self.current.by_ref().take(count).collect();
        let Self {
            fetcher,
            snapshot,
            given,
            damage,
            ..
        } = self;
        let mut chunk = Vec::with_capacity(rows.len());
        let mut full = false;
        fetcher.spans(snapshot, &rows, |located, span| match span {
            Ok(span) => {
                let bytes = given
                    .bytes
                    .saturating_add(span.size() + located.row.len as usize);
                full |= bytes > limits.bytes;
                if !full {
                    given.bytes = bytes;
                    given.spans += 1;
                    chunk.push(span);
                }
            }
            Err(error) => {
                if let Some(source) = snapshot.get(located.source) {
                    damage.note(source, u64::from(located.row.offset), &error);
                }
            }
        });
        if full {
            if chunk.is_empty() {
                return Ok(self.cut(&format!("{} bytes (query.max-bytes)", limits.bytes)));
            }
            // the next step finds no room for the rest
            let rest = std::mem::take(&mut self.current);
            let left = rows.into_iter().skip(chunk.len()).chain(rest);
            self.current = left.collect::<Vec<_>>().into_iter();
        }
        Ok(ReadItem::Spans(chunk))
    }

    fn next_trace(&mut self) -> Option<Vec<Located>> {
        let Self {
            ids,
            snapshot,
            fetcher,
            damage,
            ..
        } = self;
        let mut failed = |source: &Source, error: &std::io::Error| damage.note(source, 0, error);
        ids.map(|id| locate(snapshot, id, fetcher, &mut failed))
            .find(|rows| !rows.is_empty())
    }

    fn cut(&self, limit: &str) -> ReadItem {
        ReadItem::End(partial(limit))
    }
}
