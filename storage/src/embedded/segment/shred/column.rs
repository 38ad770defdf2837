//! The values of one label, in the order of their rows.
//!
//! ```text
//! 0   as they are: lengths first, where they have any, then bytes; numbers of a fixed width byte by byte, all first bytes first
//! 1   a few that come again: how many, each, and where there are two or more the position of each row's in this list, a byte each
//! ```

use hashbrown::HashMap;

use super::label::Wire;
use crate::embedded::batch::{Reader, put_varint};

const PLAIN: u8 = 0;
const FEW: u8 = 1;
/// Positions are bytes.
const MOST: usize = 256;

/// Values to be taken one after the other.
pub(super) enum Column<'a> {
    Numbers(Reader<'a>),
    Fixed(std::vec::IntoIter<u8>, usize, [u8; 8]),
    Texts {
        lens: Reader<'a>,
        bytes: Reader<'a>,
    },
    Few {
        values: Vec<&'a [u8]>,
        positions: std::slice::Iter<'a, u8>,
    },
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

impl<'a> Column<'a> {
    /// A column of `count` values.
    pub(super) fn take(wire: Wire, count: usize, reader: &mut Reader<'a>) -> Option<Self> {
        match reader.byte()? {
            FEW => {
                let len = usize::try_from(reader.varint()?).ok()?;
                ((1..=MOST).contains(&len)).then_some(())?;
                let mut values = Vec::with_capacity(len);
                for _ in 0..len {
                    values.push(wire.take(reader)?);
                }
                let positions = if len > 1 { count } else { 0 };
                let (positions, rest) = reader.0.split_at_checked(positions)?;
                reader.0 = rest;
                Some(Self::Few {
                    values,
                    positions: positions.iter(),
                })
            }
            PLAIN => match wire {
                Wire::Varint => {
                    let column = *reader;
                    for _ in 0..count {
                        reader.varint()?;
                    }
                    Some(Self::Numbers(column))
                }
                Wire::Fixed(width) => {
                    let (planes, rest) = reader.0.split_at_checked(width.checked_mul(count)?)?;
                    reader.0 = rest;
                    let mut bytes = vec![0; planes.len()];
                    for (nth, plane) in planes.chunks_exact(count.max(1)).enumerate() {
                        let places = bytes.iter_mut().skip(nth).step_by(width);
                        places.zip(plane).for_each(|(to, from)| *to = *from);
                    }
                    Some(Self::Fixed(bytes.into_iter(), width, [0; 8]))
                }
                Wire::Bytes => {
                    let lens = *reader;
                    let mut all = 0usize;
                    for _ in 0..count {
                        all = all.checked_add(reader.varint32()? as usize)?;
                    }
                    let (bytes, rest) = reader.0.split_at_checked(all)?;
                    reader.0 = rest;
                    let bytes = Reader(bytes);
                    Some(Self::Texts { lens, bytes })
                }
            },
            _ => None,
        }
    }

    /// The next value.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        match self {
            Self::Numbers(reader) => Wire::Varint.take(reader),
            Self::Fixed(bytes, width, value) => {
                let value = value.get_mut(..*width)?;
                for to in value.iter_mut() {
                    *to = bytes.next()?;
                }
                Some(value)
            }
            Self::Texts { lens, bytes } => {
                let (value, rest) = bytes.0.split_at_checked(lens.varint()? as usize)?;
                bytes.0 = rest;
                Some(value)
            }
            Self::Few { values, positions } => {
                let position = match values.len() {
                    1 => 0,
                    _ => *positions.next()?,
                };
                values.get(usize::from(position)).copied()
            }
        }
    }
}
