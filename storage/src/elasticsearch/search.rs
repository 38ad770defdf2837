//! One search: a body goes out, with the reader's deadline and credentials, and the cluster's answer comes back.
//!
//! In: names of indices and a body. Out: the answer, still as text that hits point into. Indices that are not there are empty. A reader that
//! goes away takes the connection along, so that the cluster stops.
//!
//! Deliberately absent: what is asked, and what becomes of hits.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/spanstore/reader.go` v1.76.0, whose searches pass over what failed
//! (quirk 74).

mod answer;
mod candidates;
mod condition;
mod filter;
mod newest;
mod position;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use model::{Buffer, Span};
use serde_json::{Value, json};

use super::config::Documents;
use super::document::{Decoder, Source, Undecodable};
use super::metrics::Metrics;
use super::store::Store;
use super::watch::Watch;
use crate::http_client::{Client, Error, Request, Response};
use crate::port::{ReadContext, ReadError};

pub(super) use crate::trouble::Trouble;
pub(super) use answer::{Answer, Hit, one, several};
pub(super) use filter::known as of_filter;
pub(super) use newest::Search;
pub(super) use position::Position;

/// Longest answer to a search. What is longer is asked for in smaller pages.
const MAX_ANSWER_BYTES: usize = 128 << 20;
/// What a page is meant to have, in bytes.
pub(super) const PAGE_BYTES: usize = 8 << 20;
/// How long a search may take whose reader does not say.
const PATIENCE: Duration = Duration::from_secs(30);
/// Answers below this are read where they are; larger ones on a thread that may be held.
const QUICK_BYTES: usize = 64 << 10;

/// The indices of one place, to be searched.
#[derive(Clone)]
pub(super) struct Searches {
    client: Arc<Client>,
    /// What documents look like.
    pub(super) documents: Arc<Documents>,
    pub(super) metrics: Metrics,
    watch: Arc<Watch>,
    /// `timeout`; zero: none.
    timeout: Duration,
}

// === impl Searches ===

impl Searches {
    pub(super) fn of(store: &Store) -> Self {
        Self {
            timeout: store.client.settings().timeout,
            client: store.client.clone(),
            documents: Arc::new(store.place.documents.clone()),
            metrics: store.metrics.clone(),
            watch: store.watch.clone(),
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// How the cluster is called in messages.
    pub(super) fn shown(&self) -> &str {
        self.client.shown()
    }

    /// The answer to `body`.
    pub(super) async fn ask(
        &self,
        cx: &ReadContext,
        indices: &[String],
        body: Value,
    ) -> Result<Buffer, Error> {
        let request = Request::post(&[&indices.join(","), "_search"])
            .query("ignore_unavailable", "true")
            .query("allow_no_indices", "true")
            .json(&self.timed(body));
        let response = self.send(cx, request).await?;
        if answer::is_of_no_span(&response) {
            return buffer(Bytes::from_static(answer::EMPTY));
        }
        buffer(response.succeeded(self.shown())?.body)
    }

    /// The answers to several bodies, each with its indices.
    pub(super) async fn ask_several(
        &self,
        cx: &ReadContext,
        searches: Vec<(Vec<String>, Value)>,
    ) -> Result<Buffer, Error> {
        let mut lines = Vec::new();
        for (indices, body) in searches {
            let header =
                json!({"index": indices, "ignore_unavailable": true, "allow_no_indices": true});
            for line in [header, self.timed(body)] {
                lines.extend_from_slice(line.to_string().as_bytes());
                lines.push(b'\n');
            }
        }
        let request = Request::post(&["_msearch"]).lines(lines);
        let response = self.send(cx, request).await?;
        buffer(response.succeeded(self.shown())?.body)
    }

    fn timed(&self, body: Value) -> Value {
        let timeout = self.timeout;
        let given = (!timeout.is_zero()).then(|| json!(format!("{}ms", timeout.as_millis())));
        with(body, "timeout", given)
    }

    async fn send(&self, cx: &ReadContext, request: Request) -> Result<Response, Error> {
        cx.check().map_err(|_| CANCELLED)?;
        // the cluster's own limit first, so that what it found by then is not lost
        let patience = PATIENCE.max(self.timeout + Duration::from_secs(5));
        let request = request
            .at_most(MAX_ANSWER_BYTES)
            .deadline(Some(
                cx.deadline.unwrap_or_else(|| Instant::now() + patience),
            ))
            .credentials(cx.credentials.clone());
        let response = tokio::select! {
            biased;
            () = cx.cancelled.cancelled() => return Err(CANCELLED),
            response = self.client.send(&request) => response,
        };
        self.watch.saw(&response);
        match response {
            // the deadline was ours: nobody went away
            Err(Error::Cancelled(_)) if cx.deadline.is_none() => Err(Error::Unreachable(format!(
                "{} did not answer within {}s",
                self.shown(),
                patience.as_secs()
            ))),
            response => response,
        }
    }
}

const CANCELLED: Error = Error::Cancelled("the caller went away, or its deadline passed");

/// What a reader is told. Searches are of our making: one that the cluster refuses is no fault of the reader's.
pub(super) fn failed(error: Error) -> ReadError {
    match error {
        Error::Invalid(said) => Error::Busy(said).into(),
        error => error.into(),
    }
}

/// An answer's body, for spans to point into.
pub(super) fn buffer(body: Bytes) -> Result<Buffer, Error> {
    let too_large = || Error::TooLarge("an answer of more than 4 GiB".to_owned());
    Buffer::new(body).ok_or_else(too_large)
}

/// An object with one more member, when there is one.
pub(super) fn with(mut object: Value, name: &str, value: Option<Value>) -> Value {
    if let (Some(members), Some(value)) = (object.as_object_mut(), value) {
        members.insert(name.to_owned(), value);
    }
    object
}

/// Reads `answer` with `read`, on a thread that may be held when there is much of it.
pub(super) async fn read<T: Send + 'static>(
    answer: Buffer,
    read: impl FnOnce(&Buffer) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    if answer.as_bytes().len() < QUICK_BYTES {
        return read(&answer);
    }
    let reading = tokio::task::spawn_blocking(move || read(&answer));
    reading
        .await
        .unwrap_or_else(|error| Err(Error::Busy(format!("an answer could not be read: {error}"))))
}

/// The span that a hit is.
pub(super) fn span<'a>(decoder: &mut Decoder<'a>, hit: &Hit<'a>) -> Result<Span, Undecodable> {
    let source = match hit.source {
        Some(raw) => serde_json::from_str(raw.get()).map_err(|error| Undecodable {
            index: hit.index.to_string(),
            id: hit.id.to_string(),
            wrong: error.to_string(),
        })?,
        None => Source::default(),
    };
    decoder.span(&hit.index, &hit.id, source)
}
