//! Datagrams: taken, dropped and counted, and not lost at the end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use collector::{Config, Datagrams};

use crate::support::*;

/// The arguments of `emitBatch`, around the batch that real Jaeger was sent.
fn message() -> Vec<u8> {
    let case = "../tests/fixtures/golden/thrift-128bit/input.jaeger-thrift-binary.bin";
    let batch = std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(case)).unwrap();
    message_of(&batch)
}

fn message_of(batch: &[u8]) -> Vec<u8> {
    let mut message = vec![0x80, 1, 0, 4, 0, 0, 0, 9];
    message.extend_from_slice(b"emitBatch");
    // its number; a struct in field 1; the end of the arguments
    message.extend_from_slice(&[0, 0, 0, 1, 12, 0, 1]);
    message.extend_from_slice(batch);
    message.push(0);
    message
}

/// A message of a client that numbers its batches, and says how many spans were too large for it. Its batch has one span.
fn numbered(number: i64, too_large: i64) -> Vec<u8> {
    let long = |field: u8, value: i64| [&[10, 0, field], &value.to_be_bytes()[..]].concat();
    let text = |field: u8, value: &str| {
        [
            &[11, 0, field],
            &(value.len() as u32).to_be_bytes()[..],
            value.as_bytes(),
        ]
        .concat()
    };
    // a list of one struct in a field
    let list = |field: u8| vec![15, 0, field, 12, 0, 0, 0, 1];
    let int = |field: u8| vec![8, 0, field, 0, 0, 0, 0];
    let now = 1_700_000_000_000_000;
    let tag = [text(1, "client-uuid"), int(2), text(3, "c0ffee"), vec![0]].concat();
    let process = [text(1, "shop"), list(2), tag, vec![0]].concat();
    let span = [
        long(1, 7),
        long(2, 0),
        long(3, number),
        long(4, 0),
        text(5, "get"),
        int(7),
        long(8, now),
        long(9, 5),
        vec![0],
    ]
    .concat();
    let stats = [long(1, 0), long(2, too_large), long(3, 0), vec![0]].concat();
    let batch = [
        vec![12, 0, 1],
        process,
        list(2),
        span,
        long(3, number),
        vec![12, 0, 4],
        stats,
        vec![0],
    ]
    .concat();
    message_of(&batch)
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
    let agent = |name: &str, label: &str| running.metric(&format!("jaeger_agent_{name}"), &[label]);
    let server = |name: &str| {
        let label = "model=\"jaeger\",protocol=\"binary\"";
        agent(&format!("thrift_udp_{name}"), label)
    };
    until("nothing is under way", || server("server_queue_size") == 0).await;
    assert_eq!(server("server_packets_processed_total"), 2);
    assert_eq!(server("server_packets_dropped_total"), 0);
    assert_eq!(server("t_processor_handler_errors_total"), 1);
    assert_eq!(server("server_packet_size"), message().len() as u64);
    let reporter = |name: &str| agent(&format!("reporter_{name}"), "format=\"jaeger\"");
    let spans = running.store.spans().len() as u64;
    assert_eq!(reporter("batches_submitted_total"), 1);
    assert_eq!(
        (reporter("spans_submitted_total"), reporter("batch_size")),
        (spans, spans)
    );
    assert_eq!(reporter("batches_failures_total"), 0);
}

#[tokio::test]
async fn what_a_client_lost_and_what_the_store_refuses_is_counted_as_the_agent_did() {
    let running = start(binary(100)).await;
    let to = running.addr("jaeger-binary");
    let stats = |name: &str| {
        running.metric(
            &format!("jaeger_agent_client_stats_{name}"),
            &["cause=\"too-large\""],
        )
    };
    let total = |name: &str| running.metric(&format!("jaeger_agent_client_stats_{name}"), &[]);
    send(to, &numbered(3, 10)).await;
    until("the first is stored", || !running.store.spans().is_empty()).await;
    assert_eq!(
        (total("connected_clients"), total("batches_sent_total")),
        (1, 0)
    );
    *running.store.answer.lock() = Err(unavailable());
    send(to, &numbered(5, 14)).await;
    let failures = || {
        running.metric(
            "jaeger_agent_reporter_batches_failures_total",
            &["format=\"jaeger\""],
        )
    };
    until("the second is refused", || failures() == 1).await;
    assert_eq!(total("batches_received_total"), 2);
    assert_eq!(total("batches_sent_total"), 2, "one was lost between them");
    assert_eq!(stats("spans_dropped_total"), 4);
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
    let server =
        |name: &str| running.metric(&format!("jaeger_agent_thrift_udp_server_{name}"), &[]);
    assert_eq!(server("packets_dropped_total"), 1);
    assert_eq!(server("queue_size"), 1);
    running.stop();
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!running.ended(), "ended before the first was durable");
    running.store.resume();
    until("ended", || running.ended()).await;
    assert_eq!(running.store.batches.lock().len(), 1);
}
