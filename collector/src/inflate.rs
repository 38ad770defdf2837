//! Inflating bodies at the cost of the budget.
//!
//! In: a compressed body that is paid for. Out: the body, charged as it grew, or the fault. How each encoding is read is `listen`'s.

use listen::{Encoding, InflateError};

use crate::admission::Permit;
use crate::fault::Fault;
use crate::inflow::{Limit, make_room};

/// The encoding that a header names.
pub(crate) fn encoding(value: Option<&http::HeaderValue>) -> Result<Encoding, Fault> {
    Encoding::from_header(value).map_err(Fault::Encoding)
}

/// Inflates `input` to at most `limit` bytes. `permit` pays for `input`; what it grows to is charged too, once what `permit` holds beyond
/// the input, as an advance, is used up.
pub(crate) fn inflate(
    encoding: Encoding,
    input: Vec<u8>,
    limit: Limit,
    permit: &mut Permit,
) -> Result<Vec<u8>, Fault> {
    let mut paid = permit.held().saturating_sub(input.len());
    let room = &mut |bytes: &mut Vec<u8>, more| make_room(bytes, more, &mut paid, permit);
    listen::inflate(encoding, input, limit.bytes, room).map_err(|error| match error {
        InflateError::Corrupt(why) => Fault::Undecodable(why),
        InflateError::TooLong(_) => limit.exceeded("inflated request"),
        InflateError::NoRoom(fault) => fault,
    })
}

#[cfg(test)]
mod tests;
