//! The end: what is in flight is finished, and nothing waits for ever.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::*;

#[tokio::test]
async fn a_request_in_flight_is_finished_and_idle_connections_are_closed() {
    for is_http2 in [false, true] {
        let mut running = Running::start(config(&["127.0.0.1:0"])).await;
        let mut idle = http1(running.addr()).await;
        assert_eq!(idle.get("/").await.unwrap().0, 200);
        let mut first = http1(running.addr()).await;
        let mut second = http2(running.addr()).await;
        let mut requests = tokio::task::JoinSet::new();
        requests.spawn(async move {
            if is_http2 {
                second.get("/wait").await
            } else {
                first.get("/wait").await
            }
        });
        within(running.waiting.notified()).await;
        running.stop.cancel();
        eventually("the idle one is closed", || idle.0.is_closed()).await;
        running.go.notify_one();
        let answer = within(requests.join_next())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(answer, (200, "waited".to_owned()));
        running.ended().await;
        assert!(TcpStream::connect(running.addr()).await.is_err());
        assert_eq!(running.open(), 0);
    }
}

#[tokio::test]
async fn who_connected_before_the_shutdown_is_still_answered() {
    let mut running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    running.stop.cancel();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    let answer = String::from_utf8(read_all(&mut stream).await).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"),
        "{answer}"
    );
    running.ended().await;
}

#[tokio::test]
async fn a_head_on_its_way_when_the_shutdown_begins_is_still_answered() {
    let mut running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    eventually("it is accepted", || running.open() == 1).await;
    running.stop.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.write_all(b"host: localhost\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(read_all(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    running.ended().await;
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_off_after_the_grace() {
    let mut config = config(&["127.0.0.1:0"]);
    config.limits.shutdown_grace = Duration::from_millis(300);
    let mut running = Running::start(config).await;
    let mut stream = TcpStream::connect(running.addr()).await.unwrap();
    stream
        .write_all(b"GET /wait HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    within(running.waiting.notified()).await;
    running.stop.cancel();
    running.ended().await;
    assert_eq!(running.closed("shutdown_grace"), 1);
    let mut rest = Vec::new();
    assert!(within(stream.read_to_end(&mut rest)).await.is_err() || rest.is_empty());
}
