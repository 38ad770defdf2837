//! Bodies and datagrams that claim more than they are: bombs, counts of 2^31, nesting without end, texts longer than what they stand in.

use std::io::Write as _;
use std::net::UdpSocket;

use bytes::Bytes;
use futures_util::future::join_all;
use tests::spoor::Spoor;

use super::{memory, metric};
use crate::support::https::{Post, posts};
use crate::support::{eventually, setup, soak};

/// What `memory.max-bytes` is by default, whatever is sent: a body that grows is copied, and each thread's allocator keeps for a while what it freed.
const BOMBS: u64 = 192 << 20;
/// Claims take no room at all.
const CLAIMS: u64 = 16 << 20;
const MANY: u32 = i32::MAX as u32;
const TOO_MANY: u32 = 1 << 31;
const DEEP: usize = 10_000;

/// Zeros, as many MiB, in gzip: members behind one another, each of 16 MiB.
fn zeros(mib: usize) -> Bytes {
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..16 {
        member.write_all(&vec![0; 1 << 20]).unwrap();
    }
    Bytes::from(member.finish().unwrap().repeat(mib / 16))
}

async fn rejected(spoor: &Spoor, receiver: &str, reason: &str) -> u64 {
    let name = "spoor_collector_payloads_rejected_total";
    let labels = [
        &*format!("receiver=\"{receiver}\""),
        &*format!("reason=\"{reason}\""),
    ];
    metric(spoor, name, &labels).await
}

/// Status of a POST on a connection of its own.
async fn status(post: &Post) -> Result<u16, String> {
    post.connect().await?.status(post).await
}

/// Every receiver and format that takes Thrift, and Zipkin's others.
fn formats(spoor: &Spoor) -> Vec<Post> {
    let [thrift, zipkin, _] = posts(spoor);
    let formats = [
        (&thrift, "/api/traces", "application/x-thrift"),
        (
            &thrift,
            "/api/traces",
            "application/vnd.apache.thrift.compact",
        ),
        (&zipkin, "/api/v1/spans", "application/json"),
        (&zipkin, "/api/v1/spans", "application/x-thrift"),
        (&zipkin, "/api/v2/spans", "application/json"),
        (&zipkin, "/api/v2/spans", "application/x-protobuf"),
    ];
    let posts = formats.map(|(post, path, content_type)| Post {
        path,
        content_type,
        ..post.clone()
    });
    posts.to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_does_not_follow_what_inflates_without_end() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let (below, beyond) = (zeros(16), zeros(1024));
    let at_once = if soak() { 500 } else { 24 };
    let (before, _) = memory(&spoor);
    for format in formats(&spoor) {
        // what is no more than may be is read, and means nothing, or in Zipkin's Thrift an empty list
        for (body, expect) in [(&below, &[400, 202][..]), (&beyond, &[413])] {
            let bomb = Post {
                body: body.clone(),
                encoding: Some("gzip"),
                ..format.clone()
            };
            let answered = status(&bomb).await.unwrap();
            assert!(
                expect.contains(&answered),
                "{answered}: {} {}",
                format.path,
                format.content_type
            );
        }
    }
    for receiver in ["jaeger-thrift", "zipkin"] {
        assert!(
            rejected(&spoor, receiver, "too_large").await >= 2,
            "{receiver}"
        );
    }
    let (_, one_by_one) = memory(&spoor);
    let bombs: Vec<Post> = formats(&spoor)
        .into_iter()
        .cycle()
        .take(at_once)
        .map(|format| Post {
            body: beyond.clone(),
            encoding: Some("gzip"),
            ..format
        })
        .collect();
    let answered = join_all(bombs.iter().map(status)).await;
    // more than one at a time has no room: it is told so, or cut off while it still writes
    let refused = |answer: &Result<u16, String>| match answer {
        Ok(status) => [413, 429, 503].contains(status),
        Err(error) => error.contains("BodyWrite"),
    };
    assert!(answered.iter().all(refused), "{answered:?}");
    let (_, together) = memory(&spoor);
    println!(
        "bombs of 1 GiB in {} KiB: memory at most +{} MiB one by one, +{} MiB {at_once} at once",
        beyond.len() >> 10,
        one_by_one.saturating_sub(before) >> 20,
        together.saturating_sub(before) >> 20
    );
    assert!(
        together.saturating_sub(before) < BOMBS,
        "{before} {together}"
    );
    for post in posts(&spoor) {
        post.once().await.unwrap();
    }
}

/// What stands between an opening of a batch, or of a list of Zipkin's spans, and its end.
struct Claims {
    /// Behind what a batch begins with.
    many: [Vec<u8>; 2],
    /// In the place of all of it.
    deep: Vec<u8>,
    long: Vec<u8>,
    process: &'static [u8],
}

/// Claims in the binary protocol.
fn binary() -> Claims {
    let spans = |count: u32| [&[15, 0, 2, 12][..], &count.to_be_bytes()].concat();
    Claims {
        process: &[12, 0, 1, 11, 0, 1, 0, 0, 0, 1, b's', 0],
        many: [spans(MANY), spans(TOO_MANY)],
        deep: [12, 0, 99].repeat(DEEP),
        long: [&[12, 0, 1, 11, 0, 1][..], &MANY.to_be_bytes(), b"x"].concat(),
    }
}

/// The same in the compact one.
fn compact() -> Claims {
    let spans = |count: [u8; 5]| [&[0x19, 0xfc][..], &count].concat();
    let (many, too_many) = ([0xff, 0xff, 0xff, 0xff, 7], [0x80, 0x80, 0x80, 0x80, 8]);
    Claims {
        process: &[0x1c, 0x18, 1, b's', 0],
        many: [spans(many), spans(too_many)],
        // field 99, then the next field of each
        deep: [&[0x0c, 0xc6, 1][..], &[0x1c].repeat(DEEP)].concat(),
        long: [&[0x1c, 0x18][..], &many, b"x"].concat(),
    }
}

// === impl Claims ===

impl Claims {
    fn bodies(&self) -> Vec<Vec<u8>> {
        let [many, too_many] = &self.many;
        vec![
            [self.process, many].concat(),
            [self.process, too_many].concat(),
            [self.process, &self.deep].concat(),
            self.deep.clone(),
            self.long.clone(),
        ]
    }
}

/// Lists of Zipkin's spans in the binary protocol.
fn zipkin_bodies() -> Vec<Vec<u8>> {
    let list = |count: u32, rest: &[u8]| [&[12][..], &count.to_be_bytes(), rest].concat();
    vec![
        list(MANY, b""),
        list(TOO_MANY, b""),
        list(1, &[12, 0, 99].repeat(DEEP)),
        list(1, &[&[11, 0, 3][..], &MANY.to_be_bytes(), b"x"].concat()),
    ]
}

/// Each body as the argument of a call to the agent.
fn datagrams(listener: &str) -> Vec<Vec<u8>> {
    let call = |opening: &[u8], body: &[u8]| [opening, body].concat();
    match listener {
        "jaeger-binary" => {
            let opening = [
                &[0x80, 1, 0, 4, 0, 0, 0, 9][..],
                b"emitBatch",
                &[0, 0, 0, 0, 12, 0, 1],
            ];
            let opening = opening.concat();
            let bodies = binary().bodies();
            bodies.iter().map(|body| call(&opening, body)).collect()
        }
        "jaeger-compact" => {
            let opening = [&[0x82, 0x81, 0, 9][..], b"emitBatch", &[0x1c]].concat();
            let bodies = compact().bodies();
            bodies.iter().map(|body| call(&opening, body)).collect()
        }
        _ => {
            let opening = [&[0x82, 0x81, 0, 15][..], b"emitZipkinBatch", &[0x19]].concat();
            let bodies = [
                vec![0xfc, 0xff, 0xff, 0xff, 0xff, 7],
                vec![0xfc, 0x80, 0x80, 0x80, 0x80, 8],
                [&[0x1c][..], &compact().deep].concat(),
                vec![0x1c, 0x38, 0xff, 0xff, 0xff, 0xff, 7, b'x'],
            ];
            bodies.iter().map(|body| call(&opening, body)).collect()
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_of_thrift_are_refused_and_counted_and_take_no_room() {
    let times = if soak() { 1_000 } else { 10 };
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let formats = formats(&spoor);
    let mut hostile = Vec::new();
    for (format, bodies) in [
        (&formats[0], binary().bodies()),
        (&formats[1], compact().bodies()),
        (&formats[3], zipkin_bodies()),
    ] {
        hostile.extend(bodies.into_iter().map(|body| Post {
            body: Bytes::from(body),
            ..format.clone()
        }));
    }
    for post in posts(&spoor) {
        post.once().await.unwrap();
    }
    let (before, _) = memory(&spoor);
    for round in 0..times {
        for (number, post) in hostile.iter().enumerate() {
            assert_eq!(status(post).await, Ok(400), "body {number}, round {round}");
        }
    }
    for (receiver, bodies) in [("jaeger-thrift", 10), ("zipkin", 4)] {
        let counted = rejected(&spoor, receiver, "undecodable").await;
        assert_eq!(counted, bodies * times, "{receiver}");
    }
    let mut sent = 0;
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for listener in ["jaeger-binary", "jaeger-compact", "zipkin-compact"] {
        let to = spoor.address(listener);
        let datagrams = datagrams(listener);
        let all = [&datagrams[..], &[vec![0; 65_001]]].concat();
        for round in 1..=times {
            // no more at a time than the socket's buffer holds
            for datagram in &all {
                socket.send_to(datagram, to).unwrap();
            }
            sent += all.len();
            for (reason, each) in [("undecodable", datagrams.len() as u64), ("too_large", 1)] {
                eventually(
                    "every datagram is counted",
                    || rejected(&spoor, listener, reason),
                    |counted| *counted == each * round,
                )
                .await;
            }
        }
    }
    let (after, peak) = memory(&spoor);
    println!(
        "hostile Thrift: {} bodies and {sent} datagrams refused and counted, memory +{} KiB, at most +{} KiB",
        hostile.len() as u64 * times,
        after.saturating_sub(before) >> 10,
        peak.saturating_sub(before) >> 10
    );
    assert!(peak.saturating_sub(before) < CLAIMS, "{before} {peak}");
    for post in posts(&spoor) {
        post.once().await.unwrap();
    }
}
