//! Whether a process that only queries is ready: while its cluster can be read, and not else; it lives all the same.

use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::{Kind, shared};

use crate::support::{eventually, get, setup};

async fn check(kind: Kind) {
    let server = tokio::task::block_in_place(|| shared(kind));
    let proxy = FaultProxy::start(server.port(), 7).unwrap();
    let all = |fault| [Rule::new(fault).on(|_| true)];
    proxy.set(all(Fault::CutBefore));
    let (_folder, setup) = setup();
    let spoor = setup
        .arg("query")
        .arg("--span-storage.type=elasticsearch")
        .arg(format!("--es.server-urls={}", proxy.url()))
        .arg("--es.index-prefix=ready")
        .start()
        .unwrap();
    let (admin, services) = (
        spoor.url("admin"),
        spoor.url("query-http") + "/api/services",
    );
    let ready = format!("{admin}/ready");
    let becomes = async |what: &str, status: u16, words: &str| {
        let is_so = |(got, _, text): &(u16, String, String)| *got == status && text.contains(words);
        eventually(what, || get(&ready), is_so).await;
        let (live, _, text) = get(&admin).await;
        assert_eq!(live, 200, "{text}");
    };
    becomes("away from the start", 503, &proxy.url()).await;
    proxy.clear();
    becomes("there", 200, "ready").await;
    assert_eq!(get(&services).await.0, 200);

    // a search that fails is looked into at once
    proxy.set(all(Fault::Status(503)));
    assert_ne!(get(&services).await.0, 200);
    becomes(
        "seen by a search",
        503,
        "default/jaeger cannot be read since",
    )
    .await;
    proxy.clear();
    becomes("there again", 200, "ready").await;

    // nobody asks anything
    proxy.set(all(Fault::Status(401)));
    becomes("seen by itself", 503, "answered 401").await;
    proxy.set(all(Fault::Html));
    becomes("a page of somebody else's", 503, "something else").await;
    proxy.set(all(Fault::Status(429)));
    becomes("busy, and there", 200, "ready").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_process_on_elasticsearch_is_ready_while_it_can_read() {
    check(Kind::Elasticsearch7).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_process_on_opensearch_is_ready_while_it_can_read() {
    check(Kind::OpenSearch2).await;
}
