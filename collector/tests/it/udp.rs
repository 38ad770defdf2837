//! Datagrams: taken, dropped and counted, and not lost at the end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use collector::{Config, Datagrams};

use crate::support::*;

/// The arguments of `emitBatch`, around the batch that real Jaeger was sent.
fn message() -> Vec<u8> {
    let case = "../tests/fixtures/golden/thrift-128bit/input.jaeger-thrift-binary.bin";
    let batch = std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(case)).unwrap();
    let mut message = vec![0x80, 1, 0, 4, 0, 0, 0, 9];
    message.extend_from_slice(b"emitBatch");
    // its number; a struct in field 1; the end of the arguments
    message.extend_from_slice(&[0, 0, 0, 1, 12, 0, 1]);
    message.extend_from_slice(&batch);
    message.push(0);
    message
}

fn binary(queue: usize) -> impl FnOnce(&mut Config) {
    move |config| {
        let at = vec!["127.0.0.1:0".parse().unwrap()];
        config.jaeger_binary = Some(Datagrams {
            listener: listen::Config::new("jaeger-binary", "a.host-port", at),
            max_packet_bytes: 65_000,
            queue,
            socket_buffer: 1 << 20,
        });
    }
}

async fn send(to: SocketAddr, datagram: &[u8]) {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(datagram, to).await.unwrap();
}

async fn until(what: &str, done: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !done() {
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_datagram_is_stored_and_what_is_no_message_is_counted() {
    let running = start(binary(100)).await;
    let to = running.addr("jaeger-binary");
    send(to, b"no message").await;
    send(to, &message()).await;
    until("stored", || !running.store.spans().is_empty()).await;
    let rejected = || {
        running.metric(
            "spoor_collector_payloads_rejected_total",
            &["receiver=\"jaeger-binary\"", "reason=\"undecodable\""],
        )
    };
    until("counted", || rejected() == 1).await;
    let received = running.metric(
        "jaeger_collector_spans_received_total",
        &["transport=\"udp\""],
    );
    assert!(received > 0, "counted by service");
    until("given back", || running.held() == 0).await;
}

#[tokio::test]
async fn more_than_may_be_under_way_are_dropped_and_counted_and_what_was_taken_is_stored_at_the_end()
 {
    let running = start(binary(1)).await;
    let to = running.addr("jaeger-binary");
    running.store.hold();
    send(to, &message()).await;
    until("the first is taken", || running.store.waiting()).await;
    send(to, &message()).await;
    let dropped = || {
        running.metric(
            "spoor_collector_requests_refused_total",
            &["receiver=\"jaeger-binary\"", "reason=\"queue_full\""],
        )
    };
    until("the second is dropped", || dropped() == 1).await;
    running.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!running.ended(), "ended before the first was durable");
    running.store.resume();
    until("ended", || running.ended()).await;
    assert_eq!(running.store.batches.lock().len(), 1);
}
