//! A union of three instances is a reader like any other: what is written to one instance is dealt out to three, by the ids of spans, and read back as one.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use model::{Batch, Instance};
use storage::conformance::Subject;
use storage::memory::{Config, Memory};
use storage::stack::{Kept, Settings, Storage};
use storage::{
    Archive, Backend, Capabilities, DeadLetters, DependencyReader, SamplingStore, TraceReader,
    TraceWriter, WriteError,
};

/// So many instances hold what one is given.
const PARTS: u64 = 3;

struct Dealt {
    memory: Arc<Memory>,
}

struct Dealer(Arc<dyn TraceWriter>);

fn part(instance: &Instance, nth: u64) -> Instance {
    match nth {
        0 => instance.clone(),
        nth => Instance::new(instance.namespace(), &format!("{}-{nth}", instance.name())).unwrap(),
    }
}

// === impl Dealt ===

impl Dealt {
    /// The stack, with such a union.
    fn joined(&self, instance: &Instance) -> Storage {
        let union = (1..PARTS).map(|nth| part(instance, nth)).collect();
        let kept = Kept {
            union,
            ..instance.clone().into()
        };
        let settings = Settings {
            instances: vec![kept],
            ..Settings::default()
        };
        Storage::build(vec![self.memory.clone()], &settings).unwrap()
    }
}

impl TraceWriter for Dealer {
    fn write(&self, batch: Batch) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            for nth in 0..PARTS {
                let spans = batch.spans.iter().filter(|span| {
                    let id = u64::from_be_bytes(span.span_id.0);
                    id % PARTS == nth
                });
                let spans = spans.cloned().collect();
                let part = Batch::new(part(&batch.instance, nth), spans, 0);
                self.0.write(part).await?;
            }
            Ok(())
        })
    }
}

impl Backend for Dealt {
    fn name(&self) -> &'static str {
        self.memory.name()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // a call between spans of two instances is in neither
            counts_calls: false,
            ..self.memory.capabilities()
        }
    }

    fn writer(&self) -> Arc<dyn TraceWriter> {
        Arc::new(Dealer(self.memory.writer()))
    }

    fn reader(&self, instance: &Instance) -> Arc<dyn TraceReader> {
        self.joined(instance).reader(instance)
    }

    fn dependencies(&self, instance: &Instance) -> Arc<dyn DependencyReader> {
        self.joined(instance).reading(instance).dependencies
    }

    fn dead_letters(&self) -> Option<Arc<dyn DeadLetters>> {
        self.memory.dead_letters()
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        self.memory.archive()
    }

    fn sampling_store(&self) -> Option<Arc<dyn SamplingStore>> {
        self.memory.sampling_store()
    }

    fn health(&self) -> Result<(), String> {
        self.memory.health()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.memory.close()
    }
}

async fn open() -> Subject {
    Subject::new(Dealt {
        memory: Arc::new(Memory::new(Config::default())),
    })
}

storage::conformance_tests!(open);
