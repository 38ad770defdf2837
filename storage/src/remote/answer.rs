//! The traces that a store in another process gives, as items of a [`TraceStream`].
//!
//! In: calls, made one after the other as the reader goes on. Out: chunks within the limits of the answer, then why it is not whole, if it is not. One message is
//! in memory at a time, and HTTP/2 holds up a store that sends faster than it is read.

use std::collections::VecDeque;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use model::{Span, TraceId};
use tonic::codec::Streaming;
use tonic::{Code, Status};

use super::client::{self, Client, Whose};
use super::protocol::Protocol;
use crate::given::Given;
use crate::port::{ReadContext, ReadError, ReadItem, TraceStream};
use crate::trouble::Trouble;

/// Spans in one item at most.
const CHUNK: usize = 512;

/// A call whose answer is traces.
pub(super) struct Ask {
    pub(super) path: &'static str,
    pub(super) message: Bytes,
}

/// The answers of some calls, one behind the other.
pub(super) struct Messages<'a> {
    client: &'a Client,
    cx: &'a ReadContext,
    whose: Whose<'a>,
    protocol: Protocol,
    left: VecDeque<Ask>,
    open: Option<Streaming<Bytes>>,
    pub(super) trouble: Trouble,
}

/// What is given of them.
struct Answer<'a> {
    messages: Messages<'a>,
    /// Chunks that are ready, with the bytes of each span.
    ready: VecDeque<(Vec<Span>, usize)>,
    given: Given,
    last: Option<TraceId>,
    ended: bool,
}

/// Does `work` while its caller waits.
pub(super) async fn within<T>(
    cx: &ReadContext,
    work: impl Future<Output = Result<T, Status>>,
) -> Result<Result<T, Status>, ReadError> {
    cx.check()?;
    let deadline = async {
        match cx.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        done = work => Ok(done),
        () = cx.cancelled.cancelled() => Err(ReadError::Cancelled("the caller went away")),
        () = deadline => Err(ReadError::Cancelled("the deadline passed")),
    }
}

// === impl Messages ===

impl<'a> Messages<'a> {
    pub(super) fn new(
        client: &'a Client,
        cx: &'a ReadContext,
        whose: Whose<'a>,
        protocol: Protocol,
        calls: impl IntoIterator<Item = Ask>,
    ) -> Self {
        Self {
            client,
            cx,
            whose,
            protocol,
            left: calls.into_iter().collect(),
            open: None,
            trouble: Trouble::default(),
        }
    }

    /// The spans of the next message, and how many bytes each was on an average; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<(Vec<Span>, usize)>, ReadError> {
        loop {
            let Some(open) = &mut self.open else {
                let Some(ask) = self.left.pop_front() else {
                    return Ok(None);
                };
                let call = self.client.call(self.whose, ask.path, ask.message);
                match within(self.cx, call).await? {
                    Ok(open) => self.open = Some(open),
                    Err(status) => self.failed(&status)?,
                }
                continue;
            };
            let message = within(self.cx, open.message()).await?;
            match self.client.noted(message) {
                Ok(Some(message)) => return self.spans(message).map(Some),
                Ok(None) => {
                    if let Some(reason) = client::partial(open).await {
                        self.trouble.note(reason);
                    }
                    self.open = None;
                }
                Err(status) => self.failed(&status)?,
            }
        }
    }

    /// What is not there is no failure.
    fn failed(&mut self, status: &Status) -> Result<(), ReadError> {
        self.open = None;
        match status.code() {
            Code::NotFound => Ok(()),
            _ => Err(self.client.read_error(status)),
        }
    }

    fn spans(&mut self, message: Bytes) -> Result<(Vec<Span>, usize), ReadError> {
        let length = message.len();
        let decoded = match self.protocol {
            Protocol::Spoor => wire::otlp::decode_own(message),
            Protocol::V2 => wire::otlp::decode(message),
            Protocol::V1 { .. } => wire::jaeger::proto::decode_spans(message),
        };
        let decoded = decoded.map_err(|error| {
            let status = Status::unknown(format!("its answer cannot be read: {error}"));
            self.client.read_error(&status)
        })?;
        if let Some(first) = decoded.rejected.first() {
            let reason = &first.reason;
            self.trouble.note(format!(
                "spans of the remote store cannot be read: {reason}"
            ));
        }
        let each = length / decoded.spans.len().max(1);
        Ok((decoded.spans, each))
    }
}

/// The traces of `messages`, within the limits of the answer.
pub(super) fn traces(messages: Messages<'_>) -> TraceStream<'_> {
    let answer = Answer {
        messages,
        ready: VecDeque::new(),
        given: Given::default(),
        last: None,
        ended: false,
    };
    let items = stream::unfold(Box::new(answer), |mut answer| async move {
        if answer.ended {
            return None;
        }
        let item = answer.next().await;
        answer.ended = !matches!(item, Ok(ReadItem::Spans(_)));
        Some((item, answer))
    });
    items.boxed()
}

// === impl Answer ===

impl Answer<'_> {
    async fn next(&mut self) -> Result<ReadItem, ReadError> {
        loop {
            self.messages.cx.check()?;
            if let Some((spans, bytes)) = self.ready.pop_front() {
                return Ok(self.give(spans, bytes));
            }
            let Some((spans, bytes)) = self.messages.next().await? else {
                return Ok(ReadItem::End(self.messages.trouble.completeness()));
            };
            let mut chunk: Vec<Span> = Vec::new();
            for span in spans {
                let is_next = chunk
                    .first()
                    .is_some_and(|first| first.trace_id != span.trace_id);
                if is_next || chunk.len() >= CHUNK {
                    self.ready.push_back((std::mem::take(&mut chunk), bytes));
                }
                chunk.push(span);
            }
            if !chunk.is_empty() {
                self.ready.push_back((chunk, bytes));
            }
        }
    }

    /// As many of `spans`, which are of one trace, as fit.
    fn give(&mut self, mut spans: Vec<Span>, bytes: usize) -> ReadItem {
        let limits = &self.messages.cx.limits;
        let trace = spans.first().map(|span| span.trace_id);
        if self.last != trace {
            self.last = trace;
            if let Err(cut) = self.given.trace(limits) {
                return self.cut(cut);
            }
        }
        let mut fit = 0;
        for span in &spans {
            match self.given.span(span.size() + bytes, limits) {
                Ok(()) => fit += 1,
                Err(cut) if fit == 0 => return self.cut(cut),
                Err(_) => break,
            }
        }
        // the next one finds no room either, and says so
        let rest = spans.split_off(fit);
        if !rest.is_empty() {
            self.ready.push_front((rest, bytes));
        }
        ReadItem::Spans(spans)
    }

    fn cut(&mut self, cut: String) -> ReadItem {
        let trouble = &mut self.messages.trouble;
        trouble.note(cut);
        ReadItem::End(trouble.completeness())
    }
}
