//! What the port promises, of a store in another process, in each of the ways in which it is spoken to.

use std::sync::Arc;
use std::time::Duration;

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

async fn open(protocol: Protocol) -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let served = serving(folder.path()).start().unwrap();
    let config = Config {
        prefix: "grpc-storage",
        servers: vec![address(&served).parse().unwrap()],
        patience: Duration::from_secs(10),
        protocol: Some(protocol),
        tls: None,
        own_authority: None,
        tenant_header: None,
    };
    let remote = Remote::new(config, None).unwrap();
    let found = remote.find(&Instance::default()).await.unwrap();
    assert_eq!(found.to_string(), protocol.to_string());
    let guard: Arc<dyn std::any::Any + Send + Sync> = Arc::new((served, folder));
    Subject::guarded(remote, guard)
}

async fn held(protocol: Protocol, but: &[&[&str]]) {
    let but: Vec<&str> = but.concat();
    macro_rules! each {
        ([] $($module:ident::$promise:ident,)+) => {
            $(
                if !but.contains(&stringify!($promise)) {
                    println!("{protocol}: {}", stringify!($promise));
                    conformance::$module::$promise(open(protocol).await).await;
                }
            )+
        };
    }
    storage::for_each_promise!([each] []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_spoor_keeps_every_promise() {
    held(Protocol::Spoor, &[&NOT_TOLD]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_2_keeps_what_its_messages_can_hold() {
    held(Protocol::V2, &[&NOT_TOLD, &TRANSLATED, &RENAMED]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_1_keeps_what_its_messages_can_hold() {
    let way = Protocol::V1 { streams: false };
    held(way, &[&NOT_TOLD, &TRANSLATED]).await;
}
