//! Runs the fuzz bodies over recorded inputs and mutations of them.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test asks how long it may take, no setting of Spoor, and says what it did"
)]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::*;
use crate::thrift::tests::oracle;

/// Numbers that are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}

/// The recorded inputs of real Jaeger, and each as the formats that it was not recorded in.
fn seeds() -> Vec<Vec<u8>> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/golden");
    let mut cases: Vec<_> = fs::read_dir(golden)
        .unwrap()
        .map(|c| c.unwrap().path())
        .collect();
    cases.sort();
    let mut seeds = Vec::new();
    for case in cases {
        let spans = if let Ok(json) = fs::read(case.join("input.otlp-json.json")) {
            let spans = otlp::decode_json(Bytes::from(json.clone())).unwrap().spans;
            // without the indentation a mutation hits something more often
            seeds.push(otlp::encode_json(&spans));
            seeds.push(json);
            spans
        } else if let Ok(bytes) = fs::read(case.join("input.jaeger-grpc.bin")) {
            seeds.push(bytes.clone());
            proto::decode_post_spans(Bytes::from(bytes)).unwrap().spans
        } else if let Ok(bytes) = fs::read(case.join("input.jaeger-thrift-binary.bin")) {
            seeds.push(bytes.clone());
            let batch = thrift::decode_batch(Bytes::from(bytes), Protocol::Binary).unwrap();
            batch.decoded.spans
        } else {
            for kind in ["v1", "v2"] {
                seeds.extend(fs::read(case.join(format!("input.zipkin-{kind}-json.json"))).ok());
            }
            continue;
        };
        for protocol in PROTOCOLS {
            let shapes = oracle::every_shape(protocol, &spans);
            let zipkin = thrift::decode_zipkin(Bytes::from(shapes[2].clone()), protocol);
            assert_eq!(zipkin.unwrap().spans.len(), 2 * spans.len());
            seeds.extend(shapes);
        }
        seeds.push(otlp::encode(&spans));
        seeds.push(proto::encode_post_spans(&spans));
        for span in &spans {
            for encode in [record::encode_span, proto::encode_span, json::encode_span] {
                let mut bytes = Vec::new();
                encode(span, &mut bytes);
                seeds.push(bytes);
            }
        }
    }
    seeds.push(
        r#gen::zipkin::ListOfSpans {
            spans: vec![zipkin_span(); 2],
        }
        .encode_to_vec(),
    );
    assert!(seeds.len() > 50, "{} seeds", seeds.len());
    seeds
}

/// A span of Zipkin's with all that one can have.
fn zipkin_span() -> r#gen::zipkin::Span {
    let endpoint = r#gen::zipkin::Endpoint {
        service_name: "service".to_owned(),
        ipv4: vec![10, 0, 0, 1],
        ipv6: vec![1; 16],
        port: 80,
    };
    let link = format!(
        "{}|{}|state|{{\"a\":[1]}}|1",
        "1".repeat(32),
        "2".repeat(16)
    );
    let tags = [
        ("error", "true"),
        ("host.name", "host"),
        ("http.path", "/"),
        ("otlp.link.0", &link),
        ("otel.status_code", "OK"),
        ("otel.library.name", "library"),
    ];
    r#gen::zipkin::Span {
        trace_id: vec![1; 16],
        parent_id: vec![2; 8],
        id: vec![3; 8],
        kind: 1,
        name: "name".to_owned(),
        timestamp: 1_795_420_469_000_000,
        duration: 1_000,
        local_endpoint: Some(endpoint.clone()),
        remote_endpoint: Some(endpoint),
        annotations: vec![r#gen::zipkin::Annotation {
            timestamp: 1_795_420_469_000_001,
            value: "event|{\"b\":1.5}|2".to_owned(),
        }],
        tags: tags.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        debug: true,
        shared: true,
    }
}

fn mutate(seed: &[u8], random: &mut Random) -> Vec<u8> {
    let mut data = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(data.len());
        match random.below(6) {
            0 => data.truncate(at),
            1 => data.insert(at, random.below(256) as u8),
            2 if !data.is_empty() => drop(data.remove(at)),
            3 => data.extend_from_within(at..),
            4 if !data.is_empty() => data[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            _ if !data.is_empty() => data[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
    data
}

#[test]
fn no_mutation_of_a_seed_breaks_a_promise() {
    let mut random = Random(7);
    let seeds = seeds();
    for round in 0..40 {
        for seed in &seeds {
            let data = if round == 0 {
                seed.clone()
            } else {
                mutate(seed, &mut random)
            };
            for (_, run) in ALL {
                run(&data);
            }
        }
    }
}

/// A fifth of a second each, or ten minutes with `SPOOR_SOAK=1`.
#[test]
fn each_target_keeps_its_promises_for_its_time() {
    let time = if std::env::var("SPOOR_SOAK").is_ok_and(|soak| soak == "1") {
        Duration::from_secs(600)
    } else {
        Duration::from_millis(200)
    };
    let seeds = &seeds();
    let next = &AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(move || {
                while let Some((name, run)) = ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (until, mut executions) = (Instant::now() + time, 0_u64);
                    let mut random = Random(u64::from(name.as_bytes()[0]) << 8 | name.len() as u64);
                    while Instant::now() < until {
                        let seed = &seeds[random.below(seeds.len())];
                        run(&mutate(seed, &mut random));
                        executions += 1;
                    }
                    println!("{name}: {executions} executions in {time:?}, 0 crashes");
                }
            });
        }
    });
}
