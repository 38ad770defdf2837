//! Documents on their way, as the lines of bulk requests.
//!
//! In: an index, an id and a document's bytes, one after the other. Out: bodies of any of them, each line made once; documents that stand beside each other, as those of a first attempt do, are not
//! copied. The memory of a bulk, megabytes which the system would clear page by page each time, is that of one before it.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;

use crate::elasticsearch::document::DocumentId;

/// Memory of bulks that were sent, for those to come, of whatever instance.
static ROOMS: Mutex<Vec<BytesMut>> = Mutex::new(Vec::new());
/// How many are kept, and how large one may be.
const KEPT: usize = 2;
const KEPT_BYTES: usize = 8 << 20;

/// What stands between a document's id and the document.
const AFTER_ID: &str = "\"}}\n";

/// What is done with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is put there, unless one of its id is there already.
    Create,
    /// It is put there, over one of its id.
    Index,
}

/// Documents, each with what is said of it.
#[derive(Debug)]
pub(crate) struct Documents {
    lines: Vec<u8>,
    each: Vec<Range<usize>>,
    /// Below Elasticsearch 7 each has a type.
    with_types: bool,
}

/// The same, ready to be sent.
#[derive(Debug)]
pub(super) struct Lines {
    all: Bytes,
    each: Vec<Range<usize>>,
}

// === impl Documents ===

impl Documents {
    pub(crate) fn new(with_types: bool, bytes: usize) -> Self {
        let room = ROOMS.lock().pop().unwrap_or_default();
        let mut lines = Vec::from(room);
        lines.reserve(bytes);
        Self {
            lines,
            each: Vec::new(),
            with_types,
        }
    }

    /// Adds a document, which `write` puts at the end of what it is given. Index and id hold nothing that JSON would escape.
    pub(crate) fn push(
        &mut self,
        action: Action,
        index: &str,
        id: &str,
        kind: &str,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let start = self.lines.len();
        self.begin(action, index, id, kind);
        write(&mut self.lines);
        self.end(start);
    }

    /// The same of a document whose id is known once it is written: it goes into the room that was left for it.
    pub(crate) fn push_identified(
        &mut self,
        action: Action,
        index: &str,
        kind: &str,
        write: impl FnOnce(&mut Vec<u8>) -> DocumentId,
    ) {
        let start = self.lines.len();
        let room = DocumentId::ROOM;
        self.begin(action, index, room, kind);
        let after = self.lines.len() - AFTER_ID.len();
        let id = write(&mut self.lines);
        if let Some(room) = self.lines.get_mut(after - room.len()..after) {
            room.copy_from_slice(id.as_str().as_bytes());
        }
        self.end(start);
    }

    fn begin(&mut self, action: Action, index: &str, id: &str, kind: &str) {
        let verb = match action {
            Action::Create => "create",
            Action::Index => "index",
        };
        for part in ["{\"", verb, "\":{\"_index\":\"", index] {
            self.lines.extend_from_slice(part.as_bytes());
        }
        if self.with_types {
            for part in ["\",\"_type\":\"", kind] {
                self.lines.extend_from_slice(part.as_bytes());
            }
        }
        for part in ["\",\"_id\":\"", id, AFTER_ID] {
            self.lines.extend_from_slice(part.as_bytes());
        }
    }

    fn end(&mut self, start: usize) {
        self.lines.push(b'\n');
        self.each.push(start..self.lines.len());
    }

    pub(super) fn into_lines(self) -> Lines {
        Lines {
            all: Bytes::from(self.lines),
            each: self.each,
        }
    }
}

// === impl Lines ===

impl Lines {
    /// Positions, in requests of at most so many bytes and so many documents (0: no limit), each at least one.
    pub(crate) fn chunks(&self, max_bytes: usize, max_documents: usize) -> Vec<Vec<usize>> {
        let max_documents = if max_documents == 0 {
            usize::MAX
        } else {
            max_documents
        };
        let mut chunks: Vec<Vec<usize>> = Vec::new();
        let mut bytes = 0;
        for (at, lines) in self.each.iter().enumerate() {
            bytes += lines.len();
            match chunks.last_mut() {
                Some(last) if bytes <= max_bytes && last.len() < max_documents => last.push(at),
                _ => {
                    bytes = lines.len();
                    chunks.push(vec![at]);
                }
            }
        }
        chunks
    }

    /// A request's body with these documents.
    pub(super) fn body(&self, which: &[usize]) -> Bytes {
        let lines = || which.iter().filter_map(|at| self.each.get(*at));
        let bytes = lines().map(Range::len).sum();
        if let (Some(first), Some(last)) = (lines().next(), lines().last())
            && last.end.checked_sub(first.start) == Some(bytes)
        {
            return self.all.slice(first.start..last.end);
        }
        let mut body = Vec::with_capacity(bytes);
        for range in lines() {
            body.extend_from_slice(self.all.get(range.clone()).unwrap_or_default());
        }
        Bytes::from(body)
    }
}

impl Drop for Lines {
    /// Its memory is kept, unless somebody still reads it.
    fn drop(&mut self) {
        let Ok(mut room) = std::mem::take(&mut self.all).try_into_mut() else {
            return;
        };
        room.clear();
        let mut rooms = ROOMS.lock();
        if rooms.len() < KEPT && room.capacity() <= KEPT_BYTES {
            rooms.push(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents() -> Documents {
        let mut documents = Documents::new(false, 0);
        for id in ["a", "b", "c"] {
            documents.push(Action::Create, "i", id, "span", |out| out.extend(b"{}"));
        }
        documents
    }

    #[test]
    fn a_body_holds_an_action_and_a_document_each() {
        let body = documents().into_lines().body(&[0, 2]);
        let expect = "{\"create\":{\"_index\":\"i\",\"_id\":\"a\"}}\n{}\n{\"create\":{\"_index\":\"i\",\"_id\":\"c\"}}\n{}\n";
        assert_eq!(body, expect);
        let mut typed = Documents::new(true, 0);
        typed.push(Action::Index, "i", "a", "service", |out| out.extend(b"{}"));
        let expect = "{\"index\":{\"_index\":\"i\",\"_type\":\"service\",\"_id\":\"a\"}}\n{}\n";
        assert_eq!(typed.into_lines().body(&[0]), expect);
    }

    #[test]
    fn an_id_that_is_known_late_stands_where_others_do() {
        let id = DocumentId::from(&blake3::Hasher::new());
        let (mut early, mut late) = (Documents::new(true, 0), Documents::new(true, 0));
        for _ in 0..2 {
            early.push(Action::Create, "i", id.as_str(), "span", |out| {
                out.extend(b"{}");
            });
            late.push_identified(Action::Create, "i", "span", |out| {
                out.extend(b"{}");
                id
            });
        }
        let body = |documents: Documents| documents.into_lines().body(&[0, 1]);
        assert_eq!(body(early), body(late));
    }

    #[test]
    fn requests_are_cut_by_bytes_and_by_documents() {
        let one = documents().into_lines().body(&[0]).len();
        for (bytes, count, expect) in [
            (usize::MAX, 0, vec![vec![0, 1, 2]]),
            (usize::MAX, 2, vec![vec![0, 1], vec![2]]),
            (2 * one, 0, vec![vec![0, 1], vec![2]]),
            (1, 0, vec![vec![0], vec![1], vec![2]]),
        ] {
            assert_eq!(
                documents().into_lines().chunks(bytes, count),
                expect,
                "{bytes} {count}"
            );
        }
    }
}
