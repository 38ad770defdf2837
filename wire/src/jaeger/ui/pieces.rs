//! Cuts a file of Jaeger's JSON into its traces, one after the other, however long the file is.
//!
//! In: `{"data":[trace, …]}` as the API answers and the UI downloads, a list of traces, or bare traces one after the other. Out: the text of
//! each trace, and the line it starts in. What is between brackets is not looked into.

use std::io::{self, BufRead};

/// No trace is longer than this.
const MAX_PIECE: usize = 1 << 30;

/// A trace, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The line of the file that it starts in, counted from 1.
    pub line: u64,
    /// Its JSON.
    pub json: Vec<u8>,
}

/// Why the rest of a file cannot be cut.
#[derive(Debug, thiserror::Error)]
pub enum PieceError {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not one of the forms.
    #[error("{what}")]
    Text {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong.
        what: &'static str,
    },
}

/// The traces of a file.
pub struct Pieces<R> {
    input: R,
    line: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before a value.
    Between,
    /// In a list of traces.
    Listed {
        first: bool,
        /// The list is a member of an object.
        enveloped: bool,
    },
    Ended,
}

// === impl Pieces ===

impl<R: BufRead> Pieces<R> {
    /// Of a file that is read from its start.
    pub fn new(input: R) -> Self {
        Self {
            input,
            line: 1,
            state: State::Between,
        }
    }

    /// The next trace. After an error there is none.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, PieceError> {
        let found = self.find();
        if !matches!(found, Ok(Some(_))) {
            self.state = State::Ended;
        }
        found
    }

    fn find(&mut self) -> Result<Option<Piece>, PieceError> {
        loop {
            match self.state {
                State::Ended => return Ok(None),
                State::Between => match self.skip_space()? {
                    None => return Ok(None),
                    Some(b'[') => {
                        self.bump()?;
                        self.state = State::Listed {
                            first: true,
                            enveloped: false,
                        };
                    }
                    Some(b'{') => {
                        if let Some(piece) = self.object()? {
                            return Ok(Some(piece));
                        }
                    }
                    // a mark that some editors put first
                    Some(0xef) if self.line == 1 => {
                        for _ in 0..3 {
                            self.bump()?;
                        }
                    }
                    Some(_) => return Err(self.fault("there is neither an object nor a list")),
                },
                State::Listed { first, enveloped } => {
                    if let Some(piece) = self.element(first, enveloped)? {
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    fn element(&mut self, first: bool, enveloped: bool) -> Result<Option<Piece>, PieceError> {
        let mut next = self.skip_space()?;
        if next == Some(b']') {
            self.bump()?;
            self.state = State::Between;
            if enveloped {
                self.rest_of_envelope()?;
            }
            return Ok(None);
        }
        if !first {
            if next != Some(b',') {
                return Err(self.fault("a ',' or the end of the list of traces is missing"));
            }
            self.bump()?;
            next = self.skip_space()?;
        }
        if next.is_none() {
            return Err(self.fault("the file ends inside the list of traces"));
        }
        let line = self.line;
        let mut json = Vec::new();
        self.value(&mut json)?;
        self.state = State::Listed {
            first: false,
            enveloped,
        };
        Ok(Some(Piece { line, json }))
    }

    /// An object: a bare trace, or what is around a list, which is entered.
    fn object(&mut self) -> Result<Option<Piece>, PieceError> {
        let line = self.line;
        let mut kept = Vec::new();
        self.keep(&mut kept)?;
        let mut first = true;
        loop {
            let mut next = self.skip_space()?;
            if next == Some(b'}') {
                return Err(self.fault("an object has neither data nor spans"));
            }
            if !first {
                if next != Some(b',') {
                    return Err(self.fault("a ',' or a '}' is missing"));
                }
                self.keep(&mut kept)?;
                next = self.skip_space()?;
            }
            first = false;
            if next != Some(b'"') {
                return Err(self.fault("a name is missing"));
            }
            let mut name = Vec::new();
            self.value(&mut name)?;
            kept.extend_from_slice(&name);
            if self.skip_space()? != Some(b':') {
                return Err(self.fault("a ':' is missing"));
            }
            self.keep(&mut kept)?;
            let next = self.skip_space()?;
            match name.as_slice() {
                b"\"data\"" if next == Some(b'[') => {
                    self.bump()?;
                    self.state = State::Listed {
                        first: true,
                        enveloped: true,
                    };
                    return Ok(None);
                }
                b"\"data\"" => {
                    self.value(&mut Vec::new())?;
                    self.rest_of_envelope()?;
                    return Ok(None);
                }
                b"\"traceID\"" | b"\"spans\"" | b"\"processes\"" => {
                    self.brackets(&mut kept, 1)?;
                    return Ok(Some(Piece { line, json: kept }));
                }
                _ => self.value(&mut kept)?,
            }
        }
    }

    /// Passes over what is left of an object whose traces were given.
    fn rest_of_envelope(&mut self) -> Result<(), PieceError> {
        self.brackets(&mut Vec::new(), 1)
    }

    /// Takes one value.
    fn value(&mut self, out: &mut Vec<u8>) -> Result<(), PieceError> {
        match self.peek()? {
            Some(b'"') => self.string(out),
            Some(b'{' | b'[') => {
                self.keep(out)?;
                self.brackets(out, 1)
            }
            Some(b',' | b':' | b']' | b'}') => Err(self.fault("a value is missing")),
            _ => {
                while let Some(byte) = self.peek()?
                    && !matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t')
                {
                    self.keep(out)?;
                }
                Ok(())
            }
        }
    }

    /// Takes everything until `depth` brackets are closed.
    fn brackets(&mut self, out: &mut Vec<u8>, mut depth: usize) -> Result<(), PieceError> {
        while depth > 0 {
            match self.peek()? {
                None => return Err(self.fault("the file ends inside a trace")),
                Some(b'"') => {
                    self.string(out)?;
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(_) => {}
            }
            self.keep(out)?;
        }
        Ok(())
    }

    fn string(&mut self, out: &mut Vec<u8>) -> Result<(), PieceError> {
        self.keep(out)?;
        loop {
            match self.peek()? {
                None => return Err(self.fault("the file ends inside a text")),
                Some(b'"') => return self.keep(out),
                Some(b'\\') => {
                    self.keep(out)?;
                    self.keep(out)?;
                }
                Some(_) => self.keep(out)?,
            }
        }
    }

    /// Moves one byte into `out`.
    fn keep(&mut self, out: &mut Vec<u8>) -> Result<(), PieceError> {
        if out.len() >= MAX_PIECE {
            return Err(self.fault("a trace is longer than 1 GiB"));
        }
        out.extend(self.bump()?);
        Ok(())
    }

    fn skip_space(&mut self) -> Result<Option<u8>, PieceError> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek()? {
            self.bump()?;
        }
        self.peek()
    }

    fn peek(&mut self) -> Result<Option<u8>, PieceError> {
        Ok(self.input.fill_buf()?.first().copied())
    }

    fn bump(&mut self) -> Result<Option<u8>, PieceError> {
        let byte = self.peek()?;
        if byte.is_some() {
            self.input.consume(1);
        }
        self.line += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }

    #[cold]
    fn fault(&self, what: &'static str) -> PieceError {
        PieceError::Text {
            line: self.line,
            what,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line and text of each trace, then the error if there is one.
    fn cut(text: &str) -> (Vec<(u64, String)>, Option<String>) {
        let mut pieces = Pieces::new(io::BufReader::with_capacity(3, text.as_bytes()));
        let mut found = Vec::new();
        loop {
            match pieces.next_piece() {
                Ok(Some(piece)) => {
                    found.push((piece.line, String::from_utf8(piece.json).unwrap()));
                }
                Ok(None) => return (found, None),
                Err(PieceError::Text { line, what }) => {
                    assert!(matches!(pieces.next_piece(), Ok(None)));
                    return (found, Some(format!("{line}: {what}")));
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[track_caller]
    fn check(text: &str, traces: &[(u64, &str)]) {
        let expect: Vec<_> = traces.iter().map(|(l, t)| (*l, (*t).to_owned())).collect();
        assert_eq!(cut(text), (expect, None));
    }

    #[test]
    fn traces_are_found_in_every_form() {
        check("", &[]);
        check(r#"{"data":[]}"#, &[]);
        check(r#"{"data":null,"errors":[{"code":404}]}"#, &[]);
        check(
            "{\"total\": 0, \"x\": [\"]\"],\n\"data\": [{\"a\":1},\n {\"b\":\"}\\\"\"}], \"errors\": null}\n",
            &[(2, r#"{"a":1}"#), (3, r#"{"b":"}\""}"#)],
        );
        check(" [ {} , 1 ]", &[(1, "{}"), (1, "1")]);
        check(
            "{\"warnings\":null,\n\"spans\":[{}]}\n{\"traceID\":\"1\"}",
            &[
                (1, "{\"warnings\":null,\"spans\":[{}]}"),
                (3, "{\"traceID\":\"1\"}"),
            ],
        );
        check("\u{feff}[{}]", &[(1, "{}")]);
    }

    #[test]
    fn what_is_broken_is_told_with_its_line_and_what_came_before_is_given() {
        for (text, whole, error) in [
            ("hello", 0, "1: there is neither"),
            ("{\"a\":1}", 0, "1: an object has neither data nor spans"),
            (
                "{\"data\":[{},\n{\"x\":\n\"y",
                1,
                "3: the file ends inside a text",
            ),
            ("{\"data\":[{},\n{", 1, "2: the file ends inside a trace"),
            ("{\"data\":[{}", 1, "1: a ',' or the end"),
            ("{\"data\":[{},", 1, "1: the file ends inside the list"),
            ("[{}{}]", 1, "1: a ','"),
            ("[,]", 0, "1: a value is missing"),
            ("{\"data\":[{}]", 1, "1: the file ends"),
            ("{data:[]}", 0, "1: a name is missing"),
        ] {
            let (found, told) = cut(text);
            assert_eq!(found.len(), whole, "{text}");
            assert!(
                told.as_ref().is_some_and(|t| t.starts_with(error)),
                "{text}: {told:?}"
            );
        }
    }
}
