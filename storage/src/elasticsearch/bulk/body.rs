//! Documents on their way, as the lines of bulk requests.
//!
//! In: an index, an id and a document's bytes, one after the other. Out: bodies of any of them, each line made once.

use std::ops::Range;

use bytes::Bytes;

/// What is done with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is put there, unless one of its id is there already.
    Create,
    /// It is put there, over one of its id.
    Index,
}

/// Documents, each with what is said of it.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    lines: Vec<u8>,
    each: Vec<Range<usize>>,
    /// Below Elasticsearch 7 each has a type.
    with_types: bool,
}

// === impl Documents ===

impl Documents {
    pub(crate) fn new(with_types: bool, bytes: usize) -> Self {
        Self {
            lines: Vec::with_capacity(bytes),
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
        for part in ["\",\"_id\":\"", id, "\"}}\n"] {
            self.lines.extend_from_slice(part.as_bytes());
        }
        write(&mut self.lines);
        self.lines.push(b'\n');
        self.each.push(start..self.lines.len());
    }

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
    pub(crate) fn body(&self, which: &[usize]) -> Bytes {
        let lines = || which.iter().filter_map(|at| self.each.get(*at));
        let mut body = Vec::with_capacity(lines().map(Range::len).sum());
        for range in lines() {
            body.extend_from_slice(self.lines.get(range.clone()).unwrap_or_default());
        }
        Bytes::from(body)
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
        let body = documents().body(&[0, 2]);
        let expect = "{\"create\":{\"_index\":\"i\",\"_id\":\"a\"}}\n{}\n{\"create\":{\"_index\":\"i\",\"_id\":\"c\"}}\n{}\n";
        assert_eq!(body, expect);
        let mut typed = Documents::new(true, 0);
        typed.push(Action::Index, "i", "a", "service", |out| out.extend(b"{}"));
        let expect = "{\"index\":{\"_index\":\"i\",\"_type\":\"service\",\"_id\":\"a\"}}\n{}\n";
        assert_eq!(typed.body(&[0]), expect);
    }

    #[test]
    fn requests_are_cut_by_bytes_and_by_documents() {
        let one = documents().body(&[0]).len();
        for (bytes, count, expect) in [
            (usize::MAX, 0, vec![vec![0, 1, 2]]),
            (usize::MAX, 2, vec![vec![0, 1], vec![2]]),
            (2 * one, 0, vec![vec![0, 1], vec![2]]),
            (1, 0, vec![vec![0], vec![1], vec![2]]),
        ] {
            assert_eq!(documents().chunks(bytes, count), expect, "{bytes} {count}");
        }
    }
}
