//! How long it takes from "acknowledged" until a span is found: by its trace's id, and by a search for a tag that only it has.
//!
//! In: a receiver and a query API. Out: times. Spans are of a service of their own, so that they do not mix with a load's.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::bail;
use bytes::Bytes;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tonic::transport::Endpoint;

use crate::api::Api;
use crate::carrier;
use crate::generator::protobuf::Message;
use crate::rng::Rng;

const SERVICE: &str = "bench-fresh";
const PATIENCE: Duration = Duration::from_secs(60);

/// Times in microseconds.
#[derive(Debug)]
pub struct Figures {
    by_id_us: Histogram<u64>,
    by_search_us: Histogram<u64>,
}

/// Sends `count` spans, one after the other, and asks for each until it is found both ways.
pub async fn run(api: &Api, target: &str, count: usize) -> anyhow::Result<Figures> {
    let channel = Endpoint::from_shared(target.to_owned())?.connect().await?;
    let mut figures = Figures {
        by_id_us: Histogram::new(3)?,
        by_search_us: Histogram::new(3)?,
    };
    for _ in 0..count {
        let now_ns = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |d| d.as_nanos() as u64);
        let mut rng = Rng::new(now_ns);
        let id = (u128::from(rng.next_u64()) << 64) | u128::from(rng.next_u64() | 1);
        let probe = format!("{:016x}", rng.next_u64());
        let body = write_request(id, &probe, now_ns);
        carrier::export_on(channel.clone(), Bytes::from(body)).await?;
        let acknowledged = Instant::now();
        let by_id = format!("/api/traces/{id:032x}");
        let tags = crate::api::escape(&json!({ "bench.probe": probe }).to_string());
        // clocks are the same: it is one machine
        let (start_us, end_us) = (now_ns / 1000 - 60_000_000, now_ns / 1000 + 60_000_000);
        let by_search = format!(
            "/api/traces?service={SERVICE}&tags={tags}&start={start_us}&end={end_us}&limit=20"
        );
        let (by_id, by_search) = tokio::try_join!(
            until_found(api, &by_id, id, acknowledged),
            until_found(api, &by_search, id, acknowledged)
        )?;
        figures.by_id_us.record(by_id)?;
        figures.by_search_us.record(by_search)?;
    }
    Ok(figures)
}

async fn until_found(
    api: &Api,
    path: &str,
    id: u128,
    acknowledged: Instant,
) -> anyhow::Result<u64> {
    while acknowledged.elapsed() < PATIENCE {
        let found = api.get(path).await?.traces()?;
        if found.iter().any(|t| t.id == id) {
            return Ok(acknowledged.elapsed().as_micros() as u64);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    bail!("{path} finds nothing {PATIENCE:?} after its span was acknowledged")
}

/// A request with one span.
fn write_request(id: u128, probe: &str, now_ns: u64) -> Vec<u8> {
    let attribute = |key: &str, text: &str| {
        let (mut value, mut attribute) = (Message::default(), Message::default());
        value.bytes(1, text.as_bytes());
        attribute.bytes(1, key.as_bytes());
        attribute.message(2, &value);
        attribute
    };
    let mut span = Message::default();
    span.bytes(1, &id.to_be_bytes());
    span.bytes(2, &(id as u64 | 1).to_be_bytes());
    span.bytes(5, b"probe");
    span.fixed(7, now_ns - 1_000_000);
    span.fixed(8, now_ns);
    span.message(9, &attribute("bench.probe", probe));
    let (mut resource, mut scope_spans) = (Message::default(), Message::default());
    resource.message(1, &attribute("service.name", SERVICE));
    scope_spans.message(2, &span);
    let (mut resource_spans, mut request) = (Message::default(), Message::default());
    resource_spans.message(1, &resource);
    resource_spans.message(2, &scope_spans);
    request.message(1, &resource_spans);
    request.bytes
}

// === impl Figures ===

impl Figures {
    /// As JSON.
    pub fn to_json(&self, label: &str) -> Value {
        let times = |h: &Histogram<u64>| {
            let ms = |quantile: f64| h.value_at_quantile(quantile) as f64 / 1000.0;
            json!({"count": h.len(), "p50_ms": ms(0.5), "p99_ms": ms(0.99), "max_ms": ms(1.0)})
        };
        json!({"kind": "fresh", "label": label, "by_id": times(&self.by_id_us), "by_search": times(&self.by_search_us)})
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, times) in [("id", &self.by_id_us), ("search", &self.by_search_us)] {
            let ms = |quantile: f64| times.value_at_quantile(quantile) as f64 / 1000.0;
            writeln!(
                f,
                "acknowledged to found by {name}: p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
                ms(0.5),
                ms(0.99),
                ms(1.0)
            )?;
        }
        Ok(())
    }
}
