//! The bytes of the file. The page for readers is `docs/embedded-format.md`.
//!
//! ```text
//! title    "spoor sampling 1\n"
//! rows     list of: time, unread until, list of: service, operation, count, list of probabilities
//! latest   0 or 1 times: host, time, list of: service, list of: operation, probability and rate (f64);
//!          list of: service that asked
//! xxh3     of all before it, u64
//! ```

use std::collections::{BTreeMap, BTreeSet};

use xxhash_rust::xxh3::xxh3_64;

use crate::embedded::batch::{Reader, put_bytes, put_varint};
use crate::port::{Probabilities, Rate, Throughput, ThroughputRows};
use crate::sampling::{MAX_BYTES, State};

/// A longer file is none: rows and probabilities are never longer here than in memory.
pub(super) const MAX_LEN: u64 = 4 * MAX_BYTES as u64;
const TITLE: &[u8] = b"spoor sampling 1\n";

/// A whole file.
pub(super) fn encode(state: &State) -> Vec<u8> {
    let mut out = TITLE.to_vec();
    put_varint(&mut out, state.appended().len() as u64);
    for appended in state.appended() {
        put_varint(&mut out, appended.time_ns);
        put_varint(&mut out, appended.unread_until_ns);
        put_varint(&mut out, appended.rows.len() as u64);
        for row in &appended.rows {
            put_bytes(&mut out, row.service.as_bytes());
            put_bytes(&mut out, row.operation.as_bytes());
            put_varint(&mut out, row.count);
            put_varint(&mut out, row.probabilities.len() as u64);
            for probability in &row.probabilities {
                put_bytes(&mut out, probability.as_bytes());
            }
        }
    }
    put_varint(&mut out, u64::from(state.latest().is_some()));
    if let Some(latest) = state.latest() {
        put_bytes(&mut out, latest.host.as_bytes());
        put_varint(&mut out, latest.time_ns);
        put_varint(&mut out, latest.services.len() as u64);
        for (service, operations) in &latest.services {
            put_bytes(&mut out, service.as_bytes());
            put_varint(&mut out, operations.len() as u64);
            for (operation, rate) in operations {
                put_bytes(&mut out, operation.as_bytes());
                out.extend_from_slice(&rate.probability.to_le_bytes());
                out.extend_from_slice(&rate.qps.to_le_bytes());
            }
        }
        put_varint(&mut out, latest.asked.len() as u64);
        for service in &latest.asked {
            put_bytes(&mut out, service.as_bytes());
        }
    }
    let sum = xxh3_64(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// What stands in a whole file; `None`: it is none.
pub(super) fn decode(bytes: &[u8]) -> Option<State> {
    let (summed, sum) = bytes.split_last_chunk()?;
    (u64::from_le_bytes(*sum) == xxh3_64(summed)).then_some(())?;
    let mut reader = Reader(summed.strip_prefix(TITLE)?);
    let mut state = State::default();
    for _ in 0..reader.varint()? {
        state.append(rows(&mut reader)?);
    }
    for _ in 0..reader.varint()? {
        state.put(probabilities(&mut reader)?).ok()?;
    }
    reader.0.is_empty().then_some(state)
}

fn rows(reader: &mut Reader<'_>) -> Option<ThroughputRows> {
    let (time_ns, unread_until_ns) = (reader.varint()?, reader.varint()?);
    let mut rows = Vec::new();
    for _ in 0..reader.varint()? {
        let (service, operation) = (reader.text()?.to_owned(), reader.text()?.to_owned());
        let count = reader.varint()?;
        let mut probabilities = BTreeSet::new();
        for _ in 0..reader.varint()? {
            probabilities.insert(reader.text()?.to_owned());
        }
        rows.push(Throughput {
            service,
            operation,
            count,
            probabilities,
        });
    }
    Some(ThroughputRows {
        time_ns,
        unread_until_ns,
        rows,
    })
}

fn probabilities(reader: &mut Reader<'_>) -> Option<Probabilities> {
    let host = reader.text()?.to_owned();
    let time_ns = reader.varint()?;
    let mut services = BTreeMap::new();
    for _ in 0..reader.varint()? {
        let service = reader.text()?.to_owned();
        let mut operations = BTreeMap::new();
        for _ in 0..reader.varint()? {
            let operation = reader.text()?.to_owned();
            let probability = f64::from_le_bytes(reader.array()?);
            let qps = f64::from_le_bytes(reader.array()?);
            operations.insert(operation, Rate { probability, qps });
        }
        services.insert(service, operations);
    }
    let mut asked = BTreeSet::new();
    for _ in 0..reader.varint()? {
        asked.insert(reader.text()?.to_owned());
    }
    Some(Probabilities {
        host,
        time_ns,
        services,
        asked,
    })
}
