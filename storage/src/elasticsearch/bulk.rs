//! One bulk request after another, until each document is confirmed, can never be stored, or the patience is used up.
//!
//! In: documents with their indices and ids. Out: which can never be stored, and why; or an error, and then nothing is promised. Only what failed is sent again, and a request that is too
//! large in two halves. A document counts as stored when its own entry in the answer says so, and by nothing else.
//!
//! Deliberately absent: what documents are made of.
//!
//! Source: Elasticsearch's documentation of the bulk API.

mod answer;
mod body;
mod verdict;

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::client::{Client, Error, Request, Response};
use super::config::Limits;
use super::metrics::Metrics;
use answer::Entries;
use verdict::Verdict;

pub(crate) use body::{Action, Documents};

/// Refuses documents for an index of this name that is no alias.
const REQUIRE_ALIAS: &str = "require_alias";
/// How long a bulk is tried, over all attempts. Whoever sent the spans has given up by then, and sends them again.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the answer to one request may take.
const ATTEMPT: Duration = Duration::from_secs(30);
/// How often a cluster is called that does not answer at all: then others need not wait for it too.
const CALLS: usize = 3;
/// Before the second attempt; each further pause is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A document that can never be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its position among the documents.
    pub(crate) at: usize,
    /// In the server's words.
    pub(crate) reason: String,
}

/// Where and how documents are sent.
pub(crate) struct Bulk<'a> {
    pub(crate) client: &'a Client,
    pub(crate) limits: &'a Limits,
    pub(crate) metrics: &'a Metrics,
    /// Indices are aliases: one that is missing must not become an index of that name.
    pub(crate) requires_alias: bool,
    /// Documents are found once they are confirmed: dear, for what is written seldom.
    pub(crate) refreshes: bool,
}

// === impl Bulk ===

impl Bulk<'_> {
    /// Sends all `documents`, as many requests at once as there are workers.
    pub(crate) async fn send(&self, documents: &Documents) -> Result<Vec<Refused>, Error> {
        let until = Instant::now() + PATIENCE;
        let chunks = documents.chunks(self.limits.bulk_bytes, self.limits.bulk_actions);
        let workers = self.limits.bulk_workers.max(1);
        let sending = chunks
            .into_iter()
            .map(|chunk| self.send_chunk(documents, chunk, until));
        let mut sending = stream::iter(sending).buffer_unordered(workers);
        let mut refused = Vec::new();
        let mut failed = None;
        while let Some(sent) = sending.next().await {
            match sent {
                Ok(some) => refused.extend(some),
                // the others go on: what they store need not be stored again
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        refused.sort_by_key(|one: &Refused| one.at);
        failed.map_or(Ok(refused), Err)
    }

    async fn send_chunk(
        &self,
        documents: &Documents,
        chunk: Vec<usize>,
        until: Instant,
    ) -> Result<Vec<Refused>, Error> {
        let mut refused = Vec::new();
        // what is still to be sent, in requests of its own
        let mut waiting = vec![chunk];
        let mut pause = PAUSE;
        let mut calls = 0;
        while let Some(chunk) = waiting.pop() {
            let error = match self.attempt(documents, &chunk).await {
                Ok(entries) => {
                    let (again, error) = self.sort(&chunk, entries, &mut refused);
                    if again.is_empty() {
                        continue;
                    }
                    waiting.push(again);
                    error
                }
                Err(Error::TooLarge(reason)) => {
                    self.metrics.split();
                    match chunk.as_slice() {
                        [only] => refused.push(Refused { at: *only, reason }),
                        many => {
                            let (first, second) = many.split_at(many.len() / 2);
                            waiting.push(second.to_vec());
                            waiting.push(first.to_vec());
                        }
                    }
                    continue;
                }
                Err(error @ Error::Busy(_)) => {
                    waiting.push(chunk);
                    error
                }
                Err(error @ Error::Unreachable(_)) => {
                    calls += 1;
                    if calls == CALLS {
                        return Err(error);
                    }
                    waiting.push(chunk);
                    error
                }
                Err(error) => return Err(error),
            };
            let waited = jittered(pause);
            if matches!(error, Error::Denied(_)) || Instant::now() + waited >= until {
                return Err(error);
            }
            self.metrics.again();
            tokio::time::sleep(waited).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(refused)
    }

    /// One request.
    async fn attempt(&self, documents: &Documents, chunk: &[usize]) -> Result<Entries, Error> {
        let body = documents.body(chunk);
        self.metrics.sent(chunk.len(), body.len());
        let began = Instant::now();
        let mut answer = self.ask(body.clone(), self.requires_alias).await;
        // a parameter that Elasticsearch before 7.10 does not know: there a missing alias becomes an index, as with Jaeger
        if matches!(&answer, Err(Error::Invalid(said)) if said.contains(REQUIRE_ALIAS)) {
            answer = self.ask(body, false).await;
        }
        self.metrics.answered(began.elapsed(), answer.is_ok());
        answer::read(&answer?.body, chunk.len())
            .map_err(|odd| Error::Busy(format!("{} confirms nothing: {odd}", self.client.shown())))
    }

    async fn ask(&self, body: Bytes, requires_alias: bool) -> Result<Response, Error> {
        let mut request = Request::post(&["_bulk"])
            .query("filter_path", "errors,items.*.status,items.*.error")
            .lines(body)
            .deadline(Some(Instant::now() + ATTEMPT));
        if requires_alias {
            request = request.query(REQUIRE_ALIAS, "true");
        }
        if self.refreshes {
            request = request.query("refresh", "true");
        }
        // the deadline is our own: nobody went away
        self.client
            .ask(&request)
            .await
            .map_err(|error| match error {
                Error::Cancelled(_) => Error::Unreachable(format!(
                    "{} did not answer a bulk within {}s",
                    self.client.shown(),
                    ATTEMPT.as_secs()
                )),
                error => error,
            })
    }

    /// What has to be sent again, and why.
    fn sort(
        &self,
        chunk: &[usize],
        entries: Entries,
        refused: &mut Vec<Refused>,
    ) -> (Vec<usize>, Error) {
        let mut again = Vec::new();
        let mut error: Option<Error> = None;
        let mut stored = 0;
        for (at, entry) in chunk.iter().zip(entries) {
            match verdict::of(&entry) {
                Verdict::Stored => stored += 1,
                Verdict::Never => refused.push(Refused {
                    at: *at,
                    reason: entry.reason(),
                }),
                Verdict::Later => {
                    again.push(*at);
                    error = error.or_else(|| Some(Error::Busy(self.of(&entry.reason()))));
                }
                Verdict::Held => {
                    again.push(*at);
                    // what somebody must mend is told before what mends itself
                    if !matches!(error, Some(Error::Denied(_))) {
                        error = Some(Error::Denied(self.of(&entry.reason())));
                    }
                }
            }
        }
        self.metrics.stored(stored);
        let nothing = || Error::Busy(self.of("nothing more"));
        (again, error.unwrap_or_else(nothing))
    }

    fn of(&self, reason: &str) -> String {
        format!("{} did not store a document: {reason}", self.client.shown())
    }
}

/// Somewhere between nothing and `pause`, so that those who failed together do not come again together.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(f64::from(chance() as u32) / f64::from(u32::MAX))
}

/// A number that is another each time.
pub(crate) fn chance() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0_u8)
}
