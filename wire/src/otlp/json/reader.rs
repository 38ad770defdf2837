//! A JSON reader that hands out one value after the other and keeps none.
//!
//! In: text that is known to be UTF-8. Out: strings (borrowed where they hold no escape), numbers as they are written, and the structure
//! in between. It does not recurse: passing over a value counts brackets. Where a value began and ended can be asked, so that a caller
//! can go back.
//!
//! Source: RFC 8259. A lone surrogate in an escape becomes U+FFFD, as in Go.

use std::borrow::Cow;
use std::fmt;

/// How deep brackets may nest in what is passed over: it is counted, not recursed into, so this only bounds nonsense.
const MAX_SKIP_DEPTH: usize = 1_000;

/// Text that is no JSON, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    what: &'static str,
    at: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// A place in the text.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

// === impl Reader ===

impl<'a> Reader<'a> {
    /// At the start of `text`.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no white space.
    fn peek_byte(&mut self) -> Option<u8> {
        let rest = self.rest();
        let blank = rest
            .iter()
            .position(|b| !matches!(b, b' ' | b'\n' | b'\r' | b'\t'));
        self.at += blank.unwrap_or(rest.len());
        self.rest().first().copied()
    }

    /// Takes `byte` if it is next.
    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek_byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.eat(byte) {
            Ok(())
        } else {
            Err(self.fault(what))
        }
    }

    #[cold]
    fn fault(&self, what: &'static str) -> Fault {
        Fault { what, at: self.at }
    }

    /// What comes next.
    pub(crate) fn peek(&mut self) -> Result<Kind, Fault> {
        match self.peek_byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => Err(self.fault("a value")),
        }
    }

    /// Where the next byte is, counted from the start of the text.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Nothing but white space is left.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.peek_byte() {
            None => Ok(()),
            Some(_) => Err(self.fault("the end")),
        }
    }

    /// Enters an object.
    pub(crate) fn begin_object(&mut self) -> Result<(), Fault> {
        self.expect(b'{', "'{'")
    }

    /// The next name of the object, its colon passed; `None` at its end, which is passed, too.
    pub(crate) fn next_name(&mut self, first: bool) -> Result<Option<Cow<'a, str>>, Fault> {
        if self.eat(b'}') {
            return Ok(None);
        }
        if !first {
            self.expect(b',', "',' or '}'")?;
        }
        let name = self.string()?;
        self.expect(b':', "':'")?;
        Ok(Some(name))
    }

    /// Enters an array.
    pub(crate) fn begin_array(&mut self) -> Result<(), Fault> {
        self.expect(b'[', "'['")
    }

    /// Whether another element follows; the array's end is passed.
    pub(crate) fn next_element(&mut self, first: bool) -> Result<bool, Fault> {
        if self.eat(b']') {
            return Ok(false);
        }
        if !first {
            self.expect(b',', "',' or ']'")?;
        }
        Ok(true)
    }

    /// `null`.
    pub(crate) fn null(&mut self) -> Result<(), Fault> {
        self.word("null")
    }

    /// `true` or `false`.
    pub(crate) fn bool(&mut self) -> Result<bool, Fault> {
        if self.peek_byte() == Some(b't') {
            return self.word("true").map(|()| true);
        }
        self.word("false").map(|()| false)
    }

    fn word(&mut self, word: &'static str) -> Result<(), Fault> {
        self.peek_byte();
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.fault("a value"))
        }
    }

    /// A number, as it is written.
    pub(crate) fn number(&mut self) -> Result<&'a str, Fault> {
        self.peek_byte();
        let start = self.at;
        self.at += usize::from(self.rest().first() == Some(&b'-'));
        match self.rest().first() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.rest().first() == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.rest().first(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.rest().first(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let rest = self.rest();
        let count = rest.iter().position(|b| !b.is_ascii_digit());
        match count.unwrap_or(rest.len()) {
            0 => Err(self.fault("a digit")),
            count => {
                self.at += count;
                Ok(())
            }
        }
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.expect(b'"', "'\"'")?;
        let mut made: Option<String> = None;
        loop {
            let start = self.at;
            self.at += plain_len(self.rest());
            let plain = self.text.get(start..self.at).unwrap_or_default();
            match self.rest().first() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(match made {
                        None => Cow::Borrowed(plain),
                        Some(made) => Cow::Owned(made + plain),
                    });
                }
                Some(b'\\') => {
                    self.at += 1;
                    let made = made.get_or_insert_default();
                    made.push_str(plain);
                    made.push(self.escape()?);
                }
                Some(_) => return Err(self.fault("a control character's escape")),
                None => return Err(self.fault("the end of a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let byte = self.rest().first().copied();
        self.at += 1;
        Ok(match byte {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => {
                self.at -= 1;
                return Err(self.fault("an escape"));
            }
        })
    }

    fn unicode_escape(&mut self) -> Result<char, Fault> {
        let unit = self.hex4()?;
        if let Some(ch) = char::from_u32(unit) {
            return Ok(ch);
        }
        // a high surrogate counts only with a low one behind it
        if unit < 0xdc00 && self.rest().starts_with(b"\\u") {
            let before = self.at;
            self.at += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let scalar = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                return Ok(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = before;
        }
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn hex4(&mut self) -> Result<u32, Fault> {
        let digits = self.rest().first_chunk::<4>().copied();
        let text = digits.filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let value = text.and_then(|d| {
            let text = std::str::from_utf8(&d).ok()?;
            u32::from_str_radix(text, 16).ok()
        });
        match value {
            Some(value) => {
                self.at += 4;
                Ok(value)
            }
            None => Err(self.fault("four hex digits")),
        }
    }

    /// Passes over a value, checked to be JSON.
    pub(crate) fn skip_value(&mut self) -> Result<(), Fault> {
        // what is open: true is an object
        let mut open: Vec<bool> = Vec::new();
        loop {
            let depth = open.len();
            match self.peek()? {
                Kind::Object => {
                    self.begin_object()?;
                    open.push(true);
                }
                Kind::Array => {
                    self.begin_array()?;
                    open.push(false);
                }
                Kind::String => self.string().map(|_| ())?,
                Kind::Number => self.number().map(|_| ())?,
                Kind::Bool => self.bool().map(|_| ())?,
                Kind::Null => self.null()?,
            }
            if open.len() > MAX_SKIP_DEPTH {
                return Err(self.fault("fewer brackets"));
            }
            // a bracket that was opened just now has no comma in front of its first value
            let mut first = open.len() > depth;
            loop {
                let more = match open.last() {
                    None => return Ok(()),
                    Some(true) => self.next_name(first)?.is_some(),
                    Some(false) => self.next_element(first)?,
                };
                if more {
                    break;
                }
                open.pop();
                first = false;
            }
        }
    }

    /// Where the value is that begins here and ends before `after`.
    pub(crate) fn value_range(&self, after: &Reader<'_>) -> std::ops::Range<usize> {
        let mut start = self.clone();
        start.peek_byte();
        start.at..after.at
    }
}

/// How many bytes a string goes on with before a quote, a backslash or a control character. Eight at a time: this is where JSON's time
/// goes.
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const TOPS: u64 = ONES << 7;
    // a borrow can only come from a byte that counts itself, so the lowest one found is right, and that one is looked for below
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & TOPS;
    let (words, _) = bytes.as_chunks::<8>();
    let plain = words.iter().take_while(|word| {
        let word = u64::from_le_bytes(**word);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        quote | backslash | below(word, 0x20) == 0
    });
    let start = plain.count() * 8;
    let rest = bytes.get(start..).unwrap_or_default();
    let stop = rest
        .iter()
        .position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f));
    start + stop.unwrap_or(rest.len())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JSON lacks {} at byte {}", self.what, self.at)
    }
}

#[cfg(test)]
mod tests;
