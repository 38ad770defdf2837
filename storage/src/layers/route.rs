//! Sends each batch to the writer of its instance.
//!
//! In: batches of any instance. Out: the answer of that instance's writer. An instance that is not configured is answered retryably, and
//! nothing of its batch is kept: a spelling mistake in a route must not lose spans, nor make a folder. Instances may come and go: a batch that has begun ends with
//! the writer it began with.

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use futures_util::future::BoxFuture;
use model::{Batch, Instance};

use crate::port::{TraceWriter, WriteError};

/// The layer.
pub struct Route {
    routes: ArcSwap<Routes>,
}

/// The writer of each instance.
pub type Routes = BTreeMap<Instance, Arc<dyn TraceWriter>>;

// === impl Route ===

impl Route {
    /// One writer an instance.
    pub fn new(routes: impl IntoIterator<Item = (Instance, Arc<dyn TraceWriter>)>) -> Self {
        Self {
            routes: ArcSwap::from_pointee(routes.into_iter().collect()),
        }
    }

    /// The writer of an instance.
    pub fn writer(&self, instance: &Instance) -> Option<Arc<dyn TraceWriter>> {
        self.routes.load().get(instance).cloned()
    }

    /// From the next batch on these writers are asked.
    pub fn replace(&self, routes: Routes) {
        self.routes.store(Arc::new(routes));
    }

    fn unknown(&self, instance: &Instance) -> WriteError {
        const SHOWN: usize = 5;
        let routes = self.routes.load();
        let known: Vec<_> = routes.keys().take(SHOWN).map(Instance::as_str).collect();
        let more = if routes.len() > SHOWN { ", …" } else { "" };
        WriteError::Unavailable {
            reason: format!(
                "instance {instance} is not configured here, known are: {}{more}",
                known.join(", ")
            ),
        }
    }
}

impl TraceWriter for Route {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        match self.writer(&batch.instance) {
            Some(writer) => Box::pin(async move { writer.write(batch).await }),
            None => Box::pin(std::future::ready(Err(self.unknown(&batch.instance)))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::fake::{Fake, batch, ids};

    fn of(instance: &str, ids: std::ops::Range<u64>) -> Batch {
        Batch {
            instance: Instance::parse(instance).unwrap(),
            ..batch(ids)
        }
    }

    #[tokio::test]
    async fn each_instance_has_its_own_writer() {
        let (a, b) = (Arc::new(Fake::default()), Arc::new(Fake::default()));
        let route = Route::new([
            (
                Instance::parse("x/jaeger").unwrap(),
                a.clone() as Arc<dyn TraceWriter>,
            ),
            (Instance::parse("y/jaeger").unwrap(), b.clone()),
        ]);
        route.write(of("y/jaeger", 1..3)).await.unwrap();
        route.write(of("x/jaeger", 5..6)).await.unwrap();
        assert_eq!(ids(&a.written()[0]), [5]);
        assert_eq!(ids(&b.written()[0]), [1, 2]);
    }

    #[tokio::test]
    async fn an_unknown_instance_is_refused_by_name() {
        let a = Arc::new(Fake::default());
        let route = Route::new([(Instance::default(), a.clone() as Arc<dyn TraceWriter>)]);
        let error = route.write(of("default/other", 0..1)).await.unwrap_err();
        assert!(error.is_retryable());
        let text = error.to_string();
        assert!(
            text.contains("default/other is not configured") && text.ends_with("default/jaeger")
        );
        assert!(a.written().is_empty());
    }
}
