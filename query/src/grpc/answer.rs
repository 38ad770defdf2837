//! An answer as it is made: messages in a stream, then a status.
//!
//! In: work that hands messages to an [`Outlet`], and ends well or not. Out: a stream, which does that work as the client takes it: one message waits at a
//! time, no task runs beside it, and a client that goes away ends it where it stands, the read from the store with it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::Stream;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use prost::Message;
use storage::{Completeness, ReadError};
use tokio::sync::mpsc;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use super::Api;
use crate::own::Traced;
use crate::partial::{self, PARTIAL};

/// Where the work puts its messages, encoded.
pub(super) struct Outlet(mpsc::Sender<Vec<u8>>);

/// How work ends that did not fail.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// Why the answer is not whole.
    partial: Option<String>,
}

/// The stream.
pub(super) struct Answer {
    work: Option<BoxFuture<'static, Result<End, Status>>>,
    messages: mpsc::Receiver<Vec<u8>>,
    end: Option<Result<End, Status>>,
    counted: Counted,
}

/// Counts the request when it has ended. Dropped before that: the client went away.
struct Counted {
    api: Arc<Api>,
    method: &'static str,
    traced: Option<Traced>,
    began: Instant,
    code: Option<Code>,
}

// === impl Outlet ===

impl Outlet {
    /// Waits until there is room.
    ///
    /// # Errors
    /// When nobody takes messages any more.
    pub(super) async fn send(&self, message: Vec<u8>) -> Result<(), ReadError> {
        let sent = self.0.send(message).await;
        sent.map_err(|_| ReadError::Cancelled("the client went away"))
    }

    /// The same with a message that is not encoded yet.
    ///
    /// # Errors
    /// When nobody takes messages any more.
    pub(super) async fn message(&self, message: &impl Message) -> Result<(), Status> {
        let sent = self.send(message.encode_to_vec()).await;
        sent.map_err(|gone| Status::cancelled(gone.to_string()))
    }
}

// === impl End ===

impl End {
    /// With what is lacking, if anything is.
    pub(super) fn lacking(partial: Option<String>) -> Self {
        Self { partial }
    }

    /// `OK`, with a trailer that says why the answer was cut; `None` when it was not.
    fn status(self) -> Option<Status> {
        let mut trailers = HeaderMap::new();
        trailers.insert(PARTIAL, partial::header_text(&self.partial?));
        let trailers = MetadataMap::from_headers(trailers);
        Some(Status::with_metadata(Code::Ok, "", trailers))
    }
}

impl From<Completeness> for End {
    fn from(completeness: Completeness) -> Self {
        Self::lacking(match completeness {
            Completeness::Complete => None,
            Completeness::Partial { reason } => Some(reason),
        })
    }
}

// === impl Answer ===

impl Answer {
    /// Of the `work` that is done for `method`.
    pub(super) fn new<F>(
        api: Arc<Api>,
        method: &'static str,
        traced: Option<Traced>,
        work: impl FnOnce(Outlet) -> F,
    ) -> Self
    where
        F: Future<Output = Result<End, Status>> + Send + 'static,
    {
        let (outlet, messages) = mpsc::channel(1);
        Self {
            work: Some(Box::pin(work(Outlet(outlet)))),
            messages,
            end: None,
            counted: Counted::new(api, method, traced),
        }
    }
}

impl Stream for Answer {
    type Item = Result<Vec<u8>, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(work) = &mut self.work
            && let Poll::Ready(end) = work.as_mut().poll(cx)
        {
            // with it goes the outlet: what it sent last may still wait
            self.work = None;
            self.counted.ended(&end);
            self.end = Some(end);
        }
        match self.messages.poll_recv(cx) {
            Poll::Ready(Some(message)) => Poll::Ready(Some(Ok(message))),
            Poll::Ready(None) => Poll::Ready(match self.end.take() {
                Some(Ok(end)) => end.status().map(Err),
                Some(Err(status)) => Some(Err(status)),
                None => None,
            }),
            Poll::Pending => Poll::Pending,
        }
    }
}

// === impl Counted ===

impl Counted {
    fn new(api: Arc<Api>, method: &'static str, traced: Option<Traced>) -> Self {
        Self {
            api,
            method,
            traced,
            began: Instant::now(),
            code: None,
        }
    }

    fn ended(&mut self, end: &Result<End, Status>) {
        let Err(status) = end else {
            self.code = Some(Code::Ok);
            return;
        };
        self.code = Some(status.code());
        if matches!(status.code(), Code::Internal | Code::Unknown) {
            let (method, error) = (self.method, status.message());
            tracing::error!(method, code = ?status.code(), error, "query failed");
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let code = self.code.unwrap_or(Code::Cancelled);
        if let Some(traced) = &self.traced {
            traced.ends_grpc(self.method, code as i32);
        }
        let metrics = self.api.service.metrics();
        metrics.answered_grpc(self.method, code, self.began.elapsed());
    }
}
