//! An appending writer of protobuf messages.
//!
//! In: fields, in the order in which they are to stand. Out: bytes at the end of a `Vec`, with lengths in their shortest form. A
//! message's length is filled in behind its body, so nothing is measured twice and nothing is built aside.

/// Appends to a buffer.
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const LEN: u8 = 2;
const FIXED32: u8 = 5;

// === impl Writer ===

impl<'a> Writer<'a> {
    /// At the end of `out`.
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    #[inline]
    fn key(&mut self, number: u32, wire: u8) {
        self.raw_varint(u64::from(number << 3 | u32::from(wire)));
    }

    #[inline]
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    /// A number.
    #[inline]
    pub(crate) fn varint(&mut self, number: u32, value: u64) {
        self.key(number, VARINT);
        self.raw_varint(value);
    }

    /// A number, unless it is zero.
    #[inline]
    pub(crate) fn varint_unless_zero(&mut self, number: u32, value: u64) {
        if value != 0 {
            self.varint(number, value);
        }
    }

    /// Eight bytes.
    #[inline]
    pub(crate) fn fixed64(&mut self, number: u32, value: u64) {
        self.key(number, FIXED64);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes.
    #[inline]
    pub(crate) fn fixed32(&mut self, number: u32, value: u32) {
        self.key(number, FIXED32);
        self.out.extend_from_slice(&value.to_le_bytes());
    }

    /// Bytes or text.
    #[inline]
    pub(crate) fn bytes(&mut self, number: u32, bytes: &[u8]) {
        self.key(number, LEN);
        self.raw_varint(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    /// Bytes or text, unless there is none.
    #[inline]
    pub(crate) fn bytes_unless_empty(&mut self, number: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.bytes(number, bytes);
        }
    }

    /// Fields that were written elsewhere.
    #[inline]
    pub(crate) fn raw(&mut self, fields: &[u8]) {
        self.out.extend_from_slice(fields);
    }

    /// A message that is likely shorter than 128 bytes.
    #[inline]
    pub(crate) fn message(&mut self, number: u32, body: impl FnOnce(&mut Writer<'_>)) {
        self.backfilled::<1>(number, body);
    }

    /// A message that is likely of 128 bytes to 16 KiB.
    #[inline]
    pub(crate) fn long_message(&mut self, number: u32, body: impl FnOnce(&mut Writer<'_>)) {
        self.backfilled::<2>(number, body);
    }

    /// `GUESS` bytes are kept free for the length; when it takes another number of bytes, the body moves.
    #[inline]
    fn backfilled<const GUESS: usize>(&mut self, number: u32, body: impl FnOnce(&mut Writer<'_>)) {
        self.key(number, LEN);
        let at = self.out.len();
        self.out.extend_from_slice(&[0; GUESS]);
        body(self);
        let len = self.out.len() - at - GUESS;
        if let (1, 0..0x80, Some(place)) = (GUESS, len, self.out.get_mut(at)) {
            *place = len as u8;
            return;
        }
        let (head, head_len) = varint_bytes(len as u64);
        let head = head.get(..head_len).unwrap_or_default();
        match self.out.get_mut(at..at + GUESS) {
            Some(place) if head_len == GUESS => place.copy_from_slice(head),
            _ => {
                self.out.splice(at..at + GUESS, head.iter().copied());
            }
        }
    }

    /// A message whose body may fail; what was written of it then stays, and the caller takes it back.
    pub(crate) fn in_message<E>(
        &mut self,
        number: u32,
        body: impl FnOnce(&mut Writer<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut outcome = Ok(());
        self.message(number, |w| outcome = body(w));
        outcome
    }

    /// How long the buffer is.
    pub(crate) fn len(&self) -> usize {
        self.out.len()
    }

    /// Takes back what was written behind `len`.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
    }

    /// A message of two texts, fields 1 and `second`: the tag that most tags are, in few strokes. `false`, and nothing written, when it is not that short, or a text is empty.
    #[inline]
    pub(crate) fn short_texts(
        &mut self,
        number: u32,
        first: &[u8],
        second: u32,
        text: &[u8],
    ) -> bool {
        let total = first.len() + text.len() + 4;
        if number.max(second) > 15 || first.is_empty() || text.is_empty() || total > 127 {
            return false;
        }
        // all of them are below 128, as the total is
        let (first_len, text_len) = (first.len() as u8, text.len() as u8);
        self.out.reserve(total + 2);
        self.out.extend_from_slice(&[
            (number << 3) as u8 | LEN,
            total as u8,
            1 << 3 | LEN,
            first_len,
        ]);
        self.out.extend_from_slice(first);
        self.out
            .extend_from_slice(&[(second << 3) as u8 | LEN, text_len]);
        self.out.extend_from_slice(text);
        true
    }

    /// A message of a key (field 1) and a message (field 2) of one short text (field 1): the attribute that most attributes are, in two
    /// strokes. `false`, and nothing written, when it is not that short.
    #[inline]
    pub(crate) fn short_pair(&mut self, number: u32, key: &[u8], text: &[u8]) -> bool {
        let total = key.len() + text.len() + 6;
        if number > 15 || key.is_empty() || total > 127 {
            return false;
        }
        // all of them are below 128, as the total is
        let (key_len, text_len) = (key.len() as u8, text.len() as u8);
        self.out.reserve(total + 2);
        self.out.extend_from_slice(&[
            (number << 3) as u8 | LEN,
            total as u8,
            1 << 3 | LEN,
            key_len,
        ]);
        self.out.extend_from_slice(key);
        self.out
            .extend_from_slice(&[2 << 3 | LEN, text_len + 2, 1 << 3 | LEN, text_len]);
        self.out.extend_from_slice(text);
        true
    }
}

/// A varint and how many bytes of the array it takes.
#[inline]
fn varint_bytes(mut value: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    let mut used = 0;
    for byte in &mut bytes {
        used += 1;
        if value < 0x80 {
            *byte = value as u8;
            break;
        }
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    (bytes, used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(len: usize) {
        let body = vec![7u8; len];
        let mut expected = Vec::new();
        Writer::new(&mut expected).bytes(2, &body);
        for long in [false, true] {
            let mut out = vec![1, 2, 3];
            let mut writer = Writer::new(&mut out);
            let write = |w: &mut Writer<'_>| w.out.extend_from_slice(&body);
            if long {
                writer.long_message(2, write);
            } else {
                writer.message(2, write);
            }
            writer.varint(1, 5);
            assert_eq!(out[..3], [1, 2, 3]);
            assert_eq!(out[3..3 + expected.len()], expected);
            assert_eq!(out[3 + expected.len()..], [8, 5]);
        }
    }

    #[test]
    fn lengths_are_in_their_shortest_form() {
        for len in [0, 1, 127, 128, 16_383, 16_384, 300_000] {
            check(len);
        }
    }

    #[test]
    fn a_short_pair_is_what_its_fields_make() {
        for (key, text) in [
            ("k", ""),
            ("key", "text"),
            (&*"k".repeat(100), &*"t".repeat(21)),
        ] {
            let (key, text) = (key.as_bytes(), text.as_bytes());
            let mut short = Vec::new();
            assert!(Writer::new(&mut short).short_pair(9, key, text));
            let mut long = Vec::new();
            Writer::new(&mut long).message(9, |w| {
                w.bytes(1, key);
                w.message(2, |w| w.bytes(1, text));
            });
            assert_eq!(short, long);
        }
        let mut out = Vec::new();
        assert!(!Writer::new(&mut out).short_pair(9, b"", b"t"));
        assert!(!Writer::new(&mut out).short_pair(9, &[b'k'; 100], &[b't'; 22]));
        assert!(out.is_empty());
    }

    #[test]
    fn numbers_are_written_as_prost_does() {
        for value in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut ours = Vec::new();
            Writer::new(&mut ours).varint(3, value);
            let mut theirs = Vec::new();
            prost::encoding::uint64::encode(3, &value, &mut theirs);
            assert_eq!(ours, theirs);
        }
    }
}
