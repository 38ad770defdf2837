//! Marks on hours that were counted and have had a span since.
//!
//! In: spans that are about to be written. Out: a mark for each hour that they may change and that is over for longer than `dependencies.late-after`, stored before they are; and the marks there
//! are, for who counts.
//!
//! A mark may go once its hour was counted from what was there `dependencies.settle` after it was seen, and nobody has set it again. So a write has half of that time from its mark on, and sets it
//! again when it took longer; and within that half a process does not set one mark twice. Which hours a span can change: its own, and those of spans that it can be the caller of, which is from just
//! before its start until just after its end.
//!
//! Where marks cannot be kept, since somebody must grant the right to, spans are written all the same, and that is counted.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use http::Method;
use model::Span;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::nanos;
use crate::elasticsearch::bulk::{Action, Documents};
use crate::elasticsearch::lease::Version;
use crate::elasticsearch::scroll;
use crate::elasticsearch::store::Store;
use crate::elasticsearch::template::OTHER_TYPE;
use crate::http_client::{Error, Request};
use crate::layers::occasional::Occasional;
use crate::layers::window::system_clock;
use crate::port::{HOUR_NS, NEAR_NS};

/// What the ids of marks begin with, beside leases.
const MARK: &str = "dirty-";
/// Hours that one span marks at most.
const MOST_HOURS: u64 = 72;
/// Marks that are read at once. There are no more: an hour of spans that are a month old has one.
const MOST_MARKS: usize = 10_000;

/// What this process has marked.
#[derive(Default)]
pub(crate) struct Marks {
    set: Mutex<HashMap<u64, Instant>>,
    /// Marks that could not be kept.
    unkept: Occasional,
}

/// Hours before this one are over for long enough to have been counted for good.
fn counted_before(store: &Store) -> u64 {
    let late_after = nanos(store.place.graph.late_after);
    system_clock()().saturating_sub(late_after) / HOUR_NS
}

/// The hours before `end` that `spans` may change.
fn hours<'a>(spans: impl IntoIterator<Item = &'a Span>, end: u64) -> BTreeSet<u64> {
    let mut hours = BTreeSet::new();
    for span in spans {
        let first = span.start_ns.saturating_sub(NEAR_NS) / HOUR_NS;
        if first >= end {
            continue;
        }
        let last = span.end_ns.max(span.start_ns).saturating_add(NEAR_NS) / HOUR_NS;
        hours.extend(first..(last + 1).min(end).min(first + MOST_HOURS));
    }
    hours
}

// === impl Store ===

impl Store {
    /// Marks what `spans`, which are not written yet, will change. To be followed by [`Store::mark_again`].
    pub(in crate::elasticsearch) async fn mark(&self, spans: &[&Span]) -> Result<(), Error> {
        if !self.place.graph.is_on {
            return Ok(());
        }
        let hours = hours(spans.iter().copied(), counted_before(self));
        self.mark_hours(hours).await
    }

    /// The same after they were written, which began then: a mark may be gone by now.
    pub(in crate::elasticsearch) async fn mark_again(
        &self,
        spans: &[&Span],
        began: Instant,
    ) -> Result<(), Error> {
        if began.elapsed() < self.place.graph.settle / 2 {
            return Ok(());
        }
        self.mark(spans).await
    }

    async fn mark_hours(&self, mut hours: BTreeSet<u64>) -> Result<(), Error> {
        let fresh = self.place.graph.settle / 2;
        let now = Instant::now();
        {
            let mut set = self.marks.set.lock();
            set.retain(|_, at| now.duration_since(*at) < fresh);
            hours.retain(|hour| !set.contains_key(hour));
        }
        if hours.is_empty() {
            return Ok(());
        }
        let flavour = self.ready().await?;
        let index = self.names.leases();
        let mut lines = Documents::new(flavour.has_types(), 0);
        for hour in &hours {
            let document = json!({"hour": hour, "until": system_clock()() / 1_000_000});
            lines.push(
                Action::Index,
                &index,
                &format!("{MARK}{hour}"),
                OTHER_TYPE,
                |out| {
                    out.extend(document.to_string().into_bytes());
                },
            );
        }
        let sent = self.bulk_to_indices().send(lines).await;
        match sent.complete(self.client.shown(), "a mark of an hour that has late spans") {
            Ok(()) => {
                self.marks
                    .set
                    .lock()
                    .extend(hours.into_iter().map(|hour| (hour, now)));
                Ok(())
            }
            Err(error @ (Error::Denied(_) | Error::Invalid(_) | Error::Missing(_))) => {
                if let Some(hours) = self.marks.unkept.due(now, hours.len()) {
                    tracing::warn!(
                        instance = %self.instance, hours, %error,
                        "hours of late spans could not be marked, and calls in them are not counted again: let this user write to the index of leases, or set es.dependencies.enabled=false"
                    );
                }
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// The hours that are marked.
    pub(super) async fn marked_hours(&self) -> Result<BTreeMap<u64, Version>, Error> {
        let index = self.names.leases();
        let search = Request::post(&[&index, "_search"])
            .query("ignore_unavailable", "true")
            .json(&json!({"size": MOST_MARKS, "seq_no_primary_term": true}));
        let answer = self.client.ask(&search).await?.json();
        scroll::whole(&answer, &self.client)?;
        let hits = answer.pointer("/hits/hits").and_then(Value::as_array);
        let mark = |hit: &Value| {
            let hour = hit.get("_id")?.as_str()?.strip_prefix(MARK)?;
            Some((hour.parse().ok()?, Version::of(hit)?))
        };
        Ok(hits.into_iter().flatten().filter_map(mark).collect())
    }

    /// Takes a mark away, unless it was set again.
    pub(super) async fn clear_mark(&self, hour: u64, version: Version) -> Result<(), Error> {
        let (index, id) = (self.names.leases(), format!("{MARK}{hour}"));
        let delete = Request::new(Method::DELETE, &[&index, "_doc", &id]);
        let answer = self
            .client
            .send(&Version::only(Some(version), delete))
            .await?;
        // it stays, or is gone
        if matches!(answer.status, 404 | 409) {
            return Ok(());
        }
        answer.succeeded(self.client.shown()).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_marks_the_hours_of_what_it_may_call_that_are_over() {
        const M: u64 = HOUR_NS / 60;
        let marked = |start_m: u64, end_m: u64| {
            let span = Span {
                start_ns: start_m * M,
                end_ns: end_m * M,
                ..Span::default()
            };
            hours(&[span], 10).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(marked(30, 31), [0]);
        assert_eq!(marked(61, 70), [0, 1], "just after an hour began");
        assert_eq!(marked(70, 117), [1, 2], "and just before it ends");
        assert_eq!(marked(130, 310), [2, 3, 4, 5]);
        assert_eq!(
            marked(9 * 60 + 10, 20 * 60),
            [9],
            "what is not over is counted anyhow"
        );
        assert_eq!(marked(10 * 60 + 10, 11 * 60), [0; 0]);
        assert_eq!(marked(90, 80), [1], "an end before its start");
        let long = Span {
            end_ns: u64::MAX,
            ..Span::default()
        };
        assert_eq!(hours(&[long], u64::MAX).len() as u64, MOST_HOURS);
    }
}
