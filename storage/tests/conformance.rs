//! Every backend keeps the port's promises.

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
            ..Capabilities::default()
        };
        conformance::run(open, says).await;
    }
}
