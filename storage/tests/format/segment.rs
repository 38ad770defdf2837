//! A segment (section 3), and its filters (section 4).

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::bytes::{Bytes, hex, xxh3};
use crate::payloads::payloads;
use crate::record;

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

/// What a segment has.
pub(crate) struct Segment {
    pub(crate) instance: String,
    pub(crate) day: u64,
    pub(crate) replaces: Vec<u64>,
    pub(crate) spans: Vec<Json>,
    /// By parent and child, over all hours.
    pub(crate) calls: BTreeMap<(String, String), i64>,
    /// The token filter of each row group.
    pub(crate) tokens: Vec<Vec<u8>>,
    /// How many blocks had no bytes.
    pub(crate) empty_blocks: usize,
    /// How many blocks of payloads were taken apart.
    pub(crate) blocks_apart: usize,
    /// How many blocks were stored as they are, and how many as zstd.
    pub(crate) stored: [usize; 2],
}

struct Pointer {
    offset: usize,
    len: usize,
    raw_len: usize,
    checksum: u64,
}

/// Reads blocks and counts them.
struct File<'a> {
    bytes: &'a [u8],
    stored: [usize; 2],
}

struct RowGroup {
    offset: usize,
    len: usize,
    rows: usize,
    traces: usize,
    starts: (u64, u64),
    longest: u64,
    operations: Vec<usize>,
    groups: Vec<usize>,
    keys: Pointer,
    details: Pointer,
    tokens: (usize, usize, Vec<u64>),
}

/// Whether a filter may hold a hash.
pub(crate) fn may_hold(filter: &[u8], hash: u64) -> bool {
    let blocks = (filter.len() / 32) as u64;
    let block = (((hash >> 32) * blocks) >> 32) as usize;
    let mut words = Bytes(&filter[block * 32..block * 32 + 32]);
    SALT.iter()
        .all(|salt| words.u32() & 1 << ((hash as u32).wrapping_mul(*salt) >> 27) != 0)
}

/// The hash of a tag.
pub(crate) fn token(key: &str, value: &str) -> u64 {
    xxh3(format!("{key}\0{value}").as_bytes())
}

fn pointer(r: &mut Bytes<'_>) -> Pointer {
    Pointer {
        offset: r.size(),
        len: r.size(),
        raw_len: r.size(),
        checksum: r.u64(),
    }
}

fn table(r: &mut Bytes<'_>) -> Vec<(usize, Pointer)> {
    r.list(|r| (r.size(), pointer(r)))
}

fn row_group(r: &mut Bytes<'_>) -> RowGroup {
    let (offset, len, rows, traces) = (r.size(), r.size(), r.size(), r.size());
    let first = r.u64();
    let starts = (first, first + r.varint());
    let longest = r.varint();
    let (operations, groups) = (r.list(Bytes::size), r.list(Bytes::size));
    let (keys, details) = (pointer(r), pointer(r));
    let (at, filter) = (r.size(), r.size());
    let sums = r.times(filter.div_ceil(4096), Bytes::u64);
    RowGroup {
        offset,
        len,
        rows,
        traces,
        starts,
        longest,
        operations,
        groups,
        keys,
        details,
        tokens: (at, filter, sums),
    }
}

// === impl File ===

impl File<'_> {
    fn block(&mut self, pointer: &Pointer, base: usize) -> Vec<u8> {
        let from = base + pointer.offset;
        let bytes = match pointer.len {
            0 => &[],
            len => &self.bytes[from..from + len],
        };
        assert_eq!(xxh3(bytes), pointer.checksum);
        self.stored[usize::from(pointer.raw_len > 0)] += 1;
        if pointer.raw_len == 0 {
            return bytes.to_vec();
        }
        let raw = zstd::bulk::decompress(bytes, pointer.raw_len).unwrap();
        assert_eq!(raw.len(), pointer.raw_len);
        raw
    }

    fn strings(&mut self, table: &[(usize, Pointer)]) -> Vec<Vec<u8>> {
        let mut strings = Vec::new();
        for (count, pointer) in table {
            let page = self.block(pointer, 0);
            let mut page = Bytes(&page);
            strings.extend(page.times(*count, |r| r.bytes().to_vec()));
            assert!(page.0.is_empty());
        }
        strings
    }
}

/// Reads a file that is whole.
pub(crate) fn read(bytes: &[u8]) -> Segment {
    assert!(bytes.starts_with(b"SPOORSG1"));
    let (rest, tail) = bytes.split_at(bytes.len() - 32);
    let mut tail = Bytes(tail);
    let footer = Pointer {
        offset: tail.u64() as usize,
        len: tail.u32() as usize,
        raw_len: tail.u32() as usize,
        checksum: tail.u64(),
    };
    assert_eq!(tail.0, b"SPOORSGF");
    assert_eq!(footer.offset + footer.len, rest.len());
    let mut file = File {
        bytes,
        stored: [0; 2],
    };
    let footer = file.block(&footer, 0);
    let r = &mut Bytes(&footer);
    assert_eq!(r.varint(), 1, "version");
    let (instance, day) = (r.text(), r.varint());
    let (first, last) = (r.varint(), r.varint());
    assert!(first <= last);
    let replaces = r.list(Bytes::varint);
    let (received, starts) = ((r.u64(), r.u64()), (r.u64(), r.u64()));
    assert!(received.0 <= received.1);
    let count = r.size();
    let services = r.list(Bytes::text);
    let (operations, groups) = (table(r), table(r));
    let trace_filter = pointer(r);
    let trace_index = r.list(|r| (r.u64(), pointer(r)));
    let calls = pointer(r);
    let row_groups = r.list(row_group);
    let operations: Vec<_> = file
        .strings(&operations)
        .iter()
        .map(|string| {
            let mut r = Bytes(string);
            (services[r.size()].clone(), r.u8(), r.text())
        })
        .collect();
    let groups: Vec<_> = file
        .strings(&groups)
        .iter()
        .map(|string| {
            let mut r = Bytes(string);
            (r.bytes().to_vec(), r.bytes().to_vec())
        })
        .collect();
    let mut segment = Segment {
        instance,
        day,
        replaces,
        spans: Vec::new(),
        calls: BTreeMap::new(),
        tokens: Vec::new(),
        empty_blocks: 0,
        blocks_apart: 0,
        stored: [0; 2],
    };
    let mut traces = Vec::new();
    for (number, group) in row_groups.iter().enumerate() {
        let ids = rows(&mut file, group, &operations, &groups, &mut segment);
        assert_eq!(ids.len(), group.traces);
        traces.extend((0..).zip(ids).map(|(nth, id)| (xxh3(&id), number, nth)));
        let (at, len, sums) = &group.tokens;
        let filter = &bytes[group.offset + at..group.offset + at + len];
        let found: Vec<_> = filter.chunks(4096).map(xxh3).collect();
        assert_eq!((found, at + len), (sums.clone(), group.len));
        segment.tokens.push(filter.to_vec());
    }
    assert_eq!(segment.spans.len(), count);
    assert_eq!(
        starts,
        (
            row_groups.iter().map(|g| g.starts.0).min().unwrap(),
            row_groups.iter().map(|g| g.starts.1).max().unwrap()
        )
    );
    let filter = file.block(&trace_filter, 0);
    assert!(traces.iter().all(|(hash, _, _)| may_hold(&filter, *hash)));
    let mut entries = Vec::new();
    for (first, pointer) in &trace_index {
        let page = file.block(pointer, 0);
        let mut page = Bytes(&page);
        let count = page.size();
        let hashes = page.times(count, Bytes::u64);
        assert_eq!(hashes[0], *first);
        let places = page.times(count, |r| (r.size(), r.size()));
        entries.extend(hashes.into_iter().zip(places).map(|(h, (g, t))| (h, g, t)));
    }
    traces.sort_unstable();
    assert_eq!(entries, traces);
    let calls = file.block(&calls, 0);
    for (_, parent, child, number) in
        Bytes(&calls).list(|r| (r.varint(), r.text(), r.text(), r.zigzag()))
    {
        *segment.calls.entry((parent, child)).or_default() += number;
    }
    segment.stored = file.stored;
    segment
}

/// Reads the rows of a row group. Answers its traces.
fn rows(
    file: &mut File<'_>,
    group: &RowGroup,
    operations: &[(String, u8, String)],
    groups: &[(Vec<u8>, Vec<u8>)],
    segment: &mut Segment,
) -> Vec<[u8; 16]> {
    let keys = file.block(&group.keys, group.offset);
    let r = &mut Bytes(&keys);
    let trace_count = r.size();
    let traces: Vec<[u8; 16]> = r.times(trace_count, |r| r.take(16).try_into().unwrap());
    let rows_of = r.times(trace_count, Bytes::size);
    let count: usize = rows_of.iter().sum();
    assert_eq!(count, group.rows);
    let mut start = 0_u64;
    let starts = r.times(count, |r| {
        start = start.wrapping_add(r.zigzag() as u64);
        start
    });
    let durations = r.times(count, Bytes::varint);
    let operation = r.times(count, Bytes::size);
    let flags = r.times(count, Bytes::u8);
    assert_eq!(durations.iter().max(), Some(&group.longest));
    let bounds = (*starts.iter().min().unwrap(), *starts.iter().max().unwrap());
    assert_eq!(bounds, group.starts);

    let details = file.block(&group.details, group.offset);
    let r = &mut Bytes(&details);
    let ids = r.times(count, Bytes::u64);
    let codes: Vec<_> = flags
        .iter()
        .map(|f| (f & 2 != 0).then(|| r.size()))
        .collect();
    let trace_of: Vec<_> = (0..trace_count)
        .flat_map(|trace| std::iter::repeat_n(trace, rows_of[trace]))
        .collect();
    let parents: Vec<_> = (0..count)
        .map(|row| {
            let begin: usize = rows_of[..trace_of[row]].iter().sum();
            codes[row].map(|code| match code {
                0 => r.u64(),
                nth => ids[begin + nth - 1],
            })
        })
        .collect();
    let group_of = r.times(count, Bytes::size);
    let lens = r.times(count, Bytes::size);
    let blocks = r.list(|r| (r.size(), pointer(r)));

    let mut row = 0;
    for (rows, pointer) in &blocks {
        segment.empty_blocks += usize::from(pointer.len == 0);
        let (block, is_apart) = payloads(&file.block(pointer, group.offset));
        segment.blocks_apart += usize::from(is_apart);
        let mut block = Bytes(&block);
        for _ in 0..*rows {
            let payload = block.take(lens[row]);
            let (service, kind, name) = &operations[group.operations[operation[row]]];
            let mut record = Vec::new();
            let mut put = |tag: u8, bytes: &[u8]| {
                record.push(tag);
                if tag & 7 == 2 {
                    assert!(bytes.len() < 0x80);
                    record.push(bytes.len() as u8);
                }
                record.extend_from_slice(bytes);
            };
            put(1 << 3 | 2, &traces[trace_of[row]]);
            put(2 << 3 | 2, &ids[row].to_be_bytes());
            if let Some(parent) = parents[row] {
                put(4 << 3 | 2, &parent.to_be_bytes());
            }
            put(5 << 3 | 2, name.as_bytes());
            put(6 << 3, &[*kind]);
            put(7 << 3 | 1, &starts[row].to_le_bytes());
            if flags[row] & 4 == 0 {
                put(8 << 3 | 1, &(starts[row] + durations[row]).to_le_bytes());
            }
            record.extend_from_slice(payload);
            let (resource, scope) = &groups[group.groups[group_of[row]]];
            let span = record::span(&segment.instance, &record, resource, scope);
            assert_eq!(span["trace_id"], hex(&traces[trace_of[row]]));
            let named = span["resource"]["service_name"].as_str();
            assert_eq!(named.unwrap_or_default(), service);
            assert_eq!(flags[row] & 1 != 0, span["status"]["code"] == 2);
            segment.spans.push(span);
            row += 1;
        }
        assert!(block.0.is_empty());
    }
    assert_eq!(row, count);
    traces
}
