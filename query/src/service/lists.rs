//! Lists of names and of calls: what there is to ask for, and who calls whom.
//!
//! In: a call, and which list. Out: all of it, from the store or as it was a moment ago; else why not. A list is read in its turn, within the call's time, and holds no more than
//! [`LISTED`] items; what it lacks is said beside it. What is kept for the next who asks is in [`super::cache`].

use std::future::Future;
use std::sync::Arc;

use http::HeaderMap;
use http::header::CACHE_CONTROL;
use http::request::Parts;
use model::{SpanKind, Str};
use secrecy::SecretString;
use storage::{DependencyLink, LinkKind, Operation, OperationQuery, ReadError};
use tokio::sync::Semaphore;

use super::Call;
use super::cache::{self, Cache, Kept, Key, Owner, Owners, Question};

/// So many lists are read at once; more wait, within their time.
const LISTS: usize = 64;
/// So many names or calls are all that a list holds.
const LISTED: usize = 100_000;
/// Stores whose names lie in memory: what they are asked for again costs them nothing.
const AT_HAND: [&str; 2] = ["embedded", "memory"];

/// What all calls share.
#[derive(Clone)]
pub(super) struct Lists {
    turns: Arc<Semaphore>,
    cache: Option<Cache>,
    owners: Owners,
}

/// Who asks, as far as what is kept goes.
pub(super) struct Asker {
    pub(super) owner: Owner,
    /// How often the instances had changed when it asked.
    pub(super) changes: u64,
    /// Wants no answer that was kept.
    pub(super) wants_news: bool,
}

// === impl Lists ===

impl Lists {
    pub(super) fn new(config: &cache::Config) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(LISTS)),
            cache: Cache::new(config),
            owners: Owners::new(),
        }
    }

    pub(super) fn asker(
        &self,
        head: &Parts,
        credentials: Option<&SecretString>,
        changes: u64,
    ) -> Asker {
        Asker {
            owner: self.owners.owner(credentials),
            changes,
            wants_news: wants_news(&head.headers),
        }
    }
}

/// Whether `Cache-Control` keeps an answer from being one that was kept.
fn wants_news(headers: &HeaderMap) -> bool {
    let values = headers.get_all(CACHE_CONTROL).iter();
    let mut words = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|word| word.trim().to_ascii_lowercase());
    words.any(|word| matches!(word.as_str(), "no-cache" | "no-store" | "max-age=0"))
}

// === impl Call ===

impl Call<'_> {
    /// What the lists of names and calls lack that were asked for.
    pub fn lacks(&self) -> Option<String> {
        self.cx.lacks.reason().or_else(|| self.cut.get().cloned())
    }

    /// The names of all services.
    pub async fn get_services(&self) -> Result<Vec<Str>, ReadError> {
        let read = self.readers.traces.get_services(&self.cx);
        self.listed("get_services", self.names(Question::Services), read)
            .await
    }

    /// The operations of a service, of spans of a kind by its word; of any for the empty one. A kind that there is not has no operations.
    pub async fn get_operations(
        &self,
        service: &str,
        kind: &str,
    ) -> Result<Vec<Operation>, ReadError> {
        let kind = match kind {
            "" => None,
            word => match SpanKind::from_name(&word.to_ascii_lowercase()) {
                Some(kind) => Some(kind),
                None => return Ok(Vec::new()),
            },
        };
        let question = self.names(Question::Operations {
            service: service.to_owned(),
            kind,
        });
        let service = service.into();
        let query = OperationQuery { service, kind };
        let read = self.readers.traces.get_operations(&self.cx, &query);
        self.listed("get_operations", question, read).await
    }

    /// Which services called which, by spans that start in this period (nanoseconds since the Unix epoch): what Jaeger's clients know.
    pub async fn get_dependencies(
        &self,
        start_ns: u64,
        end_ns: u64,
    ) -> Result<Vec<DependencyLink>, ReadError> {
        let mut links = self.get_links(start_ns, end_ns).await?;
        links.retain(|link| link.kind == LinkKind::Call);
        Ok(links)
    }

    /// The same with databases, queues and others that have no spans of their own.
    pub async fn get_links(
        &self,
        start_ns: u64,
        end_ns: u64,
    ) -> Result<Vec<DependencyLink>, ReadError> {
        let question = Question::Dependencies { start_ns, end_ns };
        let dependencies = &self.readers.dependencies;
        let read = dependencies.get_dependencies(&self.cx, start_ns, end_ns);
        self.listed("get_dependencies", Some(question), read).await
    }

    /// A question for names, where their answers are worth keeping.
    fn names(&self, question: Question) -> Option<Question> {
        (!AT_HAND.contains(&self.readers.kind)).then_some(question)
    }

    /// A list as it was kept, else as the store has it.
    pub(super) async fn listed<T>(
        &self,
        operation: &'static str,
        question: Option<Question>,
        read: impl Future<Output = Result<Vec<T>, ReadError>>,
    ) -> Result<Vec<T>, ReadError>
    where
        Vec<T>: Kept,
    {
        let (Some(cache), Some(question)) = (&self.service.lists.cache, question) else {
            return self.read_list(operation, read).await;
        };
        let key = Key {
            instance: self.instance.clone(),
            owner: self.asker.owner,
            changes: self.asker.changes,
            question,
        };
        let metrics = &self.service.metrics;
        if self.asker.wants_news {
            metrics.cached(operation, "passed");
        } else if let Some(list) = cache.get::<Vec<T>>(&key) {
            metrics.cached(operation, "hit");
            return Ok(list);
        } else {
            metrics.cached(operation, "miss");
        }
        let list = self.read_list(operation, read).await?;
        // half a list is told once, and an empty one may be filled at any moment
        if self.lacks().is_none() && !list.is_empty() {
            cache.keep(key, &list);
        }
        Ok(list)
    }

    /// Reads a list in its turn, within its time and its bounds.
    async fn read_list<T>(
        &self,
        operation: &'static str,
        read: impl Future<Output = Result<Vec<T>, ReadError>>,
    ) -> Result<Vec<T>, ReadError> {
        let mut list = self.in_turn(operation, read).await?;
        if list.len() > LISTED {
            list.truncate(LISTED);
            self.service.metrics.cut();
            let why = || format!("{LISTED} are all that a list lets through");
            self.cut.get_or_init(why);
        }
        Ok(list)
    }

    /// Reads what is made of many spans or of none, in its turn and within its time.
    pub(super) async fn in_turn<T>(
        &self,
        operation: &'static str,
        read: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        let turn = self.within(self.service.lists.turns.acquire()).await;
        let Some(Ok(_turn)) = turn else {
            return Err(self.crowded(&format!("{LISTS} lists are being read")));
        };
        let timer = self.timer(operation);
        let result = match self.within(read).await {
            None | Some(Err(ReadError::Cancelled(_))) => Err(self.late()),
            Some(result) => result,
        };
        timer.end(&result);
        result
    }
}
