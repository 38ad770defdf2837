//! Certificates of our own making: an authority for each namespace, and for each instance in it a certificate with its key.
//!
//! In: a folder, an instance, the names it is called by. Out: files that `listen` serves with, or an error that names the file and the setting. What
//! was made is kept: a start writes nothing when all is well. Keyed by `model::Instance`, so that two instances of one name in two namespaces share
//! nothing. Deliberately absent: sockets, and files that an operator gives to a listener, which nobody here writes to.

mod authority;
mod error;
mod folder;
mod issue;
mod layout;
mod leaf;
mod name;

pub use error::Error;
pub use issue::{Issuer, Outcome};
pub use layout::Layout;
pub use name::{InvalidName, Name, names_of};
