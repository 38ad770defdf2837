//! Whether a cluster can be read, in a process that only queries: no write tells it there.
//!
//! In: how searches went, and a small search now and then while there are none. Out: a state, which says why not. A search that fails only makes
//! it doubt: the next look, at most half a second later, decides. While none answers it is asked again after 250 ms, and then ever more seldom, at least every 4 s.
//!
//! Deliberately absent: writes, whose state is the gate's.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use model::Instance;
use parking_lot::Mutex;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::metrics::Metrics;
use super::store::Store;
use crate::http_client::{Error, Request, Response};
use crate::layers::window::system_clock;
use crate::port::HOUR_NS;

/// How often it is looked whether there is something to ask.
const TURN: Duration = Duration::from_millis(500);
/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(5);
/// Until the next question after one that failed; each further pause is twice as long, up to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clusters that are asked at once.
const TOGETHER: usize = 8;

/// One cluster's state.
pub(crate) struct Watch {
    instance: Instance,
    metrics: Metrics,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    is_up: bool,
    /// When it answered last; none: that is in doubt.
    answered: Option<Instant>,
    away: Option<Away>,
}

struct Away {
    since: Instant,
    why: String,
}

// === impl Watch ===

impl Watch {
    pub(crate) fn new(instance: Instance, metrics: Metrics) -> Self {
        Self {
            instance,
            metrics,
            state: Mutex::default(),
        }
    }

    /// A search went so.
    pub(crate) fn saw(&self, response: &Result<Response, Error>) {
        match response {
            Ok(response) if response.is_success() => self.answered(),
            Ok(response) if response.status < 500 => {}
            Err(error) if !matches!(error, Error::Unreachable(_)) => {}
            _ => self.state.lock().answered = None,
        }
    }

    fn answered(&self) {
        let mut state = self.state.lock();
        state.answered = Some(Instant::now());
        state.is_up = true;
        if let Some(away) = state.away.take() {
            self.metrics.up(true);
            tracing::info!(
                instance = %self.instance,
                after_s = away.since.elapsed().as_secs(),
                "the cluster can be read again"
            );
        }
    }

    fn failed(&self, error: &Error) {
        let mut state = self.state.lock();
        let why = error.to_string();
        state.is_up = false;
        state.answered = None;
        match &mut state.away {
            Some(away) => away.why = why,
            None => {
                self.metrics.up(false);
                tracing::warn!(instance = %self.instance, error = why, "the cluster cannot be read");
                let since = Instant::now();
                state.away = Some(Away { since, why });
            }
        }
    }

    fn answered_at(&self) -> Option<Instant> {
        self.state.lock().answered
    }

    /// Why it cannot be read.
    pub(crate) fn health(&self) -> Result<(), String> {
        let state = self.state.lock();
        match &state.away {
            _ if state.is_up => Ok(()),
            None => Err(format!("{} was not read yet", self.instance)),
            Some(away) => Err(format!(
                "{} cannot be read since {}s: {}",
                self.instance,
                away.since.elapsed().as_secs(),
                away.why
            )),
        }
    }
}

// === impl Store ===

impl Store {
    /// Whether the cluster answers the smallest search that there is.
    async fn look(&self) -> bool {
        let looked = self.ask_whether_it_reads().await;
        match &looked {
            Ok(()) => self.watch.answered(),
            Err(error) => self.watch.failed(error),
        }
        looked.is_ok()
    }

    async fn ask_whether_it_reads(&self) -> Result<(), Error> {
        let now_ns = system_clock()();
        let indices = self
            .names
            .spans
            .read(now_ns.saturating_sub(HOUR_NS), now_ns);
        let request = Request::post(&[&indices.join(","), "_search"])
            .query("ignore_unavailable", "true")
            .query("allow_no_indices", "true")
            .query("filter_path", "took")
            .json(&json!({"size": 0, "terminate_after": 1}))
            .deadline(Some(Instant::now() + PATIENCE));
        let shown = self.client.shown();
        let response = match self.client.send(&request).await {
            Err(Error::Cancelled(_)) => {
                let seconds = PATIENCE.as_secs();
                let said = format!("{shown} did not answer within {seconds}s");
                return Err(Error::Unreachable(said));
            }
            response => response?,
        };
        let connection = &self.place.connection;
        let asks_as_others = connection.propagate_bearer_token || connection.propagate_api_key;
        match response.status {
            // it is there, and has much to do
            429 => Ok(()),
            // it is there, and who may read is a matter of readers' own tokens
            401 | 403 if asks_as_others => Ok(()),
            _ => match response.succeeded(shown)?.json().get("took") {
                Some(_) => Ok(()),
                None => Err(Error::Unreachable(format!(
                    "{shown} answered a search with something else"
                ))),
            },
        }
    }
}

/// Keeps the states of `stores`, those that are there each time, true until `ending`. While one of them answers, the others are left alone.
pub(super) async fn keep(stores: impl Fn() -> Vec<Arc<Store>>, ending: CancellationToken) {
    let looking = async {
        let mut pause = PAUSE;
        loop {
            let stores = stores();
            if is_fresh(&stores) || look(&stores).await {
                pause = PAUSE;
                tokio::time::sleep(TURN).await;
            } else {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    };
    let _ended: Option<()> = ending.run_until_cancelled(looking).await;
}

fn is_fresh(stores: &[Arc<Store>]) -> bool {
    let mut answered = stores.iter().filter_map(|store| store.watch.answered_at());
    answered.any(|at| at.elapsed() < FRESH)
}

/// Whether one of them answers, the one that did last before all others.
async fn look(stores: &[Arc<Store>]) -> bool {
    let mut stores = stores.to_vec();
    stores.sort_by_key(|store| Reverse(store.watch.answered_at()));
    let Some((first, others)) = stores.split_first() else {
        return true;
    };
    if first.look().await {
        return true;
    }
    let others = stream::iter(others.to_vec()).map(|store| async move { store.look().await });
    let mut looking = others.buffer_unordered(TOGETHER);
    while let Some(answers) = looking.next().await {
        if answers {
            return true;
        }
    }
    false
}
