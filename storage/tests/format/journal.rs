//! A file of the journal (section 6).

use serde_json::{Value as Json, json};

use crate::bytes::{Bytes, hex, xxh3};
use crate::record;

/// What a file has.
#[derive(Default)]
pub(crate) struct Journal {
    pub(crate) spans: Vec<Json>,
    pub(crate) letters: Vec<Json>,
    /// All flags that rows have.
    pub(crate) row_flags: u8,
    /// Whether its last record is a mark: it was closed in good order.
    pub(crate) closed: bool,
}

/// Reads a file that is whole.
pub(crate) fn read(number: u64, file: &[u8]) -> Journal {
    let mut header = Bytes(&file[..64]);
    assert_eq!(header.take(8), b"SPOORJNL");
    assert_eq!(header.u32(), 1, "version");
    let salt = header.u32();
    assert_eq!(header.u64(), number);
    header.u64();
    assert_eq!(header.u64(), xxh3(&file[..32]));
    assert!(header.0.iter().all(|b| *b == 0));
    let mut journal = Journal::default();
    let (mut at, mut sequence) = (64, None);
    while at + 48 <= file.len() && file[at..at + 48].iter().any(|b| *b != 0) {
        let mut header = Bytes(&file[at..at + 48]);
        assert_eq!(header.take(4), b"sPr1");
        assert_eq!(header.u32(), xxh3(&file[at + 8..at + 48]) as u32);
        assert_eq!(header.u32(), salt);
        let len = header.u32() as usize;
        let this = header.u64();
        assert!(sequence.is_none_or(|before| before + 1 == this));
        sequence = Some(this);
        header.u64();
        assert!(header.u32() as usize <= at, "durable end");
        let kind = header.u8();
        assert_eq!(header.take(3), [0; 3]);
        let payload = &file[at + 48..at + 48 + len];
        assert_eq!(header.u64(), xxh3(payload));
        journal.closed = kind == 3;
        match kind {
            1 => spans(payload, &mut journal),
            2 => letters(payload, &mut journal.letters),
            3 => assert!(payload.is_empty()),
            other => panic!("record of kind {other}"),
        }
        at = (at + 48 + len).next_multiple_of(8);
    }
    journal
}

fn spans(payload: &[u8], journal: &mut Journal) {
    let (rest, mut last) = (
        &payload[..payload.len() - 4],
        Bytes(&payload[payload.len() - 4..]),
    );
    let (body, index) = rest.split_at(last.u32() as usize);
    let mut index = Bytes(index);
    let instance = index.text();
    let part = |offset: usize, len: usize| &body[offset..offset + len];
    let groups = index.list(|r| {
        let resource = part(r.size(), r.size());
        let scope = part(r.size(), r.size());
        (resource, scope, r.text())
    });
    let operations = index.list(|r| (r.size(), r.u8(), r.text()));
    let (mut trace, mut group_before, mut end) = ([0; 16], None, 0);
    for _ in 0..index.size() {
        let flags = index.u8();
        journal.row_flags |= flags;
        if flags & 0x40 == 0 {
            trace.copy_from_slice(index.take(16));
        }
        let id = index.u64();
        let parent = (flags & 2 != 0).then(|| index.u64());
        let (start, duration) = (index.u64(), index.varint());
        let (operation_group, kind, name) = &operations[index.size()];
        let (group, offset) = match flags & 0x80 {
            0 => (index.size(), index.size()),
            _ => (group_before.unwrap(), end),
        };
        let record = part(offset, index.size());
        (group_before, end) = (Some(group), offset + record.len());
        let (resource, scope, service) = &groups[group];
        let span = record::span(&instance, record, resource, scope);
        // the index says what the record says
        assert_eq!(span["trace_id"], hex(&trace));
        assert_eq!(span["span_id"], hex(&id.to_be_bytes()));
        assert_eq!(
            span["parent_span_id"],
            json!(parent.map(|p| hex(&p.to_be_bytes())))
        );
        assert_eq!(span["start_ns"], start.to_string());
        let span_end: u64 = span["end_ns"].as_str().unwrap().parse().unwrap();
        assert_eq!(duration, span_end.saturating_sub(start));
        assert_eq!((&span["name"], &span["kind"]), (&json!(name), &json!(kind)));
        assert_eq!(*operation_group, group);
        assert_eq!(flags & 1 != 0, span["status"]["code"] == 2);
        let named = span["resource"]["service_name"].as_str();
        assert_eq!(named.unwrap_or_default(), service);
        journal.spans.push(span);
    }
    assert!(index.0.is_empty());
}

fn letters(payload: &[u8], out: &mut Vec<Json>) {
    let letters = Bytes(payload).list(|r| {
        json!({
            "instance": r.text(),
            "reason": r.text(),
            "origin": r.text(),
            "payload": hex(r.bytes()),
        })
    });
    out.extend(letters);
}
