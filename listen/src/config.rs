//! What one listener is told: where it listens, with what TLS, within which limits.
//!
//! Plain values; nothing is opened here. Each default stands beside its field and is what the documentation says.

use std::net::SocketAddr;
use std::time::Duration;

use settings::tls::ServerTls;

/// One listener, on one or more addresses that share a router.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its name in logs and in the label `listener`, such as `otlp-grpc`.
    pub name: &'static str,
    /// The setting that moves it elsewhere, such as `collector.otlp.grpc.host-port`: errors name it.
    pub setting: &'static str,
    /// Where to listen. With port 0 all addresses get the same free port.
    pub addrs: Vec<SocketAddr>,
    /// The addresses are the two loopbacks: that one family is missing on this machine is no error.
    pub optional: bool,
    /// Nobody asked for this listener by name: that another program has its address is told, and no error.
    pub dispensable: bool,
    /// TLS; `None` is plaintext.
    pub tls: Option<ServerTls>,
    /// The limits of each connection.
    pub limits: Limits,
}

impl Config {
    /// Plaintext on `addrs` with the default limits.
    pub fn new(name: &'static str, setting: &'static str, addrs: Vec<SocketAddr>) -> Self {
        Self {
            name,
            setting,
            addrs,
            optional: false,
            dispensable: false,
            tls: None,
            limits: Limits::default(),
        }
    }
}

/// What a client may take of us before it is let go.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Open connections of this listener; one more is closed at once (10,000).
    pub max_connections: usize,
    /// From accepting to the first byte (30 s).
    pub first_byte: Duration,
    /// The whole TLS handshake, from its first byte on (10 s).
    pub handshake: Duration,
    /// From the first to the last byte of a request's head (10 s).
    pub headers: Duration,
    /// Between two pieces of a request's body, while a handler waits for one (15 s).
    pub body_progress: Duration,
    /// Between two pieces of an answer, while the client does not take one (30 s).
    pub send_progress: Duration,
    /// A connection without a request (5 min).
    pub idle: Duration,
    /// Head of one request, start line included (32 KiB: bearer tokens are long).
    pub max_header_bytes: u32,
    /// Requests at once on one HTTP/2 connection (256).
    pub max_concurrent_streams: u32,
    /// Streams a client may have reset before we took them up (20): more is a flood, and ends the connection.
    pub max_pending_reset_streams: usize,
    /// Streams that we may have reset for a client's errors (1,024): more ends the connection.
    pub max_local_reset_streams: usize,
    /// Bytes of one body that may lie unread in an HTTP/2 connection (512 KiB).
    pub stream_window: u32,
    /// Bytes of all bodies that may lie unread in an HTTP/2 connection (1 MiB).
    pub connection_window: u32,
    /// Largest HTTP/2 frame that we take (64 KiB).
    pub max_frame_bytes: u32,
    /// How often a silent HTTP/2 client is pinged (60 s), so that a dead one is noticed.
    pub keep_alive: Duration,
    /// How long it may take to answer that ping (20 s).
    pub keep_alive_timeout: Duration,
    /// A connection is asked to end at this age, ± 10 % (never).
    pub max_connection_age: Option<Duration>,
    /// From then on, how long its requests may take; `None`: as long as they do.
    pub max_connection_age_grace: Option<Duration>,
    /// After the shutdown began, how long requests in flight may take before they are cut off (20 s).
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            first_byte: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
            headers: Duration::from_secs(10),
            body_progress: Duration::from_secs(15),
            send_progress: Duration::from_secs(30),
            idle: Duration::from_secs(300),
            max_header_bytes: 32 << 10,
            max_concurrent_streams: 256,
            max_pending_reset_streams: 20,
            max_local_reset_streams: 1024,
            stream_window: 512 << 10,
            connection_window: 1 << 20,
            max_frame_bytes: 64 << 10,
            keep_alive: Duration::from_secs(60),
            keep_alive_timeout: Duration::from_secs(20),
            max_connection_age: None,
            max_connection_age_grace: None,
            shutdown_grace: Duration::from_secs(20),
        }
    }
}
