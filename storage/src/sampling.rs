//! What adaptive sampling keeps, for stores that one process has to itself: rows and probabilities, bounded, and leases.
//!
//! In: what collectors of this process say. Out: the same. [`State`] is cheap to clone, so that a store can write a changed copy before it
//! shows it.
//!
//! Deliberately absent: files (the embedded store has one), and leases among processes: a lease ends with the process, and so does the
//! lock on its folder.

mod lease;
mod state;

pub(crate) use lease::Leases;
pub(crate) use state::{MAX_BYTES, State};
