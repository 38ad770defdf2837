//! Rates and latencies that a cluster counts: every point is the one that brute force finds.

use tests::servers::{Kind, shared};

use super::golden::on;
use crate::span_metrics::check;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_counts_as_brute_force_does() {
    let server = tokio::task::block_in_place(|| shared(Kind::Elasticsearch7));
    let (_folder, mut setup) = on(server, "span-metrics");
    setup
        .variables
        .retain(|(name, _)| name != "QUERY_SPAN_METRICS");
    let spoor = setup.arg("--query.span-metrics=always").start().unwrap();
    check(&spoor).await;
}
