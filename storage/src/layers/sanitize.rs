//! Mends spans before they are written: see [`model::sanitize`].
//!
//! In: batches as decoded. Out: batches of spans that every store and every reader can hold.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use model::Batch;

use crate::port::{TraceWriter, WriteError};

/// The layer.
pub struct Sanitize {
    inner: Arc<dyn TraceWriter>,
}

// === impl Sanitize ===

impl Sanitize {
    /// Mends what `inner` is given.
    pub fn new(inner: Arc<dyn TraceWriter>) -> Self {
        Self { inner }
    }
}

impl TraceWriter for Sanitize {
    fn write(&self, mut batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        // copies the spans only when the caller kept the batch too
        model::sanitize::spans(Arc::make_mut(&mut batch.spans).as_mut_slice());
        self.inner.write(batch)
    }
}

#[cfg(test)]
mod tests {
    use model::{Instance, Span};

    use super::*;
    use crate::layers::fake::Fake;

    #[tokio::test]
    async fn spans_arrive_mended_and_uncopied() {
        let below = Arc::new(Fake::default());
        let spans = vec![Span {
            start_ns: 10,
            end_ns: 5,
            ..Span::default()
        }];
        let place = spans.as_ptr();
        let batch = Batch::new(Instance::default(), spans, 0);
        Sanitize::new(below.clone()).write(batch).await.unwrap();
        let written = below.written();
        assert_eq!(written[0].spans.as_ptr(), place);
        assert_eq!(written[0].spans[0].end_ns, 11);
        assert_eq!(
            written[0].spans[0].resource.service_name(),
            model::sanitize::MISSING_SERVICE
        );
    }

    #[tokio::test]
    async fn a_batch_that_the_caller_keeps_stays_as_it_was() {
        let below = Arc::new(Fake::default());
        let batch = Batch::new(Instance::default(), vec![Span::default()], 0);
        Sanitize::new(below.clone())
            .write(batch.clone())
            .await
            .unwrap();
        assert!(batch.spans[0].resource.service_name.is_none());
        assert!(below.written()[0].spans[0].resource.service_name.is_some());
    }
}
