//! What a journal record of spans holds: the spans in the store's own encoding, and beside them what the head's columns need, so that a
//! replay decodes no span.
//!
//! ```text
//! body    resources, scopes and spans, one after the other (wire::record)
//! index   instance; groups: resource, scope, service; operations: group, kind, name; rows, see `rows`
//! start   of the index in the payload, u32
//! ```
//! Numbers are little-endian or LEB128. Sealing reads the same records, so it decodes nothing twice either.
//!
//! Deliberately absent: compression (see `docs/adr/0003-journal.md`), framing and checksums (the journal's).

mod decode;
mod encode;
mod rows;
mod varint;

pub(crate) use decode::{Malformed, SpanRecord, spans};
#[cfg(test)]
pub(crate) use encode::Encoder;
pub(crate) use encode::{check_len, encode};
pub(crate) use rows::{Row, flags};
pub(crate) use varint::{Reader, put_bytes, put_varint};

#[cfg(test)]
mod tests;
