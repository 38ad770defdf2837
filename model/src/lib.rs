//! What a trace is: the plain types that every room speaks.
//!
//! A [`Span`] has OpenTelemetry's meaning and names and is lossless for Jaeger input (see [`Dialect`]). Strings are slices of the
//! request's own buffer ([`Str`]), so decoding copies none.
//!
//! Deliberately absent: I/O, async, serde, every wire library. Formats belong to `wire`.

mod attribute;
mod batch;
mod id;
mod instance;
mod resource;
pub mod sanitize;
mod slice;
mod span;

pub use attribute::{KeyValue, Value};
pub use batch::Batch;
pub use id::{ParseIdError, SpanId, TraceId};
pub use instance::{Instance, InvalidInstance};
pub use resource::{Resource, Scope};
pub use slice::{Buffer, Slice, Str};
pub use span::{Dialect, Dropped, Event, Link, RefType, Span, SpanKind, Status, StatusCode};
