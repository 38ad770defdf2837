//! Disposes of spans that can never be stored: those outside the window or beyond the limits, and those that the store rejects.
//!
//! In: batches. Out: `Ok`, or `Rejected` when spans were disposed of: the others are durable, the rejected ones lie durable among the dead
//! letters (or were dropped, where the store keeps none), and the edge may name them, as OTLP's partial success does. Any other error:
//! nothing is promised, send the whole again.
//!
//! The neighbours of a bad span are written first, then all letters of the batch are buried at once, then the ledger is told. Nothing is
//! waited for after that, so that a caller who goes away cannot leave the ledger half told.

mod letter;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures_util::future::BoxFuture;
use model::{Batch, Span};

use super::ledger::{Ledger, TOO_LARGE, TOO_MANY_ATTRIBUTES, TOO_NEW, TOO_OLD, UNSTORABLE};
use super::limits::Limits;
use super::occasional::Occasional;
use super::window::{Clock, Window};
use crate::port::{DeadLetters, TraceWriter, Unstorable, WriteError};

pub use letter::{LetterError, ORIGIN, open, seal};

/// The layer.
pub struct Bury {
    inner: Arc<dyn TraceWriter>,
    dead_letters: Option<Arc<dyn DeadLetters>>,
    ledger: Arc<Ledger>,
    window: Window,
    limits: Limits,
    clock: Clock,
    told: Occasional,
}

/// A span that can never be stored.
struct Rejection {
    /// Where in the batch.
    at: usize,
    /// For metrics.
    label: &'static str,
    /// For a person.
    reason: Arc<str>,
}

// === impl Bury ===

impl Bury {
    /// In front of `inner`: what is outside `window` by `clock`, beyond `limits`, or rejected by `inner`, goes to `dead_letters`, and into `ledger`.
    pub fn new(
        inner: Arc<dyn TraceWriter>,
        dead_letters: Option<Arc<dyn DeadLetters>>,
        ledger: Arc<Ledger>,
        window: Window,
        limits: Limits,
        clock: Clock,
    ) -> Self {
        Self {
            inner,
            dead_letters,
            ledger,
            window,
            limits,
            clock,
            told: Occasional::default(),
        }
    }

    fn unfit(&self, spans: &[Span]) -> Vec<Rejection> {
        let now = (self.clock)();
        spans
            .iter()
            .enumerate()
            .filter_map(|(at, span)| {
                let (label, reason) = self.why_unfit(span, now)?;
                let reason = reason.into();
                Some(Rejection { at, label, reason })
            })
            .collect()
    }

    fn why_unfit(&self, span: &Span, now_ns: u64) -> Option<(&'static str, String)> {
        if let Err(outside) = self.window.check(span, now_ns) {
            return Some((outside.label(), outside.to_string()));
        }
        let beyond = self.limits.check(span).err()?;
        Some((beyond.label(), beyond.to_string()))
    }

    /// Puts all of `rejections` into the ground, then into the ledger.
    async fn bury(&self, batch: &Batch, rejections: &[Rejection]) -> Result<(), WriteError> {
        if let Some(dead_letters) = &self.dead_letters {
            let letters = rejections
                .iter()
                .filter_map(|r| Some((batch.spans.get(r.at)?, r)))
                .map(|(span, r)| seal(&batch.instance, r.reason.to_string(), span))
                .collect();
            dead_letters
                .bury(letters)
                .await
                .map_err(|error| match error {
                    WriteError::Rejected(letters) => WriteError::Unavailable {
                        reason: format!(
                            "dead letters were rejected: {}",
                            letters.first().map_or("", |letter| &letter.reason)
                        ),
                    },
                    retryable => retryable,
                })?;
        }
        let account = self.ledger.account(&batch.instance);
        let mut by_label = BTreeMap::<_, usize>::new();
        for rejection in rejections {
            *by_label.entry(rejection.label).or_default() += 1;
        }
        for (label, spans) in by_label {
            let spans = account.take_over(spans);
            match self.dead_letters {
                Some(_) => spans.dead_lettered(label),
                None => spans.dropped(label),
            }
        }
        Ok(())
    }
}

impl TraceWriter for Bury {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            let mut rejections = self.unfit(&batch.spans);
            let (fit, positions) = without(&batch, &rejections);
            let written = if fit.is_empty() && !batch.is_empty() {
                Ok(())
            } else {
                self.inner.write(fit).await
            };
            match written {
                Ok(()) => {}
                Err(WriteError::Rejected(spans)) => {
                    rejections.extend(spans.into_iter().map(|Unstorable { at, reason }| {
                        Rejection {
                            at: positions
                                .as_ref()
                                .map_or(Some(at), |p| p.get(at).copied())
                                .unwrap_or(at),
                            label: UNSTORABLE,
                            reason,
                        }
                    }));
                    rejections.sort_by_key(|r| r.at);
                }
                Err(retryable) => return Err(retryable),
            }
            let Some((label, first)) = rejections.first().map(|r| (r.label, r.reason.clone()))
            else {
                return Ok(());
            };
            self.bury(&batch, &rejections).await?;
            if let Some(spans) = self.told.due(Instant::now(), rejections.len()) {
                tracing::warn!(
                    instance = %batch.instance,
                    spans,
                    kept = self.dead_letters.is_some(),
                    reason = &*first,
                    setting = setting(label),
                    "spans can never be stored"
                );
            }
            let unstorable = |Rejection { at, reason, .. }| Unstorable { at, reason };
            let spans = rejections.into_iter().map(unstorable).collect();
            Err(WriteError::Rejected(spans))
        })
    }
}

/// What an operator can set, so that such spans are stored.
fn setting(label: &str) -> &'static str {
    match label {
        TOO_OLD => "span.max-age",
        TOO_NEW => "span.max-future",
        TOO_LARGE => "span.max-bytes",
        TOO_MANY_ATTRIBUTES => "span.max-attributes",
        _ => "none: the store does not take them",
    }
}

/// The batch without what was rejected, and where its spans stood, unless nothing was: then all of it, uncopied.
fn without(batch: &Batch, rejections: &[Rejection]) -> (Batch, Option<Vec<usize>>) {
    if rejections.is_empty() {
        return (batch.clone(), None);
    }
    let mut out = rejections.iter().map(|r| r.at).peekable();
    let (positions, spans): (Vec<usize>, Vec<Span>) = batch
        .spans
        .iter()
        .enumerate()
        .filter(|(at, _)| out.next_if_eq(at).is_none())
        .map(|(at, span)| (at, span.clone()))
        .unzip();
    let fit = Batch {
        instance: batch.instance.clone(),
        spans: Arc::new(spans),
        retained_bytes: batch.retained_bytes,
    };
    (fit, Some(positions))
}

#[cfg(test)]
mod tests;
