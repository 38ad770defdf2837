//! Spans from the network into the port.
//!
//! In: requests in other people's protocols, a folder per protocol in `receivers`. Out: [`model::Batch`]es to a
//! [`storage::TraceWriter`], and answers that mean durable. All receivers share one path ([`Parts`] says where it leads) and one
//! budget of bytes ([`admission`]).
//!
//! Deliberately absent: sockets and TLS (`listen`), formats (`wire`), queues of its own, reading anything back.

pub mod admission;
mod bind;
mod clients;
mod config;
mod deadline;
mod downsampling;
mod estimate;
mod fault;
mod inflate;
mod inflow;
mod inlet;
mod instance;
mod intake;
mod metrics;
mod receivers;
pub mod sampling;
mod tags;

pub use bind::{BindError, Receivers, bind};
pub use config::{Config, Cors, Datagrams, GRPC_MAX_MESSAGE_BYTES, HTTP_MAX_BODY_BYTES, Receiver};
pub use inlet::Inlet;
pub use intake::Parts;
