//! OTLP over gRPC: what is stored, and what a client hears when something is wrong.

use std::io::Write;
use std::time::Duration;

use flate2::write::GzEncoder;
use prost::Message;
use storage::port::WriteError;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use wire::r#gen::otlp::ExportTraceServiceResponse;
use wire::r#gen::otlp::trace_service_client::TraceServiceClient;

use crate::support::*;

fn client(
    running: &Running,
) -> TraceServiceClient<
    hyper_util::client::legacy::Client<
        hyper_util::client::legacy::connect::HttpConnector,
        tonic::body::Body,
    >,
> {
    let origin = format!("http://{}", running.addr("otlp-grpc"));
    TraceServiceClient::with_origin(h2(), origin.parse().unwrap())
}

#[tokio::test]
async fn a_tonic_client_stores_spans_in_every_encoding() {
    let running = start(|_| {}).await;
    let mut plain = client(&running);
    let mut gzip = client(&running).send_compressed(CompressionEncoding::Gzip);
    let mut zstd = client(&running).send_compressed(CompressionEncoding::Zstd);
    for client in [&mut plain, &mut gzip, &mut zstd] {
        let reply = client.export(request("shop", 100)).await.unwrap();
        assert_eq!(reply.into_inner(), ExportTraceServiceResponse::default());
    }
    let spans = running.store.spans();
    assert_eq!(spans.len(), 300);
    assert!(spans.iter().all(|s| s.resource.service_name() == "shop"));
    assert_eq!(spans[7].name, "operation-8");
    assert!(
        spans[0]
            .attributes
            .iter()
            .all(|a| a.key != "@jaeger@format")
    );
    assert_eq!(running.held(), 0);
}

#[tokio::test]
async fn a_large_message_is_decoded_on_another_thread_and_stored() {
    let running = start(|_| {}).await;
    let message = message("shop", 8_000);
    assert!(message.len() > 512 << 10);
    assert!(running.export(&message).await.message().is_empty());
    let gzipped = running.call(
        "otlp-grpc",
        EXPORT,
        &[("grpc-encoding", "gzip")],
        frame(1, &gzip(&message)),
    );
    assert!(gzipped.await.message().is_empty());
    assert_eq!(running.store.spans().len(), 16_000);
}

#[tokio::test]
async fn a_bad_span_does_not_take_its_neighbours_with_it() {
    let running = start(|_| {}).await;
    let reply = running.export(&half_bad()).await;
    let reply = ExportTraceServiceResponse::decode(reply.message()).unwrap();
    let partial = reply.partial_success.unwrap();
    assert_eq!(partial.rejected_spans, 1);
    assert!(partial.error_message.contains("span"), "{partial:?}");
    assert_eq!(running.store.spans().len(), 1);
    let letters = running.store.letters.lock();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].origin, "otlp-grpc");
    assert!(!letters[0].payload.is_empty());
}

#[tokio::test]
async fn spans_that_the_store_rejects_are_named() {
    let running = start(|_| {}).await;
    *running.store.answer.lock() = Err(WriteError::rejected([1, 2], "too old"));
    let reply = running.export(&message("shop", 5)).await;
    let reply = ExportTraceServiceResponse::decode(reply.message()).unwrap();
    let partial = reply.partial_success.unwrap();
    assert_eq!(
        (partial.rejected_spans, &*partial.error_message),
        (2, "too old")
    );
}

#[tokio::test]
async fn an_empty_request_is_a_success_and_writes_nothing() {
    let running = start(|_| {}).await;
    assert!(running.export(&[]).await.message().is_empty());
    assert!(running.store.batches.lock().is_empty());
}

#[tokio::test]
async fn undecodable_messages_are_invalid_and_counted() {
    let running = start(|_| {}).await;
    let gzip_flag = [("grpc-encoding", "gzip")];
    for (headers, framed) in [
        (&[][..], frame(0, b"\x0a\xff\xff\xff\xff\x0fno")),
        (&[][..], frame(7, b"")),
        (&[][..], frame(1, &gzip(b"x"))),
        (&gzip_flag[..], frame(1, b"not gzip")),
        (&[][..], bytes::Bytes::new()),
        (&[][..], [frame(0, b""), frame(0, b"")].concat().into()),
    ] {
        let answer = running.call("otlp-grpc", EXPORT, headers, framed).await;
        let status = answer.grpc();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(answer.retry_delay(), None);
    }
    let labels = ["receiver=\"otlp-grpc\"", "reason=\"undecodable\""];
    assert_eq!(
        running.metric("spoor_collector_payloads_rejected_total", &labels),
        6
    );
    assert_eq!(running.held(), 0);
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_for_good_before_it_is_read() {
    let running = start(|_| {}).await;
    // five bytes only: the answer cannot depend on what follows
    let mut head = frame(0, b"").to_vec();
    head[1..5].copy_from_slice(&(5u32 << 20).to_be_bytes());
    let answer = running.call("otlp-grpc", EXPORT, &[], head).await;
    assert_eq!(answer.grpc().code(), Code::ResourceExhausted);
    assert_eq!(answer.retry_delay(), None, "a client must not try again");
    assert!(
        answer
            .grpc()
            .message()
            .contains("collector.otlp.grpc.max-message-size")
    );
}

#[tokio::test]
async fn bombs_are_refused_for_good() {
    let running = start(|_| {}).await;
    let bomb = vec![0; 32 << 20];
    for (encoding, body) in [("gzip", gzip(&bomb)), ("zstd", zstd(&bomb))] {
        let headers = [("grpc-encoding", encoding)];
        let answer = running
            .call("otlp-grpc", EXPORT, &headers, frame(1, &body))
            .await;
        assert_eq!(answer.grpc().code(), Code::ResourceExhausted, "{encoding}");
        assert_eq!(answer.retry_delay(), None);
    }
    assert_eq!(running.held(), 0);
}

/// A gigabyte of zeros in a message of one megabyte, as a gzip of many members: each is legal alone, and so is the row of them.
#[tokio::test]
async fn a_bomb_of_a_gigabyte_takes_neither_time_nor_memory() {
    let running = start(|_| {}).await;
    let mut member = GzEncoder::new(Vec::new(), flate2::Compression::best());
    member.write_all(&vec![0; 4 << 20]).unwrap();
    let bomb = member.finish().unwrap().repeat(256);
    assert!(bomb.len() < 5 << 18, "{}", bomb.len());
    let headers = [("grpc-encoding", "gzip")];
    let before = peak_memory();
    let began = std::time::Instant::now();
    let mut call = Box::pin(running.call("otlp-grpc", EXPORT, &headers, frame(1, &bomb)));
    let mut most_held = 0;
    let answer = loop {
        tokio::select! {
            answer = &mut call => break answer,
            () = tokio::time::sleep(Duration::from_millis(1)) => {}
        }
        most_held = most_held.max(running.held());
    };
    let took = began.elapsed();
    assert_eq!(answer.grpc().code(), Code::ResourceExhausted);
    assert_eq!(answer.retry_delay(), None, "a client must not try again");
    let text = answer.grpc().message().to_owned();
    assert!(text.contains("4194304 bytes"), "{text}");
    assert!(
        text.contains("collector.otlp.grpc.max-message-size"),
        "{text}"
    );
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert!(most_held < 64 << 20, "{most_held}");
    // other tests run in this process too, none of which takes so much
    let grew = peak_memory().saturating_sub(before);
    assert!(grew < 512 << 20, "{grew}");
    eventually(|| running.held() == 0).await;
}

/// The most memory that this process ever took, in bytes; 0 where there is no such file.
fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().split(' ').next()?.parse::<usize>().ok());
    kib.unwrap_or(0) << 10
}

#[tokio::test]
async fn an_unknown_encoding_is_unimplemented_and_the_answer_names_the_known_ones() {
    let running = start(|_| {}).await;
    let answer = running
        .call(
            "otlp-grpc",
            EXPORT,
            &[("grpc-encoding", "br")],
            frame(1, b"x"),
        )
        .await;
    assert_eq!(answer.grpc().code(), Code::Unimplemented);
    assert!(answer.header("grpc-accept-encoding").contains("gzip"));
}

#[tokio::test]
async fn unknown_methods_are_unimplemented_and_browsers_are_told_where_they_are() {
    let running = start(|_| {}).await;
    let answer = running
        .call("otlp-grpc", "/a.B/C", &[], frame(0, b""))
        .await;
    assert_eq!(answer.grpc().code(), Code::Unimplemented);
    for path in [EXPORT, "/"] {
        let headers = [("content-type", "application/json")];
        let answer = running.call("otlp-grpc", path, &headers, "{}").await;
        assert_eq!(answer.status, 415);
        assert!(answer.text().contains("4318"));
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_unavailable() {
    let running = start(|_| {}).await;
    *running.store.answer.lock() = Err(unavailable());
    let answer = running.export(&message("shop", 1)).await;
    assert_eq!(answer.grpc().code(), Code::Unavailable);
    assert!(answer.grpc().message().contains("the disk is gone"));
    assert!(answer.retry_delay().is_some());
}

#[tokio::test]
async fn a_busy_store_says_when_to_come_back() {
    let running = start(|_| {}).await;
    *running.store.answer.lock() = Err(WriteError::Throttled {
        after: Duration::from_millis(2500),
        reason: "429".to_owned(),
    });
    let answer = running.export(&message("shop", 1)).await;
    assert_eq!(answer.grpc().code(), Code::ResourceExhausted);
    assert_eq!(answer.retry_delay(), Some(Duration::from_millis(2500)));
}

#[tokio::test]
async fn a_slow_store_is_answered_for_before_the_client_gives_up() {
    let running = start(|c| c.write_timeout = Duration::from_millis(300)).await;
    running.store.hold();
    let began = std::time::Instant::now();
    let answer = running.export(&message("shop", 1)).await;
    assert_eq!(answer.grpc().code(), Code::Unavailable);
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert_eq!(running.held(), 0);

    let patient = start(|_| {}).await;
    patient.store.hold();
    let began = std::time::Instant::now();
    let message = message("shop", 1);
    let headers = [("grpc-timeout", "700m")];
    let answer = patient.call("otlp-grpc", EXPORT, &headers, frame(0, &message));
    assert_eq!(answer.await.grpc().code(), Code::Unavailable);
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "by its own word, not after our 4 s"
    );
    assert_eq!(patient.held(), 0);
}

#[tokio::test]
async fn collector_tags_reach_every_resource() {
    let running = start(|c| c.tags = vec![("zone".to_owned(), "eu".to_owned())]).await;
    running.export(&message("shop", 3)).await.message();
    let spans = running.store.spans();
    assert!(spans.iter().all(|s| s.resource.attributes[0].key == "zone"));
}

#[tokio::test]
async fn a_message_may_come_in_pieces_of_any_size() {
    let running = start(|_| {}).await;
    let framed = frame(0, &message("shop", 5));
    for size in [1, 2, 3, 5, 7, 64, framed.len()] {
        let pieces: Vec<_> = framed
            .chunks(size)
            .map(|piece| Ok::<_, std::io::Error>(piece.to_vec()))
            .collect();
        let body = axum::body::Body::from_stream(futures_util::stream::iter(pieces));
        let answer = running.call("otlp-grpc", EXPORT, &[], body).await;
        assert!(answer.message().is_empty(), "pieces of {size}");
    }
    assert_eq!(running.store.spans().len(), 35);
}

#[tokio::test]
async fn a_message_that_is_cut_short_is_not_stored() {
    let running = start(|_| {}).await;
    let framed = frame(0, &message("shop", 5));
    for len in [1, 4, 5, 6, framed.len() - 1] {
        let answer = running
            .call("otlp-grpc", EXPORT, &[], framed.slice(..len))
            .await;
        assert_eq!(answer.grpc().code(), Code::InvalidArgument, "{len} bytes");
    }
    assert!(running.store.batches.lock().is_empty());
    assert_eq!(running.held(), 0);
}
