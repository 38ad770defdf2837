//! Filled below.
pub mod tls;
