//! Whatever payloads are, they come back; and whatever bytes are, putting them together ends.

use proptest::prelude::*;

use super::*;
use crate::embedded::batch::put_bytes;

fn ends(payloads: &[Vec<u8>]) -> (Vec<u8>, Vec<u32>) {
    let mut all = Vec::new();
    let ends = payloads.iter().map(|p| {
        all.extend_from_slice(p);
        all.len() as u32
    });
    let ends = ends.collect();
    (all, ends)
}

fn round_trip(payloads: &[Vec<u8>]) -> Vec<u8> {
    let (all, ends) = ends(payloads);
    let encoded = encode(&all, take_apart(&all, &ends).as_ref());
    let decoded = Payloads::decode(encoded.clone()).unwrap();
    let (mut out, mut begin) = (Vec::new(), 0);
    for (nth, end) in (0..).zip(&ends) {
        decoded.put(nth, begin..*end as usize, &mut out).unwrap();
        begin = *end as usize;
    }
    assert_eq!(out, all);
    decoded.verify().unwrap();
    encoded
}

/// An attribute in the field with this tag.
fn attribute(tag: u64, key: &str, value_tag: u8, value: &[u8]) -> Vec<u8> {
    let mut any = vec![value_tag];
    any.extend_from_slice(value);
    let mut inner = vec![0x0a];
    put_bytes(&mut inner, key.as_bytes());
    inner.push(0x12);
    put_bytes(&mut inner, &any);
    let mut out = Vec::new();
    put_varint(&mut out, tag);
    put_bytes(&mut out, &inner);
    out
}

fn text(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_bytes(&mut out, text.as_bytes());
    out
}

/// A payload as spans have them: attributes, an event, a link, a status.
fn payload(n: u64) -> Vec<u8> {
    let mut out = attribute(74, "http.request.method", 10, &text("GET"));
    out.extend(attribute(74, "id", 10, &text(&format!("{n:032x}"))));
    let mut number = Vec::new();
    put_varint(&mut number, n * 7919);
    out.extend(attribute(74, "bytes", 24, &number));
    out.extend(attribute(74, "score", 33, &(n as f64).to_le_bytes()));
    let mut event = vec![9];
    event.extend_from_slice(&(1_700_000_000_000 + n).to_le_bytes());
    event.extend(attribute(
        26,
        "message",
        10,
        &text(&"x".repeat(n as usize % 300)),
    ));
    put_varint(&mut out, 90);
    put_bytes(&mut out, &event);
    put_varint(&mut out, 106);
    put_bytes(&mut out, &[0x0a, 2, 1, 2]);
    put_varint(&mut out, 122);
    put_bytes(&mut out, &[0x18, 2]);
    out
}

#[test]
fn payloads_come_back_and_are_taken_apart() {
    let payloads: Vec<_> = (0..200).map(payload).collect();
    let encoded = round_trip(&payloads);
    assert_eq!(encoded[0], APART);
    let whole: usize = payloads.iter().map(Vec::len).sum();
    assert!(
        encoded.len() * 3 < whole * 2,
        "{} of {whole}",
        encoded.len()
    );
    assert!(round_trip(&[Vec::new(), Vec::new()]).is_empty());
}

#[test]
fn what_can_be_said_in_two_ways_stays_as_it_is() {
    for odd in [
        // a length in two bytes where one would do
        vec![0x4a, 0x82, 0x00, 1, 2],
        // a value before its key, an attribute without a value, with two
        vec![0x4a, 6, 0x12, 2, 0x18, 1, 0x0a, 0],
        vec![0x4a, 3, 0x0a, 1, b'k'],
        vec![0x4a, 9, 0x0a, 1, b'k', 0x12, 4, 0x18, 1, 0x18, 2],
        // an empty value, a tag in two bytes, a group, a field that is cut
        vec![0x4a, 5, 0x0a, 1, b'k', 0x12, 0],
        vec![0x9a, 0x7d, 1, 1],
        vec![0x0b, 0x0c],
        vec![0x4a, 200],
        // an event whose inside is no message
        vec![0x5a, 2, 0xff, 0xff],
    ] {
        round_trip(&[payload(1), odd, payload(2)]);
    }
}

#[test]
fn a_tag_is_found_without_putting_rows_together() {
    let payloads: Vec<_> = (0..200)
        .map(|n| {
            let mut payload = payload(n);
            payload.extend(attribute(74, "few", 10, &text(["a", "b"][n as usize % 2])));
            let field = if n == 7 { 58 } else { 10 };
            payload.extend(attribute(74, "hex", field, &text(&format!("{n:04x}"))));
            payload
        })
        .collect();
    let (all, ends) = ends(&payloads);
    let block = encode(&all, take_apart(&all, &ends).as_ref());
    let block = Payloads::decode(block).unwrap();
    let rows = |key: &str, text: &str, binary: Option<&[u8]>| -> Vec<usize> {
        let wanted = Wanted {
            key: key.into(),
            text: Some(text.into()),
            binary: binary.map(<[u8]>::to_vec),
        };
        let rows = block.rows_that_may_have(&wanted).unwrap();
        (0..rows.len()).filter(|n| rows[*n]).collect()
    };
    let odd: Vec<usize> = (0..200).filter(|n| n % 2 == 1).collect();
    assert_eq!(rows("few", "b", None), odd);
    assert_eq!(rows("id", &format!("{:032x}", 31), None), [31]);
    // what an event has, and what is binary
    assert_eq!(rows("message", &"x".repeat(100), None), [100]);
    assert_eq!(rows("hex", "", Some(b"0007")), [7]);
    assert_eq!(rows("other", "b", None), [0; 0]);
    assert_eq!(rows("few", "GET", None), [0; 0]);
    let whole = Payloads::decode(encode(&all, None)).unwrap();
    let wanted = Wanted {
        key: b"few".to_vec(),
        text: Some(b"b".to_vec()),
        binary: None,
    };
    assert!(whole.rows_that_may_have(&wanted).is_none());
}

#[test]
fn an_attribute_that_is_written_in_an_unusual_way_may_be_anything() {
    let payloads = [payload(1), vec![0x4a, 3, 0x0a, 1, b'k'], payload(2)];
    let (all, ends) = ends(&payloads);
    let block = encode(&all, take_apart(&all, &ends).as_ref());
    let wanted = Wanted {
        key: b"few".to_vec(),
        text: Some(b"b".to_vec()),
        binary: None,
    };
    let block = Payloads::decode(block).unwrap();
    let rows = block.rows_that_may_have(&wanted).unwrap();
    assert_eq!(rows, [false, true, false]);
}

#[test]
fn a_block_that_asks_for_all_memory_gets_none() {
    // one label, one shape, many rows, one long value
    let mut block = vec![APART];
    put_varint(&mut block, 1 << 40);
    put_varint(&mut block, 1);
    block.extend_from_slice(&[2, 0x0a, 1, 1, 0]);
    assert!(Payloads::decode(block.clone()).is_none());
    let count = u64::MAX;
    let mut block = vec![APART, 10];
    put_varint(&mut block, count);
    assert!(Payloads::decode(block).is_none());
}

proptest! {
    #[test]
    fn any_bytes_come_back(payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20)) {
        round_trip(&payloads);
    }

    #[test]
    fn any_mutation_comes_back_and_any_damage_ends(at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut payloads: Vec<_> = (0..20).map(payload).collect();
        let (all, ends) = ends(&payloads);
        let mut damaged = encode(&all, take_apart(&all, &ends).as_ref());
        let place = at.index(damaged.len());
        damaged[place] ^= 1u8 << bit;
        if let Some(decoded) = Payloads::decode(damaged) {
            drop(decoded.verify());
            let end = ends.iter().map(|e| *e as usize);
            let begin = std::iter::once(0).chain(end.clone());
            for (nth, (begin, end)) in (0..).zip(begin.zip(end)) {
                let mut out = Vec::new();
                drop(decoded.put(nth, begin..end, &mut out));
                prop_assert!(out.len() <= end - begin);
            }
        }
        let row = at.index(payloads.len());
        let place = at.index(payloads[row].len());
        payloads[row][place] ^= 1u8 << bit;
        round_trip(&payloads);
    }
}
