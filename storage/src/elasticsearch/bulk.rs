//! One bulk request after another, until each document is confirmed, can never be stored, or the patience is used up.
//!
//! In: documents with their indices and ids. Out: how many are stored, which can never be, and which are not yet, each with its reason. Only what failed is sent again, and a request that is too
//! large in two halves. A document counts as stored when its own entry in the answer says so, and by nothing else.
//!
//! Deliberately absent: what documents are made of.
//!
//! Source: Elasticsearch's documentation of the bulk API.

mod answer;
mod body;
mod verdict;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use model::Instance;

use super::config::Limits;
use super::metrics::Metrics;
use crate::http_client::{Client, Error, Request, Response};
use crate::layers::occasional::Occasional;
use answer::Entries;
use body::Lines;
use verdict::Verdict;

pub(crate) use body::{Action, Documents};

/// Refuses documents for an index of this name that is no alias.
const REQUIRE_ALIAS: &str = "require_alias";
/// How long a bulk is tried, over all attempts. Whoever sent the spans has given up by then, and sends them again.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the answer to one request may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long the cluster may wait for a shard.
const SHARD_PATIENCE: &str = "2s";
/// How often a cluster is called that does not answer at all: then others need not wait for it too.
const CALLS: usize = 3;
/// How often documents for an index that takes none are sent.
const BLOCKED_TRIES: usize = 3;
/// Before the second attempt; each further pause is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
/// All others of the instance wait behind the one write under way, so a cluster that takes documents again must not wait for it any longer than this. One request in half a second, of each
/// process, floods none; and one that is away is looked after by the gate, with longer pauses.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A document that can never be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Its position among the documents.
    pub(crate) at: usize,
    /// In the server's words.
    pub(crate) reason: String,
}

/// What became of documents.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// How many the cluster confirmed.
    pub(crate) stored: usize,
    /// Those that can never be stored, by position.
    pub(crate) refused: Vec<Refused>,
    /// Positions of those that are not stored, and why.
    pub(crate) waiting: Vec<usize>,
    pub(crate) error: Option<Error>,
    /// It is an index that takes nothing, and others may.
    pub(crate) is_blocked: bool,
}

/// Where and how documents are sent.
pub(crate) struct Bulk<'a> {
    pub(crate) client: &'a Client,
    pub(crate) limits: &'a Limits,
    pub(crate) metrics: &'a Metrics,
    pub(crate) told: &'a Told,
    /// Indices are aliases: one that is missing must not become an index of that name.
    pub(crate) requires_alias: bool,
    /// Documents are found once they are confirmed: dear, for what is written seldom.
    pub(crate) refreshes: bool,
}

/// Tells now and then why bulks are sent again.
#[derive(Debug)]
pub(crate) struct Told {
    instance: Instance,
    again: Occasional,
}

/// One request's way, over all attempts.
struct Course<'a> {
    documents: &'a Lines,
    until: Instant,
    /// The cluster is away: no chunk need find that out by itself.
    is_away: &'a AtomicBool,
}

// === impl Sent ===

impl Sent {
    fn add(&mut self, other: Self) {
        self.stored += other.stored;
        self.refused.extend(other.refused);
        self.waiting.extend(other.waiting);
        self.is_blocked |= other.is_blocked;
        // what somebody must mend is told before what mends itself
        let is_denied = matches!(self.error, Some(Error::Denied(_)));
        if !is_denied && other.error.is_some() {
            self.error = other.error;
        }
    }

    /// All of it, or why not.
    pub(crate) fn whole(self) -> Result<Vec<Refused>, Error> {
        match self.error {
            Some(error) if !self.waiting.is_empty() => Err(error),
            _ => Ok(self.refused),
        }
    }

    /// All of it, or why not; a document of which none should be refused is called `what`.
    pub(crate) fn complete(self, shown: &str, what: &str) -> Result<(), Error> {
        match self.whole()?.first() {
            None => Ok(()),
            Some(Refused { reason, .. }) => {
                Err(Error::Denied(format!("{shown} refused {what}: {reason}")))
            }
        }
    }
}

// === impl Told ===

impl Told {
    pub(crate) fn new(instance: Instance) -> Self {
        Self {
            instance,
            again: Occasional::default(),
        }
    }

    /// Sent again: so many documents, because of this, after a pause.
    fn again(&self, documents: usize, error: &Error, pause: Duration) {
        if let Some(documents) = self.again.due(Instant::now(), documents) {
            tracing::warn!(
                instance = %self.instance,
                documents,
                error = %error,
                pause_ms = pause.as_millis() as u64,
                "the cluster did not take documents, they are sent again"
            );
        }
    }
}

// === impl Bulk ===

impl Bulk<'_> {
    /// Sends all `documents`, as many requests at once as there are workers.
    pub(crate) async fn send(&self, documents: Documents) -> Sent {
        let documents = documents.into_lines();
        let chunks = documents.chunks(self.limits.bulk_bytes, self.limits.bulk_actions);
        let workers = self.limits.bulk_workers.max(1);
        let is_away = AtomicBool::new(false);
        let course = Course {
            documents: &documents,
            until: Instant::now() + PATIENCE,
            is_away: &is_away,
        };
        let sending = chunks
            .into_iter()
            .map(|chunk| self.send_chunk(&course, chunk));
        let mut sending = stream::iter(sending).buffer_unordered(workers);
        let mut all = Sent::default();
        while let Some(sent) = sending.next().await {
            all.add(sent);
        }
        all.refused.sort_by_key(|one| one.at);
        all.waiting.sort_unstable();
        all
    }

    async fn send_chunk(&self, course: &Course<'_>, chunk: Vec<usize>) -> Sent {
        let mut sent = Sent::default();
        // what is still to be sent, in requests of its own
        let mut requests = vec![chunk];
        let mut pause = PAUSE;
        let mut calls = 0;
        let mut blocked = 0;
        while let Some(chunk) = requests.pop() {
            if course.is_away.load(Ordering::Relaxed) {
                let away = Error::Unreachable(format!("{} is away", self.client.shown()));
                return given_up(sent, requests, chunk, away);
            }
            let (chunk, error) = match self.attempt(course, &chunk).await {
                Ok(entries) => {
                    let sorted = self.sort(&chunk, entries);
                    // an index that takes nothing is not waited for long: others wait behind it
                    blocked += usize::from(sorted.is_blocked);
                    sent.is_blocked |= sorted.is_blocked;
                    sent.stored += sorted.stored;
                    sent.refused.extend(sorted.refused);
                    match sorted.error {
                        Some(error) if !sorted.again.is_empty() => (sorted.again, error),
                        _ => continue,
                    }
                }
                Err(Error::TooLarge(reason)) => {
                    self.metrics.split();
                    match chunk.as_slice() {
                        [only] => sent.refused.push(Refused { at: *only, reason }),
                        many => {
                            let (first, second) = many.split_at(many.len() / 2);
                            requests.push(second.to_vec());
                            requests.push(first.to_vec());
                        }
                    }
                    continue;
                }
                Err(error) => {
                    calls += usize::from(matches!(error, Error::Unreachable(_)));
                    (chunk, error)
                }
            };
            let may_pass = matches!(error, Error::Busy(_) | Error::Unreachable(_));
            let waited = jittered(pause);
            let is_late = Instant::now() + waited >= course.until;
            if !may_pass || is_late || calls == CALLS || blocked == BLOCKED_TRIES {
                if calls == CALLS {
                    course.is_away.store(true, Ordering::Relaxed);
                }
                return given_up(sent, requests, chunk, error);
            }
            self.metrics.again();
            self.told.again(chunk.len(), &error, waited);
            requests.push(chunk);
            tokio::time::sleep(waited).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        sent
    }

    /// One request.
    async fn attempt(&self, course: &Course<'_>, chunk: &[usize]) -> Result<Entries, Error> {
        let body = course.documents.body(chunk);
        let until = course.until.min(Instant::now() + ATTEMPT);
        self.metrics.sent(chunk.len(), body.len());
        let began = Instant::now();
        let mut answer = self.ask(body.clone(), self.requires_alias, until).await;
        // a parameter that Elasticsearch before 7.10 does not know: there a missing alias becomes an index, as with Jaeger
        if matches!(&answer, Err(Error::Invalid(said)) if said.contains(REQUIRE_ALIAS)) {
            answer = self.ask(body, false, until).await;
        }
        let entries = answer.and_then(|answer| {
            answer::read(&answer.body, chunk.len()).map_err(|odd| {
                Error::Busy(format!("{} confirms nothing: {odd}", self.client.shown()))
            })
        });
        self.metrics.answered(began.elapsed(), entries.is_ok());
        entries
    }

    async fn ask(
        &self,
        body: Bytes,
        requires_alias: bool,
        until: Instant,
    ) -> Result<Response, Error> {
        let mut request = Request::post(&["_bulk"])
            .query(
                "filter_path",
                "errors,items.*.status,items.*.result,items.*.error",
            )
            // else it waits a minute for a shard that is on no node, and all others with it
            .query("timeout", SHARD_PATIENCE)
            .lines(body)
            .deadline(Some(until));
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

    /// What became of the documents of a request.
    fn sort(&self, chunk: &[usize], entries: Entries) -> Sorted {
        let mut sorted = Sorted::default();
        let verdicts: Vec<Verdict> = entries.iter().map(verdict::of).collect();
        let stores_some = verdicts.contains(&Verdict::Stored);
        for ((at, entry), verdict) in chunk.iter().zip(entries).zip(verdicts) {
            let verdict = match verdict {
                // others of its kind are taken, so it is the document
                Verdict::Unsure if stores_some => Verdict::Never,
                known => known,
            };
            let error = || Some(Error::Busy(self.of(&entry.reason())));
            match verdict {
                Verdict::Stored => sorted.stored += 1,
                Verdict::Never => sorted.refused.push(Refused {
                    at: *at,
                    reason: entry.reason(),
                }),
                Verdict::Later => {
                    sorted.again.push(*at);
                    sorted.is_blocked |= verdict::is_block(&entry);
                    sorted.error = sorted.error.take().or_else(error);
                }
                Verdict::Held | Verdict::Unsure => {
                    sorted.again.push(*at);
                    // what somebody must mend is told before what mends itself
                    if !matches!(sorted.error, Some(Error::Denied(_))) {
                        sorted.error = Some(Error::Denied(self.of(&entry.reason())));
                    }
                }
            }
        }
        self.metrics.stored(sorted.stored);
        sorted
    }

    fn of(&self, reason: &str) -> String {
        format!("{} did not store a document: {reason}", self.client.shown())
    }
}

/// What became of the documents of one request.
#[derive(Default)]
struct Sorted {
    stored: usize,
    refused: Vec<Refused>,
    /// What has to be sent again, and why.
    again: Vec<usize>,
    error: Option<Error>,
    /// Some index takes nothing.
    is_blocked: bool,
}

/// The end of a chunk's way, before all of it was stored.
fn given_up(mut sent: Sent, requests: Vec<Vec<usize>>, chunk: Vec<usize>, error: Error) -> Sent {
    sent.waiting.extend(chunk);
    sent.waiting.extend(requests.into_iter().flatten());
    sent.error = Some(error);
    sent
}

/// Somewhere between nothing and `pause`, so that those who failed together do not come again together.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(f64::from(chance() as u32) / f64::from(u32::MAX))
}

/// A number that is another each time.
pub(crate) fn chance() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0_u8)
}
