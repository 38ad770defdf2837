//! The benchmark: a seeded load in any of seven protocols, what a store made of it, and what its queries cost.
//!
//! In: a seed, a profile, addresses and process ids of whatever runs, Spoor or another product. Out: figures, and answers that were wrong. It
//! builds and starts nothing, and speaks to loopback only.
//!
//! [`generator`] says what trace `i` is, a function of (seed, `i`) and nothing else. [`load`] sends it and writes down what was acknowledged
//! ([`State`]); [`verify`], [`query`] and [`fresh`] hold the store's answers against both.
#![allow(
    clippy::indexing_slicing,
    reason = "a measurement that looks at a wrong place should end there"
)]

pub mod api;
pub mod carrier;
pub mod disk;
pub mod expect;
pub mod fresh;
pub mod generator;
pub mod load;
pub mod options;
pub mod plot;
pub mod process;
pub mod protocol;
pub mod query;
pub mod sender;
pub mod state;
pub mod table;
pub mod verify;

pub use generator::{Epoch, Layout, Profile, Shape, Workload, rng};
pub use process::ProcessSample;
pub use protocol::Protocol;
pub use sender::{Late, Load, Outcome, Sent};
pub use state::State;
