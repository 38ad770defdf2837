//! Files that are imported: opened, and cut into lines.
//!
//! A file whose first line is a lone `{` is one JSON text over many lines, as people indent it: it is read as one line.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};

use crate::commands::store::progress::{Progress, Unit};

/// A file, or standard input.
pub(super) type Input = Box<dyn BufRead>;

/// How much is read at once.
const READ_BYTES: usize = 256 << 10;
/// A longer line is none.
const MAX_LINE: u64 = 1 << 30;

/// Lines with their numbers, counted from 1. Blank ones are passed over.
pub(super) struct Lines<'a> {
    input: &'a mut Input,
    line: u64,
}

/// How far all of `files` are read.
pub(super) fn progress(files: &[String]) -> Progress {
    let len = |file: &String| match file.as_str() {
        "-" => None,
        path => std::fs::metadata(path).ok().map(|m| m.len()),
    };
    let all = files.iter().map(len).sum::<Option<u64>>();
    Progress::of("importing", all, Unit::Bytes, false)
}

/// Opens a file; `-` is standard input.
pub(super) fn open(file: &str, bar: &Progress) -> io::Result<Input> {
    let input: Box<dyn Read> = match file {
        "-" => Box::new(bar.counting(io::stdin())),
        path => Box::new(bar.counting(File::open(path)?)),
    };
    Ok(Box::new(BufReader::with_capacity(READ_BYTES, input)))
}

// === impl Lines ===

impl<'a> Lines<'a> {
    pub(super) fn new(input: &'a mut Input) -> Self {
        Self { input, line: 0 }
    }

    /// The next line and its number.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        loop {
            let is_first = self.line == 0;
            let mut text = Vec::new();
            let read = self
                .input
                .by_ref()
                .take(MAX_LINE)
                .read_until(b'\n', &mut text)?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            if read as u64 == MAX_LINE {
                let what = format!("line {} is longer than 1 GiB", self.line);
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            if is_first && text.trim_ascii() == b"{" {
                self.input.by_ref().take(MAX_LINE).read_to_end(&mut text)?;
            }
            if !text.trim_ascii().is_empty() {
                return Ok(Some((self.line, text)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &'static str) -> Vec<(u64, String)> {
        let mut input: Input = Box::new(text.as_bytes());
        let mut lines = Lines::new(&mut input);
        let mut found = Vec::new();
        while let Some((line, text)) = lines.next().unwrap() {
            found.push((line, String::from_utf8(text).unwrap()));
        }
        found
    }

    #[test]
    fn lines_are_counted_and_blank_ones_passed_over() {
        let own = |found: &[(u64, &str)]| -> Vec<(u64, String)> {
            found.iter().map(|(l, t)| (*l, (*t).to_owned())).collect()
        };
        assert_eq!(lines("a\n\n \nb"), own(&[(1, "a\n"), (4, "b")]));
        assert_eq!(lines(""), own(&[]));
        assert_eq!(lines("{\n \"a\": 1\n}\n"), own(&[(1, "{\n \"a\": 1\n}\n")]));
    }
}
