//! The proxy of faults does what it says, in front of a real server: the store itself is asked what reached it.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::Request;
use serde_json::Value;
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::client::{Answer, Client};
use tests::servers::{Kind, shared};

/// A proxy, who asks through it, and who asks the store itself. An index of the test's own.
struct Setup {
    proxy: FaultProxy,
    through: Client,
    store: Client,
    index: &'static str,
    next: u64,
}

impl Setup {
    fn new(index: &'static str) -> Self {
        let server = shared(Kind::Elasticsearch7);
        let proxy = FaultProxy::start(server.port(), 1).unwrap();
        Self {
            through: Client::new(proxy.address().port()),
            store: server.client().clone(),
            proxy,
            index,
            next: 0,
        }
    }

    /// Sends a compressed bulk of so many new documents. An error is a connection that was cut.
    async fn bulk(&mut self, documents: u64) -> anyhow::Result<Answer> {
        let mut lines = String::new();
        for id in self.next..self.next + documents {
            lines += &format!("{{\"create\":{{\"_id\":\"{id}\"}}}}\n{{\"n\":{id}}}\n");
        }
        self.next += documents;
        let mut body = GzEncoder::new(Vec::new(), Compression::fast());
        body.write_all(lines.as_bytes()).unwrap();
        let request = Request::post(format!("/{}/_bulk?refresh=true", self.index))
            .header("content-type", "application/x-ndjson")
            .header("content-encoding", "gzip")
            .header("accept-encoding", "gzip")
            .body(Bytes::from(body.finish().unwrap()));
        self.through.ask(request.unwrap()).await
    }

    async fn stored(&self) -> u64 {
        let counted = self.store.get(&format!("/{}/_count", self.index)).await;
        counted.map_or(0, |counted| counted["count"].as_u64().unwrap())
    }
}

fn statuses(answer: &Answer) -> Vec<u64> {
    let mut text = answer.body.to_vec();
    // what the proxy bends is not compressed
    if text.starts_with(&[0x1f, 0x8b]) {
        text.clear();
        let mut inflating = GzDecoder::new(answer.body.as_ref());
        inflating.read_to_end(&mut text).unwrap();
    }
    let answer: Value = serde_json::from_slice(&text).unwrap();
    let items = answer["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["create"]["status"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn without_rules_everything_passes_and_is_counted() {
    let mut setup = Setup::new("proxy-plain");
    let answer = setup.bulk(3).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(setup.stored().await, 3);
    assert!(setup.through.get("/_cluster/health").await.is_ok());
    let counts = setup.proxy.counts();
    assert_eq!((counts.requests, counts.forwarded), (2, 2));
    assert_eq!((counts.documents, counts.documents_forwarded), (3, 3));
    assert!(counts.struck.is_empty(), "{counts:?}");
}

#[tokio::test]
async fn a_bulk_is_cut_before_the_store_or_after_it() {
    let mut setup = Setup::new("proxy-cut");
    setup.proxy.set([Rule::new(Fault::CutBefore)]);
    assert!(setup.bulk(2).await.is_err());
    assert_eq!(setup.stored().await, 0);
    setup.proxy.set([Rule::new(Fault::CutAfter)]);
    assert!(setup.bulk(5).await.is_err());
    assert_eq!(setup.stored().await, 5);
    // only bulks
    assert!(setup.through.get("/_cluster/health").await.is_ok());
    let counts = setup.proxy.counts();
    assert_eq!((counts.of("cut-before"), counts.of("cut-after")), (1, 1));
}

#[tokio::test]
async fn a_share_of_bulks_is_answered_busy_and_a_large_one_too_large() {
    let mut setup = Setup::new("proxy-status");
    setup.proxy.set([
        Rule::new(Fault::TooLarge(1000)),
        Rule::new(Fault::Status(503)).share(0.5),
    ]);
    let mut busy = 0;
    for _ in 0..20 {
        let status = setup.bulk(1).await.unwrap().status;
        assert!(status == 200 || status == 503, "{status}");
        busy += u64::from(status == 503);
    }
    assert!((5..=15).contains(&busy), "{busy}");
    assert_eq!(setup.proxy.counts().of("status"), busy);
    assert_eq!(setup.stored().await, 20 - busy);
    // it is small as it comes, being compressed
    let answer = setup.bulk(100).await.unwrap();
    assert_eq!(answer.status, 413);
    assert_eq!(setup.stored().await, 20 - busy);
}

#[tokio::test]
async fn items_are_turned_away_at_their_places_and_the_store_never_sees_them() {
    let mut setup = Setup::new("proxy-items");
    setup.proxy.set([Rule::new(Fault::busy_items(0.3))]);
    let answer = setup.bulk(100).await.unwrap();
    let statuses = statuses(&answer);
    let away = statuses.iter().filter(|s| **s == 429).count();
    assert!((15..45).contains(&away), "{away}");
    assert_eq!(statuses.len(), 100);
    assert_eq!(setup.stored().await, 100 - away as u64);
    for (id, status) in statuses.iter().enumerate() {
        let path = format!("/{}/_doc/{id}", setup.index);
        let found = setup.store.get(&path).await.is_ok();
        assert_eq!(found, *status == 201, "{id} was answered {status}");
    }
    let counts = setup.proxy.counts();
    assert_eq!(counts.of("reject-items"), away as u64);
    assert_eq!(counts.documents_forwarded, 100 - away as u64);

    setup.proxy.set([Rule::new(Fault::busy_items(1.0))]);
    let answer = setup.bulk(2).await.unwrap();
    assert_eq!(answer.json().unwrap()["errors"], true);
    assert_eq!(setup.proxy.counts().forwarded, counts.forwarded);
}

#[tokio::test]
async fn answers_are_late_cut_short_or_no_answers_at_all() {
    let mut setup = Setup::new("proxy-answers");
    setup.proxy.set([Rule::new(Fault::ItemMissing)]);
    assert_eq!(statuses(&setup.bulk(3).await.unwrap()), [201, 201]);
    setup.proxy.set([Rule::new(Fault::Truncated)]);
    let answer = setup.bulk(3).await.unwrap();
    assert!(answer.status.is_success() && answer.json().is_err());
    assert_eq!(setup.stored().await, 6);
    setup.proxy.set([Rule::new(Fault::Html).times(1)]);
    let page = setup.bulk(3).await.unwrap();
    assert!(page.status.is_success() && page.body.starts_with(b"<html>"));
    assert_eq!(statuses(&setup.bulk(1).await.unwrap()), [201]);
    assert_eq!(setup.stored().await, 7);
    let late = Duration::from_millis(300);
    setup.proxy.set([Rule::new(Fault::Delay(late))]);
    let sent = Instant::now();
    assert_eq!(statuses(&setup.bulk(1).await.unwrap()), [201]);
    assert!(sent.elapsed() >= late);
}
