//! Indices that are closed. A search passes over them without a word, so what they hold would be missing in silence.
//!
//! In: the names of a place, and a span of time. Out: a sentence for each closed index that a search of it should have looked into. The cluster is
//! asked once in a while for all of its closed indices of ours and their aliases, and not for each search.
//!
//! Deliberately absent: indices of other clusters (`remote-read-clusters`), which cannot be asked so. Who may search and not look at indices is told nothing: then it is just not known.
//!
//! Source: `GET /{index}?expand_wildcards=closed` of Elasticsearch 6.8 to 8.17 and of OpenSearch 2.19 and 3.0, which answer alike.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::index::{Names, Series};
use crate::http_client::{Client, Request};
use crate::port::ReadContext;

/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(30);
/// The same, when some are closed: who opens one wants to see it.
const FRESH_WHILE_CLOSED: Duration = Duration::from_secs(3);
/// How long a search may be held up by the question.
const PATIENCE: Duration = Duration::from_secs(2);
/// Longest answer that is read: some 100,000 closed indices.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// What is known of one place.
#[derive(Default)]
pub(crate) struct Closed(tokio::sync::Mutex<Known>);

#[derive(Clone, Default)]
struct Known {
    asked: Option<Instant>,
    indices: Arc<BTreeMap<String, Index>>,
}

/// A closed index.
#[derive(Debug, Default, Deserialize)]
struct Index {
    #[serde(default)]
    aliases: BTreeMap<String, IgnoredAny>,
}

// === impl Closed ===

impl Closed {
    /// What a search of `series` leaves out in each of these spans of time, both ends included; each index once. Asks with the reader's own credentials, when it has some.
    pub(crate) async fn left_out(
        &self,
        client: &Client,
        cx: &ReadContext,
        names: &Names,
        series: &Series,
        spans: impl IntoIterator<Item = (u64, u64)>,
    ) -> Vec<String> {
        let indices = self.indices(client, cx, names).await;
        if indices.is_empty() {
            return Vec::new();
        }
        let spans: Vec<_> = spans.into_iter().collect();
        let left_out = |(name, index): (&String, &Index)| {
            let names = || std::iter::once(name).chain(index.aliases.keys());
            let by = spans
                .iter()
                .find_map(|(from_ns, until_ns)| series.finds(names(), *from_ns, *until_ns))?;
            Some(if by == name {
                format!("index {name} is closed and was left out: open it, or delete it")
            } else {
                format!(
                    "index {name} of the alias {by} is closed and was left out: open it, or take it out of the alias"
                )
            })
        };
        indices.iter().filter_map(left_out).collect()
    }

    async fn indices(
        &self,
        client: &Client,
        cx: &ReadContext,
        names: &Names,
    ) -> Arc<BTreeMap<String, Index>> {
        // searches that begin meanwhile wait for what the first one finds
        let mut known = self.0.lock().await;
        let fresh = if known.indices.is_empty() {
            FRESH
        } else {
            FRESH_WHILE_CLOSED
        };
        if known.asked.is_none_or(|at| at.elapsed() >= fresh) {
            let found = tokio::select! {
                biased;
                () = cx.cancelled.cancelled() => return known.indices.clone(),
                found = ask(client, cx, names) => found,
            };
            known.asked = Some(Instant::now());
            // what was known is better than nothing
            if let Some(found) = found {
                known.indices = Arc::new(found);
            }
        }
        known.indices.clone()
    }
}

/// None: it is not known.
async fn ask(client: &Client, cx: &ReadContext, names: &Names) -> Option<BTreeMap<String, Index>> {
    let all = [&names.spans, &names.services, &names.dependencies];
    let patterns = all.map(|series| format!("{}*", series.base()));
    let until = Instant::now() + PATIENCE;
    let request = Request::get(&[&patterns.join(",")])
        .query("expand_wildcards", "closed")
        .query("ignore_unavailable", "true")
        .query("allow_no_indices", "true")
        // one without aliases would not be there at all for them
        .query("filter_path", "*.aliases,*.settings.index.creation_date")
        .at_most(MAX_ANSWER_BYTES)
        .deadline(Some(cx.deadline.map_or(until, |at| at.min(until))))
        .credentials(cx.credentials.clone());
    let answer = match client.ask(&request).await {
        Ok(answer) => serde_json::from_slice(&answer.body).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    answer
        .map_err(|error| tracing::debug!(error, "which indices are closed is not known"))
        .ok()
}
