//! What is left of a span for whoever counts spans and shows none of them.
//!
//! In: nothing. Out: the attributes that are kept at least, beside ids, the parent, times, the name and the service's. They are those that Jaeger's tags say an outcome and a kind with, and
//! those that tell hosts apart.

use wire::jaeger::tags::{ERROR, SPAN_KIND, STATUS_CODE};

/// Attributes of a span, in either dialect.
pub const SPAN_KEYS: [&str; 4] = [SPAN_KIND, ERROR, STATUS_CODE, "http.status_code"];
/// Attributes of a resource, in either dialect.
pub const RESOURCE_KEYS: [&str; 5] = [
    "service.name",
    "host.id",
    "host.ip",
    "host.name",
    "hostname",
];
