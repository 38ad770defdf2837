//! Kiali's pages on a real cluster: the same spans as on the embedded store.

use http::Method;
use tests::servers::{Kind, shared};

use super::golden::on;
use crate::kiali::{BASE_PATH, check, mesh, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_shows_the_spans_that_were_sent() {
    let server = shared(Kind::Elasticsearch7);
    let (_folder, setup) = on(server, "kiali");
    let setup = setup.arg(format!("--query.base-path={BASE_PATH}"));
    let spoor = setup.start().unwrap();
    let mesh = mesh();
    send(&spoor, &mesh).await;
    let refreshed = server.client().send(Method::POST, "/kiali-*/_refresh", "");
    refreshed.await.unwrap().json().unwrap();
    check(&spoor, &mesh).await;
}
