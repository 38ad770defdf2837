//! The values of one label, in the order of their rows.
//!
//! ```text
//! 0   as they are: lengths first, where they have any, then bytes; numbers of a fixed width byte by byte, all first bytes first
//! 1   a few that come again: how many, each, and where there are two or more the position of each row's in this list, a byte each
//! ```

use std::ops::Range;

use hashbrown::HashMap;

use super::label::Wire;
use crate::embedded::batch::{Reader, put_varint};

const PLAIN: u8 = 0;
const FEW: u8 = 1;
/// Positions are bytes.
const MOST: usize = 256;

/// Values in a block, any of them at hand. Places count from the block's start.
pub(super) enum Column {
    /// Where the different values stand, and where the positions of the rows' begin.
    Few(Vec<Range<usize>>, usize),
    /// Where each value begins, and where the last ends.
    Plain(Vec<u32>),
    /// Byte by byte: where the first bytes begin, how many bytes a value has, how many values there are.
    Fixed(usize, usize, usize),
}

/// Values to be written.
pub(super) enum Values<'a> {
    /// As they come.
    Plain(Vec<&'a [u8]>),
    /// The different ones, and the position of each row's.
    Few(Vec<&'a [u8]>, Vec<u8>),
}

// === impl Values ===

impl<'a> Values<'a> {
    /// The different ones and their positions, where that is shorter.
    pub(super) fn new(values: Vec<&'a [u8]>) -> Self {
        let most = (values.len() / 2).min(MOST);
        let mut position_of: HashMap<&[u8], u8> = HashMap::new();
        let mut few = Vec::new();
        let mut positions = Vec::with_capacity(values.len());
        for value in &values {
            let position = match position_of.get(value) {
                Some(position) => *position,
                None if few.len() < most => {
                    few.push(*value);
                    let position = (few.len() - 1) as u8;
                    position_of.insert(value, position);
                    position
                }
                None => return Self::Plain(values),
            };
            positions.push(position);
        }
        if few.is_empty() {
            return Self::Plain(values);
        }
        Self::Few(few, positions)
    }

    /// All that are different, some perhaps more than once.
    pub(super) fn different(&self) -> &[&'a [u8]] {
        match self {
            Self::Plain(values) | Self::Few(values, _) => values,
        }
    }

    /// Appends them.
    pub(super) fn put(&self, wire: Wire, out: &mut Vec<u8>) {
        let values = match self {
            Self::Plain(values) => values,
            Self::Few(few, positions) => {
                out.push(FEW);
                put_varint(out, few.len() as u64);
                few.iter().for_each(|value| wire.put(value, out));
                if few.len() > 1 {
                    out.extend_from_slice(positions);
                }
                return;
            }
        };
        out.push(PLAIN);
        match wire {
            Wire::Varint => values.iter().for_each(|v| out.extend_from_slice(v)),
            Wire::Fixed(width) => {
                for nth in 0..width {
                    out.extend(values.iter().filter_map(|v| v.get(nth)));
                }
            }
            Wire::Bytes => {
                values.iter().for_each(|v| put_varint(out, v.len() as u64));
                values.iter().for_each(|v| out.extend_from_slice(v));
            }
        }
    }
}

// === impl Column ===

impl Column {
    /// A column of `count` values, at the front of `reader`, which stands at the end of `block`.
    pub(super) fn take(
        wire: Wire,
        count: usize,
        reader: &mut Reader<'_>,
        block: &[u8],
    ) -> Option<Self> {
        let kind = reader.byte()?;
        let at = |reader: &Reader<'_>| block.len() - reader.0.len();
        match (kind, wire) {
            (FEW, _) => {
                let len = usize::try_from(reader.varint()?).ok()?;
                (1..=MOST).contains(&len).then_some(())?;
                let mut values = Vec::with_capacity(len);
                for _ in 0..len {
                    let value = wire.take(reader)?.len();
                    let end = at(reader);
                    values.push(end - value..end);
                }
                let positions = at(reader);
                if len > 1 {
                    reader.0 = reader.0.get(count..)?;
                }
                Some(Self::Few(values, positions))
            }
            (PLAIN, Wire::Varint) => {
                let mut begins = Vec::with_capacity(count.min(reader.0.len()) + 1);
                for _ in 0..count {
                    begins.push(at(reader) as u32);
                    reader.varint()?;
                }
                begins.push(at(reader) as u32);
                Some(Self::Plain(begins))
            }
            (PLAIN, Wire::Fixed(width)) => {
                let begin = at(reader);
                reader.0 = reader.0.get(width.checked_mul(count)?..)?;
                Some(Self::Fixed(begin, width, count))
            }
            (PLAIN, Wire::Bytes) => {
                // lengths first: from lengths to places once it is known where the bytes begin
                let mut begins = Vec::with_capacity(count.min(reader.0.len()) + 1);
                let mut end = 0_u32;
                begins.push(end);
                for _ in 0..count {
                    end = end.checked_add(reader.varint32()?)?;
                    begins.push(end);
                }
                let begin = u32::try_from(at(reader)).ok()?;
                reader.0 = reader.0.get(end as usize..)?;
                for place in &mut begins {
                    *place = place.checked_add(begin)?;
                }
                Some(Self::Plain(begins))
            }
            _ => None,
        }
    }

    /// The `nth` value. One that does not stand in one piece is put together in `pieces`.
    pub(super) fn get<'a>(
        &self,
        nth: usize,
        block: &'a [u8],
        pieces: &'a mut [u8; 8],
    ) -> Option<&'a [u8]> {
        match self {
            Self::Few(values, positions) => {
                let position = match values.len() {
                    1 => 0,
                    _ => *block.get(positions.checked_add(nth)?)?,
                };
                block.get(values.get(usize::from(position))?.clone())
            }
            Self::Plain(begins) => {
                let (begin, end) = (*begins.get(nth)?, *begins.get(nth + 1)?);
                block.get(begin as usize..end as usize)
            }
            Self::Fixed(begin, width, count) => {
                let value = pieces.get_mut(..*width)?;
                for (plane, to) in value.iter_mut().enumerate() {
                    *to = *block.get(begin + plane * count + nth)?;
                }
                Some(value)
            }
        }
    }

    /// Bytes of memory.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Few(values, _) => size_of::<Self>() + values.len() * size_of::<Range<usize>>(),
            Self::Plain(begins) => size_of::<Self>() + begins.len() * 4,
            Self::Fixed(..) => size_of::<Self>(),
        }
    }
}
