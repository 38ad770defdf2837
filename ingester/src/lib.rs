//! Spans from Kafka into the port.
//!
//! In: records of Jaeger's topics, or of Spoor's collectors. Out: [`model::Batch`]es to a [`storage::TraceWriter`]; an offset is committed when every span before it is durable, or lies among the dead
//! letters, and never sooner. What the store does not take is tried again, however long that takes; polling goes on meanwhile, so that the group keeps its member.
//!
//! ```text
//! thread: poll → gather by partition → window ─┐ (a ticket a chunk)      commit ◄─ window: everything before is done
//! tasks:                                       └→ decode → whose → write, again and again → the ticket is done
//! ```
//!
//! Deliberately absent: formats (`wire`), and how brokers are reached (`storage::kafka::connection`).
//!
//! Source: `jaegertracing/jaeger: cmd/ingester` v1.76.0; ADR 12.

mod assignment;
pub mod check;
mod chunk;
mod config;
mod consumer;
mod context;
mod ingester;
mod metrics;
mod process;
mod stall;
mod topics;
mod window;

pub use config::{Config, GroupProtocol, Start};
pub use ingester::{Ended, Health, Ingester, Parts, open};
pub use topics::{Topic, Topics};
