//! The ledger: what was received is accounted for, whatever happened to it.

use storage::port::WriteError;

use crate::support::*;

#[tokio::test]
async fn spans_that_cannot_be_decoded_are_dead_letters() {
    let running = start(|_| {}).await;
    running.export(&half_bad()).await.message();
    let counts = running.ledger.counts();
    assert!(counts.balance());
    assert_eq!(
        (counts.received, counts.durable, counts.dead_lettered),
        (2, 1, 1)
    );
}

#[tokio::test]
async fn or_dropped_where_nothing_keeps_them() {
    let running = start_with(false, |_| {}).await;
    running.export(&half_bad()).await.message();
    let counts = running.ledger.counts();
    assert!(counts.balance());
    assert_eq!((counts.received, counts.durable, counts.dropped), (2, 1, 1));
}

#[tokio::test]
async fn or_refused_when_burying_fails_so_that_the_sender_tries_again() {
    let running = start(|_| {}).await;
    *running.store.grave.lock() = Err(unavailable());
    let answer = running.export(&half_bad()).await;
    assert_eq!(answer.grpc().code(), tonic::Code::Unavailable);
    let counts = running.ledger.counts();
    assert!(counts.balance());
    assert_eq!((counts.received, counts.durable, counts.refused), (2, 1, 1));
}

#[tokio::test]
async fn spans_that_ran_into_our_deadline_are_late_and_not_cancelled() {
    let running = start(|c| c.write_timeout = std::time::Duration::from_millis(50)).await;
    running.store.hold();
    let answer = running.export(&message("shop", 7)).await;
    assert_eq!(answer.grpc().code(), tonic::Code::Unavailable);
    let refused = |reason| running.metric("spoor_spans_refused_total", &[reason]);
    assert_eq!(refused("reason=\"late\""), 7);
    assert_eq!(refused("reason=\"cancelled\""), 0);
    assert!(running.ledger.counts().balance());
}

#[tokio::test]
async fn spans_whose_sender_went_away_are_cancelled_and_not_late() {
    let running = start(|_| {}).await;
    running.store.hold();
    let message = message("shop", 7);
    let mut call = Box::pin(running.export(&message));
    tokio::select! {
        answer = &mut call => panic!("answered while the store holds it: {answer:?}"),
        () = eventually(|| running.store.waiting()) => {}
    }
    drop(call);
    let refused = |reason| running.metric("spoor_spans_refused_total", &[reason]);
    eventually(|| refused("reason=\"cancelled\"") == 7).await;
    assert_eq!(refused("reason=\"late\""), 0);
}

#[tokio::test]
async fn it_adds_up_over_a_mix_of_everything() {
    let running = start(|c| c.write_timeout = std::time::Duration::from_millis(50)).await;
    let answers = [
        Ok(()),
        Err(unavailable()),
        Err(WriteError::Throttled {
            after: std::time::Duration::from_secs(1),
            reason: "busy".to_owned(),
        }),
    ];
    for answer in answers {
        *running.store.answer.lock() = answer;
        running.export(&message("shop", 10)).await;
        running.export(&half_bad()).await;
        running
            .post(&[("content-type", "application/x-protobuf")], half_bad())
            .await;
        running
            .post(&[("content-type", "application/x-protobuf")], "\x0a\x7fno")
            .await;
    }
    *running.store.answer.lock() = Ok(());
    running.store.hold();
    running.export(&message("shop", 10)).await;
    let counts = running.ledger.counts();
    assert!(counts.balance(), "{counts:?}");
    assert_eq!(counts.in_flight, 0);
    // a bad span is only reached, and counted, once its neighbours are stored
    assert_eq!((counts.durable, counts.dead_lettered), (12, 2));
    assert_eq!(counts.refused, 2 * 12 + 10);
    assert_eq!(running.held(), 0);
    let labels = ["receiver=\"otlp-http\"", "reason=\"undecodable\""];
    assert_eq!(
        running.metric("spoor_collector_payloads_rejected_total", &labels),
        3
    );
}
