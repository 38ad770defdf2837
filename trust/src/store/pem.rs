//! Blocks of PEM, in whatever else lies in a file.
//!
//! In: any bytes. Out: each block that begins, with the line that it begins in: its label and what it holds, or what is wrong with it. Text between blocks is a comment. Lines may end as on
//! Windows, be indented, be of any length, and a block may begin where the one before ends, as in files that were put together without a line break. Source: RFC 7468, RFC 1421 (headers).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// One block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// `CERTIFICATE`; empty where its first line does not end.
    pub(super) label: String,
    /// Where it begins, counted from 1.
    pub(super) line: usize,
    /// What it holds, or why it cannot be read.
    pub(super) body: Result<Vec<u8>, &'static str>,
}

/// All blocks, in their order. One pass, whatever the bytes are.
pub(super) struct Blocks<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

/// A line that begins or ends a block.
enum Mark {
    Begin,
    End,
}

const DASHES: &[u8] = b"-----";
const BEGIN: &[u8] = b"BEGIN ";
const END: &[u8] = b"END ";
/// Longer ones are none.
const MOST_OF_A_LABEL: usize = 64;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn blocks(text: &[u8]) -> Blocks<'_> {
    Blocks {
        text,
        at: 0,
        line: 1,
    }
}

// === impl Blocks ===

impl Blocks<'_> {
    /// Goes on to `to`.
    fn pass(&mut self, to: usize) {
        let passed = self.text.get(self.at..to).unwrap_or_default();
        self.line += passed.iter().filter(|byte| **byte == b'\n').count();
        self.at = to;
    }

    /// The next mark from `from` on: where it is, and where what follows it is.
    fn mark(&self, from: usize) -> Option<(Mark, usize, usize)> {
        let text = self.text.get(from..)?;
        text.windows(DASHES.len())
            .enumerate()
            .find_map(|(at, five)| {
                if five != DASHES {
                    return None;
                }
                let start = from + at;
                let word = start + DASHES.len();
                let after = self.text.get(word..).unwrap_or_default();
                if after.starts_with(BEGIN) {
                    Some((Mark::Begin, start, word + BEGIN.len()))
                } else if after.starts_with(END) {
                    Some((Mark::End, start, word + END.len()))
                } else {
                    None
                }
            })
    }

    /// The label that begins at `at`, and where the rest of its line does.
    fn label(&self, at: usize) -> Option<(String, usize)> {
        let text = self.text.get(at..)?;
        let text = text.get(..MOST_OF_A_LABEL + DASHES.len()).unwrap_or(text);
        let len = text.windows(DASHES.len()).position(|five| five == DASHES)?;
        let label = text.get(..len)?;
        let is_label = label.iter().all(|byte| (0x20..0x7f).contains(byte));
        is_label.then(|| {
            let label = String::from_utf8_lossy(label).into_owned();
            (label, at + len + DASHES.len())
        })
    }
}

impl Iterator for Blocks<'_> {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        loop {
            let (mark, start, after) = self.mark(self.at)?;
            self.pass(start);
            let line = self.line;
            if matches!(mark, Mark::End) {
                // of a block that never began
                self.pass(after);
                continue;
            }
            let wrong = |label, problem| Block {
                label,
                line,
                body: Err(problem),
            };
            let Some((label, body)) = self.label(after) else {
                self.pass(after);
                return Some(wrong(String::new(), "its first line does not end"));
            };
            let (to, next) = match self.mark(body) {
                Some((Mark::End, end, next)) => (Some(end), next),
                Some((Mark::Begin, other, _)) => (None, other),
                None => (None, self.text.len()),
            };
            let held = to.and_then(|to| self.text.get(body..to));
            self.pass(next);
            return Some(match held {
                None => wrong(label, "it does not end"),
                Some(held) => Block {
                    label,
                    line,
                    body: decode(held),
                },
            });
        }
    }
}

fn decode(held: &[u8]) -> Result<Vec<u8>, &'static str> {
    let lines = held.split(|byte| *byte == b'\n');
    // a header says something of what is encrypted
    let lines = lines.filter(|line| !line.contains(&b':'));
    let digits: Vec<u8> = lines
        .flatten()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    if digits.is_empty() {
        return Err("it is empty");
    }
    BASE64.decode(digits).map_err(|_| "it is not base64")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Found = (String, usize, Result<Vec<u8>, &'static str>);

    fn found(text: &str) -> Vec<Found> {
        let found = blocks(text.as_bytes());
        found
            .map(|block| (block.label, block.line, block.body))
            .collect()
    }

    fn well(label: &str, line: usize) -> Found {
        (label.to_owned(), line, Ok(b"abc".to_vec()))
    }

    #[test]
    fn blocks_are_found_among_whatever_lies_around_them() {
        let plain = "-----BEGIN A-----\nYWJj\n-----END A-----\n";
        assert_eq!(found(plain), [well("A", 1)]);
        assert_eq!(found(&format!("# words\n\n{plain}")), [well("A", 3)]);
        assert_eq!(found(&plain.replace('\n', "\r\n")), [well("A", 1)]);
        assert_eq!(found(&format!("\u{feff}{plain}")), [well("A", 1)]);
        let indented = plain.replace('\n', " \t\n   ");
        assert_eq!(found(&indented), [well("A", 1)]);
        let split = "-----BEGIN A B-----\nY\nW\n\nJ\nj\n-----END A B-----";
        assert_eq!(found(split), [well("A B", 1)]);
        // put together without a line break, and all in one line
        let joined =
            "-----BEGIN A-----\nYWJj\n-----END A----------BEGIN B-----\nYWJj\n-----END B-----";
        assert_eq!(found(joined), [well("A", 1), well("B", 3)]);
        assert_eq!(
            found("-----BEGIN A-----YWJj-----END A-----"),
            [well("A", 1)]
        );
        let header = "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nYWJj\n-----END A-----\n";
        assert_eq!(found(header), [well("A", 1)]);
    }

    #[test]
    fn a_damaged_block_is_told_with_its_line_and_hides_no_other() {
        let good = "-----BEGIN A-----\nYWJj\n-----END A-----\n";
        for (bad, label, problem) in [
            (
                "-----BEGIN X-----\nY!Jj\n-----END X-----\n",
                "X",
                "it is not base64",
            ),
            ("-----BEGIN X-----\n\n-----END X-----\n", "X", "it is empty"),
            ("-----BEGIN X-----\nYWJj\n", "X", "it does not end"),
            ("-----BEGIN X\nYWJj\n", "", "its first line does not end"),
        ] {
            let expect = (label.to_owned(), 4, Err(problem));
            let all = found(&format!("{good}{bad}{good}"));
            assert_eq!(all.len(), 3, "{bad}: {all:?}");
            assert_eq!(all[0], well("A", 1), "{bad}");
            assert_eq!(all[1], expect, "{bad}");
            assert_eq!(
                (all[2].0.as_str(), &all[2].2),
                ("A", &Ok(b"abc".to_vec())),
                "{bad}"
            );
        }
        assert_eq!(found("-----END A-----\n"), []);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(blocks(&bytes).count() <= bytes.len());
        }

        #[test]
        fn any_text_of_marks_is_read_to_its_end(parts in prop::collection::vec(prop_oneof![
            Just("-----BEGIN "), Just("-----END "), Just("-----"), Just("A"), Just("\n"), Just("YWJj"), Just(":"), Just("-"),
        ], 0..60)) {
            let text = parts.concat();
            let begins = text.matches("-----BEGIN ").count();
            prop_assert!(blocks(text.as_bytes()).count() <= begins);
        }
    }
}
