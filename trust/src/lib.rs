//! Whom we trust, and what we show.
//!
//! Certificates of our own making: an authority for each namespace, and for each instance in it a certificate with its key. In: a folder, an instance, the
//! names it is called by. Out: files that `listen` serves with, or an error that names the file and the setting. What was made is kept: a start writes
//! nothing when all is well. Keyed by `model::Instance`, so that two instances of one name in two namespaces share nothing.
//!
//! And connections that we open: in: a TLS block of a client, the store of authorities, a server's name and address. Out: a stream, or what is wrong and which setting mends it.
//!
//! And whose a request is: in: its listener, its client's certificate, its tenant header, of a question the instance that its path names. Out: the instance, or a refusal.
//!
//! Deliberately absent: listening, and writing to files that an operator gives.

mod authority;
mod bundle;
#[cfg(test)]
mod damage;
mod dial;
mod error;
mod facts;
mod finding;
mod folder;
mod instances;
mod issue;
mod kill;
mod kind;
mod layout;
mod leaf;
mod member;
mod name;
mod pair;
mod reason;
mod reconcile;
mod roll;
mod rules;
mod store;
mod survey;
mod turn;

pub use dial::{Changes, DialError, Dialer, PublicKey, Stream, public_key};
pub use error::Error;
pub use facts::Facts;
pub use finding::{Fault, Finding, Outcome, Restored};
pub use instances::{Astray, Instances, InvalidPattern, Names, Pattern, Shown, Stranger, Tenants};
pub use issue::Issuer;
pub use kind::{InvalidKind, Kind};
pub use layout::Layout;
pub use member::Member;
pub use name::{InvalidName, Name, names_of};
pub use reason::Reason;
pub use reconcile::Reconciler;
pub use roll::{InvalidStage, Stage};
pub use rules::Rules;
pub use store::{Flaw, Report, Store, Why};
pub use survey::{Complaint, Row, Survey, survey};
