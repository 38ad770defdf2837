//! What an operator can set about receiving spans. Names of settings are Jaeger's, where it has one.

use std::time::Duration;

use access::{Door, Guard};
use model::Instance;
use trust::{Instances, Rules};

use crate::sampling;

/// The collector: its receivers, and what they share.
#[derive(Clone, Debug)]
pub struct Config {
    /// `collector.otlp.grpc.*`, 4317; `None`: off.
    pub otlp_grpc: Option<Receiver>,
    /// `grpc.*`, 17271: what writes to a store that is served to other processes; `None`: off.
    pub storage_grpc: Option<Receiver>,
    /// `collector.otlp.http.*`, 4318; `None`: off.
    pub otlp_http: Option<Receiver>,
    /// `collector.otlp.http.cors.*`
    pub otlp_http_cors: Cors,
    /// `collector.grpc-server.*`, 14250; `None`: off.
    pub jaeger_grpc: Option<Receiver>,
    /// `collector.http-server.*`, 14268; `None`: off.
    pub jaeger_thrift: Option<Receiver>,
    /// `collector.zipkin.*`, 9411; `None`: off.
    pub zipkin: Option<Receiver>,
    /// `collector.zipkin.cors.*`
    pub zipkin_cors: Cors,
    /// `processor.jaeger-compact.*`, 6831; `None`: off.
    pub jaeger_compact: Option<Datagrams>,
    /// `processor.jaeger-binary.*`, 6832; `None`: off.
    pub jaeger_binary: Option<Datagrams>,
    /// `processor.zipkin-compact.*`, 5775; `None`: off.
    pub zipkin_compact: Option<Datagrams>,
    /// `sampling.*`: what SDKs are told that ask.
    pub sampling: sampling::Config,
    /// `http-server.host-port`, 5778; `None`: off.
    pub sampling_http: Option<listen::Config>,
    /// `sampling.grpc.host-port`, 5779; `None`: off.
    pub sampling_grpc: Option<listen::Config>,
    /// Whose requests are taken, and how it is known whose they are.
    pub guard: Guard,
    /// How whoever sends proves who they are.
    pub door: Door,
    /// `collector.tags`: given to the process or resource of every span, in this order.
    pub tags: Vec<(String, String)>,
    /// `downsampling.ratio`: the share of traces that is kept, 0 to 1 (1).
    pub downsampling_ratio: f64,
    /// `downsampling.hashsalt`: collectors with the same one keep the same traces; empty: Jaeger's.
    pub downsampling_salt: String,
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

/// One receiver of datagrams.
#[derive(Clone, Debug)]
pub struct Datagrams {
    /// Where it listens.
    pub listener: listen::Config,
    /// The longest datagram that it takes, in bytes.
    pub max_packet_bytes: usize,
    /// How many datagrams may be under way.
    pub queue: usize,
    /// Bytes that the kernel may hold for it; 0: as the system has it.
    pub socket_buffer: usize,
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
            storage_grpc: None,
            otlp_http: None,
            otlp_http_cors: Cors::default(),
            jaeger_grpc: None,
            jaeger_thrift: None,
            zipkin: None,
            zipkin_cors: Cors::default(),
            jaeger_compact: None,
            jaeger_binary: None,
            zipkin_compact: None,
            sampling: sampling::Config::default(),
            sampling_http: None,
            sampling_grpc: None,
            guard: Rules::new(Instances::one(Instance::default())).into(),
            door: Door::default(),
            tags: Vec::new(),
            downsampling_ratio: 1.0,
            downsampling_salt: String::new(),
            budget_bytes: 256 << 20,
            write_timeout: Duration::from_secs(4),
            host: String::new(),
        }
    }
}

impl Config {
    /// The largest message that any receiver takes, in bytes; without receivers, what an HTTP body may be when nothing is set.
    #[must_use]
    pub fn max_message_bytes(&self) -> usize {
        [
            &self.otlp_grpc,
            &self.storage_grpc,
            &self.otlp_http,
            &self.jaeger_grpc,
            &self.jaeger_thrift,
            &self.zipkin,
        ]
        .into_iter()
        .flatten()
        .map(|receiver| receiver.max_message_bytes)
        .max()
        .unwrap_or(HTTP_MAX_BODY_BYTES)
    }
}
