//! Slow, greedy and silent clients.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

#[tokio::test]
async fn a_client_without_a_word_is_let_go() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    assert!(raw(running.addr(), b"").await.is_empty());
    assert_eq!(running.refused("first_byte_timeout"), 1);
}

#[tokio::test]
async fn a_head_that_drips_is_cut_off() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let stream = TcpStream::connect(running.addr()).await.unwrap();
    let (mut reading, mut writing) = stream.into_split();
    let mut dripping = tokio::task::JoinSet::new();
    dripping.spawn(async move {
        for byte in b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: "
            .iter()
            .chain(std::iter::repeat(&b'a'))
        {
            if writing.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(read_all(&mut reading).await.is_empty());
    eventually("it is counted", || running.refused("header_timeout") == 1).await;
}

#[tokio::test]
async fn the_second_head_of_a_connection_has_a_deadline_too_and_idling_before_it_has_not() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    let mut answer = [0; 4096];
    for _ in 0..2 {
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
            .await
            .unwrap();
        let length = within(stream.read(&mut answer)).await.unwrap();
        assert!(answer[..length].starts_with(b"HTTP/1.1 200"));
        // Idle for longer than a head may take.
        tokio::time::sleep(Duration::from_millis(900)).await;
    }
    stream.write_all(b"GET / HT").await.unwrap();
    assert!(read_all(&mut stream).await.is_empty());
    eventually("it is counted", || running.refused("header_timeout") == 1).await;
}

#[tokio::test]
async fn an_http2_preface_that_does_not_end_is_cut_off() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    assert!(raw(running.addr(), b"PRI * HTTP/2").await.is_empty());
    assert_eq!(running.refused("header_timeout"), 1);
}

#[tokio::test]
async fn a_body_that_stops_is_an_error_to_its_handler_and_ends_the_connection() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let answer = raw(
        running.addr(),
        b"POST /length HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n123",
    )
    .await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(
        answer.ends_with("the request's body stopped coming for 0.4s"),
        "{answer}"
    );
    eventually("it is counted", || running.refused("body_timeout") == 1).await;
}

#[tokio::test]
async fn a_body_that_keeps_coming_may_take_its_time() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    stream.write_all(b"POST /length HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 8\r\n\r\n").await.unwrap();
    for _ in 0..8 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        stream.write_all(b"x").await.unwrap();
    }
    let answer = String::from_utf8(read_all(&mut stream).await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with('8'),
        "{answer}"
    );
}

#[tokio::test]
async fn an_answer_that_is_not_taken_is_given_up() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    stream
        .write_all(b"GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    eventually("it is counted", || running.refused("send_timeout") == 1).await;
    eventually("it is closed", || running.open() == 0).await;
}

#[tokio::test]
async fn an_http2_answer_that_is_not_taken_is_given_up() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut client = http2(running.addr()).await;
    let answer = within(client.0.send_request(get_request("/endless")))
        .await
        .unwrap();
    eventually("it is counted", || running.refused("send_timeout") == 1).await;
    drop(answer);
}

#[tokio::test]
async fn an_answer_that_is_slow_to_be_made_is_not_the_clients_fault() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut client = http2(running.addr()).await;
    assert_eq!(client.get("/drip").await.unwrap(), (200, "012".to_owned()));
    assert_eq!(running.refused("send_timeout"), 0);
}

#[tokio::test]
async fn an_idle_connection_is_closed_gently() {
    for is_http2 in [false, true] {
        let mut config = config(&["127.0.0.1:0"]);
        config.limits.idle = Duration::from_millis(300);
        let running = Running::start(config).await;
        if is_http2 {
            let mut client = http2(running.addr()).await;
            assert_eq!(client.get("/").await.unwrap().0, 200);
            eventually("the client is told", || client.0.is_closed()).await;
        } else {
            let mut client = http1(running.addr()).await;
            assert_eq!(client.get("/").await.unwrap().0, 200);
            eventually("the client is told", || client.0.is_closed()).await;
        }
        eventually("it is closed", || running.open() == 0).await;
        assert_eq!(running.closed("idle"), 1);
    }
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once_and_there_is_room_again_later() {
    let mut config = config(&["127.0.0.1:0"]);
    config.limits.max_connections = 2;
    let running = Running::start(config).await;
    let mut first = http1(running.addr()).await;
    let mut second = http1(running.addr()).await;
    assert_eq!(first.get("/").await.unwrap().0, 200);
    assert_eq!(second.get("/").await.unwrap().0, 200);
    assert!(raw(running.addr(), b"").await.is_empty());
    assert_eq!(running.refused("cap"), 1);
    assert_eq!(first.get("/").await.unwrap().0, 200);
    drop(second);
    eventually("there is room", || running.open() == 1).await;
    // The permit returns right after the gauge.
    let mut third = http1(running.addr()).await;
    assert_eq!(third.get("/").await.unwrap().0, 200);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let mut config = config(&["127.0.0.1:0"]);
    config.limits.max_header_bytes = 9000;
    let running = Running::start(config).await;
    let head = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n",
        "a".repeat(20_000)
    );
    let answer = String::from_utf8(raw(running.addr(), head.as_bytes()).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let mut client = http2(running.addr()).await;
    let mut request = get_request("/");
    request
        .headers_mut()
        .insert("x", "a".repeat(20_000).parse().unwrap());
    let answer = within(client.0.send_request(request)).await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status() == 431));
}

#[tokio::test]
async fn a_connection_of_age_is_asked_to_go_and_finishes_its_request() {
    let mut config = config(&["127.0.0.1:0"]);
    config.limits.max_connection_age = Some(Duration::from_millis(400));
    let running = Running::start(config).await;
    let mut client = http2(running.addr()).await;
    let answer = client.0.send_request(get_request("/wait"));
    within(running.waiting.notified()).await;
    eventually("it is of age", || running.closed("age") == 1).await;
    running.go.notify_one();
    assert_eq!(within(answer).await.unwrap().status(), 200);
    eventually("the client is told", || client.0.is_closed()).await;
}

#[tokio::test]
async fn a_flood_of_resets_ends_its_connection() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    let mut flood =
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec();
    // `:method GET`, `:scheme http`, `:path /`, `:authority x`
    let head = b"\x82\x86\x84\x41\x01x";
    for id in (1..4001_u32).step_by(2) {
        flood.extend([0, 0, 6, 1, 5]);
        flood.extend(id.to_be_bytes());
        flood.extend(head);
        flood.extend([0, 0, 4, 3, 0]);
        flood.extend(id.to_be_bytes());
        flood.extend(8_u32.to_be_bytes());
    }
    // It may be cut off while it still floods.
    stream.write_all(&flood).await.ok();
    read_all(&mut stream).await;
    eventually("it is closed", || running.open() == 0).await;
    assert_eq!(http1(running.addr()).await.get("/").await.unwrap().0, 200);
}
