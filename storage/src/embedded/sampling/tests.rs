//! What a restart and a power cut leave of it.

use std::path::Path;

use super::*;
use crate::Backend as _;
use crate::disk::SimulatedDisk;
use crate::embedded::{Config, Embedded};
use crate::port::Rate;

fn folder() -> &'static Path {
    Path::new("/data")
}

fn rows(time_ns: u64) -> ThroughputRows {
    ThroughputRows {
        time_ns,
        unread_until_ns: 0,
        rows: vec![Throughput {
            service: "shop".to_owned(),
            operation: format!("operation-{time_ns}"),
            count: time_ns,
            probabilities: ["0.001000".to_owned()].into(),
        }],
    }
}

fn probabilities(time_ns: u64) -> Probabilities {
    let rate = Rate {
        probability: 0.1 + 0.2,
        qps: 7.0,
    };
    Probabilities {
        host: "a".to_owned(),
        time_ns,
        services: [("shop".to_owned(), [("x".to_owned(), rate)].into())].into(),
        asked: ["cart".to_owned()].into(),
    }
}

fn full() -> State {
    let mut state = State::default();
    state.append(rows(1));
    state.append(rows(2));
    state.put(probabilities(3)).unwrap();
    state
}

fn open(disk: &SimulatedDisk) -> (Sampling, Metrics) {
    let metrics = Metrics::default();
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let sampling = Sampling::open(folder().to_owned(), disk, &metrics);
    (sampling, metrics)
}

#[test]
fn it_reads_back_and_any_damage_shows() {
    for state in [State::default(), full()] {
        let bytes = encoding::encode(&state);
        assert_eq!(encoding::decode(&bytes), Some(state));
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(encoding::decode(&bytes), None, "bit {bit}");
        }
        for len in 0..bytes.len() {
            assert_eq!(encoding::decode(&bytes[..len]), None);
        }
    }
}

#[test]
fn a_full_state_is_no_longer_than_a_file_may_be() {
    let mut state = State::default();
    let short = Throughput {
        probabilities: (0..10).map(|n| format!("0.00000{n}")).collect(),
        ..Throughput::default()
    };
    for time_ns in 1..200 {
        state.append(ThroughputRows {
            time_ns,
            unread_until_ns: 0,
            rows: vec![short.clone(); 200],
        });
    }
    assert!((encoding::encode(&state).len() as u64) < encoding::MAX_LEN);
}

#[test]
fn a_power_cut_leaves_the_old_or_the_new_one() {
    for seed in 0..200 {
        let disk = SimulatedDisk::new(seed);
        disk.create_folder(folder()).unwrap();
        let (sampling, _) = open(&disk);
        let append = |time| {
            sampling.change(|state| {
                state.append(rows(time));
                Ok(())
            })
        };
        append(1).unwrap();
        disk.lose_power_after(1 + seed % 6);
        let written = append(2);
        let shown = sampling.state.read().clone();
        let (sampling, metrics) = open(&disk.reboot());
        let found = sampling.state.read().throughput(0, 9).len();
        assert!((1..=2).contains(&found), "seed {seed}: {found}");
        if written.is_ok() {
            assert_eq!(*sampling.state.read(), shown, "seed {seed}");
        }
        assert_eq!(metrics.damaged.get(), 0);
    }
}

#[test]
fn a_file_that_cannot_be_read_counts_as_empty() {
    let whole = encoding::encode(&full());
    for bytes in [&b""[..], b"rubbish", &whole[1..]] {
        let disk = SimulatedDisk::new(1);
        disk.create_folder(folder()).unwrap();
        disk.overwrite(&folder().join(NAME), bytes);
        let (sampling, metrics) = open(&disk);
        assert_eq!(*sampling.state.read(), State::default());
        assert_eq!(metrics.damaged.get(), 1);
        sampling
            .change(|state| state.put(probabilities(1)))
            .unwrap();
        let (sampling, _) = open(&disk);
        assert!(sampling.state.read().latest().is_some());
    }
}

#[test]
fn what_could_not_be_written_is_not_shown() {
    let disk = SimulatedDisk::new(1);
    disk.create_folder(folder()).unwrap();
    let (sampling, _) = open(&disk);
    disk.lose_power_after(1);
    let error = sampling.change(|state| state.put(probabilities(1)));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("/data/SAMPLING.spoor"), "{error}");
    assert!(error.contains("embedded.directory"), "{error}");
    assert_eq!(*sampling.state.read(), State::default());
}

#[tokio::test]
async fn a_restart_keeps_rows_and_probabilities_and_ends_leases() {
    let disk = SimulatedDisk::new(1);
    let open = || Embedded::open(Config::in_directory(folder()), Arc::new(disk.clone())).unwrap();
    let embedded = open();
    let store = embedded.sampling_store().unwrap();
    store.append_throughput(rows(5)).await.unwrap();
    store.put_probabilities(probabilities(6)).await.unwrap();
    let hour = Duration::from_secs(3600);
    assert!(store.acquire_lease("l", "a", hour).await.unwrap());
    embedded.close().await;
    let late = store.append_throughput(rows(7)).await.unwrap_err();
    assert!(late.is_retryable(), "{late}");
    drop(embedded);
    let embedded = open();
    let store = embedded.sampling_store().unwrap();
    assert_eq!(store.get_throughput(0, 9).await.unwrap(), rows(5).rows);
    let latest = store.get_probabilities().await.unwrap();
    assert_eq!(latest, Some(probabilities(6)));
    assert!(store.acquire_lease("l", "b", hour).await.unwrap());
}
