//! What is sent: a [`Workload`] names it, a [`Layout`] plans it, an [`Epoch`] writes it.
//!
//! Trace `i` and its number of spans are functions of (seed, `i`), so any trace can be checked later. Each request comes from one pod. Times
//! are the wall clock at sending. An epoch is a round of some hundred thousand spans, planned and written once; each time it is sent it has new
//! ids, times and rare values, so that memory is bounded and sending costs little.

mod epoch;
pub mod ids;
pub mod layout;
pub(crate) mod protobuf;
pub mod rng;
mod span;
pub mod topology;
mod workload;

pub use epoch::Epoch;
pub use layout::Layout;
pub use span::{STATUS_CODE, UNIQUE};
pub use workload::{Profile, Shape, Workload};
