//! Dead letters in the journal: durable by the same sync as spans, and let go with their generation.
//!
//! A record holds a count, then for each letter instance, reason, origin and payload, each after its length (LEB128).

use std::collections::VecDeque;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use std::sync::Arc;

use super::batch::{Reader, put_bytes, put_varint};
use super::journal::{HEADER_LEN, Kind, Pending};
use super::writer::Writer;
use crate::port::{DeadLetter, DeadLetters, WriteError};

/// How many of the last letters' reasons are remembered.
const REMEMBERED: usize = 16;
/// How long a remembered reason may be, in bytes.
const REASON_BYTES: usize = 512;

/// The last dead letters, without their payloads.
#[derive(Default)]
pub(crate) struct Recent(Mutex<VecDeque<RecentDeadLetter>>);

/// A dead letter, without its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentDeadLetter {
    /// Whose it was, `namespace/name`.
    pub instance: String,
    /// Why, in words for a person; cut at 512 bytes.
    pub reason: String,
    /// Where it came from.
    pub origin: String,
}

/// Writes dead letters into the journal.
pub(super) struct Cemetery {
    pub(super) writer: Arc<Writer>,
}

// === impl Cemetery ===

impl DeadLetters for Cemetery {
    fn bury(&self, letters: Vec<DeadLetter>) -> BoxFuture<'_, Result<(), WriteError>> {
        Box::pin(async move {
            if letters.is_empty() {
                return Ok(());
            }
            let bytes = letters.iter().map(|l| l.payload.len() + 256).sum();
            let received_ns = self.writer.now_ns();
            self.writer
                .submit(bytes, async || vec![encode(&letters, received_ns)])
                .await
        })
    }
}

// === impl Recent ===

impl Recent {
    /// Remembers the letters of a record, but for those at places that were forgotten. Answers how many there are; `None` when it is no record of letters.
    pub(crate) fn add(&self, payload: &[u8], is_forgotten: impl Fn(u64) -> bool) -> Option<u64> {
        let mut reader = Reader(payload);
        let mut count = 0;
        let mut recent = self.0.lock();
        for nth in 0..reader.varint()? {
            let [instance, reason, origin] = [reader.text()?, reader.text()?, reader.text()?];
            reader.bytes()?;
            if is_forgotten(nth) {
                continue;
            }
            count += 1;
            recent.push_back(RecentDeadLetter {
                instance: instance.to_owned(),
                reason: reason
                    .get(..reason.floor_char_boundary(REASON_BYTES))
                    .unwrap_or_default()
                    .to_owned(),
                origin: origin.to_owned(),
            });
            if recent.len() > REMEMBERED {
                recent.pop_front();
            }
        }
        Some(count)
    }

    /// The last letters, the newest last.
    pub(crate) fn list(&self) -> Vec<RecentDeadLetter> {
        self.0.lock().iter().cloned().collect()
    }
}

/// Shows origin and payload of each letter of a record, as far as it is one.
pub(crate) fn for_each_letter(record: &[u8], mut each: impl FnMut(&str, &[u8])) -> Option<()> {
    let mut reader = Reader(record);
    for _ in 0..reader.varint()? {
        let [_instance, _reason, origin] = [reader.text()?, reader.text()?, reader.text()?];
        each(origin, reader.bytes()?);
    }
    Some(())
}

fn encode(letters: &[DeadLetter], received_ns: u64) -> Pending {
    let mut bytes = vec![0; HEADER_LEN];
    put_varint(&mut bytes, letters.len() as u64);
    for letter in letters {
        put_bytes(&mut bytes, letter.instance.as_str().as_bytes());
        put_bytes(&mut bytes, letter.reason.as_bytes());
        put_bytes(&mut bytes, letter.origin.as_bytes());
        put_bytes(&mut bytes, &letter.payload);
    }
    Pending::new(Kind::DeadLetters, received_ns, bytes)
}
