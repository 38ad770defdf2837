//! Cuts traces into chunks, and an answer where its limits are reached.
//!
//! In: whole traces in the order to give them. Out: the items of a [`TraceStream`](crate::TraceStream).

use std::vec::IntoIter;

use crate::port::{Completeness, ReadContext, ReadError, ReadItem};

use super::store::Spans;

/// Spans in one item at most.
const CHUNK: usize = 512;

pub(super) struct Answer {
    cx: ReadContext,
    traces: IntoIter<Spans>,
    /// The trace that is being given, and how many of its spans were.
    current: Option<(Spans, usize)>,
    given: Given,
    ended: bool,
}

#[derive(Default)]
struct Given {
    traces: usize,
    spans: usize,
    bytes: usize,
}

// === impl Answer ===

impl Answer {
    pub(super) fn new(cx: ReadContext, traces: Vec<Spans>) -> Self {
        Self {
            cx,
            traces: traces.into_iter(),
            current: None,
            given: Given::default(),
            ended: false,
        }
    }

    fn step(&mut self) -> Result<ReadItem, ReadError> {
        self.cx.check()?;
        let limits = self.cx.limits;
        let (spans, at) = match self.current.take() {
            Some(current) => current,
            None => match self.traces.find(|spans| !spans.is_empty()) {
                None => return Ok(ReadItem::End(Completeness::Complete)),
                Some(_) if self.given.traces >= limits.traces => {
                    return Ok(cut(&format!("{} traces (query.max-traces)", limits.traces)));
                }
                Some(spans) => {
                    self.given.traces += 1;
                    (spans, 0)
                }
            },
        };
        let mut chunk = Vec::new();
        for stored in spans.iter().skip(at).take(CHUNK) {
            let bytes = self.given.bytes.saturating_add(stored.bytes);
            if self.given.spans >= limits.spans || bytes > limits.bytes {
                break;
            }
            self.given.spans += 1;
            self.given.bytes = bytes;
            chunk.push(stored.span.clone());
        }
        let next = at + chunk.len();
        if chunk.is_empty() {
            let limit = if self.given.spans >= limits.spans {
                format!("{} spans", limits.spans)
            } else {
                format!("{} bytes", limits.bytes)
            };
            return Ok(cut(&limit));
        }
        if next < spans.len() {
            self.current = Some((spans, next));
        }
        Ok(ReadItem::Spans(chunk))
    }
}

impl Iterator for Answer {
    type Item = Result<ReadItem, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.step();
        self.ended = !matches!(item, Ok(ReadItem::Spans(_)));
        Some(item)
    }
}

/// The end of an answer that reached a limit.
fn cut(limit: &str) -> ReadItem {
    ReadItem::End(Completeness::Partial {
        reason: format!("the answer was cut at its limit of {limit}"),
    })
}
