//! A generation file's name and its first bytes.
//!
//! Little-endian: magic (8), version (u32), salt (u32), number (u64), end of the generation before (u64), checksum (u64, xxh3 of what
//! stands before it), zeros up to 64 bytes. Records follow, each at a multiple of 8.

use xxhash_rust::xxh3::xxh3_64;

/// The length of a file's header, in bytes.
pub(super) const LEN: u64 = 64;

const MAGIC: &[u8; 8] = b"SPOORJNL";
const VERSION: u32 = 1;
const SUMMED: usize = 32;

/// What a generation file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHeader {
    /// Stands in every record of the file too, so that bytes a client sent are never taken for a record of ours.
    pub(crate) salt: u32,
    /// The generation's number.
    pub(crate) number: u64,
    /// Everything of the generation before this one that stands before this offset was durable when this one was made.
    pub(crate) previous_end: u64,
}

/// The name of a generation's file.
pub(super) fn name(number: u64) -> String {
    format!("{number:010}.jnl")
}

/// The number in a generation file's name.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".jnl")?;
    if digits.len() < 10 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|n| *n > 0 && *n < u64::MAX)
}

// === impl FileHeader ===

impl FileHeader {
    /// The file's first bytes.
    pub(super) fn encode(&self) -> [u8; LEN as usize] {
        let mut bytes = Vec::with_capacity(LEN as usize);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(&self.previous_end.to_le_bytes());
        bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
        let mut out = [0; LEN as usize];
        for (to, from) in out.iter_mut().zip(bytes) {
            *to = from;
        }
        out
    }

    /// From the file's first bytes; `None` when they are damaged, or of another version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (summed, rest) = bytes.split_at_checked(SUMMED)?;
        if u64::from_le_bytes(*rest.first_chunk()?) != xxh3_64(summed) {
            return None;
        }
        let rest = summed.strip_prefix(MAGIC)?;
        let (version, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        (u32::from_le_bytes(*version) == VERSION).then_some(())?;
        Some(Self {
            salt: u32::from_le_bytes(*salt),
            number: u64::from_le_bytes(*number),
            previous_end: u64::from_le_bytes(*rest.first_chunk()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_any_flipped_bit_shows() {
        let header = FileHeader {
            salt: 7,
            number: 3,
            previous_end: 1 << 33,
        };
        let bytes = header.encode();
        assert_eq!(FileHeader::decode(&bytes), Some(header));
        for bit in 0..40 * 8 {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(FileHeader::decode(&bytes), None);
        }
        assert_eq!(FileHeader::decode(&[]), None);
    }

    /// The bytes as another machine, of either byte order, has to write them.
    #[test]
    fn a_header_is_little_endian() {
        let header = FileHeader {
            salt: 0x0403_0201,
            number: 0x0102,
            previous_end: 0x40,
        };
        assert_eq!(
            header.encode()[..32],
            *b"SPOORJNL\x01\0\0\0\x01\x02\x03\x04\x02\x01\0\0\0\0\0\0\x40\0\0\0\0\0\0\0"
        );
    }

    #[test]
    fn only_names_of_our_own_have_a_number() {
        assert_eq!(number(&name(12)), Some(12));
        assert_eq!(name(12), "0000000012.jnl");
        assert_eq!(number(&name(12_345_678_901)), Some(12_345_678_901));
        for other in [
            "",
            "12.jnl",
            "lost+found",
            "000000001x.jnl",
            "0000000000.jnl",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }
}
