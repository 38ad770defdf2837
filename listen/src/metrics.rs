//! What is counted about connections.
//!
//! In: a registry, once a process. Out: counters by listener, and by reason where a limit bit. Requests are counted by the rooms that serve them.

use std::net::SocketAddr;
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::occasional::Occasional;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Label {
    listener: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithReason {
    listener: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WithResult {
    listener: &'static str,
    result: &'static str,
}

/// The metrics of all listeners of a process. Cheap to clone; all clones count together.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    connections: Family<Label, Gauge>,
    accepted: Family<Label, Counter>,
    refused: Family<WithReason, Counter>,
    closed: Family<WithReason, Counter>,
    accept_errors: Family<Label, Counter>,
    panics: Family<Label, Counter>,
    reloads: Family<WithResult, Counter>,
    expiry: Family<Label, Gauge>,
}

impl Metrics {
    /// Registers all of them, under `spoor_listener_…`.
    pub fn register(registry: &mut Registry) -> Self {
        let made = Self::default();
        registry.register(
            "spoor_listener_connections",
            "Open connections",
            made.connections.clone(),
        );
        registry.register(
            "spoor_listener_connections_accepted",
            "Connections accepted",
            made.accepted.clone(),
        );
        registry.register(
            "spoor_listener_connections_refused",
            "Connections refused or cut off for what the client did or did not do",
            made.refused.clone(),
        );
        registry.register(
            "spoor_listener_connections_closed",
            "Connections closed by our own rules",
            made.closed.clone(),
        );
        registry.register(
            "spoor_listener_accept_errors",
            "Failures to accept, such as no file descriptor left",
            made.accept_errors.clone(),
        );
        registry.register(
            "spoor_listener_handler_panics",
            "Requests answered 500 because their handler panicked",
            made.panics.clone(),
        );
        registry.register(
            "spoor_listener_tls_reload",
            "Changes of TLS files: taken up (ok) or not usable (kept_old)",
            made.reloads.clone(),
        );
        registry.register(
            "spoor_listener_tls_certificate_expiry_seconds",
            "When the certificate in use ends, in seconds since 1970",
            made.expiry.clone(),
        );
        made
    }

    pub(crate) fn of(&self, listener: &'static str) -> Arc<Counters> {
        let label = Label { listener };
        Arc::new(Counters {
            listener,
            connections: self.connections.get_or_create_owned(&label),
            accepted: self.accepted.get_or_create_owned(&label),
            accept_errors: self.accept_errors.get_or_create_owned(&label),
            panics: self.panics.get_or_create_owned(&label),
            all: self.clone(),
            said: Said::default(),
        })
    }
}

/// Why a connection was refused or cut off; the client's doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    Cap,
    TlsHandshake,
    PlaintextOnTls,
    TlsOnPlaintext,
    FirstByteTimeout,
    HandshakeTimeout,
    HeaderTimeout,
    BodyTimeout,
    SendTimeout,
}

/// Why we closed a connection that did nothing wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    Idle,
    Age,
    ClientCaRemoved,
    ShutdownGrace,
}

/// The metrics of one listener, and its lines that are not repeated at will.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) listener: &'static str,
    pub(crate) connections: Gauge,
    pub(crate) accepted: Counter,
    pub(crate) accept_errors: Counter,
    pub(crate) panics: Counter,
    all: Metrics,
    said: Said,
}

#[derive(Debug, Default)]
struct Said {
    cap: Occasional,
    handshake: Occasional,
    plaintext_on_tls: Occasional,
    tls_on_plaintext: Occasional,
    slow: Occasional,
    accept: Occasional,
    panic: Occasional,
}

impl Counters {
    /// Counts a refusal and, now and then, says what an operator can do about it.
    pub(crate) fn refuse(&self, reason: Refused, peer: SocketAddr, detail: &str) {
        self.all
            .refused
            .get_or_create(&WithReason {
                listener: self.listener,
                reason: reason.label(),
            })
            .inc();
        let listener = self.listener;
        let kind = match reason {
            Refused::Cap => &self.said.cap,
            Refused::TlsHandshake => &self.said.handshake,
            Refused::PlaintextOnTls => &self.said.plaintext_on_tls,
            Refused::TlsOnPlaintext => &self.said.tls_on_plaintext,
            _ => &self.said.slow,
        };
        kind.tell(|times| tracing::warn!(listener, %peer, reason = reason.label(), times, detail, "{}", reason.advice()));
    }

    pub(crate) fn close(&self, reason: Closed) {
        let reason = match reason {
            Closed::Idle => "idle",
            Closed::Age => "age",
            Closed::ClientCaRemoved => "client_ca_removed",
            Closed::ShutdownGrace => "shutdown_grace",
        };
        self.all
            .closed
            .get_or_create(&WithReason {
                listener: self.listener,
                reason,
            })
            .inc();
    }

    pub(crate) fn accept_failed(&self, error: &std::io::Error) {
        self.accept_errors.inc();
        let listener = self.listener;
        self.said.accept.tell(|times| tracing::error!(listener, %error, times, "cannot accept connections, trying again"));
    }

    pub(crate) fn panicked(&self, path: &str, message: &str) {
        self.panics.inc();
        let listener = self.listener;
        self.said.panic.tell(|times| {
            tracing::error!(
                listener,
                path,
                message,
                times,
                "a request's handler panicked, answered 500"
            );
        });
    }

    pub(crate) fn reloaded(&self, ok: bool) {
        let result = if ok { "ok" } else { "kept_old" };
        self.all
            .reloads
            .get_or_create(&WithResult {
                listener: self.listener,
                result,
            })
            .inc();
    }

    pub(crate) fn certificate_ends(&self, unix_seconds: i64) {
        self.all
            .expiry
            .get_or_create(&Label {
                listener: self.listener,
            })
            .set(unix_seconds);
    }
}

impl Refused {
    fn label(self) -> &'static str {
        match self {
            Self::Cap => "cap",
            Self::TlsHandshake => "tls_handshake",
            Self::PlaintextOnTls => "plaintext_on_tls",
            Self::TlsOnPlaintext => "tls_on_plaintext",
            Self::FirstByteTimeout => "first_byte_timeout",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::HeaderTimeout => "header_timeout",
            Self::BodyTimeout => "body_timeout",
            Self::SendTimeout => "send_timeout",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Cap => {
                "too many open connections: clients should reuse them, or more instances share the load"
            }
            Self::TlsHandshake => {
                "a tls handshake failed: the client must trust the listener's certificate, use tls 1.2 or 1.3 and, where a client-ca is set, show a certificate it signed"
            }
            Self::PlaintextOnTls => {
                "a client spoke plaintext to a tls port: turn tls on in the client, or name the listener in plaintext.listeners"
            }
            Self::TlsOnPlaintext => {
                "a client spoke tls to a plaintext port: set the listener's tls.cert and tls.key, or turn tls off in the client"
            }
            _ => "a client was too slow and was cut off",
        }
    }
}
