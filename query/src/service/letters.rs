//! What was set aside of one instance's spans: dead letters, counted by reason, and the newest of them.
//!
//! In: who reads letters. Out: counts and examples of the last days, read on a blocking thread within the call's time, and no more than [`LETTERS`] of them. Their payloads are opened to be named, and
//! nothing else is told of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt as _;
use model::Instance;
use storage::ReadError;
use storage::layers::{Account, dead_letter};
use storage::port::{Buried, DeadLetterReader, LetterQuery};

use super::Call;
use crate::inflow::Inflow;

/// So far back.
const LOOKBACK: Duration = Duration::from_secs(7 * 24 * 3600);
/// So many are counted.
const LETTERS: usize = 20_000;
/// So many reasons are told apart.
const REASONS: usize = 50;
/// So many are shown.
const EXAMPLES: usize = 20;
/// So much of a reason is shown.
const SHOWN: usize = 500;

/// What was set aside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SetAside {
    /// How many letters there are for each reason, most first.
    pub(crate) reasons: Vec<(String, usize)>,
    /// The newest, newest first.
    pub(crate) examples: Vec<Example>,
    /// Why there may be more.
    pub(crate) cut: Option<String>,
}

/// One letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Example {
    /// When it was buried, nanoseconds since the Unix epoch.
    pub(crate) time_ns: u64,
    /// Why, with what differs from letter to letter left out.
    pub(crate) reason: String,
    /// Why, as it was told.
    pub(crate) detail: String,
    /// What it was, where that can be read: service, operation, trace.
    pub(crate) span: Option<(String, String, String)>,
}

// === impl Call ===

impl Call<'_> {
    /// The account of the instance in this process; `None`: it takes no spans.
    pub(crate) fn account(&self) -> Option<Arc<Account>> {
        let ledger = self.service.inflow.ledger.as_ref()?;
        Some(ledger.account(&self.instance))
    }

    /// What is known of spans on their way in.
    pub(crate) fn inflow(&self) -> Inflow {
        self.service.inflow.clone()
    }

    /// The instance that is asked.
    pub(crate) fn instance(&self) -> &Instance {
        &self.instance
    }

    /// What was set aside of it; `None`: nobody here can read that.
    pub(crate) async fn set_aside(&self) -> Result<Option<SetAside>, ReadError> {
        let Some(letters) = self.service.inflow.letters.clone() else {
            return Ok(None);
        };
        let since = SystemTime::now() - LOOKBACK;
        let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
        let query = LetterQuery {
            since_ns: u64::try_from(since.as_nanos()).unwrap_or(u64::MAX),
            ..LetterQuery::all(self.instance.clone())
        };
        let reading = async {
            // the embedded store reads its files where it is asked
            let runtime = tokio::runtime::Handle::current();
            let until = self.cx.deadline;
            let reading = move || runtime.block_on(read(letters, query, until));
            let read = tokio::task::spawn_blocking(reading).await;
            read.unwrap_or_else(|error| {
                Err(ReadError::Unavailable {
                    reason: format!("dead letters could not be read: {error}"),
                })
            })
        };
        self.in_turn("get_letters", reading).await.map(Some)
    }
}

async fn read(
    letters: Arc<dyn DeadLetterReader>,
    query: LetterQuery,
    until: Option<Instant>,
) -> Result<SetAside, ReadError> {
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut newest: VecDeque<Buried> = VecDeque::with_capacity(EXAMPLES + 1);
    let mut count = 0;
    let mut pages = letters.read(&query);
    'all: while let Some(page) = pages.next().await {
        for letter in page? {
            // nobody waits any more
            let is_late = until.is_some_and(|until| Instant::now() > until);
            if count == LETTERS || is_late {
                break 'all;
            }
            count += 1;
            let reason = plain(&letter.reason);
            let reason = match reasons.len() < REASONS || reasons.contains_key(&reason) {
                true => reason,
                false => "others".to_owned(),
            };
            *reasons.entry(reason).or_default() += 1;
            newest.push_front(letter);
            newest.truncate(EXAMPLES);
        }
    }
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, letters)| std::cmp::Reverse(*letters));
    Ok(SetAside {
        reasons,
        examples: newest.iter().map(Example::of).collect(),
        cut: (count == LETTERS).then(|| format!("{LETTERS} letters are all that are looked at")),
    })
}

/// A reason without the numbers in it, so that equal ones are.
fn plain(reason: &str) -> String {
    let mut out = String::new();
    let mut in_number = false;
    for c in reason.chars().take(SHOWN) {
        let goes_on = in_number && (c.is_alphanumeric() || ".:-+".contains(c));
        if c.is_ascii_digit() && !in_number {
            out.push('…');
            in_number = true;
        } else if !goes_on {
            in_number = false;
            out.push(c);
        }
    }
    out
}

// === impl Example ===

impl Example {
    fn of(letter: &Buried) -> Self {
        let span = dead_letter::open(&letter.payload).ok();
        Self {
            time_ns: letter.time_ns,
            reason: plain(&letter.reason),
            detail: letter.reason.chars().take(SHOWN).collect(),
            span: span.map(|span| {
                (
                    span.resource.service_name().to_owned(),
                    span.name.to_string(),
                    span.trace_id.to_string(),
                )
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_told_apart_by_their_words() {
        for (reason, expect) in [
            (
                "it started 49h3m5s ago, which is more than span.max-age=48h0m0s",
                "it started … ago, which is more than span.max-age=…",
            ),
            ("1073741824 bytes", "… bytes"),
            ("mapper_parsing_exception", "mapper_parsing_exception"),
            ("at 2026-01-02T03:04:05Z.", "at …"),
        ] {
            assert_eq!(plain(reason), expect);
        }
    }
}
