//! Leases: which of several processes does what only one may do.
//!
//! In: the name of a lease, and who wants it. Out: whether he has it for the time that he asked for.
//!
//! A lease is a document that is replaced only by who saw its last version. Clocks of machines are not compared: who wants a lease that another holds watches its document, and takes it when
//! that stayed as it was for as long as it says, by the watcher's own clock. The holder counts from before it wrote, the watcher from after it read: so no two hold it at once.
//!
//! Deliberately absent: what is done by who has one, and that it is undone when he was so slow that another has it. Source: Elasticsearch's optimistic concurrency control.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::store::Store;
use crate::http_client::{Error, Request};
use crate::layers::window::system_clock;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Before a lease is read again that could not be read yet.
const PAUSE: Duration = Duration::from_millis(50);
/// Leases that are watched at once: a process has one or two.
const MOST_WATCHED: usize = 64;

/// Leases of one place.
pub(super) struct Leases {
    store: Arc<Store>,
    watched: Mutex<HashMap<String, Watched>>,
}

/// Another's lease, as it was seen first.
#[derive(Clone, Copy)]
struct Watched {
    version: Version,
    since: Instant,
}

/// Which state of a document: changes with each write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    sequence: u64,
    term: u64,
}

/// A lease's document.
struct Lease {
    holder: String,
    ttl: Duration,
    version: Version,
}

// === impl Version ===

impl Version {
    /// Of a document, as it was answered.
    pub(super) fn of(document: &Value) -> Option<Self> {
        let number = |field: &str| document.get(field).and_then(Value::as_u64);
        Some(Self {
            sequence: number("_seq_no")?,
            term: number("_primary_term")?,
        })
    }

    /// A change that is refused with 409 when the document is not in this state any more; `None`: when there is one.
    pub(super) fn only(version: Option<Self>, request: Request) -> Request {
        match version {
            None => request.query("op_type", "create"),
            Some(Self { sequence, term }) => request
                .query("if_seq_no", sequence.to_string())
                .query("if_primary_term", term.to_string()),
        }
        // done twice, the second would find the first in its way
        .once()
    }
}

// === impl Leases ===

impl Leases {
    pub(super) fn new(store: Arc<Store>) -> Self {
        Self {
            store,
            watched: Mutex::default(),
        }
    }

    /// Whether `holder` has the lease now, and until `ttl` after this was called.
    pub(super) async fn acquire(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
    ) -> Result<bool, Error> {
        self.store.ready().await?;
        let key = format!("{}/{name}", self.store.names.leases());
        let Some(lease) = self.lease(name).await? else {
            self.watched.lock().remove(&key);
            return self.replace(name, holder, ttl, None).await;
        };
        if lease.holder != holder && !self.is_over(&key, &lease) {
            return Ok(false);
        }
        let is_ours = self.replace(name, holder, ttl, Some(lease.version)).await?;
        self.watched.lock().remove(&key);
        Ok(is_ours)
    }

    /// Whether another's lease stayed as it is for as long as it says.
    fn is_over(&self, key: &str, lease: &Lease) -> bool {
        let mut watched = self.watched.lock();
        match watched.get(key) {
            Some(seen) if seen.version == lease.version => seen.since.elapsed() >= lease.ttl,
            _ => {
                if watched.len() >= MOST_WATCHED {
                    watched.clear();
                }
                let seen = Watched {
                    version: lease.version,
                    since: Instant::now(),
                };
                watched.insert(key.to_owned(), seen);
                false
            }
        }
    }

    async fn lease(&self, name: &str) -> Result<Option<Lease>, Error> {
        let index = self.store.names.leases();
        let until = Instant::now() + PATIENCE;
        let get = Request::get(&[&index, "_doc", name]).deadline(Some(until));
        let answer = loop {
            match self.store.client.ask(&get).await {
                Err(Error::Missing(_)) => return Ok(None),
                // whoever came first has made the index, and its shard is not there yet
                Err(Error::Busy(_)) if Instant::now() + PAUSE < until => {
                    tokio::time::sleep(PAUSE).await;
                }
                answer => break answer?.json(),
            }
        };
        let of = |field: &str| answer.get("_source")?.get(field);
        let Some(version) = Version::of(&answer) else {
            return Err(Error::Busy(format!(
                "{} tells no version of a lease",
                self.store.client.shown()
            )));
        };
        // one that says nothing is nobody's, and ends at once
        let ttl_ms = of("ttl_ms").and_then(Value::as_u64).unwrap_or_default();
        let holder = of("holder").and_then(Value::as_str).unwrap_or_default();
        Ok(Some(Lease {
            holder: holder.to_owned(),
            ttl: Duration::from_millis(ttl_ms),
            version,
        }))
    }

    /// Writes a lease, unless it is not what it was any more.
    async fn replace(
        &self,
        name: &str,
        holder: &str,
        ttl: Duration,
        version: Option<Version>,
    ) -> Result<bool, Error> {
        let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        let until = (system_clock()() / 1_000_000).saturating_add(ttl_ms);
        let document = json!({"holder": holder, "ttl_ms": ttl_ms, "until": until});
        self.change(Method::PUT, name, version, Some(&document))
            .await
    }

    /// Whether it was done; not when another was faster.
    async fn change(
        &self,
        method: Method,
        name: &str,
        version: Option<Version>,
        document: Option<&Value>,
    ) -> Result<bool, Error> {
        let index = self.store.names.leases();
        let request =
            Request::new(method, &[&index, "_doc", name]).deadline(Some(Instant::now() + PATIENCE));
        let mut request = Version::only(version, request);
        if let Some(document) = document {
            request = request.json(document);
        }
        let answer = self.store.client.send(&request).await?;
        if answer.status == 409 {
            return Ok(false);
        }
        let answer = answer.succeeded(self.store.client.shown())?;
        let json = answer.json();
        let result = json.get("result").and_then(Value::as_str);
        if matches!(result, Some("created" | "updated" | "deleted")) {
            return Ok(true);
        }
        Err(Error::Busy(format!(
            "{} confirms no lease: {}",
            self.store.client.shown(),
            crate::http_client::shortened(&String::from_utf8_lossy(&answer.body))
        )))
    }

    /// Gives the lease back, if `holder` has it.
    pub(super) async fn resign(&self, name: &str, holder: &str) -> Result<(), Error> {
        if let Some(lease) = self.lease(name).await?
            && lease.holder == holder
        {
            self.change(Method::DELETE, name, Some(lease.version), None)
                .await?;
        }
        Ok(())
    }
}
