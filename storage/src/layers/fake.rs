//! A writer for the layers' own tests: remembers what it was given and answers as it was told.

use std::collections::VecDeque;

use futures_util::future::BoxFuture;
use model::{Batch, Instance, Resource, Span, SpanId, TraceId};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::port::{DeadLetter, DeadLetters, TraceWriter, WriteError};

#[derive(Default)]
pub(crate) struct Fake {
    written: Mutex<Vec<Batch>>,
    answers: Mutex<VecDeque<Result<(), WriteError>>>,
    gate: Option<Semaphore>,
    letters: Mutex<Vec<DeadLetter>>,
}

impl Fake {
    /// Answers these, one after the other, then `Ok`.
    pub(crate) fn answering(answers: impl IntoIterator<Item = Result<(), WriteError>>) -> Self {
        Self {
            answers: Mutex::new(answers.into_iter().collect()),
            ..Self::default()
        }
    }

    /// Answers only after [`Fake::let_through`].
    pub(crate) fn closed(mut self) -> Self {
        self.gate = Some(Semaphore::new(0));
        self
    }

    /// Lets `writes` more writes be answered.
    pub(crate) fn let_through(&self, writes: usize) {
        if let Some(gate) = &self.gate {
            gate.add_permits(writes);
        }
    }

    pub(crate) fn written(&self) -> Vec<Batch> {
        self.written.lock().clone()
    }

    pub(crate) fn letters(&self) -> Vec<DeadLetter> {
        self.letters.lock().clone()
    }

    async fn answer(&self) -> Result<(), WriteError> {
        if let Some(gate) = &self.gate {
            gate.acquire().await.expect("never closed").forget();
        }
        self.answers.lock().pop_front().unwrap_or(Ok(()))
    }
}

impl TraceWriter for Fake {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        self.written.lock().push(batch);
        Box::pin(self.answer())
    }
}

impl DeadLetters for Fake {
    fn bury(&self, letters: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            self.answer().await?;
            self.letters.lock().extend(letters);
            Ok(())
        })
    }
}

/// A batch of spans with these numbers as ids, starting at these seconds.
pub(crate) fn batch(ids: impl IntoIterator<Item = u64>) -> Batch {
    let resource = std::sync::Arc::new(Resource::of_service("svc"));
    let span = |id| Span {
        trace_id: TraceId::from_halves(0, id),
        span_id: SpanId::from_u64(id),
        start_ns: id * 1_000_000_000,
        end_ns: id * 1_000_000_000 + 1,
        resource: resource.clone(),
        ..Span::default()
    };
    Batch::new(
        Instance::default(),
        ids.into_iter().map(span).collect(),
        100,
    )
}

/// The numbers that [`batch`] made a batch of.
pub(crate) fn ids(batch: &Batch) -> Vec<u64> {
    batch.spans.iter().map(|s| s.span_id.to_u64()).collect()
}

pub(crate) fn rejected(spans: impl IntoIterator<Item = usize>) -> WriteError {
    WriteError::rejected(spans, "it is poison")
}

pub(crate) fn unavailable() -> WriteError {
    WriteError::Unavailable {
        reason: "it is away".to_owned(),
    }
}
