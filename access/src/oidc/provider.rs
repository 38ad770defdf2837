//! The provider, as it is known now.
//!
//! In: settings. Out: where it is asked for what, its keys, and why not when it cannot be asked. It is asked in the background for as long as this process lives, so
//! that no order of starts and no failure ever needs a restart; what was known stays in use until there is something newer. Who meets a key that is not known
//! has the keys read again at once, at most once a second for all of them together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::claims::Claims;
use super::client::Client;
use super::config::Config;
use super::discovery::{self, Document, Metadata};
use super::jws::Jws;
use super::keys::{Keys, Set};
use crate::refusal::Refusal;

/// The pauses between two attempts that fail: the first, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));
/// Between the begins of two attempts, however many ask for one.
const LEAST_GAP: Duration = Duration::from_secs(1);
/// How long somebody waits for an attempt.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many wait at a time.
const MOST_WAITING: usize = 256;

/// Whether the provider can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It answers, and has keys.
    Ready,
    /// It answered once; what it said then is in use. The sentence says why it does not now.
    Stale {
        /// Why.
        sentence: String,
    },
    /// Nothing is known of it, and the sentence says why: a host, a certificate, a status.
    Unreachable {
        /// Why.
        sentence: String,
    },
}

pub(super) struct Provider {
    config: Arc<Config>,
    client: Arc<Client>,
    now: watch::Sender<Known>,
    wanted: Notify,
    waiting: Semaphore,
}

#[derive(Clone, Default)]
struct Known {
    answer: Option<Arc<Answer>>,
    /// Why the last attempt failed.
    trouble: Option<Arc<str>>,
    /// When the attempt began that this is of.
    began: Option<Instant>,
}

/// What the provider answered last.
pub(super) struct Answer {
    pub(super) metadata: Metadata,
    keys: Keys,
}

// === impl Provider ===

impl Provider {
    pub(super) fn new(config: Arc<Config>, client: Arc<Client>) -> Self {
        Self {
            config,
            client,
            now: watch::Sender::new(Known::default()),
            wanted: Notify::new(),
            waiting: Semaphore::new(MOST_WAITING),
        }
    }

    pub(super) fn state(&self) -> State {
        let known = self.now.borrow();
        match (&known.answer, &known.trouble) {
            (Some(_), None) => State::Ready,
            (Some(_), Some(trouble)) => State::Stale {
                sentence: self.sentence(trouble),
            },
            (None, trouble) => State::Unreachable {
                sentence: self.sentence(trouble.as_deref().unwrap_or("it was not asked yet")),
            },
        }
    }

    /// What is known; asks at once, and waits for the answer, when nothing is.
    pub(super) async fn answer(&self) -> Result<Arc<Answer>, Refusal> {
        if let Some(answer) = self.now.borrow().answer.clone() {
            return Ok(answer);
        }
        let known = self.ask_again().await?;
        known.answer.clone().ok_or_else(|| self.unreachable(&known))
    }

    /// What is known, if anything, without a wait.
    pub(super) fn answer_now(&self) -> Result<Arc<Answer>, Refusal> {
        let known = self.now.borrow();
        known.answer.clone().ok_or_else(|| {
            self.wanted.notify_one();
            self.unreachable(&known)
        })
    }

    /// The claims of a token that the provider signed, for one of `audiences` and for `now`, in seconds since 1970.
    pub(super) async fn verify(
        &self,
        token: &str,
        audiences: &[String],
        now: u64,
    ) -> Result<Claims, Refusal> {
        let jws = Jws::parse(token, &self.config.algorithms)?;
        // nobody's keys are asked for with what could not be taken with any key; what is looked at here is what is signed
        jws.claims().check(&self.config.issuer, audiences, now)?;
        let answer = self.answer_now()?;
        let unknown = match answer.keys.verify(&jws) {
            Ok(()) => return Ok(jws.into_claims()),
            Err(refusal @ Refusal::UnknownKey(_)) => refusal,
            Err(refusal) => {
                // a provider that was set up anew may call its keys as before
                self.wanted.notify_one();
                return Err(refusal);
            }
        };
        let known = self.ask_again().await?;
        let Some(answer) = &known.answer else {
            return Err(self.unreachable(&known));
        };
        match answer.keys.verify(&jws) {
            Ok(()) => Ok(jws.into_claims()),
            // who cannot be asked may have it
            Err(Refusal::UnknownKey(_)) if known.trouble.is_some() => Err(self.unreachable(&known)),
            Err(Refusal::UnknownKey(_)) => Err(unknown),
            Err(refusal) => Err(refusal),
        }
    }

    /// What is known after an attempt that begins from now on.
    async fn ask_again(&self) -> Result<Known, Refusal> {
        let _place = self.waiting.try_acquire().map_err(|_| Refusal::Busy)?;
        let from = Instant::now();
        let mut now = self.now.subscribe();
        self.wanted.notify_one();
        let asked = now.wait_for(|known| known.began.is_some_and(|began| began > from));
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(known)) => Ok(known.clone()),
            _ => Err(Refusal::Unreachable(
                self.sentence(&format!("no answer within {} s", PATIENCE.as_secs())),
            )),
        }
    }

    /// Asks the provider until `shutdown`.
    pub(super) async fn keep(&self, shutdown: &CancellationToken) {
        let mut pause = BACKOFF.0;
        loop {
            let began = Instant::now();
            let asked = tokio::select! {
                () = shutdown.cancelled() => return,
                asked = self.ask() => asked,
            };
            let wait = if asked.is_ok() {
                pause = BACKOFF.0;
                self.config.refresh_interval.max(LEAST_GAP)
            } else {
                let wait = pause;
                pause = (pause * 2).min(BACKOFF.1);
                wait
            };
            self.learn(asked, began);
            let wanted = async {
                self.wanted.notified().await;
                tokio::time::sleep_until(began + LEAST_GAP).await;
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep_until(began + wait) => {}
                () = wanted => {}
            }
        }
    }

    async fn ask(&self) -> Result<Answer, String> {
        let url = discovery::url(&self.config.issuer)?;
        let document: Document =
            (self.client.get(&url, None).await).map_err(|trouble| trouble.to_string())?;
        let metadata =
            Metadata::read(document, &self.config).map_err(|invalid| invalid.to_string())?;
        let set: Set = (self.client.get(&metadata.jwks_uri, None).await)
            .map_err(|trouble| trouble.to_string())?;
        let keys = Keys::read(set);
        if keys.count() == 0 {
            return Err(format!(
                "{} lists no key that can be used ({} are of kinds that are not known, or too short)",
                metadata.jwks_uri, keys.passed_over
            ));
        }
        Ok(Answer { metadata, keys })
    }

    /// What is worth a line in the log is a change.
    fn learn(&self, asked: Result<Answer, String>, began: Instant) {
        let issuer = &self.config.issuer;
        self.now.send_modify(|known| {
            known.began = Some(began);
            match asked {
                Ok(answer) => {
                    if known.answer.is_none() || known.trouble.is_some() {
                        tracing::info!(
                            issuer,
                            keys = answer.keys.count(),
                            "the OpenID provider answers"
                        );
                    }
                    known.answer = Some(Arc::new(answer));
                    known.trouble = None;
                }
                Err(trouble) => {
                    if known.trouble.as_deref() != Some(trouble.as_str()) {
                        let kept = known.answer.is_some();
                        tracing::warn!(
                            "{}{}",
                            self.sentence(&trouble),
                            if kept {
                                "; what it said before stays in use"
                            } else {
                                ""
                            }
                        );
                    }
                    known.trouble = Some(trouble.into());
                }
            }
        });
    }

    fn unreachable(&self, known: &Known) -> Refusal {
        let trouble = known.trouble.as_deref();
        Refusal::Unreachable(self.sentence(trouble.unwrap_or("it was not asked yet")))
    }

    /// A failure to reach the provider, told with its name.
    pub(super) fn sentence(&self, trouble: &str) -> String {
        format!(
            "the OpenID provider {} cannot be used: {trouble}",
            self.config.issuer
        )
    }

    /// As if the provider had just answered with these keys.
    #[cfg(test)]
    pub(super) fn preset(&self, keys: &[serde_json::Value]) {
        let keys = serde_json::from_value(serde_json::json!({"keys": keys})).unwrap();
        let document = serde_json::json!({
            "issuer": self.config.issuer, "authorization_endpoint": "https://id/auth", "token_endpoint": "https://id/token",
            "jwks_uri": "https://id/jwks",
        });
        let document = serde_json::from_value(document).unwrap();
        let answer = Answer {
            metadata: Metadata::read(document, &self.config).unwrap(),
            keys: Keys::read(keys),
        };
        self.learn(Ok(answer), Instant::now());
    }
}
