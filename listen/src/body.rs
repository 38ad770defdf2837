//! Bodies under a deadline.
//!
//! In: the body of a request or of an answer. Out: the same body; a request's ends in [`BodyStalled`] when its next piece does not come while a
//! handler waits for it, an answer's marks when it is the client's turn to take a piece. Sizes are not limited here: only the room that
//! reads a body knows what it may weigh.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::activity::Activity;

/// The error of a request's body whose sender stopped sending. The connection is closed after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request's body stopped coming for {}s", .after.as_secs_f32())]
pub struct BodyStalled {
    /// How long was waited.
    pub after: Duration,
}

/// A request's body.
pub(crate) struct Received<B> {
    inner: B,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    waiting: bool,
    activity: Arc<Activity>,
}

impl<B> Received<B> {
    pub(crate) fn new(inner: B, limit: Duration, activity: Arc<Activity>) -> Self {
        Self {
            inner,
            limit,
            timer: None,
            waiting: false,
            activity,
        }
    }
}

impl<B> Body for Received<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<axum::BoxError>,
{
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            this.waiting = false;
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let deadline = Instant::now() + this.limit;
        let timer = this
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if !this.waiting {
            this.waiting = true;
            timer.as_mut().reset(deadline);
        }
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.activity.body_stalled();
        Poll::Ready(Some(Err(Box::new(BodyStalled { after: this.limit }))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A request that is not answered to its end yet: counts as in flight until it is dropped.
pub(crate) struct InFlight(Arc<Activity>);

impl InFlight {
    pub(crate) fn begin(activity: Arc<Activity>) -> Self {
        activity.request_began();
        Self(activity)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.request_ended();
    }
}

/// An answer's body.
pub(crate) struct Sent {
    inner: axum::body::Body,
    clients_turn: bool,
    request: InFlight,
}

impl Sent {
    pub(crate) fn new(inner: axum::body::Body, request: InFlight) -> Self {
        Self {
            inner,
            clients_turn: false,
            request,
        }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if self.clients_turn {
            self.request.0.our_turn();
        }
    }
}

impl Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(_)) => {
                self.request.0.sent(self.clients_turn);
                self.clients_turn = true;
            }
            Poll::Ready(None) | Poll::Pending => {
                if self.clients_turn {
                    self.clients_turn = false;
                    self.request.0.our_turn();
                }
            }
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
