//! The embedded store.

mod journal;
