//! What becomes of spans when a cluster, or what stands before it, fails: on a real Elasticsearch, behind a proxy that fails as it is told.
//!
//! Each case sends until everything is acknowledged, and then asks the store itself. `SPOOR_SOAK=1` raises the counts: 1,000 answers cut, a minute away.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tests::fault_proxy::{Fault, FaultProxy, Rule};
use tests::servers::{Kind, Options, Server, shared};

use super::sender::{Sender, place, span};
use crate::support::soak;

struct Setup {
    proxy: FaultProxy,
    sender: Sender,
}

fn setup(prefix: &str) -> Setup {
    let server = shared(Kind::Elasticsearch7);
    let proxy = FaultProxy::start(server.port(), 7).unwrap();
    let sender = Sender::new(&proxy.url(), server.client(), prefix);
    Setup { proxy, sender }
}

fn batches() -> u64 {
    if soak() { 1_000 } else { 60 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_busy_loses_nothing_and_is_sent_little_twice() {
    let bulks = vec![
        Rule::new(Fault::Status(429)).share(0.15).named("429"),
        Rule::new(Fault::Status(503)).share(0.15).named("503"),
    ];
    let items = vec![
        Rule::new(Fault::busy_items(0.1)),
        Rule::new(Fault::TooLarge(1 << 20)),
    ];
    for (prefix, what, rules) in [
        (
            "faults-busy-bulks",
            "30% of bulks answered 429 or 503",
            bulks,
        ),
        ("faults-busy-items", "10% of items answered 429", items),
    ] {
        let setup = setup(prefix);
        setup.proxy.set(rules);
        // small, so that chance strikes about as often as it is said to
        let sent = setup.sender.send(batches() * 4, 10, 1).await;
        setup.sender.check(what, &sent).await;
        assert_eq!(sent.acknowledged.len() as u64, batches() * 40);
        let counts = setup.proxy.counts();
        assert!(
            counts.of("429") * counts.of("503") > 0 || counts.of("reject-items") > 0,
            "{counts:?}"
        );
        let ratio = counts.documents as f64 / sent.acknowledged.len() as f64;
        println!("{what}: documents sent ÷ stored {ratio:.2}");
        assert!(ratio <= 1.6, "{ratio}");
    }
}

/// Others wait behind a write that waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_was_busy_for_long_is_not_left_waiting() {
    let Setup { proxy, .. } = setup("faults-busy-long");
    let store = shared(Kind::Elasticsearch7).client();
    proxy.set([Rule::new(Fault::Status(429)).named("429")]);
    // processes of their own, as it were
    let senders: Vec<_> = (0..8)
        .map(|nth| Sender::new(&proxy.url(), store, &format!("faults-busy-long-{nth}")))
        .collect();
    let busy = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let refused = proxy.counts().of("429");
        proxy.set([]);
        (refused, Instant::now())
    };
    let sending = join_all(senders.iter().map(|sender| sender.send(1, 10, 1)));
    let ended = async { (sending.await, Instant::now()) };
    let ((refused, free), (sent, ended)) = tokio::join!(busy, ended);
    for (sender, sent) in senders.iter().zip(&sent) {
        sender.check("busy for five seconds", sent).await;
    }
    let waited = ended.duration_since(free);
    println!("busy for five seconds: the last of eight writes was taken {waited:.2?} after that");
    assert!(refused >= 8 * 5, "{refused}");
    assert!(waited < Duration::from_millis(2_500), "{waited:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_halved_until_it_fits() {
    let setup = setup("faults-large");
    setup.proxy.set([Rule::new(Fault::TooLarge(16 << 10))]);
    let sent = setup.sender.send(4, 200, 2).await;
    setup.sender.check("413 above 16 KiB", &sent).await;
    assert_eq!(sent.acknowledged.len(), 800);
    assert!(setup.proxy.counts().of("too-large") > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_after_the_store_applied_it_doubles_nothing() {
    let setup = setup("faults-cut");
    let cuts = if soak() { 1_000 } else { 40 };
    setup.proxy.set([
        Rule::new(Fault::CutAfter).share(0.5).times(cuts),
        Rule::new(Fault::CutBefore).share(0.1).times(cuts / 4),
    ]);
    let batches = cuts * 3;
    let sent = setup.sender.send(batches, 10, 1).await;
    let what = format!("{} answers cut", setup.proxy.counts().of("cut-after"));
    setup.sender.check(&what, &sent).await;
    assert_eq!(sent.acknowledged.len() as u64, batches * 10);
    assert_eq!(setup.proxy.counts().of("cut-after"), cuts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_confirms_nothing_is_no_confirmation() {
    let setup = setup("faults-odd");
    setup.proxy.set([
        Rule::new(Fault::Html).share(0.2),
        Rule::new(Fault::Truncated).share(0.2),
        Rule::new(Fault::ItemMissing).share(0.2),
    ]);
    let sent = setup.sender.send(batches(), 20, 4).await;
    setup
        .sender
        .check("pages of proxies, answers cut short", &sent)
        .await;
    assert_eq!(sent.acknowledged.len() as u64, batches() * 20);
    let counts = setup.proxy.counts();
    for rule in ["html", "truncated", "item-missing"] {
        assert!(counts.of(rule) > 0, "{counts:?}");
    }
}

/// A document with more fields of logs than an index takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn poison_goes_to_the_dead_letters_with_its_reason_and_its_neighbours_are_stored() {
    let server = shared(Kind::Elasticsearch7);
    let sender = Sender::new(&server.url(), server.client(), "faults-poison");
    let poison = |id: u64| id % 500 == 250;
    let make = |batch: u64| {
        let spans = (0..100).map(|nth| {
            let mut one = span(1 + batch * 100 + nth);
            let id = one.span_id.to_u64();
            if poison(id) {
                // each field of a log is a document of its own inside, and an index takes 10,000 of these
                let fields = vec![model::KeyValue::new("k", "v"); 101];
                one.events = vec![
                    model::Event {
                        attributes: fields,
                        ..model::Event::default()
                    };
                    100
                ];
            }
            one
        });
        spans.collect()
    };
    let sent = sender.send_spans(20, 4, make).await;
    sender.check("poison, one in 500", &sent).await;
    let expect: Vec<u64> = (1..=2_000).filter(|id| poison(*id)).collect();
    assert_eq!(sent.rejected.iter().copied().collect::<Vec<_>>(), expect);
    assert_eq!(sent.acknowledged.len(), 2_000 - expect.len());
    let letters = sender.documents("spoor-dead-letter-*").await;
    assert_eq!(letters.len(), expect.len());
    for letter in letters {
        let reason = letter["reason"].as_str().unwrap();
        assert!(
            reason.contains("parsing") || reason.contains("exception"),
            "{reason}"
        );
        assert_eq!(letter["instance"], "default/jaeger");
    }
}

/// What ILM does to yesterday's index: a late span waits, and those of today do not wait with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_takes_nothing_keeps_only_its_own_spans_waiting() {
    let server = shared(Kind::Elasticsearch7);
    let sender = Sender::new(&server.url(), server.client(), "faults-block");
    let late = |id: u64| {
        let one = span(id);
        let day = 24 * 3_600 * 1_000_000_000;
        model::Span {
            start_ns: one.start_ns - day,
            end_ns: one.end_ns - day,
            ..one
        }
    };
    let first = sender.send_spans(1, 1, |_| vec![late(1)]).await;
    assert_eq!(first.acknowledged.len(), 1);
    let indices = server
        .client()
        .get("/_cat/indices/faults-block-jaeger-span-*?format=json")
        .await;
    let indices = indices.unwrap();
    let index = indices[0]["index"].as_str().unwrap().to_owned();
    let block = async |on: bool| {
        let path = format!("/{index}/_settings");
        let body = format!("{{\"index.blocks.write\": {on}}}");
        let answer = server.client().send(http::Method::PUT, &path, body).await;
        answer.unwrap().json().unwrap();
    };
    block(true).await;
    // its service is known by now, so that nothing of it is stored at all
    let waiting = async {
        let late = |id: u64| model::Span {
            name: span(1).name,
            resource: span(1).resource,
            ..late(id)
        };
        let one = sender.send_spans(3, 3, |nth| vec![late(2 + nth)]).await;
        assert!(one.again > 0, "it was taken");
        one
    };
    let others = async {
        let began = Instant::now();
        let sent = sender
            .send_spans(100, 4, |batch| {
                (0..5).map(|nth| span(100 + batch * 5 + nth)).collect()
            })
            .await;
        println!(
            "500 spans of today beside it in {:?}, slowest {:?}",
            began.elapsed(),
            sent.slowest
        );
        assert_eq!((sent.acknowledged.len(), sent.again), (500, 0));
        assert_eq!(sender.storage.health(), Ok(()));
        block(false).await;
        sent
    };
    let (mut sent, others) = tokio::join!(waiting, others);
    sent.add(others);
    sender.check("an index that takes nothing", &sent).await;
}

/// An alias that leads to two indices and says of none that it is written to: nobody's span is to blame.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_the_cluster_is_not_blamed_on_spans() {
    let server = shared(Kind::Elasticsearch7);
    let mut main = place(&server.url(), "faults-alias");
    main.indices.use_aliases = true;
    let sender = Sender::with(main, server.client());
    let ask = async |path: &str, body: &str| {
        let body = body.to_owned();
        let answer = server.client().send(http::Method::PUT, path, body).await;
        answer.unwrap().json().unwrap();
    };
    let write = async || {
        let batch = model::Batch::new(model::Instance::default(), vec![span(1)], 0);
        sender.storage.writer().write(batch).await
    };
    let missing = write().await.unwrap_err();
    assert!(
        missing.is_retryable() && missing.to_string().contains("alias"),
        "{missing}"
    );
    let alias = r#"{"aliases": {"faults-alias-jaeger-span-write": {}, "faults-alias-jaeger-service-write": {}}}"#;
    for index in ["one", "two"] {
        ask(&format!("/faults-alias-jaeger-span-{index}"), alias).await;
    }
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let ambiguous = write().await.unwrap_err();
        assert!(ambiguous.is_retryable(), "{ambiguous}");
        if ambiguous.to_string().contains("no write index") {
            break;
        }
        assert!(Instant::now() < until, "still {ambiguous}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let answer = server
        .client()
        .send(http::Method::DELETE, "/faults-alias-jaeger-span-two", "")
        .await;
    answer.unwrap().json().unwrap();
    let sent = sender.send_spans(1, 1, |_| vec![span(1)]).await;
    assert_eq!(sent.acknowledged.len(), 1);
}

/// One of two nodes takes connections and answers nothing: the other one is used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_hangs_costs_one_wait() {
    let server = shared(Kind::Elasticsearch7);
    let hangs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut main = place(&server.url(), "faults-hang");
    main.connection
        .urls
        .push(format!("http://{}", hangs.local_addr().unwrap()));
    let sender = Sender::with(main, server.client());
    let sent = sender.send(20, 5, 1).await;
    assert_eq!((sent.acknowledged.len(), sent.rejected.len()), (100, 0));
    sender.check("one of two nodes hangs", &sent).await;
    assert!(sent.slowest < Duration::from_secs(25), "{:?}", sent.slowest);
    let again = sender
        .send_spans(20, 1, |batch| vec![span(1_000 + batch)])
        .await;
    assert!(
        again.slowest < Duration::from_secs(2),
        "{:?}",
        again.slowest
    );
}

/// A span that no request can carry, and whose letter none can carry either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_span_that_is_too_large_alone_leaves_a_letter_without_it() {
    let setup = setup("faults-huge");
    setup.proxy.set([Rule::new(Fault::TooLarge(100 << 10))]);
    let huge = |id: u64| {
        let mut one = span(id);
        let text = (0..200_000).map(|nth| char::from(b'a' + (nth % 23) as u8));
        let text: String = text.collect();
        one.attributes
            .push(model::KeyValue::new("blob", text.as_str()));
        one
    };
    let sent = setup
        .sender
        .send_spans(1, 1, |_| vec![span(1), huge(2), span(3)])
        .await;
    assert_eq!((sent.acknowledged.len(), sent.rejected.len()), (2, 1));
    setup.sender.check("a span too large alone", &sent).await;
    let letters = setup.sender.documents("spoor-dead-letter-*").await;
    assert_eq!(letters.len(), 1);
    let reason = letters[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("413") && reason.contains("is not kept"),
        "{reason}"
    );
    assert_eq!(letters[0]["payload"], "");
}

/// Its own server, which is killed and started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_goes_away_comes_back_without_help() {
    let mut server = Server::start(Kind::Elasticsearch7, &Options::default()).unwrap();
    let proxy = FaultProxy::start(server.port(), 7).unwrap();
    let sender = Sender::new(&proxy.url(), server.client(), "faults-away");
    let before = sender.send(5, 20, 1).await;
    assert_eq!(before.acknowledged.len(), 100);
    server.kill_hard().unwrap();
    let away = if soak() {
        Duration::from_secs(60)
    } else {
        Duration::from_secs(2)
    };
    let back = async {
        tokio::time::sleep(away).await;
        tokio::task::block_in_place(|| server.start_again()).unwrap();
        Instant::now()
    };
    let sending = async {
        let sent = sender
            .send_spans(20, 4, |batch| {
                (0..20).map(|nth| span(1_001 + batch * 20 + nth)).collect()
            })
            .await;
        (sent, Instant::now())
    };
    let (back, (mut sent, done)) = tokio::join!(back, sending);
    println!(
        "all acknowledged {:?} after the cluster was back",
        done.saturating_duration_since(back)
    );
    assert_eq!(sent.acknowledged.len(), 400);
    assert!(sent.again > 0, "senders were told to come again");
    sent.acknowledged.extend(before.acknowledged);
    sender
        .check("the cluster was killed and started again", &sent)
        .await;
    assert!(done.saturating_duration_since(back) < Duration::from_secs(10));
}
