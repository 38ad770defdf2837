//! What an operator sees of all spools, counted when it is asked for: rows of an instance go with its spool.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::Shared;
use super::queue::Spool;

pub(super) struct Shown(pub(super) Arc<Shared>);

/// Name, help, whether it only rises, and its value.
type Row = (&'static str, &'static str, bool, fn(&Spool) -> u64);

const ROWS: [Row; 7] = [
    (
        "spoor_spool_bytes",
        "Bytes of the spool's files",
        false,
        |spool| spool.shared.shares.held(&spool.instance),
    ),
    (
        "spoor_spool_spans",
        "Spans in the spool that the store does not have yet",
        false,
        |spool| spool.log().map_or(0, |log| log.level().spans),
    ),
    (
        "spoor_spool_oldest_seconds",
        "Seconds since the oldest span in the spool was taken in; 0 when it is empty",
        false,
        |spool| {
            let level = spool.log().map(|log| log.level());
            let level = level.filter(|level| level.spans > 0);
            level.map_or(0, |level| {
                (spool.shared.clock)().saturating_sub(level.oldest_ns) / 1_000_000_000
            })
        },
    ),
    (
        "spoor_spool_drained_spans",
        "Spans of the spool that the store confirmed",
        true,
        |spool| spool.counts.drained.load(Ordering::Relaxed),
    ),
    (
        "spoor_spool_rejected_spans",
        "Spans of the spool that the store can never take, kept as dead letters",
        true,
        |spool| spool.counts.rejected.load(Ordering::Relaxed),
    ),
    (
        "spoor_spool_refused",
        "Spans that the spool had no room for, answered retryably",
        true,
        |spool| spool.counts.refused.load(Ordering::Relaxed),
    ),
    (
        "spoor_spool_damaged_records",
        "Records of the spool that are damaged; their files are set aside",
        true,
        |spool| spool.counts.damaged.get(),
    ),
];

impl Collector for Shown {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let spools: Vec<_> = self.0.spools.lock().values().cloned().collect();
        for (name, help, rises, value) in ROWS {
            let kind = if rises {
                MetricType::Counter
            } else {
                MetricType::Gauge
            };
            let mut family = encoder.encode_descriptor(name, help, None, kind)?;
            for spool in &spools {
                let labels = [
                    ("namespace", spool.instance.namespace()),
                    ("instance", spool.instance.name()),
                ];
                let encoder = family.encode_family(&labels)?;
                if rises {
                    ConstCounter::new(value(spool)).encode(encoder)?;
                } else {
                    ConstGauge::new(value(spool) as i64).encode(encoder)?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}
