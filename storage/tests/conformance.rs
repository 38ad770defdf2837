//! Every backend keeps the port's promises.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "conformance/union.rs"]
mod union;

mod memory {
    use storage::conformance::{self, Subject};
    use storage::memory::{Config, Memory};
    use storage::port::Capabilities;

    async fn open() -> Subject {
        Subject::new(Memory::new(Config::default()))
    }

    storage::conformance_tests!(open);

    #[tokio::test]
    async fn all_promises_one_after_the_other() {
        let says = Capabilities {
            operation_kinds: true,
            lossless: true,
            counts_calls: true,
            visible_at_once: true,
            sampling_store: true,
            ..Capabilities::default()
        };
        conformance::run(open, says).await;
    }
}

/// With files so small that spans are sealed while a promise is tested.
mod embedded_sealed {
    use std::sync::Arc;

    use storage::conformance::Subject;
    use storage::disk::RealDisk;
    use storage::embedded::{Config, Embedded};

    async fn open() -> Subject {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            generation_bytes: 1,
            ..Config::in_directory(folder.path())
        };
        let store = Embedded::open(config, Arc::new(RealDisk)).unwrap();
        Subject::guarded(store, folder)
    }

    storage::conformance_tests!(open);
}

mod embedded {
    use std::sync::Arc;

    use storage::conformance::{self, Subject};
    use storage::disk::RealDisk;
    use storage::embedded::{Config, Embedded};
    use storage::port::Capabilities;

    async fn open() -> Subject {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::in_directory(folder.path());
        let store = Embedded::open(config, Arc::new(RealDisk)).unwrap();
        Subject::guarded(store, folder)
    }

    storage::conformance_tests!(open);

    #[tokio::test]
    async fn all_promises_one_after_the_other() {
        let says = Capabilities {
            archive: true,
            durable: true,
            dead_letters: true,
            operation_kinds: true,
            lossless: true,
            counts_calls: true,
            visible_at_once: true,
            sampling_store: true,
            ..Capabilities::default()
        };
        conformance::run(open, says).await;
    }
}
