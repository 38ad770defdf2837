//! Words, texts and signs of a query.
//!
//! In: text. Out: tokens with their place, the last of which is the end. A word is a key, a keyword or a value without quotes: letters, digits and
//! `_ . - / : @ +`.

use std::ops::Range;

use super::error::Error;
use super::tree::Operator;

/// A part of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// Letters, digits and a few signs; what it means depends on where it stands.
    Word(String),
    /// A text in quotes.
    Text(String),
    /// `.` before a text in quotes.
    Dot,
    Is(Operator),
    And,
    Or,
    Not,
    Open,
    Close,
    End,
}

/// A token and the bytes where it stands.
pub(super) type Placed = (Token, Range<usize>);

/// Whether a word may hold it.
pub(super) fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | ':' | '@' | '+')
}

/// What a word is that is a keyword.
pub(super) fn keyword(word: &str) -> Option<Token> {
    let all = [("and", Token::And), ("or", Token::Or), ("not", Token::Not)];
    let found = all
        .into_iter()
        .find(|(name, _)| word.eq_ignore_ascii_case(name));
    found.map(|(_, token)| token)
}

/// All tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, Error> {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            all.push((Token::End, at..at));
            return Ok(all);
        };
        let (token, len) = match first {
            '"' | '\'' | '`' => quoted(text, at, first)?,
            '.' if rest
                .get(1..)
                .is_some_and(|r| r.starts_with(['"', '\'', '`'])) =>
            {
                (Token::Dot, 1)
            }
            c if is_of_word(c) => {
                let len = rest.find(|c| !is_of_word(c)).unwrap_or(rest.len());
                let word = rest.get(..len).unwrap_or_default();
                (
                    keyword(word).unwrap_or_else(|| Token::Word(word.to_owned())),
                    len,
                )
            }
            _ => sign(rest).ok_or_else(|| {
                let end = at + first.len_utf8();
                Error::expected(
                    text,
                    at..end,
                    "a key, an operator or a value (texts with other signs stand in quotes)",
                )
            })?,
        };
        all.push((token, at..at + len));
        rest = rest.get(len..).unwrap_or_default();
    }
}

fn sign(rest: &str) -> Option<(Token, usize)> {
    // those of which another is the beginning come first
    let all = [
        ("&&", Token::And),
        ("||", Token::Or),
        ("==", Token::Is(Operator::Equal)),
        ("=~", Token::Is(Operator::Matches)),
        ("!=", Token::Is(Operator::NotEqual)),
        ("!~", Token::Is(Operator::NotMatches)),
        ("<=", Token::Is(Operator::AtMost)),
        (">=", Token::Is(Operator::AtLeast)),
        ("=", Token::Is(Operator::Equal)),
        ("<", Token::Is(Operator::Less)),
        (">", Token::Is(Operator::More)),
        ("!", Token::Not),
        ("(", Token::Open),
        (")", Token::Close),
    ];
    let found = all.into_iter().find(|(sign, _)| rest.starts_with(sign));
    found.map(|(sign, token)| (token, sign.len()))
}

/// The text that begins at byte `at`, and how long it is with its quotes.
fn quoted(text: &str, at: usize, quote: char) -> Result<(Token, usize), Error> {
    let mut value = String::new();
    let rest = text.get(at..).unwrap_or_default();
    let mut chars = rest.char_indices().skip(1);
    while let Some((offset, c)) = chars.next() {
        if c == quote {
            return Ok((Token::Text(value), offset + 1));
        }
        // between backquotes all is as it stands
        if c != '\\' || quote == '`' {
            value.push(c);
            continue;
        }
        value.push(match chars.next() {
            Some((_, c @ ('\\' | '"' | '\''))) => c,
            Some((_, 'n')) => '\n',
            Some((_, 'r')) => '\r',
            Some((_, 't')) => '\t',
            Some((_, c)) => {
                let what = format!(
                    "\\{c} is no escape: there are \\\\ \\\" \\' \\n \\r \\t; between backquotes (`…`) none is needed"
                );
                return Err(Error::new(text, at + offset, what));
            }
            None => break,
        });
    }
    Err(Error::new(
        text,
        at,
        format!("the text that begins here has no closing {quote}"),
    ))
}
