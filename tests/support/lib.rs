//! What the scenarios and the benchmarks share: a Spoor under test, and comparers.
#![allow(
    clippy::indexing_slicing,
    reason = "a test that looks at a wrong place should fail there"
)]

pub mod clients;
pub mod corpus;
pub mod fault_proxy;
pub mod golden;
pub mod golden_v3;
pub mod kafka;
pub mod openid;
pub mod pki;
pub mod prometheus;
pub mod servers;
pub mod spoor;
