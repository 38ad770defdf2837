//! Plaintext: protocols, addresses, panics.

use std::net::{SocketAddr, TcpListener};

use listen::Metrics;

use crate::support::*;

#[tokio::test]
async fn http1_and_prior_knowledge_http2_share_a_port() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut client = http1(running.addr()).await;
    assert_eq!(client.get("/").await.unwrap(), (200, "hello".to_owned()));
    assert_eq!(
        client.get("/peer").await.unwrap().1,
        "nobody tls=false from 127.0.0.1"
    );
    let mut client = http2(running.addr()).await;
    assert_eq!(client.get("/").await.unwrap(), (200, "hello".to_owned()));
    assert_eq!(
        running.metric("spoor_listener_connections_accepted_total{listener=\"test\"}"),
        2
    );
    assert_eq!(running.open(), 2);
    drop(client);
    eventually("a closed connection is counted out", || running.open() == 1).await;
}

#[tokio::test]
async fn the_loopback_pair_gets_one_port() {
    let mut config = config(&["127.0.0.1:0", "[::1]:0"]);
    config.optional = true;
    let running = Running::start(config).await;
    let ports: Vec<u16> = running.addrs.iter().map(SocketAddr::port).collect();
    assert!(
        ports.iter().all(|&port| port == ports[0] && port != 0),
        "{ports:?}"
    );
    for &addr in &running.addrs {
        assert_eq!(http1(addr).await.get("/").await.unwrap().0, 200, "{addr}");
    }
}

#[tokio::test]
async fn the_v6_wildcard_hears_both_families() {
    let running = Running::start(config(&["[::]:0"])).await;
    let port = running.addr().port();
    let v4 = http1(SocketAddr::from(([127, 0, 0, 1], port)))
        .await
        .get("/peer")
        .await
        .unwrap();
    assert_eq!(v4.0, 200, "{v4:?}");
    if running.addr().is_ipv6() {
        let v6 = http1(format!("[::1]:{port}").parse().unwrap())
            .await
            .get("/peer")
            .await
            .unwrap();
        assert_eq!(v6.1, "nobody tls=false from ::1");
    }
}

#[tokio::test]
async fn a_missing_address_is_an_error_unless_another_of_the_pair_is_there() {
    let metrics = Metrics::default();
    // 192.0.2.1 (RFC 5737) is nobody's, so that binding it fails as a missing loopback does.
    let mut config = config(&["127.0.0.1:0", "192.0.2.1:0"]);
    assert!(listen::bind(&config, &metrics).await.is_err());
    config.optional = true;
    assert_eq!(
        listen::bind(&config, &metrics)
            .await
            .unwrap()
            .local_addrs()
            .len(),
        1
    );
    config.addrs.remove(0);
    assert!(listen::bind(&config, &metrics).await.is_err());
    config.addrs.clear();
    let error = listen::bind(&config, &metrics)
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "no address to listen on for test (setting test.host-port)"
    );
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_names_address_and_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let error = listen::bind(&config(&[&addr]), &Metrics::default())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&addr) && error.contains("test.host-port") && error.contains("in use"),
        "{error}"
    );
}

#[tokio::test]
async fn a_panic_answers_500_and_the_next_request_is_served() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut client = http1(running.addr()).await;
    assert_eq!(
        client.get("/panic").await.unwrap(),
        (500, "internal error\n".to_owned())
    );
    assert_eq!(client.get("/").await.unwrap().0, 200);
    assert_eq!(
        running.metric("spoor_listener_handler_panics_total{listener=\"test\"}"),
        1
    );
}

#[tokio::test]
async fn a_panic_is_internal_to_a_grpc_client() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let mut client = http2(running.addr()).await;
    let mut request = get_request("/panic");
    request
        .headers_mut()
        .insert("content-type", "application/grpc".parse().unwrap());
    let answer = within(client.0.send_request(request)).await.unwrap();
    assert_eq!(
        (
            answer.status().as_u16(),
            answer.headers()["grpc-status"].as_bytes()
        ),
        (200, &b"13"[..])
    );
}

#[tokio::test]
async fn tls_to_a_plaintext_port_is_counted_and_answered() {
    let running = Running::start(config(&["127.0.0.1:0"])).await;
    let answer = raw(
        running.addr(),
        b"\x16\x03\x01\x00\xc0\x01\x00\x00\xbc\x03\x03",
    )
    .await;
    assert!(
        String::from_utf8_lossy(&answer)
            .contains("client sent a TLS handshake to a plaintext port"),
        "{answer:?}"
    );
    eventually("it is counted", || running.refused("tls_on_plaintext") == 1).await;
    let authority = Authority::new("any");
    let error = handshake(&client(&authority, None, &[]), running.addr())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
}
