//! Layers: decorators on [`TraceWriter`](crate::TraceWriter), each with one concern, put together in [`stack`](crate::stack).
//!
//! In: a batch. Out: what the writer below answers, changed only in the way the layer's page says.
//!
//! Deliberately absent: anything that reads, anything that knows a backend by name. Source of the shape:
//! `linkerd/linkerd2-proxy: linkerd/app/src/lib.rs`.

pub mod coalesce;
pub mod dead_letter;
pub mod fan_out;
pub mod ledger;
pub mod limits;
pub mod meter;
pub mod occasional;
pub mod route;
pub mod sanitize;
pub mod window;

pub use coalesce::Coalesce;
pub use dead_letter::Bury;
pub use fan_out::FanOut;
pub use ledger::{Account, Counts, InFlight, Ledger};
pub use limits::Limits;
pub use meter::Meter;
pub use route::Route;
pub use sanitize::Sanitize;
pub use window::Window;

#[cfg(test)]
pub(crate) mod fake;
