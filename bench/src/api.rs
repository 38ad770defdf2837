//! Jaeger's HTTP API, as a client of it sees it.
//!
//! In: a base address and questions. Out: replies with the time they took, and traces read from them. Read apart from `query`, so that no
//! mistake of one hides in the other.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

/// A client of one store.
#[derive(Clone, Debug)]
pub struct Api {
    client: reqwest::Client,
    base: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its HTTP status.
    pub status: u16,
    /// All of its body.
    pub body: Bytes,
    /// From the question to the end of the body.
    pub took: Duration,
}

/// A trace of an answer.
#[derive(Debug)]
pub struct FoundTrace {
    /// Its id.
    pub id: u128,
    /// Its spans.
    pub spans: Vec<FoundSpan>,
}

/// A span of an answer.
#[derive(Debug)]
pub struct FoundSpan {
    /// Its id.
    pub id: u64,
    /// The service of its process.
    pub service: String,
    /// The name of its operation.
    pub operation: String,
    /// Its start, microseconds since the Unix epoch.
    pub start_us: u64,
    /// Its duration in microseconds.
    pub duration_us: u64,
    tags: Vec<Tag>,
}

/// An envelope around data.
#[derive(Debug, Deserialize)]
struct Envelope<T> {
    data: Option<T>,
    partial: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct TraceJson {
    #[serde(rename = "traceID")]
    trace_id: String,
    spans: Vec<SpanJson>,
    processes: HashMap<String, ProcessJson>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpanJson {
    #[serde(rename = "spanID")]
    span_id: String,
    operation_name: String,
    start_time: u64,
    duration: u64,
    #[serde(rename = "processID")]
    process_id: String,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessJson {
    service_name: String,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    value: Value,
}

/// A call between services.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FoundCalls {
    /// Who calls.
    pub parent: String,
    /// Who is called.
    pub child: String,
    /// How often.
    pub call_count: u64,
}

// === impl Api ===

impl Api {
    /// Of the store at `http://host:port`.
    pub fn new(base: &str) -> anyhow::Result<Self> {
        Ok(Self {
            client: reqwest::Client::builder()
                .timeout(Duration::from_secs(60))
                .build()?,
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// Asks, and reads the answer to its end.
    pub async fn get(&self, path: &str) -> anyhow::Result<Reply> {
        let asked = Instant::now();
        let answer = self
            .client
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .with_context(|| format!("GET {path}"))?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await?;
        Ok(Reply {
            status,
            body,
            took: asked.elapsed(),
        })
    }
}

// === impl Reply ===

impl Reply {
    /// The data of an answer that is complete; nothing for "not found".
    fn data<T: for<'a> Deserialize<'a>>(&self) -> anyhow::Result<Option<T>> {
        if self.status == 404 {
            return Ok(None);
        }
        if self.status != 200 {
            let text = String::from_utf8_lossy(&self.body);
            let short: String = text.chars().take(200).collect();
            bail!("answered {}: {short}", self.status);
        }
        let envelope: Envelope<T> = serde_json::from_slice(&self.body).context("answered JSON")?;
        if let Some(partial) = envelope.partial {
            bail!("the answer was cut: {partial}");
        }
        Ok(envelope.data)
    }

    /// Its traces.
    pub fn traces(&self) -> anyhow::Result<Vec<FoundTrace>> {
        let traces: Vec<TraceJson> = self.data()?.unwrap_or_default();
        traces.into_iter().map(FoundTrace::try_from).collect()
    }

    /// Its names.
    pub fn names(&self) -> anyhow::Result<Vec<String>> {
        Ok(self.data()?.unwrap_or_default())
    }

    /// Its calls.
    pub fn calls(&self) -> anyhow::Result<Vec<FoundCalls>> {
        Ok(self.data()?.unwrap_or_default())
    }
}

// === impl FoundTrace ===

impl TryFrom<TraceJson> for FoundTrace {
    type Error = anyhow::Error;

    fn try_from(trace: TraceJson) -> anyhow::Result<Self> {
        let spans = trace.spans.into_iter().map(|span| {
            let process = trace.processes.get(&span.process_id);
            Ok(FoundSpan {
                // ids may be written without leading zeros
                id: u64::from_str_radix(&span.span_id, 16).context("a span's id")?,
                service: process
                    .with_context(|| format!("no process {}", span.process_id))?
                    .service_name
                    .clone(),
                operation: span.operation_name,
                start_us: span.start_time,
                duration_us: span.duration,
                tags: span.tags.unwrap_or_default(),
            })
        });
        Ok(Self {
            id: u128::from_str_radix(&trace.trace_id, 16).context("a trace's id")?,
            spans: spans.collect::<anyhow::Result<_>>()?,
        })
    }
}

// === impl FoundSpan ===

impl FoundSpan {
    /// Whether it carries this tag, its value compared as text.
    pub fn has_tag(&self, key: &str, text: &str) -> bool {
        self.tags.iter().any(|tag| {
            tag.key == key
                && match &tag.value {
                    Value::String(value) => value == text,
                    // what is asked for is text and whole numbers
                    other => other.as_i64().is_some_and(|n| text.parse() == Ok(n)),
                }
        })
    }
}

/// `text` as a part of a URL.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
