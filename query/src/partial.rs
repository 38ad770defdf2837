//! How an answer says in one line that it was cut: in a header over HTTP, in a trailer over gRPC.

use http::{HeaderName, HeaderValue};

/// The name of that line.
pub(crate) const PARTIAL: HeaderName = HeaderName::from_static("spoor-partial");

/// What a header can carry of `text`.
pub(crate) fn header_text(text: &str) -> HeaderValue {
    let visible: String = text
        .chars()
        .map(|c| if matches!(c, ' '..='~') { c } else { '?' })
        .collect();
    HeaderValue::try_from(visible).unwrap_or(HeaderValue::from_static("cut"))
}
