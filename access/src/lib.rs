//! Who asks, and what they may.
//!
//! In: of a request its headers, its client's certificate and its address. Out: a [`Caller`], or a refusal that says what was wrong with what it showed.
//!
//! Deliberately absent: listening, TLS, which instance a request is about (`trust`), spans.

mod basic;
mod caller;
mod door;
mod grants;
mod guard;
pub mod oidc;
mod proxy;
mod random;
mod refusal;

pub use basic::{Passwords, UnusableFile, WrongPassword};
pub use caller::{Caller, Way};
pub use door::{Door, Entry, Remedy, Seen, Unproved};
pub use grants::{Grants, InvalidGrant, Verb, Whom};
pub use guard::{Denied, Guard};
pub use oidc::SignIn;
pub use proxy::{InvalidPeer, Proxy, TrustedPeer};
pub use refusal::{GrpcCode, Refusal};
