//! What can go wrong with a request, by what its sender can do. Each receiver maps it once to its own protocol's words.

use std::time::Duration;

use access::{Denied, Remedy, Unproved};
use storage::port::WriteError;
use trust::Astray;

use tonic::Code;

use crate::admission::Refusal;

/// When a refused sender should come back, unless the store says otherwise.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a request was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// It cannot be decoded: never send it again.
    #[error("cannot decode the request: {0}")]
    Undecodable(String),
    /// It is larger than the receiver takes: send less at a time.
    #[error("{what} is larger than {limit} bytes ({setting})")]
    TooLarge {
        /// The message, the body, or either one inflated.
        what: &'static str,
        /// In bytes.
        limit: usize,
        /// The setting that moves the limit.
        setting: &'static str,
    },
    /// It belongs to no instance: nothing says whose it is, or its sender may not say so, or may not send there.
    #[error("{0}")]
    Denied(#[from] Denied),
    /// What its sender showed proves nothing.
    #[error("{0}")]
    Unproved(#[from] Unproved),
    /// Compressed in a way that the receiver does not know: send it in another.
    #[error("unsupported encoding {0:?}")]
    Encoding(String),
    /// It broke off: the sender went away, or sent too slowly.
    #[error("the request broke off: {0}")]
    Broken(String),
    /// There is no room now: try again later.
    #[error("{0}")]
    Full(#[from] Refusal),
    /// As many datagrams are under way as may be: the sender cannot be told.
    #[error("more datagrams are under way than the server-queue-size of this listener")]
    Crowded,
    /// The store is full or slow: try again, after this long.
    #[error("{reason}")]
    Throttled { after: Duration, reason: String },
    /// The store is away: try again later.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// The store did not answer in time: try again, which is harmless.
    #[error("storage did not confirm the spans in time, try again")]
    Late,
}

// === impl Fault ===

impl Fault {
    /// The word that it is counted by.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Undecodable(_) => "undecodable",
            Self::TooLarge { .. } => "too_large",
            Self::Encoding(_) => "unsupported_encoding",
            Self::Denied(denied) => denied.reason(),
            Self::Unproved(unproved) => unproved.reason(),
            Self::Broken(_) => "broken_off",
            Self::Full(refusal) => refusal.reason(),
            Self::Crowded => "queue_full",
            Self::Throttled { .. } => "storage_throttled",
            Self::Unavailable(_) => "storage_unavailable",
            Self::Late => "deadline",
        }
    }

    /// When sending the same again may succeed; `None`: never.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Undecodable(_) | Self::TooLarge { .. } | Self::Encoding(_) | Self::Denied(_) => {
                None
            }
            Self::Unproved(unproved) => (unproved.remedy() == Remedy::Wait).then_some(RETRY_AFTER),
            Self::Throttled { after, .. } => Some(*after),
            Self::Broken(_) | Self::Full(_) | Self::Crowded | Self::Unavailable(_) | Self::Late => {
                Some(RETRY_AFTER)
            }
        }
    }
}

/// The gRPC code for a sender who may not, in Jaeger's manner.
pub(crate) fn code_of(denied: &Denied) -> Code {
    match denied {
        Denied::SignIn => Code::Unauthenticated,
        Denied::Astray(Astray::Stranger(stranger)) if stranger.is_nameless() => {
            Code::Unauthenticated
        }
        _ => Code::PermissionDenied,
    }
}

/// The gRPC code for what proves nothing.
pub(crate) fn code_of_unproved(unproved: &Unproved) -> Code {
    Code::from(i32::from(unproved.grpc()))
}

impl From<WriteError> for Fault {
    /// For what no part of was stored. `Rejected` is not a fault of the request; should it come here, its words are kept.
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Unavailable { reason } => Self::Unavailable(reason),
            WriteError::Throttled { after, reason } => Self::Throttled { after, reason },
            other @ (WriteError::Rejected(_) | WriteError::Deferred { .. }) => {
                Self::Unavailable(other.to_string())
            }
        }
    }
}
