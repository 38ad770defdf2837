//! How often services called each other and what else, hour by hour, as far as a segment's spans changed it: numbers that may be below zero, since a span
//! that came late can give an older one another parent. The sum over all segments is what is.
//!
//! Calls between services first: count; for each: hour since the Unix epoch, parent, child, number of calls in zigzag. Then what segments before 0015 do not have: count; for each: hour,
//! parent, child, kind (byte); unless it is a call between services, the number of calls; then errors, microseconds, and count and, for each bucket, its number and its count. All but buckets'
//! numbers in zigzag. LEB128, texts after their length.

use std::collections::BTreeMap;

use super::cache::Block;
use crate::calls::{Ends, Tally};
use crate::embedded::batch::{Reader, put_bytes, put_varint};
use crate::port::LinkKind;

/// By hour and ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls(pub(crate) BTreeMap<(u64, Ends<String>), Tally>);

fn put_number(out: &mut Vec<u8>, number: i64) {
    put_varint(out, ((number << 1) ^ (number >> 63)) as u64);
}

fn take_number(reader: &mut Reader<'_>) -> Option<i64> {
    let code = reader.varint()?;
    Some((code >> 1) as i64 ^ -((code & 1) as i64))
}

fn put_place(out: &mut Vec<u8>, hour: u64, ends: &Ends<String>) {
    put_varint(out, hour);
    put_bytes(out, ends.parent.as_bytes());
    put_bytes(out, ends.child.as_bytes());
}

/// All but the kind.
fn take_place(reader: &mut Reader<'_>) -> Option<(u64, Ends<String>)> {
    let hour = reader.varint()?;
    let ends = Ends {
        parent: reader.text()?.to_owned(),
        child: reader.text()?.to_owned(),
        kind: LinkKind::Call,
    };
    Some((hour, ends))
}

// === impl Calls ===

impl Calls {
    /// Adds calls.
    pub(crate) fn add(&mut self, hour: u64, ends: Ends<String>, tally: &Tally) {
        self.0.entry((hour, ends)).or_default().add(tally);
    }

    /// Adds what another has.
    pub(crate) fn add_all(&mut self, other: &Self) {
        for ((hour, ends), tally) in &other.0 {
            self.add(*hour, ends.clone(), tally);
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let plain = || {
            let all = self.0.iter();
            all.filter(|((_, ends), tally)| ends.kind == LinkKind::Call && tally.calls != 0)
        };
        put_varint(&mut out, plain().count() as u64);
        for ((hour, ends), tally) in plain() {
            put_place(&mut out, *hour, ends);
            put_number(&mut out, tally.calls);
        }
        let changed = || self.0.iter().filter(|(_, tally)| !tally.is_nothing());
        put_varint(&mut out, changed().count() as u64);
        for ((hour, ends), tally) in changed() {
            put_place(&mut out, *hour, ends);
            let kind = LinkKind::ALL.iter().position(|kind| *kind == ends.kind);
            out.push(kind.unwrap_or_default() as u8);
            if ends.kind != LinkKind::Call {
                put_number(&mut out, tally.calls);
            }
            put_number(&mut out, tally.errors);
            put_number(&mut out, tally.sum_us);
            let buckets = || tally.buckets.iter().filter(|(_, count)| **count != 0);
            put_varint(&mut out, buckets().count() as u64);
            for (bucket, count) in buckets() {
                put_varint(&mut out, u64::from(*bucket));
                put_number(&mut out, *count);
            }
        }
        out
    }
}

impl Block for Calls {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        let mut reader = Reader(&bytes);
        let mut calls = Self::default();
        for _ in 0..reader.varint()? {
            let (hour, ends) = take_place(&mut reader)?;
            let tally = Tally {
                calls: take_number(&mut reader)?,
                ..Tally::default()
            };
            calls.add(hour, ends, &tally);
        }
        if reader.0.is_empty() {
            return Some(calls);
        }
        for _ in 0..reader.varint()? {
            let (hour, mut ends) = take_place(&mut reader)?;
            ends.kind = *LinkKind::ALL.get(usize::from(reader.byte()?))?;
            let mut tally = Tally::default();
            if ends.kind != LinkKind::Call {
                tally.calls = take_number(&mut reader)?;
            }
            tally.errors = take_number(&mut reader)?;
            tally.sum_us = take_number(&mut reader)?;
            for _ in 0..reader.varint()? {
                let bucket = u16::try_from(reader.varint()?).ok()?;
                let count = take_number(&mut reader)?;
                let sum = tally.buckets.entry(bucket).or_default();
                *sum = sum.saturating_add(count);
            }
            calls.add(hour, ends, &tally);
        }
        reader.0.is_empty().then_some(calls)
    }

    fn bytes(&self) -> usize {
        let all = self.0.iter();
        all.map(|((_, ends), tally)| {
            ends.parent.len() + ends.child.len() + 160 + 32 * tally.buckets.len()
        })
        .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls() -> Calls {
        let mut calls = Calls::default();
        let tally = |calls, errors| Tally {
            calls,
            errors,
            sum_us: -3 * calls,
            buckets: [(0, 2), (495, -calls)].into(),
        };
        for (hour, kind, tally) in [
            (1, LinkKind::Call, tally(7, 1)),
            (2, LinkKind::Call, tally(0, -1)),
            (2, LinkKind::Peer, tally(-2, 0)),
            (u64::MAX, LinkKind::Consume, tally(i64::MIN / 4, 5)),
        ] {
            let (parent, child) = ("a".to_owned(), String::new());
            calls.add(
                hour,
                Ends {
                    parent,
                    child,
                    kind,
                },
                &tally,
            );
        }
        calls
    }

    #[test]
    fn what_was_encoded_reads_back_and_what_was_cut_does_not() {
        let bytes = calls().encode();
        let mut back = Calls::decode(bytes.clone()).unwrap();
        let mut expect = calls();
        for tally in expect.0.values_mut().chain(back.0.values_mut()) {
            tally.buckets.retain(|_, count| *count != 0);
        }
        assert_eq!(back, expect);
        let first = Calls::decode(vec![1, 1, 1, b'a', 0, 14]).unwrap();
        let (at, tally) = first.0.first_key_value().unwrap();
        assert_eq!(
            (at.0, tally.calls, tally.errors),
            (1, 7, 0),
            "as it was before"
        );
        for end in 0..bytes.len() {
            let read = Calls::decode(bytes.get(..end).unwrap().to_vec());
            let plain = read.is_none_or(|read| read.0.values().all(|t| t.buckets.is_empty()));
            assert!(plain, "cut at {end}");
        }
    }

    #[test]
    fn what_adds_up_to_nothing_is_not_written() {
        let mut sum = calls();
        for ((hour, ends), tally) in calls().0 {
            let taken = Tally {
                calls: -tally.calls,
                errors: -tally.errors,
                sum_us: -tally.sum_us,
                buckets: tally.buckets.iter().map(|(at, n)| (*at, -n)).collect(),
            };
            sum.add(hour, ends, &taken);
        }
        assert_eq!(sum.encode(), [0, 0]);
    }
}
