//! One record: a header, a payload, zeros up to a multiple of 8.
//!
//! Little-endian: magic (u32), checksum of the header (u32, low half of xxh3 of bytes 8..48), salt (u32), payload length (u32), sequence
//! (u64), time received (u64, ns), durable end (u32), kind (u8), zeros (3), checksum of the payload (u64, xxh3).
//!
//! The header has a checksum of its own, so that a damaged payload can be stepped over.

use xxhash_rust::xxh3::xxh3_64;

/// The length of a record's header, in bytes.
pub(crate) const HEADER_LEN: usize = 48;

/// What records are aligned to, in bytes.
pub(super) const ALIGN: usize = 8;

/// Of a record's first four bytes.
pub(super) const MAGIC: [u8; 4] = *b"sPr1";

/// What a payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Spans of one instance.
    Spans = 1,
    /// Dead letters.
    DeadLetters = 2,
    /// Nothing: it says that all before it was durable, so that damage there is not taken for a torn write.
    Mark = 3,
}

/// What a record says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// The file's.
    pub(crate) salt: u32,
    /// Length of the payload, in bytes.
    pub(crate) payload_len: u32,
    /// Counts up over all records of a store.
    pub(crate) sequence: u64,
    /// When it was taken in, nanoseconds since the Unix epoch.
    pub(crate) received_ns: u64,
    /// Everything of the file before this offset was durable when the record was written.
    pub(crate) durable_end: u32,
    /// A [`Kind`], or one of a later version.
    pub(crate) kind: u8,
    /// Checksum of the payload.
    pub(crate) checksum: u64,
}

/// A record on its way into the journal: its bytes, with room for the header in front.
pub(crate) struct Pending {
    bytes: Vec<u8>,
    kind: Kind,
    received_ns: u64,
    checksum: u64,
}

// === impl Pending ===

impl Pending {
    /// Of `bytes`, whose first [`HEADER_LEN`] are overwritten later and whose others are the payload. Computes the checksum.
    pub(crate) fn new(kind: Kind, received_ns: u64, mut bytes: Vec<u8>) -> Self {
        if bytes.len() < HEADER_LEN {
            bytes.resize(HEADER_LEN, 0);
        }
        let checksum = xxh3_64(bytes.get(HEADER_LEN..).unwrap_or_default());
        Self {
            bytes,
            kind,
            received_ns,
            checksum,
        }
    }

    /// Of a payload that stands elsewhere.
    pub(crate) fn copy(kind: Kind, received_ns: u64, payload: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(HEADER_LEN + payload.len() + ALIGN);
        bytes.resize(HEADER_LEN, 0);
        bytes.extend_from_slice(payload);
        Self::new(kind, received_ns, bytes)
    }

    /// What it is.
    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// When it was taken in, nanoseconds since the Unix epoch.
    pub(crate) fn received_ns(&self) -> u64 {
        self.received_ns
    }

    /// The payload, once it was written or before.
    pub(crate) fn payload(&self, len: usize) -> &[u8] {
        self.bytes
            .get(HEADER_LEN..HEADER_LEN + len)
            .unwrap_or_default()
    }

    /// The length in the file, padding included.
    pub(crate) fn record_len(&self) -> u64 {
        self.bytes.len().next_multiple_of(ALIGN) as u64
    }

    /// The record's bytes for a place in a file: fills in the header, pads.
    pub(super) fn finish(&mut self, salt: u32, sequence: u64, durable_end: u64) -> &[u8] {
        let payload_len = self.payload_len();
        self.bytes.resize(self.record_len() as usize, 0);
        let header = Header {
            salt,
            payload_len: payload_len as u32,
            sequence,
            received_ns: self.received_ns,
            // files end below 4 GiB
            durable_end: durable_end as u32,
            kind: self.kind as u8,
            checksum: self.checksum,
        };
        if let Some(front) = self.bytes.first_chunk_mut() {
            *front = header.encode();
        }
        &self.bytes
    }

    /// The payload's length, in bytes. Not to be asked after [`Pending::finish`], which pads.
    pub(crate) fn payload_len(&self) -> usize {
        self.bytes.len() - HEADER_LEN
    }
}

// === impl Header ===

impl Header {
    fn encode(&self) -> [u8; HEADER_LEN] {
        let mut out = [0; HEADER_LEN];
        let fields: [&[u8]; 9] = [
            &MAGIC,
            &[0; 4],
            &self.salt.to_le_bytes(),
            &self.payload_len.to_le_bytes(),
            &self.sequence.to_le_bytes(),
            &self.received_ns.to_le_bytes(),
            &self.durable_end.to_le_bytes(),
            &[self.kind, 0, 0, 0],
            &self.checksum.to_le_bytes(),
        ];
        for (to, from) in out.iter_mut().zip(fields.into_iter().flatten()) {
            *to = *from;
        }
        let sum = (xxh3_64(out.get(8..).unwrap_or_default()) as u32).to_le_bytes();
        for (to, from) in out.iter_mut().skip(4).zip(sum) {
            *to = from;
        }
        out
    }

    /// From a record's first bytes; `None` when they are no header.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_LEN] = bytes.first_chunk()?;
        let rest = bytes.strip_prefix(&MAGIC)?;
        let (sum, summed) = rest.split_first_chunk()?;
        if u32::from_le_bytes(*sum) != xxh3_64(summed) as u32 {
            return None;
        }
        let (salt, rest) = summed.split_first_chunk()?;
        let (payload_len, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (received_ns, rest) = rest.split_first_chunk()?;
        let (durable_end, rest) = rest.split_first_chunk()?;
        let (kind, rest) = rest.split_first_chunk::<4>()?;
        Some(Self {
            salt: u32::from_le_bytes(*salt),
            payload_len: u32::from_le_bytes(*payload_len),
            sequence: u64::from_le_bytes(*sequence),
            received_ns: u64::from_le_bytes(*received_ns),
            durable_end: u32::from_le_bytes(*durable_end),
            kind: *kind.first()?,
            checksum: u64::from_le_bytes(*rest.first_chunk()?),
        })
    }

    /// The record's length in the file, padding included.
    pub(super) fn record_len(&self) -> u64 {
        (HEADER_LEN as u64 + u64::from(self.payload_len)).next_multiple_of(ALIGN as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_any_flipped_bit_shows() {
        let mut record = Pending::new(Kind::Spans, 9, vec![1; HEADER_LEN + 5]);
        let bytes = record.finish(3, 4, 64).to_vec();
        assert_eq!(bytes.len(), 56);
        let header = Header::decode(&bytes).unwrap();
        assert_eq!(
            (header.payload_len, header.sequence, header.received_ns),
            (5, 4, 9)
        );
        assert_eq!((header.salt, header.durable_end, header.kind), (3, 64, 1));
        assert_eq!(header.checksum, xxh3_64(&[1; 5]));
        for bit in 0..HEADER_LEN * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bytes), None, "bit {bit}");
        }
    }

    /// The bytes as another machine, of either byte order, has to write them.
    #[test]
    fn a_record_is_little_endian() {
        let mut record = Pending::new(Kind::DeadLetters, 0x0102, b"\0".repeat(HEADER_LEN));
        let bytes = record.finish(0x0a0b_0c0d, 0x05, 0x40);
        assert_eq!(bytes[..4], *b"sPr1");
        assert_eq!(bytes[8..12], [0x0d, 0x0c, 0x0b, 0x0a]);
        assert_eq!(bytes[16..32], *b"\x05\0\0\0\0\0\0\0\x02\x01\0\0\0\0\0\0");
        assert_eq!(bytes[32..40], *b"\x40\0\0\0\x02\0\0\0");
    }
}
