//! Records on their way from librdkafka's memory into ours: those of one partition that came together.
//!
//! In: borrowed messages. Out: one buffer for all, each record a slice of it, so that decoding copies no text.

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use storage::kafka::INSTANCE_HEADER;

/// Records of one partition, in the order of their offsets.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    buffer: Vec<u8>,
    records: Vec<Place>,
}

/// Where a record is in the buffer.
#[derive(Debug)]
struct Place {
    offset: i64,
    received_ns: u64,
    end: usize,
    said: Option<Vec<u8>>,
}

/// A record.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) offset: i64,
    /// The record's time, nanoseconds since the Unix epoch; 0 where it has none.
    pub(crate) received_ns: u64,
    /// What its header says whose it is.
    pub(crate) said: Option<Vec<u8>>,
    pub(crate) value: Bytes,
}

/// A header that is longer names no instance, and is kept as far as it is shown.
const MAX_SAID: usize = 512;

// === impl Chunk ===

impl Chunk {
    pub(crate) fn push(&mut self, message: &BorrowedMessage<'_>) {
        let said = message.headers().and_then(|headers| {
            let found = headers
                .iter()
                .find(|header| header.key == INSTANCE_HEADER)?;
            let value = found.value.unwrap_or_default();
            Some(value.get(..MAX_SAID).unwrap_or(value).to_vec())
        });
        self.add(
            message.offset(),
            message.timestamp().to_millis().unwrap_or_default(),
            said,
            message.payload().unwrap_or_default(),
        );
    }

    fn add(&mut self, offset: i64, millis: i64, said: Option<Vec<u8>>, value: &[u8]) {
        self.buffer.extend_from_slice(value);
        self.records.push(Place {
            offset,
            received_ns: u64::try_from(millis)
                .unwrap_or_default()
                .saturating_mul(1_000_000),
            end: self.buffer.len(),
            said,
        });
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Of all values.
    pub(crate) fn bytes(&self) -> usize {
        self.buffer.len()
    }

    /// The offset of the first record.
    pub(crate) fn first(&self) -> i64 {
        self.records.first().map_or(0, |first| first.offset)
    }

    /// The offset after the last record.
    pub(crate) fn next(&self) -> i64 {
        self.records
            .last()
            .map_or(0, |last| last.offset.saturating_add(1))
    }

    pub(crate) fn into_records(self) -> impl Iterator<Item = Record> {
        let buffer = Bytes::from(self.buffer);
        let mut start = 0;
        self.records.into_iter().map(move |place| {
            let value = buffer.slice(start..place.end);
            start = place.end;
            Record {
                offset: place.offset,
                received_ns: place.received_ns,
                said: place.said,
                value,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_out_as_they_went_in() {
        let mut chunk = Chunk::default();
        chunk.add(7, 2, None, b"first");
        chunk.add(9, -1, Some(b"a/b".to_vec()), b"");
        chunk.add(12, 0, None, b"third");
        assert_eq!((chunk.len(), chunk.bytes()), (3, 10));
        assert_eq!((chunk.first(), chunk.next()), (7, 13));
        let records: Vec<_> = chunk
            .into_records()
            .map(|record| (record.offset, record.received_ns, record.said, record.value))
            .collect();
        let expect: [(i64, u64, Option<Vec<u8>>, Bytes); 3] = [
            (7, 2_000_000, None, Bytes::from_static(b"first")),
            (9, 0, Some(b"a/b".to_vec()), Bytes::new()),
            (12, 0, None, Bytes::from_static(b"third")),
        ];
        assert_eq!(records, expect);
    }
}
