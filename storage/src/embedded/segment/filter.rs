//! Filters: whether a hash may be among many. Never a wrong no; about one wrong yes in 200 for tokens and in 2,000 for traces.
//!
//! A filter is blocks of 32 bytes, each eight words of 32 bits, little-endian. The upper half of a hash chooses the block, the lower half
//! one bit in each word: the split-block Bloom filter of Parquet's format, so any reader of Parquet has one. Pages of 4 KiB have a checksum
//! each, so that one look reads one page.

use std::io;

use xxhash_rust::xxh3::xxh3_64;

use super::block::{Out, damaged};
use crate::disk::{self, File};
use crate::embedded::batch::{Reader, put_varint};

const BLOCK: usize = 32;
const PAGE: usize = 4096;
const OUTSIDE: &str = "filter's offset is out of bounds";

/// The multipliers that Parquet's format gives for the eight words.
const SALT: [u32; 8] = [
    0x47b6_137b,
    0x4497_4d91,
    0x8824_ad5b,
    0xa2b7_289d,
    0x7054_95c7,
    0x2df1_424b,
    0x9efc_4947,
    0x5c6b_fb31,
];

/// A filter in memory.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter(Vec<u8>);

/// Where a filter's pages stand, and what they must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pages {
    offset: u64,
    len: u32,
    checksums: Vec<u64>,
}

/// The hash of a tag that a span, its resource or one of its events has.
pub(crate) fn token(key: &str, value: &str) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3Default::new();
    hasher.update(key.as_bytes());
    hasher.update(&[0]);
    hasher.update(value.as_bytes());
    hasher.digest()
}

/// The hash of a trace's id.
pub(crate) fn trace(id: &model::TraceId) -> u64 {
    xxh3_64(&id.0)
}

fn block_of(hash: u64, blocks: usize) -> usize {
    (((hash >> 32) * blocks as u64) >> 32) as usize
}

fn masks(hash: u64) -> [u32; 8] {
    SALT.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

fn holds(block: &[u8], hash: u64) -> bool {
    let words = block.chunks_exact(4).zip(masks(hash));
    words.fold(true, |all, (word, mask)| {
        let word = word.first_chunk().map_or(0, |w| u32::from_le_bytes(*w));
        all & (word & mask != 0)
    })
}

// === impl Filter ===

impl Filter {
    /// An empty filter for this many hashes at about this many bits each.
    pub(crate) fn for_hashes(count: usize, bits: usize) -> Self {
        let blocks = (count * bits).div_ceil(BLOCK * 8).max(1);
        Self(vec![0; blocks * BLOCK])
    }

    /// One that was written.
    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (!bytes.is_empty() && bytes.len().is_multiple_of(BLOCK)).then_some(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn insert(&mut self, hash: u64) {
        let at = block_of(hash, self.0.len() / BLOCK) * BLOCK;
        let words = self.0.get_mut(at..at + BLOCK).unwrap_or_default();
        for (word, mask) in words.chunks_exact_mut(4).zip(masks(hash)) {
            for (byte, bits) in word.iter_mut().zip(mask.to_le_bytes()) {
                *byte |= bits;
            }
        }
    }

    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let at = block_of(hash, self.0.len() / BLOCK) * BLOCK;
        self.0.get(at..at + BLOCK).is_none_or(|b| holds(b, hash))
    }

    /// Writes it as pages, whose offset counts from `base`.
    pub(crate) fn write(&self, out: &mut Out, base: u64) -> io::Result<Pages> {
        let offset = out.at() - base;
        out.put(&self.0)?;
        Ok(Pages {
            offset,
            len: self.0.len() as u32,
            checksums: self.0.chunks(PAGE).map(xxh3_64).collect(),
        })
    }
}

// === impl Pages ===

impl Pages {
    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        put_varint(out, self.offset);
        put_varint(out, u64::from(self.len));
        for sum in &self.checksums {
            out.extend_from_slice(&sum.to_le_bytes());
        }
    }

    pub(crate) fn take(reader: &mut Reader<'_>) -> Option<Self> {
        let offset = reader.varint()?;
        let len = reader.varint32()?;
        let pages = (len as usize).div_ceil(PAGE);
        // a count that the bytes cannot hold must not be set aside for
        ((len as usize).is_multiple_of(BLOCK) && pages <= reader.0.len() / 8).then_some(())?;
        let checksums = (0..pages).map(|_| Some(u64::from_le_bytes(reader.array()?)));
        Some(Self {
            offset,
            len,
            checksums: checksums.collect::<Option<_>>()?,
        })
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>() + self.checksums.len() * 8
    }

    /// Where the pages stand, from where their offset counts.
    pub(crate) fn place(&self) -> (u64, u64) {
        (self.offset, u64::from(self.len))
    }

    /// Reads every page.
    pub(crate) fn verify(&self, file: &dyn File, base: u64) -> io::Result<()> {
        let mut page = [0; PAGE];
        let starts = (0..u64::from(self.len)).step_by(PAGE);
        for (start, checksum) in starts.zip(&self.checksums) {
            let len = (PAGE as u64).min(u64::from(self.len) - start) as usize;
            let page = page.get_mut(..len).unwrap_or_default();
            let at = base.saturating_add(self.offset).saturating_add(start);
            disk::read_exact_at(file, page, at)?;
            if xxh3_64(page) != *checksum {
                return Err(damaged("filter's checksum does not match"));
            }
        }
        Ok(())
    }

    /// Whether the filter may hold `hash`, by reading one page.
    pub(crate) fn may_hold(&self, file: &dyn File, base: u64, hash: u64) -> io::Result<bool> {
        let at = block_of(hash, self.len as usize / BLOCK) * BLOCK;
        let page = at / PAGE;
        let Some(checksum) = self.checksums.get(page) else {
            // an empty filter holds nothing
            return Ok(false);
        };
        let start = page * PAGE;
        let len = PAGE.min(self.len as usize - start);
        let mut bytes = [0; PAGE];
        let bytes = bytes.get_mut(..len).unwrap_or_default();
        let from = base.checked_add(self.offset);
        let from = from.and_then(|from| from.checked_add(start as u64));
        disk::read_exact_at(file, bytes, from.ok_or_else(|| damaged(OUTSIDE))?)?;
        if xxh3_64(bytes) != *checksum {
            return Err(damaged("filter's checksum does not match"));
        }
        let block = bytes.get(at - start..at - start + BLOCK);
        Ok(block.is_none_or(|b| holds(b, hash)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_in_is_there_and_little_else() {
        let mut filter = Filter::for_hashes(10_000, 12);
        let hash = |n: u64| xxh3_64(&n.to_le_bytes());
        (0..10_000).for_each(|n| filter.insert(hash(n)));
        assert!((0..10_000).all(|n| filter.may_hold(hash(n))));
        let wrong = (10_000..110_000).filter(|n| filter.may_hold(hash(*n)));
        assert!(wrong.count() < 1000);
    }

    /// The bits that Parquet's format sets, so that another reader finds them.
    #[test]
    fn the_format_is_what_it_was() {
        let mut filter = Filter::for_hashes(1, 1);
        filter.insert(0x0000_0001_0000_0001);
        let bits: Vec<u32> = SALT.iter().map(|s| 1 << (s >> 27)).collect();
        let bytes: Vec<u8> = bits.iter().flat_map(|w| w.to_le_bytes()).collect();
        assert_eq!(filter.bytes(), bytes);
    }
}
