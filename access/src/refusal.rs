//! Why a token or a session lets nobody in.
//!
//! In: what was wrong with what a caller showed. Out: a word to count by, a sentence for people, and what it is over HTTP and over gRPC. What a stranger wrote is
//! shortened and holds no control characters, so that a sentence may stand in a log line. No token and no password is ever part of one.
//!
//! Source: RFC 6750 section 3 (`WWW-Authenticate`), RFC 9110 (`Retry-After`), gRPC's status codes.

use http::{HeaderValue, StatusCode};

use crate::Remedy;

/// How much of what a stranger wrote is shown, in characters.
const MOST_SHOWN: usize = 100;

/// Why a token or a session lets nobody in. None of them lets anybody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing was shown.
    #[error("nobody is signed in: sign in, or send a token in Authorization")]
    Nobody,
    /// A token that cannot be read as one.
    #[error("this is not a signed token: {0}")]
    NotAToken(&'static str),
    /// A signature of a kind that is not taken, none at all among them.
    #[error(
        "the token is signed with \"{0}\", which is not among the algorithms that are accepted here"
    )]
    Algorithm(String),
    /// The provider has no such key, and was asked.
    #[error("the token is signed with the key \"{0}\", which the provider does not have")]
    UnknownKey(String),
    /// Somebody else's signature, or a token that was changed.
    #[error("the token's signature is not that of the provider's key")]
    BadSignature,
    /// It is over.
    #[error("the token ended {0} seconds ago")]
    Expired(u64),
    /// It is not for now.
    #[error("the token begins in {0} seconds: compare the clocks")]
    NotYetValid(u64),
    /// Another provider's.
    #[error("the token was issued by \"{found}\", and only those of \"{accepted}\" are accepted")]
    WrongIssuer {
        /// Whose it is.
        found: String,
        /// Whose it should be.
        accepted: String,
    },
    /// It was made for another service.
    #[error("the token is for \"{found}\", and only those for \"{accepted}\" are accepted")]
    WrongAudience {
        /// Whom it is for.
        found: String,
        /// Whom it should be for.
        accepted: String,
    },
    /// It does not say what must be known.
    #[error("the token lacks a claim that is needed: {0}")]
    MissingClaim(String),
    /// A token of a sign-in that is not this one.
    #[error("the provider's answer belongs to another sign-in")]
    WrongNonce,
    /// What would have to be known is not known, for now. It says of whom, and why.
    #[error("{0}")]
    Unreachable(String),
    /// As many wait for the provider as may.
    #[error("too many requests wait for the provider's keys")]
    Busy,
    /// A session that is over.
    #[error("the session is over: sign in again")]
    SessionEnded,
    /// A cookie that was changed, or that was sealed with another key.
    #[error(
        "the session's cookie cannot be opened: it was changed, or sealed with a key that is not in use any more"
    )]
    SessionBroken,
    /// More than cookies may hold.
    #[error(
        "what the provider tells of this user takes {bytes} bytes, more than the {most} that cookies may hold: have it tell fewer groups"
    )]
    SessionTooLarge {
        /// How much it is.
        bytes: usize,
        /// How much there may be.
        most: usize,
    },
    /// Another site's page sends a request that changes something.
    #[error("a page of another site sent this request")]
    CrossSite,
    /// An answer of the provider that no sign-in of this browser waits for.
    #[error(
        "no sign-in of this browser waits for this answer: it was begun in another browser, more than ten minutes ago, or cookies are blocked"
    )]
    UnknownSignIn,
    /// Where the browser is to come back to is not known.
    #[error("the request does not say which host it is for: set {0}")]
    NoHost(String),
    /// The provider said no.
    #[error("the provider refused the sign-in: {error}{description}")]
    ProviderRefused {
        /// Its word, such as `access_denied`.
        error: String,
        /// Its sentence in parentheses, or nothing.
        description: String,
    },
}

/// What a refusal is over gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum GrpcCode {
    /// `INVALID_ARGUMENT`.
    InvalidArgument = 3,
    /// `PERMISSION_DENIED`.
    PermissionDenied = 7,
    /// `UNAVAILABLE`: to be tried again.
    Unavailable = 14,
    /// `UNAUTHENTICATED`.
    Unauthenticated = 16,
}

// === impl Refusal ===

impl Refusal {
    /// The word that it is counted by.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Nobody => "nobody",
            Self::NotAToken(_) => "not_a_token",
            Self::Algorithm(_) => "algorithm",
            Self::UnknownKey(_) => "unknown_key",
            Self::BadSignature => "bad_signature",
            Self::Expired(_) => "expired",
            Self::NotYetValid(_) => "not_yet_valid",
            Self::WrongIssuer { .. } => "wrong_issuer",
            Self::WrongAudience { .. } => "wrong_audience",
            Self::MissingClaim(_) => "missing_claim",
            Self::WrongNonce => "wrong_nonce",
            Self::Unreachable(_) => "provider_unreachable",
            Self::Busy => "busy",
            Self::SessionEnded => "session_ended",
            Self::SessionBroken => "session_broken",
            Self::SessionTooLarge { .. } => "session_too_large",
            Self::CrossSite => "cross_site",
            Self::UnknownSignIn => "unknown_sign_in",
            Self::NoHost(_) => "no_host",
            Self::ProviderRefused { .. } => "provider_refused",
        }
    }

    /// Whether at another moment, with other keys or with a provider that answers, there might be none.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::UnknownKey(_) | Self::BadSignature | Self::Unreachable(_) | Self::Busy
        )
    }

    /// What it is over HTTP.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::UnknownSignIn | Self::NoHost(_) => StatusCode::BAD_REQUEST,
            Self::SessionTooLarge { .. } | Self::CrossSite | Self::ProviderRefused { .. } => {
                StatusCode::FORBIDDEN
            }
            Self::Unreachable(_) | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// What whoever is refused can do.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self.status() {
            StatusCode::UNAUTHORIZED => Remedy::Prove,
            StatusCode::SERVICE_UNAVAILABLE => Remedy::Wait,
            _ => Remedy::None,
        }
    }

    /// What it is over gRPC.
    #[must_use]
    pub fn grpc(&self) -> GrpcCode {
        match self.status() {
            StatusCode::UNAUTHORIZED => GrpcCode::Unauthenticated,
            StatusCode::SERVICE_UNAVAILABLE => GrpcCode::Unavailable,
            StatusCode::BAD_REQUEST => GrpcCode::InvalidArgument,
            _ => GrpcCode::PermissionDenied,
        }
    }

    /// After how many seconds the same may be tried again, where that helps.
    #[must_use]
    pub fn retry_after(&self) -> Option<u32> {
        match self {
            Self::Unreachable(_) => Some(5),
            Self::Busy => Some(1),
            _ => None,
        }
    }

    /// The value of `WWW-Authenticate`, where there must be one.
    #[must_use]
    pub fn challenge(&self) -> Option<HeaderValue> {
        if self.status() != StatusCode::UNAUTHORIZED {
            return None;
        }
        let plain = HeaderValue::from_static("Bearer realm=\"spoor\"");
        if matches!(
            self,
            Self::Nobody | Self::SessionEnded | Self::SessionBroken
        ) {
            return Some(plain);
        }
        // of the characters that RFC 6750 grants
        let described: String = self
            .to_string()
            .chars()
            .map(|c| match c {
                '"' | '\\' => '\'',
                ' '..='~' => c,
                _ => '?',
            })
            .collect();
        let text = format!(
            "Bearer realm=\"spoor\", error=\"invalid_token\", error_description=\"{described}\""
        );
        Some(HeaderValue::try_from(text).unwrap_or(plain))
    }
}

// === impl GrpcCode ===

impl From<GrpcCode> for i32 {
    fn from(code: GrpcCode) -> Self {
        code as Self
    }
}

/// What a stranger wrote, as it may stand in a sentence.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(MOST_SHOWN)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(MOST_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(refusal: &Refusal, status: u16, grpc: i32, challenge: Option<&str>) {
        assert_eq!(refusal.status().as_u16(), status, "{refusal:?}");
        assert_eq!(i32::from(refusal.grpc()), grpc, "{refusal:?}");
        let found = refusal.challenge();
        let found = found.as_ref().map(|value| value.to_str().unwrap());
        assert_eq!(found, challenge, "{refusal:?}");
        assert_eq!(refusal.retry_after().is_some(), status == 503);
    }

    #[test]
    fn a_refusal_says_the_same_over_http_and_grpc() {
        let plain = "Bearer realm=\"spoor\"";
        check(&Refusal::Nobody, 401, 16, Some(plain));
        check(&Refusal::SessionEnded, 401, 16, Some(plain));
        let described = "Bearer realm=\"spoor\", error=\"invalid_token\", error_description=\"the token ended 7 seconds ago\"";
        check(&Refusal::Expired(7), 401, 16, Some(described));
        check(&Refusal::Unreachable(String::new()), 503, 14, None);
        check(&Refusal::Busy, 503, 14, None);
        check(&Refusal::CrossSite, 403, 7, None);
        check(&Refusal::UnknownSignIn, 400, 3, None);
    }

    #[test]
    fn a_challenge_holds_no_quote_of_a_strangers() {
        let refusal = Refusal::Algorithm("no\"ne\\é".to_owned());
        let challenge = refusal.challenge().unwrap();
        let text = challenge.to_str().unwrap();
        assert!(text.contains("'no'ne'?'"), "{text}");
    }

    #[test]
    fn what_a_stranger_wrote_is_short_and_one_line() {
        assert_eq!(shown("a\nb"), "a\u{fffd}b");
        assert_eq!(shown(&"x".repeat(101)).chars().count(), 101);
        assert_eq!(shown(&"x".repeat(100)), "x".repeat(100));
    }
}
