//! A block of payloads (section 3.6).

use super::bytes::Bytes;

/// The payloads of a block that is inflated, one after the other, and whether they were taken apart.
pub(crate) fn payloads(block: &[u8]) -> (Vec<u8>, bool) {
    let mut r = Bytes(block);
    if block.is_empty() {
        return (Vec::new(), false);
    }
    match r.u8() {
        0 => (r.0.to_vec(), false),
        1 => (put_together(r), true),
        mark => panic!("mark {mark}"),
    }
}

enum Label {
    End,
    Begin(u64),
    Value(u64),
    Attribute(u64, u8, Vec<u8>),
}

impl Label {
    fn wire(&self) -> Option<u64> {
        match self {
            Self::End | Self::Begin(_) => None,
            Self::Value(tag) => Some(tag & 7),
            Self::Attribute(_, value, _) => Some(u64::from(value & 7)),
        }
    }
}

fn put_together(mut r: Bytes<'_>) -> Vec<u8> {
    let len = r.size();
    let labels = r.list(|r| match r.u8() {
        0 => Label::End,
        1 => Label::Begin(r.varint()),
        2 => Label::Value(r.varint()),
        3 => {
            let tag = r.varint();
            let value = r.u8();
            Label::Attribute(tag, value, r.bytes().to_vec())
        }
        kind => panic!("label {kind}"),
    });
    let shapes = r.list(|r| r.list(Bytes::size));
    let rows = r.list(Bytes::size);
    let places: Vec<usize> = rows.iter().flat_map(|row| shapes[*row].clone()).collect();
    let mut columns: Vec<std::vec::IntoIter<Vec<u8>>> = Vec::new();
    for (number, label) in labels.iter().enumerate() {
        let count = places.iter().filter(|label| **label == number).count();
        let column = label.wire().map(|wire| column(wire, count, &mut r));
        columns.push(column.unwrap_or_default().into_iter());
    }
    assert!(r.0.is_empty());
    // the last is the message that is being written
    let mut open: Vec<Vec<u8>> = vec![Vec::new()];
    let mut tags = Vec::new();
    for place in places {
        let mut value = || columns[place].next().unwrap();
        match &labels[place] {
            Label::Begin(tag) => {
                tags.push(*tag);
                open.push(Vec::new());
            }
            Label::End => {
                let inner = open.pop().unwrap();
                field(open.last_mut().unwrap(), tags.pop().unwrap(), &inner);
            }
            Label::Value(tag) => field(open.last_mut().unwrap(), *tag, &value()),
            Label::Attribute(tag, value_tag, key) => {
                let (mut any, mut attribute) = (Vec::new(), Vec::new());
                field(&mut any, u64::from(*value_tag), &value());
                field(&mut attribute, 10, key);
                field(&mut attribute, 18, &any);
                field(open.last_mut().unwrap(), *tag, &attribute);
            }
        }
    }
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].len(), len);
    open.swap_remove(0)
}

fn column(wire: u64, count: usize, r: &mut Bytes<'_>) -> Vec<Vec<u8>> {
    let one = |r: &mut Bytes<'_>| match wire {
        0 => {
            let before = r.0;
            r.varint();
            before[..before.len() - r.0.len()].to_vec()
        }
        1 => r.take(8).to_vec(),
        2 => r.bytes().to_vec(),
        5 => r.take(4).to_vec(),
        _ => panic!("wire type {wire}"),
    };
    if r.u8() == 1 {
        let few = r.list(one);
        return match few.len() {
            1 => vec![few[0].clone(); count],
            _ => r.times(count, |r| few[usize::from(r.u8())].clone()),
        };
    }
    match wire {
        0 => r.times(count, one),
        2 => {
            let lens = r.times(count, Bytes::size);
            lens.into_iter().map(|len| r.take(len).to_vec()).collect()
        }
        _ => {
            let width = if wire == 1 { 8 } else { 4 };
            let planes: Vec<_> = (0..width).map(|_| r.take(count)).collect();
            let value = |n: usize| planes.iter().map(|plane| plane[n]).collect();
            (0..count).map(value).collect()
        }
    }
}

/// Appends a field of protobuf.
fn field(out: &mut Vec<u8>, tag: u64, value: &[u8]) {
    varint(out, tag);
    if tag & 7 == 2 {
        varint(out, value.len() as u64);
    }
    out.extend_from_slice(value);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 127 {
        out.push((value & 127) as u8 | 128);
        value >>= 7;
    }
    out.push(value as u8);
}
