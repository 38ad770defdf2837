//! What the port promises, of a store in another process, in each of the ways in which it is spoken to.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use model::Instance;
use storage::conformance::{self, Subject};
use storage::remote::{Config, Protocol, Remote};

use super::{address, serving};

/// Not held over gRPC: the header tells a namespace and not an instance.
const NOT_TOLD: [&str; 1] = ["instances_never_see_each_other"];
/// Not held where a span of the other model is translated: what is no longer the same is kept all the same, or is no longer what it was.
const TRANSLATED: [&str; 1] = ["spans_that_differ_anywhere_both_stay"];
/// Not held in version 2, whose spans are OpenTelemetry's: process tags of Jaeger's get other keys.
const RENAMED: [&str; 2] = [
    "written_spans_come_back_whole",
    "writing_twice_leaves_one_copy",
];
/// Held to nanoseconds here, and in the suite to microseconds, since that is what other stores have that lose anything.
const FINER: [&str; 1] = ["traces_come_newest_first_and_the_same_each_time"];

async fn open(protocol: Protocol) -> Subject {
    let folder = tempfile::tempdir().unwrap();
    // version 1 has a call for each span: those of all writers are under way at once, and none is to be refused
    let served = serving(folder.path()).arg("--memory.max-bytes=2GiB");
    let served = served.start().unwrap();
    let config = Config {
        prefix: "grpc-storage",
        servers: vec![address(&served).parse().unwrap()],
        patience: Duration::from_secs(10),
        protocol: Some(protocol),
        tls: None,
        trust: trust::Store::default(),
        tenant_header: None,
    };
    let remote = Remote::new(config, None).unwrap();
    let found = remote.find(&Instance::default()).await.unwrap();
    assert_eq!(found.to_string(), protocol.to_string());
    let guard: Arc<dyn std::any::Any + Send + Sync> = Arc::new((served, folder));
    Subject::guarded(remote, guard)
}

/// All that the way in between breaks is told at once.
async fn held(protocol: Protocol, but: &[&[&str]]) {
    let mut but: Vec<&str> = but.concat();
    let mut broken: Vec<&str> = Vec::new();
    macro_rules! each {
        ([] $($module:ident::$promise:ident,)+) => {
            $(
                let name = stringify!($promise);
                if but.contains(&name) {
                    but.retain(|known| *known != name);
                } else {
                    println!("{protocol}: {name}");
                    let promise = conformance::$module::$promise(open(protocol).await);
                    if AssertUnwindSafe(promise).catch_unwind().await.is_err() {
                        broken.push(name);
                    }
                }
            )+
        };
    }
    storage::for_each_promise!([each] []);
    assert!(broken.is_empty(), "{protocol} breaks {broken:#?}");
    assert!(but.is_empty(), "no promise is called {but:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_spoor_keeps_every_promise() {
    held(Protocol::Spoor, &[&NOT_TOLD]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_2_keeps_what_its_messages_can_hold() {
    held(Protocol::V2, &[&NOT_TOLD, &TRANSLATED, &RENAMED, &FINER]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_1_keeps_what_its_messages_can_hold() {
    let way = Protocol::V1 { streams: false };
    held(way, &[&NOT_TOLD, &TRANSLATED, &FINER]).await;
}
