//! What travels through the write path: spans of one instance.

use std::sync::Arc;

use crate::{Instance, Span};

/// Spans of one instance, on their way into a store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Whose spans they are.
    pub instance: Instance,
    /// The spans, in the order received.
    pub spans: Arc<Vec<Span>>,
    /// Bytes of memory that the batch keeps alive: buffers and structures, not the length on the wire.
    pub retained_bytes: usize,
}

// === impl Batch ===

impl Batch {
    /// A batch of `spans`, which were decoded from `buffer_bytes` bytes.
    pub fn new(instance: Instance, spans: Vec<Span>, buffer_bytes: usize) -> Self {
        let mut retained_bytes = buffer_bytes;
        let (mut resource, mut scope) = (std::ptr::null(), std::ptr::null());
        for span in &spans {
            retained_bytes += span.size();
            // neighbours share: count a shared part where it changes
            if !std::ptr::eq(resource, Arc::as_ptr(&span.resource)) {
                resource = Arc::as_ptr(&span.resource);
                retained_bytes += span.resource.size();
            }
            if !std::ptr::eq(scope, Arc::as_ptr(&span.scope)) {
                scope = Arc::as_ptr(&span.scope);
                retained_bytes += span.scope.size();
            }
        }
        Self {
            instance,
            spans: Arc::new(spans),
            retained_bytes,
        }
    }

    /// One of several of the same instance, which stand in it one behind the other. What others still hold is copied.
    #[must_use]
    pub fn merged(mut self, others: Vec<Self>) -> Self {
        if !others.is_empty() {
            let spans = Arc::make_mut(&mut self.spans);
            for other in others {
                self.retained_bytes += other.retained_bytes;
                match Arc::try_unwrap(other.spans) {
                    Ok(own) => spans.extend(own),
                    Err(shared) => spans.extend(shared.iter().cloned()),
                }
            }
        }
        self
    }

    /// How many spans there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}
