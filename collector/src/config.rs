//! What an operator can set about receiving spans. Names of settings are Jaeger's, where it has one.

use std::time::Duration;

/// The collector: its receivers, and what they share.
#[derive(Clone, Debug)]
pub struct Config {
    /// `collector.otlp.grpc.*`, 4317; `None`: off.
    pub otlp_grpc: Option<Receiver>,
    /// `collector.otlp.http.*`, 4318; `None`: off.
    pub otlp_http: Option<Receiver>,
    /// `collector.otlp.http.cors.*`
    pub otlp_http_cors: Cors,
    /// `collector.grpc-server.*`, 14250; `None`: off.
    pub jaeger_grpc: Option<Receiver>,
    /// `collector.tags`: given to the process or resource of every span, in this order.
    pub tags: Vec<(String, String)>,
    /// `collector.budget-bytes`: memory that requests may hold until they are durable (256 MiB). One instance gets a quarter of it.
    pub budget_bytes: usize,
    /// How long the store may take before a sender is told to try again (4 s: senders give up after 5 s).
    pub write_timeout: Duration,
    /// The name of this machine, for the label `host` of Jaeger's metrics.
    pub host: String,
}

/// One receiver.
#[derive(Clone, Debug)]
pub struct Receiver {
    /// Where it listens.
    pub listener: listen::Config,
    /// The largest message or body that it takes, in bytes, on the wire and inflated.
    pub max_message_bytes: usize,
}

/// Which web pages may send spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins such as `https://shop.example`, each with at most one `*`; empty: none.
    pub allowed_origins: Vec<String>,
    /// Request headers beside the simple ones; `*` allows all.
    pub allowed_headers: Vec<String>,
}

/// The largest gRPC message when nothing is set: 4 MiB.
pub const GRPC_MAX_MESSAGE_BYTES: usize = 4 << 20;
/// The largest HTTP body when nothing is set: 20 MiB.
pub const HTTP_MAX_BODY_BYTES: usize = 20 << 20;

// === impl Config ===

impl Default for Config {
    /// No receivers: where they listen is for the binary to say.
    fn default() -> Self {
        Self {
            otlp_grpc: None,
            otlp_http: None,
            otlp_http_cors: Cors::default(),
            jaeger_grpc: None,
            tags: Vec::new(),
            budget_bytes: 256 << 20,
            write_timeout: Duration::from_secs(4),
            host: String::new(),
        }
    }
}

impl Config {
    /// The largest message that any receiver takes.
    pub(crate) fn max_message_bytes(&self) -> usize {
        [&self.otlp_grpc, &self.otlp_http, &self.jaeger_grpc]
            .into_iter()
            .flatten()
            .map(|receiver| receiver.max_message_bytes)
            .max()
            .unwrap_or(HTTP_MAX_BODY_BYTES)
    }
}
