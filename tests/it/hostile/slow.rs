//! Connections that say nothing, that say a head byte by byte, and whose bodies stop, while a client posts as clients do.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tests::spoor::Spoor;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{memory, metric};
use crate::support::https::{Load, Post, Seen, posts};
use crate::support::{eventually, setup, soak};

/// What an open connection may cost, beside a fixed part for what the posts themselves need.
const BYTES_EACH: u64 = 32 << 10;
const BYTES_FIXED: u64 = 32 << 20;
/// How often a byte of a head is sent: a head that takes this long for each of its bytes is cut off before it ends.
const PACE: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Silent,
    Head,
    /// With a length, and without one.
    Body,
    Chunked,
}

/// A head of a request, with the field that says how long its body is.
fn head(post: &Post, length: &str) -> Vec<u8> {
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\nX-Padding: {}\r\n{length}\r\n\r\n",
        post.path,
        post.content_type,
        "x".repeat(400)
    );
    head.into_bytes()
}

/// Holds `count` slow connections until it is dropped.
async fn hold(post: &Post, kind: Kind, count: usize) -> JoinSet<()> {
    let head = match kind {
        Kind::Chunked => head(post, "Transfer-Encoding: chunked"),
        _ => head(post, "Content-Length: 512"),
    };
    let begun: &[u8] = match kind {
        Kind::Silent | Kind::Head => b"",
        Kind::Body => &[12; 256],
        Kind::Chunked => b"8\r\nnot more",
    };
    let mut holding = JoinSet::new();
    let mut streams = Vec::with_capacity(count);
    while streams.len() < count {
        // the kernel's queue of connections that are not accepted yet is short
        let more = (count - streams.len()).min(100);
        let opened = join_all((0..more).map(|_| TcpStream::connect(post.address))).await;
        for stream in opened {
            let mut stream = stream.unwrap();
            if !begun.is_empty() {
                let begun = [&head, begun].concat();
                stream.write_all(&begun).await.unwrap();
            }
            streams.push((stream, 0));
        }
    }
    let address = post.address;
    holding.spawn(async move {
        match kind {
            Kind::Silent | Kind::Body | Kind::Chunked => std::future::pending().await,
            Kind::Head => spell(address, &head, streams).await,
        }
    });
    holding
}

/// Sends the next byte of each head, again and again. One that is cut off begins anew.
async fn spell(address: SocketAddr, head: &[u8], mut streams: Vec<(TcpStream, usize)>) {
    let mut pace = tokio::time::interval(PACE);
    loop {
        pace.tick().await;
        for (stream, at) in &mut streams {
            let byte = head.get(*at..=*at).unwrap_or_default();
            if stream.write_all(byte).await.is_ok() && !byte.is_empty() {
                *at += 1;
            } else if let Ok(fresh) = TcpStream::connect(address).await {
                (*stream, *at) = (fresh, 0);
            }
        }
    }
}

async fn open(spoor: &Spoor, listener: &str) -> u64 {
    let label = format!("listener=\"{listener}\"");
    metric(spoor, "spoor_listener_connections{", &[&label]).await
}

/// What requests hold of the byte budget.
async fn held(spoor: &Spoor) -> u64 {
    metric(spoor, "spoor_collector_held_bytes", &[]).await
}

/// Posts of a client that does nothing wrong.
async fn load(post: &Post, requests: usize) -> Seen {
    let load = Load::start(std::slice::from_ref(post), 2, false);
    load.after(requests).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_connections_hold_up_nobody_and_cost_little() {
    let (count, requests) = if soak() { (5_000, 3_000) } else { (200, 200) };
    // the process under test raises its own
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let [thrift, zipkin, _] = posts(&spoor);
    for (listener, post) in [("jaeger-thrift", &thrift), ("zipkin", &zipkin)] {
        let alone = load(post, requests).await;
        assert!(alone.failures.is_empty(), "{:?}", alone.failures);
        for kind in [Kind::Silent, Kind::Head, Kind::Body, Kind::Chunked] {
            let (before, _) = memory(&spoor);
            let label = format!("listener=\"{listener}\"");
            let accepted = || async {
                let name = "spoor_listener_connections_accepted_total";
                metric(&spoor, name, &[&label]).await
            };
            let so_far = accepted().await;
            let holding = hold(post, kind, count).await;
            eventually("all are accepted", accepted, |now| {
                *now >= so_far + count as u64
            })
            .await;
            // what has just come may yet complete, and holds room until then
            eventually("they lose their room", || held(&spoor), |n| *n < 8 << 20).await;
            let (with, _) = memory(&spoor);
            let seen = load(post, requests).await;
            let still = open(&spoor, listener).await;
            let (after, _) = memory(&spoor);
            drop(holding);
            let dropped = Instant::now();
            eventually("they are let go", || open(&spoor, listener), |n| *n == 0).await;
            let grown = with.max(after).saturating_sub(before);
            println!(
                "{listener}, {count} connections, {kind:?}: {} requests, {} failed, p99 {:.1} ms (alone {:.1} ms); {still} still open, memory +{} KiB, {} B a connection when opened; let go after {:?}",
                seen.took.len(),
                seen.failures.len(),
                seen.p99(),
                alone.p99(),
                grown >> 10,
                with.saturating_sub(before) / count as u64,
                dropped.elapsed()
            );
            assert!(seen.failures.is_empty(), "{:?}", seen.failures);
            // heads are cut off all the time, and begin anew;
            // a body of no declared length is charged in large steps: of many that begin at once some are refused
            let refused = matches!(kind, Kind::Chunked) && still > 0;
            assert!(
                refused || still >= count as u64 / 4,
                "{still} are open: nothing was tried"
            );
            assert!(
                grown < BYTES_FIXED + BYTES_EACH * count as u64,
                "{kind:?}: {grown} bytes more"
            );
        }
    }
}

/// One connection whose body is as large as it may be would hold all the room of its instance, for as long as it sends a byte now and then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_only_declared_keeps_nobody_out() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    for post in posts(&spoor) {
        let mut stream = TcpStream::connect(post.address).await.unwrap();
        let length = format!("Content-Length: {}", 20 << 20);
        let begun = [&head(&post, &length)[..], b"x"].concat();
        stream.write_all(&begun).await.unwrap();
        let began = Instant::now();
        eventually("it is charged", || held(&spoor), |n| *n > 0).await;
        let came_in = eventually("others come in", || post.once(), Result::is_ok).await;
        assert!(came_in.is_ok());
        println!(
            "{}, a body of 20 MiB declared: others are served after {:?}",
            post.path,
            began.elapsed()
        );
        let seen = load(&post, 100).await;
        assert!(seen.failures.is_empty(), "{:?}", seen.failures);
    }
}
