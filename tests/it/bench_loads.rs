//! The benchmark, small: what it sends is stored, and every kind of question is answered rightly.

use std::sync::Arc;
use std::time::Duration;

use bench::api::Api;
use bench::expect::Expect;
use bench::load::{self, Measure};
use bench::query::{self, Kind};
use bench::{Epoch, Late, Load, Profile, Protocol, State, Workload, fresh, verify};

use crate::support::{eventually, setup};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_load_is_stored_and_every_question_is_answered_rightly() {
    let (folder, setup) = setup();
    let spoor = setup.start().unwrap();
    // two rounds, the second one incomplete
    let epoch = Arc::new(Epoch::new(&Workload::new(7, Profile::Small, 14_000, 128)));
    let load = Load {
        target: spoor.url("otlp-grpc"),
        protocol: Protocol::OtlpGrpc,
        duration: Duration::from_secs(60),
        in_flight: 8,
        connections: 2,
        rate: None,
        until_gone: false,
        again: None,
        requests: Some(epoch.layout.requests_for(20_000)),
        late: Some(Late {
            share: 0.1,
            min: Duration::from_millis(10),
            max: Duration::from_millis(200),
        }),
    };
    let measure = Measure {
        pids: vec![spoor.pid()],
        disk: Some(setup.directory.clone()),
        quiet: Duration::from_secs(1),
    };
    let figures = load::run(epoch, &load, &measure).await.unwrap();
    assert_eq!(figures.refused(), 0, "{figures}");
    assert!(figures.state.acknowledged_spans >= 20_000, "{figures}");
    assert_eq!(figures.state.rounds.len(), 2);
    assert!(
        figures.to_json("x")["disk_bytes"].as_u64() > Some(1 << 20),
        "{figures}"
    );

    let path = folder.path().join("state.json");
    figures.state.save(&path).unwrap();
    let expect = Arc::new(Expect::new(State::open(&path).unwrap()));
    let api = Api::new(&spoor.url("query-http")).unwrap();
    let verdict = verify::run(&api, &expect, 100).await.unwrap();
    assert_eq!((verdict.traces, verdict.wrong.len()), (100, 0), "{verdict}");
    let mut figures = query::Figures::default();
    for clients in [1, 3] {
        for kind in Kind::ALL {
            let row = query::ask(&api, &expect, kind, clients, 6).await.unwrap();
            assert!(!row.took_us.is_empty());
            figures.rows.push(row);
        }
    }
    assert_eq!(figures.wrong(), 0, "{figures}");
    fresh::run(&api, &load.target, 3).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_has_nothing_is_found_wrong() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let workload = Workload::new(7, Profile::Small, 1_000, 128);
    let epoch = Arc::new(Epoch::new(&workload));
    let load = Load {
        target: spoor.url("otlp-grpc"),
        protocol: Protocol::OtlpGrpc,
        duration: Duration::from_secs(60),
        in_flight: 1,
        connections: 1,
        rate: None,
        until_gone: false,
        again: None,
        requests: Some(epoch.len() as u64),
        late: None,
    };
    let sent = load::run(epoch, &load, &Measure::default()).await.unwrap();
    spoor.kill();
    std::fs::remove_dir_all(&setup.directory).unwrap();
    let spoor = setup.start().unwrap();
    let api = Api::new(&spoor.url("query-http")).unwrap();
    let expect = Arc::new(Expect::new(sent.state));
    let verdict = verify::run(&api, &expect, 20).await.unwrap();
    assert_eq!(verdict.wrong.len(), 20, "{verdict}");
    for kind in [
        Kind::Trace,
        Kind::UniqueTag,
        Kind::CommonTag,
        Kind::Services,
    ] {
        let row = query::ask(&api, &expect, kind, 1, 3).await.unwrap();
        assert_eq!(row.wrong.len(), 3, "{kind:?}");
    }
}

/// Every protocol carries the same spans: each trace is found with all of its spans, whichever way it came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_protocol_carries_every_span() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let api = Api::new(&spoor.url("query-http")).unwrap();
    let mut results = Vec::new();
    for (seed, protocol) in (1..).zip(Protocol::ALL) {
        let target = match protocol {
            Protocol::OtlpGrpc => spoor.url("otlp-grpc"),
            Protocol::OtlpHttp => spoor.url("otlp-http"),
            Protocol::JaegerGrpc => spoor.url("jaeger-grpc"),
            Protocol::ThriftHttp => spoor.url("jaeger-thrift"),
            Protocol::ThriftUdp => format!("udp://{}", spoor.address("jaeger-compact")),
            Protocol::ZipkinJson | Protocol::ZipkinProto => spoor.url("zipkin"),
        };
        let workload = Workload::new(seed, Profile::Common, 2_000, 128);
        let epoch = Arc::new(Epoch::new(&workload));
        let load = Load {
            target,
            protocol,
            duration: Duration::from_secs(60),
            in_flight: 4,
            connections: 2,
            // datagrams that come too fast are lost
            rate: (protocol == Protocol::ThriftUdp).then_some(10_000.0),
            until_gone: false,
            again: None,
            requests: Some(epoch.len() as u64),
            late: None,
        };
        let figures = load::run(epoch, &load, &Measure::default()).await.unwrap();
        assert_eq!(figures.refused(), 0, "{figures}");
        let mut expect = Expect::new(figures.state.clone());
        expect.shared = true;
        let wrong = eventually(
            protocol.name(),
            || async { verify::run(&api, &expect, 50).await.unwrap().wrong },
            Vec::is_empty,
        );
        wrong.await;
        results.push(figures.to_json("spoor"));
    }
    let table = bench::table::write(&results);
    assert_eq!(table.lines().count(), 2 + Protocol::ALL.len(), "{table}");
    println!("{table}");
}
