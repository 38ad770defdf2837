//! A seeded load of OTLP requests, and what a target made of it.
//!
//! In: a seed, a profile, addresses and process ids of whatever runs. Out: figures. It builds and starts nothing.
//!
//! Trace `i` and its number of spans are functions of (seed, `i`), so any trace can be checked later. Each request comes from one pod, so a
//! trace's spans arrive in several requests. Times are the wall clock at sending.

pub mod process;
mod protobuf;
pub mod rng;
pub mod sender;
pub mod template;
mod topology;

pub use process::ProcessSample;
pub use sender::{Load, Outcome, Sent};
pub use template::{Epoch, Profile};
