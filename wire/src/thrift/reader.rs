//! What both protocols have in common: structs of numbered fields, lists, and passing over what nobody asked for.
//!
//! In: a message. Out: fields, numbers, and slices that share it. A declared count is compared with what is left before it is believed, and
//! what is passed over may nest [`MAX_DEPTH`] levels. What a field means is the caller's business.
//!
//! Source: `apache/thrift: doc/specs/thrift-binary-protocol.md` and `thrift-compact-protocol.md`.

use model::Slice;

use super::input::Input;
use crate::budget::Budget;
use crate::{DecodeError, MAX_DEPTH};

/// The type of a field's or an element's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// A byte that says it.
    Bool,
    /// A field that is true, and has no value behind it.
    True,
    /// A field that is false, and has no value behind it.
    False,
    Byte,
    I16,
    I32,
    I64,
    Double,
    /// Bytes or text.
    Binary,
    Struct,
    Map,
    /// A list or a set, which look alike.
    List,
    Uuid,
}

/// What a list's header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    /// What each element is.
    pub(super) element: Type,
    /// How many there are; no more than there are bytes for.
    pub(super) count: usize,
}

/// What a map's header says.
pub(super) struct Map {
    pub(super) key: Type,
    pub(super) value: Type,
    pub(super) count: usize,
}

/// A message's envelope.
pub(super) struct Envelope {
    pub(super) name: Slice,
    /// 1 call, 2 reply, 3 exception, 4 oneway.
    pub(super) kind: u8,
}

/// A field: its number and its type.
pub(super) type Field = (i16, Type);

/// A message in one protocol.
pub(super) trait Reader<'a> {
    /// What is left of the message.
    fn input(&mut self) -> &mut Input<'a>;
    /// The next field of a struct, whose last field was `last`; `None` at its end.
    fn field(&mut self, last: i16, what: &'static str) -> Result<Option<Field>, DecodeError>;
    /// A bool that has a byte of its own.
    fn bool_byte(&mut self, what: &'static str) -> Result<bool, DecodeError>;
    /// A number.
    fn i16(&mut self, what: &'static str) -> Result<i16, DecodeError>;
    /// A number.
    fn i32(&mut self, what: &'static str) -> Result<i32, DecodeError>;
    /// A number.
    fn i64(&mut self, what: &'static str) -> Result<i64, DecodeError>;
    /// A number.
    fn double(&mut self, what: &'static str) -> Result<f64, DecodeError>;
    /// How many bytes follow, of which none is read yet.
    fn len(&mut self, what: &'static str) -> Result<usize, DecodeError>;
    /// A list's header, as it stands there: its count is not compared with anything.
    fn raw_list(&mut self, what: &'static str) -> Result<(Option<Type>, usize), DecodeError>;
    /// A map's header, as it stands there; `None` when the map is empty.
    fn raw_map(&mut self, what: &'static str) -> Result<Option<Map>, DecodeError>;
    /// A message's envelope.
    fn envelope(&mut self) -> Result<Envelope, DecodeError>;
    /// The fewest bytes that an element of type `element` takes; never 0.
    fn smallest(element: Type) -> usize;
    /// How many bytes an element takes, where all take as many.
    fn fixed(element: Type) -> Option<usize>;

    /// A list's header. An empty list may have elements of any type, since some clients write none.
    fn list(&mut self, what: &'static str) -> Result<List, DecodeError> {
        let (element, count) = self.raw_list(what)?;
        let input = self.input();
        match element {
            None if count == 0 => Ok(List {
                element: Type::Byte,
                count,
            }),
            None => Err(input.invalid(what)),
            Some(element) if count > input.left() / Self::smallest(element) => {
                Err(input.truncated(what))
            }
            Some(element) => Ok(List { element, count }),
        }
    }

    /// The header of a field that is a list of structs, each of `smallest` bytes at least; and room for them.
    fn structs<T>(
        &mut self,
        found: Type,
        smallest: usize,
        what: &'static str,
        budget: &mut Budget,
    ) -> Result<(usize, Vec<T>), DecodeError> {
        self.expect(found, Type::List, what)?;
        let count = self.struct_count(smallest, what)?;
        Ok((count, budget.list(count)?))
    }

    /// The header of a list of structs, each of `smallest` bytes at least: how many there are.
    fn struct_count(&mut self, smallest: usize, what: &'static str) -> Result<usize, DecodeError> {
        let list = self.list(what)?;
        if list.count == 0 {
            return Ok(0);
        }
        self.expect(list.element, Type::Struct, what)?;
        if list.count > self.input().left() / smallest {
            return Err(self.input().truncated(what));
        }
        Ok(list.count)
    }

    /// An error unless `found` is `wanted`.
    #[inline]
    fn expect(&mut self, found: Type, wanted: Type, what: &'static str) -> Result<(), DecodeError> {
        if found == wanted {
            Ok(())
        } else {
            Err(self.input().invalid(what))
        }
    }

    /// A field that is an i64.
    #[inline]
    fn get_i64(&mut self, found: Type, what: &'static str) -> Result<i64, DecodeError> {
        self.expect(found, Type::I64, what)?;
        self.i64(what)
    }

    /// A field that is an i32.
    #[inline]
    fn get_i32(&mut self, found: Type, what: &'static str) -> Result<i32, DecodeError> {
        self.expect(found, Type::I32, what)?;
        self.i32(what)
    }

    /// A field that is a double.
    #[inline]
    fn get_double(&mut self, found: Type, what: &'static str) -> Result<f64, DecodeError> {
        self.expect(found, Type::Double, what)?;
        self.double(what)
    }

    /// A field that is a bool.
    #[inline]
    fn get_bool(&mut self, found: Type, what: &'static str) -> Result<bool, DecodeError> {
        match found {
            Type::True => Ok(true),
            Type::False => Ok(false),
            Type::Bool => self.bool_byte(what),
            _ => Err(self.input().invalid(what)),
        }
    }

    /// A field that is bytes or text, shared with the message.
    #[inline]
    fn get_bytes(&mut self, found: Type, what: &'static str) -> Result<Slice, DecodeError> {
        self.expect(found, Type::Binary, what)?;
        let len = self.len(what)?;
        self.input().slice(len, what)
    }

    /// Passes over the value of a field that nobody asked for.
    fn skip(&mut self, found: Type) -> Result<(), DecodeError> {
        self.skip_within(found, MAX_DEPTH)
    }

    /// Passes over a value that nests `depth` levels at most.
    fn skip_within(&mut self, found: Type, depth: usize) -> Result<(), DecodeError> {
        const WHAT: &str = "unknown field";
        if let Some(size) = Self::fixed(found) {
            return self.input().skip(size, WHAT);
        }
        match found {
            Type::Binary => {
                let len = self.len(WHAT)?;
                return self.input().skip(len, WHAT);
            }
            Type::I16 | Type::I32 | Type::I64 => return self.i64(WHAT).map(drop),
            _ => {}
        }
        let depth = depth
            .checked_sub(1)
            .ok_or(DecodeError::TooDeep { what: WHAT })?;
        match found {
            Type::Struct => {
                let mut last = 0;
                while let Some((number, inner)) = self.field(last, WHAT)? {
                    last = number;
                    self.skip_within(inner, depth)?;
                }
            }
            Type::Map => {
                let Some(map) = self.raw_map(WHAT)? else {
                    return Ok(());
                };
                let smallest = Self::smallest(map.key) + Self::smallest(map.value);
                if map.count > self.input().left() / smallest {
                    return Err(self.input().truncated(WHAT));
                }
                for _ in 0..map.count {
                    self.skip_within(map.key, depth)?;
                    self.skip_within(map.value, depth)?;
                }
            }
            _ => {
                let list = self.list(WHAT)?;
                for _ in 0..list.count {
                    self.skip_within(list.element, depth)?;
                }
            }
        }
        Ok(())
    }
}

/// The fields of a struct that must be there.
#[derive(Default)]
pub(super) struct Seen(u32);

// === impl Seen ===

impl Seen {
    /// Field `number` was there.
    #[inline]
    pub(super) fn mark(&mut self, number: i16) {
        self.0 |= 1_u32.checked_shl(number as u32).unwrap_or(0);
    }

    /// An error at `at` for the first of `required` that was not there.
    #[inline]
    pub(super) fn require(
        &self,
        required: &[(i16, &'static str)],
        at: usize,
    ) -> Result<(), DecodeError> {
        for &(number, what) in required {
            if self.0 & 1_u32.checked_shl(number as u32).unwrap_or(0) == 0 {
                return Err(DecodeError::Missing { what, at });
            }
        }
        Ok(())
    }
}
