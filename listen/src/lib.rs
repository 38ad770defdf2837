//! Accepting connections for every HTTP/1.1 and HTTP/2 listener of Spoor.
//!
//! In: addresses, TLS files and an [`axum::Router`]. Out: requests, each with a [`Peer`], under limits that hold before a handler runs: how many
//! connections, how long until the first byte, the handshake, the headers, the next piece of a body. It knows no protocol above HTTP but how gRPC is told from others and its reflection, no
//! other route and no flag but the names it is given for its errors.
//!
//! `bind` then `serve`: addresses are known in between, and nothing is accepted before `serve`.
//!
//! Source: delivery promises "HTTP/2 resets and floods; slow clients" and "TLS"; Go's `net/http` for what a client hears that chose the wrong scheme.

mod accept;
mod activity;
mod bind;
mod body;
mod config;
mod connection;
mod drive;
pub mod grpc;
mod inflate;
mod io;
mod metrics;
mod occasional;
mod peer;
pub mod reflection;
mod service;
mod sniff;
pub mod tls;

pub use accept::ServeError;
pub use bind::{BindError, Datagrams, Listener, bind, bind_datagrams};
pub use body::BodyStalled;
pub use config::{Config, Limits};
pub use inflate::{Encoding, InflateError, Room, inflate};
pub use metrics::Metrics;
pub use occasional::Occasional;
pub use peer::{Certificate, Peer};
