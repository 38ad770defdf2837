//! Takes values off the front of bytes (section 1). What is not there ends the test: these files are whole.

use xxhash_rust::xxh3::xxh3_64;

/// What is left.
#[derive(Clone, Copy)]
pub(crate) struct Bytes<'a>(pub(crate) &'a [u8]);

// === impl Bytes ===

impl<'a> Bytes<'a> {
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        taken
    }

    pub(crate) fn u8(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().unwrap())
    }

    pub(crate) fn varint(&mut self) -> u64 {
        let mut value = 0;
        for shift in 0.. {
            let byte = self.u8();
            value |= u64::from(byte & 0x7f) << (7 * shift);
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    pub(crate) fn size(&mut self) -> usize {
        self.varint().try_into().unwrap()
    }

    pub(crate) fn zigzag(&mut self) -> i64 {
        let code = self.varint();
        (code >> 1) as i64 ^ -((code & 1) as i64)
    }

    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let len = self.size();
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }

    /// A list of what `one` reads.
    pub(crate) fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.size()).map(|_| one(self)).collect()
    }

    /// As many of what `one` reads.
    pub(crate) fn times<T>(&mut self, count: usize, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..count).map(|_| one(self)).collect()
    }
}

/// The checksum, and the hash of everything.
pub(crate) fn xxh3(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Bytes as text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
