//! What a page of ours may load and run, and who may show it in a frame.
//!
//! In: the origins that an operator names. Out: headers. Scripts, styles, fonts and data come from this server alone; a script that stands in a page is never run.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use axum::response::Response;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};

use crate::config::FrameAncestors;

/// Of the plain page.
const PLAIN: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'none'";
/// Of the UI that is built in: its libraries set attributes of style, and add one rule of styles by the word of the page.
const BUILT: &str = "default-src 'none'; script-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'self'";

/// The headers of a page.
#[derive(Clone, Debug)]
pub(in crate::http) struct Policy {
    text: String,
    wants_styles: bool,
}

/// A word that one answer and its page share, and nobody can guess.
pub(in crate::http) struct Nonce(u128);

// === impl Policy ===

impl Policy {
    /// Of the plain page.
    pub(in crate::http) fn of_plain(ancestors: &FrameAncestors) -> Self {
        Self {
            text: format!("{PLAIN}; frame-ancestors {ancestors}"),
            wants_styles: false,
        }
    }

    /// Of the UI that is built in.
    pub(in crate::http) fn of_built(ancestors: &FrameAncestors) -> Self {
        Self {
            text: format!("{BUILT}; frame-ancestors {ancestors}"),
            wants_styles: true,
        }
    }

    /// Puts `response` under it.
    pub(in crate::http) fn guard(&self, response: &mut Response, nonce: Option<&Nonce>) {
        let styles = match nonce {
            Some(nonce) => format!("; style-src 'self' 'nonce-{nonce}'"),
            None if self.wants_styles => "; style-src 'self'".to_owned(),
            None => String::new(),
        };
        let text = format!("{}{styles}", self.text);
        // of checked words; a page without its policy would be worse than none
        let policy = HeaderValue::try_from(text);
        let policy = policy.unwrap_or(HeaderValue::from_static("default-src 'none'"));
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, policy);
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        );
    }
}

// === impl Nonce ===

impl Nonce {
    pub(in crate::http) fn new() -> Self {
        let half = || u128::from(RandomState::new().hash_one(0_u8));
        Self((half() << 64) | half())
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}
