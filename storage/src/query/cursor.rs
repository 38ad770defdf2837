//! A place in an answer as text that a client carries to the next request: opaque to it, checked here.
//!
//! In: the window and order of a search, where its last trace stands, and what the search asks for. Out: letters, digits, `-` and `_`. It holds
//! times and an id that stood in the answer, no secret, and no state is kept: spans that arrive meanwhile move no trace that was given into
//! a later page.
//!
//! Deliberately absent: who may use it. A cursor opens nothing that the search itself would not.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use model::TraceId;
use xxhash_rust::xxh3::xxh3_64;

use super::{Order, Place};

const VERSION: u8 = 1;
/// Version, order, window, key, trace, search, checksum.
const BYTES: usize = 1 + 1 + 8 + 8 + 8 + 16 + 8 + 4;

/// Where the next page of an answer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The search's order.
    pub order: Order,
    /// The search's window, which stays what it was on the first page, nanoseconds since the Unix epoch.
    pub start_min_ns: u64,
    /// Its end.
    pub start_max_ns: u64,
    /// Where the last trace stands.
    pub after: Place,
    /// What the search asks for, by [`Cursor::search`].
    pub search: u64,
}

/// A text is no cursor of this search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// It is damaged, or from elsewhere.
    #[error("this is no cursor: send the one of an answer as it is, or none")]
    Invalid,
    /// It is of a search with other conditions.
    #[error("the cursor is of another search: send it with the parameters that it was answered to")]
    OtherSearch,
}

// === impl Cursor ===

impl Cursor {
    /// A number for what a search asks for: of the same parts the same in every version.
    pub fn search<'a>(parts: impl IntoIterator<Item = &'a str>) -> u64 {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        xxh3_64(&bytes)
    }

    /// Reads one that was answered to `search`.
    pub fn parse(text: &str, search: u64) -> Result<Self, CursorError> {
        let cursor = Self::read(text).ok_or(CursorError::Invalid)?;
        if cursor.search == search {
            Ok(cursor)
        } else {
            Err(CursorError::OtherSearch)
        }
    }

    fn read(text: &str) -> Option<Self> {
        if text.len() > 2 * BYTES {
            return None;
        }
        let bytes: [u8; BYTES] = BASE64.decode(text).ok()?.try_into().ok()?;
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        (checksum(body) == *sum).then_some(())?;
        let mut rest = body;
        let [version, order] = take(&mut rest)?;
        let order = *Order::ALL.get(usize::from(order))?;
        (version == VERSION).then_some(())?;
        let mut number = || take(&mut rest).map(u64::from_le_bytes);
        let (start_min_ns, start_max_ns, key_ns) = (number()?, number()?, number()?);
        Some(Self {
            order,
            start_min_ns,
            start_max_ns,
            after: Place {
                key_ns,
                trace_id: TraceId(take(&mut rest)?),
            },
            search: take(&mut rest).map(u64::from_le_bytes)?,
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let order = Order::ALL.iter().position(|order| *order == self.order);
        let mut bytes = vec![VERSION, order.unwrap_or_default() as u8];
        for number in [self.start_min_ns, self.start_max_ns, self.after.key_ns] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.after.trace_id.0);
        bytes.extend_from_slice(&self.search.to_le_bytes());
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        f.write_str(&BASE64.encode(bytes))
    }
}

fn checksum(bytes: &[u8]) -> [u8; 4] {
    (xxh3_64(bytes) as u32).to_le_bytes()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor() -> Cursor {
        Cursor {
            order: Order::LongestFirst,
            start_min_ns: 5,
            start_max_ns: u64::MAX,
            after: Place {
                key_ns: 1_795_420_469_123_456_789,
                trace_id: TraceId::from_halves(1, 2),
            },
            search: Cursor::search(["a", "b"]),
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_is_written() {
        let text = cursor().to_string();
        assert_eq!(Cursor::parse(&text, cursor().search), Ok(cursor()));
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        assert!(text.chars().all(word), "{text}");
    }

    #[test]
    fn one_of_another_search_or_from_elsewhere_is_refused() {
        let text = cursor().to_string();
        let other = Cursor::search(["ab"]);
        assert_eq!(Cursor::parse(&text, other), Err(CursorError::OtherSearch));
        assert_ne!(Cursor::search(["a", "b"]), Cursor::search(["ab", ""]));
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] = if damaged[at] == b'x' { b'y' } else { b'x' };
            let damaged = String::from_utf8(damaged).unwrap();
            let read = Cursor::parse(&damaged, cursor().search);
            assert!(read.is_err(), "{damaged}");
            assert!(Cursor::parse(&text[..at], cursor().search).is_err());
        }
        for text in ["", "ä", "=", &"A".repeat(10_000)] {
            assert_eq!(Cursor::parse(text, 0), Err(CursorError::Invalid));
        }
    }
}
