use bytes::Bytes;

use super::*;

fn buffer(bytes: &[u8]) -> Buffer {
    Buffer::new(Bytes::copy_from_slice(bytes)).unwrap()
}

/// Reads all fields, passing over each.
fn walk(bytes: &[u8]) -> Result<usize, DecodeError> {
    let buffer = buffer(bytes);
    let mut cursor = Cursor::new(&buffer);
    let mut fields = 0;
    while let Some((number, wire)) = cursor.key()? {
        cursor.skip(number, wire)?;
        fields += 1;
    }
    Ok(fields)
}

#[test]
fn every_layout_is_read() {
    let bytes = [
        0x08, 0x96, 0x01, // 1: varint 150
        0x11, 1, 0, 0, 0, 0, 0, 0, 0, // 2: fixed64 1
        0x1a, 2, b'o', b'k', // 3: "ok"
        0x25, 7, 0, 0, 0, // 4: fixed32 7
    ];
    let buffer = buffer(&bytes);
    let mut cursor = Cursor::new(&buffer);
    let (number, wire) = cursor.key().unwrap().unwrap();
    assert_eq!((number, cursor.varint(wire, "a").unwrap()), (1, 150));
    let (number, wire) = cursor.key().unwrap().unwrap();
    assert_eq!((number, cursor.fixed64(wire, "b").unwrap()), (2, 1));
    let (number, wire) = cursor.key().unwrap().unwrap();
    assert_eq!(number, 3);
    assert_eq!(cursor.slice(wire, "c").unwrap().as_bytes(), b"ok");
    let (number, wire) = cursor.key().unwrap().unwrap();
    assert_eq!((number, cursor.fixed32(wire, "d").unwrap()), (4, 7));
    assert!(cursor.key().unwrap().is_none());
    assert_eq!(Cursor::new(&buffer).count([3, 9]).unwrap(), [1, 0]);
}

#[test]
fn a_declared_length_is_not_believed() {
    for bytes in [
        &[0x0a, 0x05, 1][..],
        &[
            0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ],
        &[0x09, 1, 2, 3],
        &[0x0d, 1, 2, 3],
        &[0x08],
        &[0x08, 0x80],
    ] {
        assert!(
            matches!(walk(bytes), Err(DecodeError::Truncated { .. })),
            "{bytes:?}"
        );
    }
}

#[test]
fn what_no_field_can_be_is_invalid() {
    for bytes in [
        &[0x00][..],                                 // field number 0
        &[0x0e],                                     // wire type 6
        &[0x0f],                                     // wire type 7
        &[0x0c],                                     // end of a group that never began
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00], // key beyond 32 bits
        &[
            0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
        ], // varint beyond 64 bits
    ] {
        assert!(
            matches!(walk(bytes), Err(DecodeError::Invalid { .. })),
            "{bytes:?}"
        );
    }
}

#[test]
fn groups_are_passed_over_and_counted() {
    assert_eq!(walk(&[0x0b, 0x10, 1, 0x13, 0x14, 0x0c, 0x08, 1]), Ok(2));
    assert!(walk(&[0x0b, 0x14]).is_err(), "ends another group");
    assert!(walk(&[0x0b]).is_err(), "never ends");
    let deep: Vec<u8> = std::iter::repeat_n(0x0b, 1_000_000).collect();
    assert_eq!(walk(&deep), Err(DecodeError::TooDeep { what: "group" }));
}

#[test]
fn a_message_ends_where_its_length_says() {
    let buffer = buffer(&[0x0a, 0x02, 0x08, 0x05, 0x10, 0x06]);
    let mut cursor = Cursor::new(&buffer);
    let (_, wire) = cursor.key().unwrap().unwrap();
    let mut inner = cursor.message(wire, "inner").unwrap();
    assert_eq!(inner.range(), 2..4);
    let (number, wire) = inner.key().unwrap().unwrap();
    assert_eq!((number, inner.varint(wire, "x").unwrap()), (1, 5));
    assert!(inner.key().unwrap().is_none());
    assert_eq!(cursor.at(), 4);
}

#[test]
fn a_range_outside_the_buffer_is_an_error() {
    let buffer = buffer(&[1, 2, 3]);
    assert!(Cursor::over(&buffer, 1..3).is_ok());
    assert!(Cursor::over(&buffer, 1..4).is_err());
    #[allow(clippy::reversed_empty_ranges)]
    let reversed = 3..1;
    assert!(Cursor::over(&buffer, reversed).is_err());
}
