//! What the process knows of spans on their way in, which is told to whoever asks where a trace has gone.
//!
//! In: from the program, which knows the collector: the ledger of this process, what can never be stored, where spans are taken in, and a way in. Out: plain values. This room asks them
//! and knows no protocol.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use futures_util::future::BoxFuture;
use model::Instance;
use storage::layers::Ledger;
use storage::port::DeadLetterReader;

/// Takes a message of OTLP in for an instance, as a receiver does: `Ok` once it is durable, else why it is not.
pub type Put =
    Arc<dyn Fn(Instance, Vec<u8>) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// What is known. `Default` is a process that takes no spans.
#[derive(Clone, Default)]
pub struct Inflow {
    /// When this process began to count.
    pub since: Option<SystemTime>,
    /// What became of the spans that it took in; `None`: it takes none.
    pub ledger: Option<Arc<Ledger>>,
    /// What can never be stored and is kept; `None`: nobody here can read it.
    pub letters: Option<Arc<dyn DeadLetterReader>>,
    /// Where spans are taken in.
    pub receivers: Vec<Receiver>,
    /// The way in for spans that are made here (`query.demo`); `None`: none are.
    pub put: Option<Put>,
}

/// A port that takes spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// Such as `otlp-grpc`.
    pub protocol: &'static str,
    /// `host:port`; only `:port` where it listens on every address.
    pub address: String,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Where on it spans are sent to, over HTTP.
    pub path: Option<&'static str>,
}

impl fmt::Debug for Inflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflow")
            .field("receivers", &self.receivers)
            .finish_non_exhaustive()
    }
}
