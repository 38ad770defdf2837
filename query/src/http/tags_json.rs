//! The parameter `tags`: a JSON object of text to text, read with the errors of Go's `encoding/json`.
//!
//! In: the parameter's text. Out: its pairs in order, or Go's sentence. As in Go the whole text is checked first, so a syntax error anywhere
//! comes before a value of the wrong type; `null` is an empty object, or an empty text as a value. Nesting costs no stack.
//!
//! Source: Go 1.24 `encoding/json`, `scanner.go` and `decode.go`.

use super::go;

/// Reads the object.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    check(text.as_bytes())?;
    // Go's check accepts what serde_json does, so what is left are types, and halves of surrogate pairs
    match serde_json::from_str::<serde_json::Value>(&mend_surrogates(text)) {
        Ok(serde_json::Value::Null) => Ok(Vec::new()),
        Ok(serde_json::Value::Object(members)) => members.into_iter().map(text_member).collect(),
        Ok(other) => Err(wrong_type(&other, "map[string]string")),
        Err(error) => Err(error.to_string()),
    }
}

fn text_member((name, value): (String, serde_json::Value)) -> Result<(String, String), String> {
    match value {
        serde_json::Value::String(text) => Ok((name, text)),
        serde_json::Value::Null => Ok((name, String::new())),
        other => Err(wrong_type(&other, "string")),
    }
}

fn wrong_type(value: &serde_json::Value, wanted: &str) -> String {
    let found = match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "bool",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    };
    format!("json: cannot unmarshal {found} into Go value of type {wanted}")
}

/// Half a surrogate pair in `\u` escapes is U+FFFD to Go and an error to serde_json.
fn mend_surrogates(text: &str) -> String {
    let escape = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(ch) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let mut len = ch.len_utf8();
        if ch == '\\' {
            len = match (escape(at), escape(at + 6)) {
                (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => 12,
                (Some(0xd800..=0xdfff), _) => {
                    out.push('\u{fffd}');
                    at += 6;
                    continue;
                }
                (Some(_), _) => 6,
                (None, _) => 2,
            };
        }
        out.push_str(text.get(at..at + len).unwrap_or_default());
        at += len;
    }
    out
}

/// Where the check stands between two bytes.
#[derive(Clone, Copy)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// Whether all of `text` is JSON, as Go's scanner sees it.
fn check(text: &[u8]) -> Result<(), String> {
    let mut scanner = Scanner { text, at: 0 };
    // an open bracket for each level
    let mut open: Vec<u8> = Vec::new();
    let mut expect = Expect::Value;
    loop {
        scanner.skip_space();
        let Some(byte) = scanner.next() else {
            return match expect {
                Expect::Nothing => Ok(()),
                _ => Err(end_of_input()),
            };
        };
        expect = match (expect, byte) {
            (Expect::Value | Expect::ValueOrEnd, b'{') => {
                open.push(byte);
                Expect::KeyOrEnd
            }
            (Expect::Value | Expect::ValueOrEnd, b'[') => {
                open.push(byte);
                Expect::ValueOrEnd
            }
            (Expect::KeyOrEnd, b'}') | (Expect::ValueOrEnd, b']') => close(&mut open),
            (Expect::Value | Expect::ValueOrEnd, _) => {
                scanner.scalar(byte)?;
                after_value(&open)
            }
            (Expect::Key | Expect::KeyOrEnd, b'"') => {
                scanner.string()?;
                Expect::Colon
            }
            (Expect::Key | Expect::KeyOrEnd, _) => {
                return Err(invalid(byte, "looking for beginning of object key string"));
            }
            (Expect::Colon, b':') => Expect::Value,
            (Expect::Colon, _) => return Err(invalid(byte, "after object key")),
            (Expect::CommaOrEnd, _) => match (open.last(), byte) {
                (Some(b'{'), b',') => Expect::Key,
                (Some(b'['), b',') => Expect::Value,
                (Some(b'{'), b'}') | (Some(b'['), b']') => close(&mut open),
                (Some(b'{'), _) => return Err(invalid(byte, "after object key:value pair")),
                _ => return Err(invalid(byte, "after array element")),
            },
            (Expect::Nothing, _) => return Err(invalid(byte, "after top-level value")),
        };
    }
}

fn close(open: &mut Vec<u8>) -> Expect {
    open.pop();
    after_value(open)
}

fn after_value(open: &[u8]) -> Expect {
    if open.is_empty() {
        Expect::Nothing
    } else {
        Expect::CommaOrEnd
    }
}

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

// === impl Scanner ===

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// A value that is no object and no list, whose first byte was taken.
    fn scalar(&mut self, first: u8) -> Result<(), String> {
        match first {
            b'"' => self.string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' | b'0'..=b'9' => self.number(first),
            _ => Err(invalid(first, "looking for beginning of value")),
        }
    }

    fn string(&mut self) -> Result<(), String> {
        loop {
            match self.next().ok_or_else(end_of_input)? {
                b'"' => return Ok(()),
                b'\\' => match self.next().ok_or_else(end_of_input)? {
                    b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => {}
                    b'u' => {
                        for _ in 0..4 {
                            let byte = self.next().ok_or_else(end_of_input)?;
                            if !byte.is_ascii_hexdigit() {
                                return Err(invalid(byte, "in \\u hexadecimal character escape"));
                            }
                        }
                    }
                    other => return Err(invalid(other, "in string escape code")),
                },
                byte @ ..0x20 => return Err(invalid(byte, "in string literal")),
                _ => {}
            }
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for wanted in word.chars().skip(1) {
            let byte = self.next().ok_or_else(end_of_input)?;
            if char::from(byte) != wanted {
                let context = format!("in literal {word} (expecting '{wanted}')");
                return Err(invalid(byte, &context));
            }
        }
        Ok(())
    }

    fn number(&mut self, first: u8) -> Result<(), String> {
        let mut first = first;
        if first == b'-' {
            first = self.digit("in numeric literal")?;
        }
        if first != b'0' {
            self.digits();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        Ok(())
    }

    fn digit(&mut self, context: &str) -> Result<u8, String> {
        let byte = self.next().ok_or_else(end_of_input)?;
        if byte.is_ascii_digit() {
            Ok(byte)
        } else {
            Err(invalid(byte, context))
        }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
    }
}

fn end_of_input() -> String {
    "unexpected end of JSON input".to_owned()
}

/// Go looks at single bytes, so that a letter beyond ASCII reads as its first byte.
fn invalid(byte: u8, context: &str) -> String {
    let quoted = match byte {
        b'\'' => "'\\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        _ => {
            let text = go::quote(&char::from(byte).to_string());
            format!("'{}'", text.trim_matches('"'))
        }
    };
    format!("invalid character {quoted} {context}")
}

#[cfg(test)]
mod tests;
