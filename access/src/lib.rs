//! Who asks, and what they may.
//!
//! In: of a request its headers, its client's certificate and its address. Out: a [`Caller`], or a refusal that says what was wrong with what it showed.
//!
//! Deliberately absent: listening, TLS, which instance a request is about (`trust`), spans.

mod caller;

pub use caller::{Caller, Way};
