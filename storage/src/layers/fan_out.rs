//! Writes to several stores: durable when it is durable in all.
//!
//! In: batches. Out: `Ok` when every store said so. A store that cannot take a batch for now makes the whole answer retryable, which is
//! harmless for the others, since writing twice leaves one copy. A span is rejected when any store rejects it: it may then stand in some.
//!
//! Deliberately absent: a quorum, and going on without a store that is away. Either would make `Ok` mean less.

use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};
use model::Batch;

use crate::port::{TraceWriter, Unstorable, WriteError};

/// The layer.
pub struct FanOut {
    writers: Vec<(&'static str, Arc<dyn TraceWriter>)>,
}

// === impl FanOut ===

impl FanOut {
    /// Writes to all of `writers`, which have these names in errors.
    pub fn new(writers: Vec<(&'static str, Arc<dyn TraceWriter>)>) -> Self {
        Self { writers }
    }
}

impl TraceWriter for FanOut {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let writes = self.writers.iter().map(|(name, writer)| {
                let write = writer.write(batch.clone());
                async move { (*name, write.await) }
            });
            combine(join_all(writes).await)
        })
    }
}

/// One answer of many: what asks for a retry wins over what is final.
fn combine(
    answers: impl IntoIterator<Item = (&'static str, Result<(), WriteError>)>,
) -> Result<(), WriteError> {
    let mut away = Vec::new();
    let mut busy = Vec::new();
    let mut wait = None;
    let mut rejected: Vec<Unstorable> = Vec::new();
    for (name, answer) in answers {
        match answer {
            Ok(()) => {}
            Err(WriteError::Unavailable { reason }) => away.push(format!("{name}: {reason}")),
            Err(deferred @ WriteError::Deferred { .. }) => away.push(format!("{name}: {deferred}")),
            Err(WriteError::Throttled { after, reason }) => {
                wait = wait.max(Some(after));
                busy.push(format!("{name}: {reason}"));
            }
            Err(WriteError::Rejected(spans)) => {
                rejected.extend(spans.into_iter().map(|span| Unstorable {
                    reason: format!("{name}: {}", span.reason).into(),
                    ..span
                }));
            }
        }
    }
    if !away.is_empty() {
        away.append(&mut busy);
        return Err(WriteError::Unavailable {
            reason: away.join("; "),
        });
    }
    if let Some(after) = wait {
        return Err(WriteError::Throttled {
            after,
            reason: busy.join("; "),
        });
    }
    // stable: of two stores that reject one span, the first in the list gives the reason
    rejected.sort_by_key(|span| span.at);
    rejected.dedup_by_key(|span| span.at);
    if rejected.is_empty() {
        return Ok(());
    }
    Err(WriteError::Rejected(rejected))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::layers::fake::{Fake, batch, rejected, unavailable};

    fn throttled(after: u64) -> WriteError {
        WriteError::Throttled {
            after: Duration::from_secs(after),
            reason: "it is full".to_owned(),
        }
    }

    #[track_caller]
    fn check(
        a: Result<(), WriteError>,
        b: Result<(), WriteError>,
        expect: &Result<(), WriteError>,
    ) {
        assert_eq!(combine([("a", a), ("b", b)]), *expect);
    }

    #[test]
    fn answers_are_combined_so_that_a_retry_is_right() {
        check(Ok(()), Ok(()), &Ok(()));
        let away = |reason: &str| {
            Err(WriteError::Unavailable {
                reason: reason.to_owned(),
            })
        };
        check(Ok(()), Err(unavailable()), &away("b: it is away"));
        check(
            Err(throttled(3)),
            Err(unavailable()),
            &away("b: it is away; a: it is full"),
        );
        check(
            Err(rejected([0])),
            Err(unavailable()),
            &away("b: it is away"),
        );
        check(
            Err(throttled(1)),
            Err(throttled(2)),
            &Err(WriteError::Throttled {
                after: Duration::from_secs(2),
                reason: "a: it is full; b: it is full".to_owned(),
            }),
        );
        check(
            Err(rejected([1, 4])),
            Err(rejected([0, 4])),
            &Err(WriteError::Rejected(
                [(0, "b"), (1, "a"), (4, "a")]
                    .map(|(at, store)| Unstorable {
                        at,
                        reason: format!("{store}: it is poison").into(),
                    })
                    .to_vec(),
            )),
        );
    }

    #[tokio::test]
    async fn ok_waits_for_the_slowest_store() {
        let (fast, slow) = (
            Arc::new(Fake::default()),
            Arc::new(Fake::default().closed()),
        );
        let both = FanOut::new(vec![("fast", fast.clone()), ("slow", slow.clone())]);
        let mut write = both.write(batch(0..3));
        assert!(futures_util::poll!(&mut write).is_pending());
        assert_eq!((fast.written().len(), slow.written().len()), (1, 1));
        slow.let_through(1);
        write.await.unwrap();
    }
}
