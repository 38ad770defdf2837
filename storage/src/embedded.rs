//! The embedded store.

mod batch;
mod journal;
