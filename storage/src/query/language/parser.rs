//! Tokens become a tree.
//!
//! ```text
//! query     = all { "or" all }
//! all       = one { "and" one }
//! one       = ( "not" | "!" ) one | "(" query ")" | condition
//! condition = "exists" "(" key ")" | key | ( key | intrinsic ) operator value
//! key       = word | [ "." ] text | "." word
//! ```
//! `and` binds closer than `or`, `not` closer than both.

use std::ops::Range;

use settings::GoDuration;

use super::error::Error;
use super::lexer::{Placed, Token, tokens};
use super::tree::{Condition, KINDS, Operator, Outcome, Tree, Value, kind_word};
use super::{MAX_BYTES, MAX_CONDITIONS, MAX_DEPTH};
use crate::query::{Decimal, Pattern};

/// Digits of a number's exponent at most.
const MAX_NUMBER: usize = 64;

/// Properties of every span, which are no tags. A tag of the same name is written with a dot before it.
pub(super) const INTRINSICS: [&str; 5] = ["service", "operation", "duration", "kind", "status"];

struct Parser<'a> {
    text: &'a str,
    tokens: std::iter::Peekable<std::vec::IntoIter<Placed>>,
    conditions: usize,
}

/// What a condition is about.
enum Subject {
    Tag(String),
    Intrinsic(&'static str),
}

// === impl Tree ===

impl Tree {
    /// Reads a query.
    ///
    /// # Errors
    /// When it is not of the language, or is too long, too deep or has too many conditions.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            let what = format!("the query is longer than {MAX_BYTES} bytes");
            return Err(Error::new(text, 0, what));
        }
        let mut parser = Parser {
            text,
            tokens: tokens(text)?.into_iter().peekable(),
            conditions: 0,
        };
        let tree = parser.any(0)?;
        match parser.next() {
            (Token::End, _) => Ok(tree),
            (_, at) => Err(parser.expected(at, "'and', 'or' or the end")),
        }
    }
}

// === impl Parser ===

impl Parser<'_> {
    fn next(&mut self) -> Placed {
        let end = self.text.len();
        self.tokens.next().unwrap_or((Token::End, end..end))
    }

    fn next_is(&mut self, wanted: &Token) -> bool {
        self.tokens.next_if(|(token, _)| token == wanted).is_some()
    }

    fn expected(&self, at: Range<usize>, what: &str) -> Error {
        Error::expected(self.text, at, what)
    }

    fn any(&mut self, depth: usize) -> Result<Tree, Error> {
        let mut any = vec![self.all(depth)?];
        while self.next_is(&Token::Or) {
            any.push(self.all(depth)?);
        }
        Ok(single_or(any, Tree::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Tree, Error> {
        let mut all = vec![self.one(depth)?];
        while self.next_is(&Token::And) {
            all.push(self.one(depth)?);
        }
        Ok(single_or(all, Tree::And))
    }

    fn one(&mut self, depth: usize) -> Result<Tree, Error> {
        let (token, at) = self.next();
        if depth >= MAX_DEPTH && matches!(token, Token::Not | Token::Open) {
            let what = format!("the query is nested deeper than {MAX_DEPTH}");
            return Err(Error::new(self.text, at.start, what));
        }
        match token {
            Token::Not => Ok(Tree::Not(Box::new(self.one(depth + 1)?))),
            Token::Open => {
                let tree = self.any(depth + 1)?;
                match self.next() {
                    (Token::Close, _) => Ok(tree),
                    (_, at) => Err(self.expected(at, "'and', 'or' or ')'")),
                }
            }
            token => {
                self.conditions += 1;
                if self.conditions > MAX_CONDITIONS {
                    let what = format!("the query has more than {MAX_CONDITIONS} conditions");
                    return Err(Error::new(self.text, at.start, what));
                }
                Ok(Tree::Is(self.condition(token, at)?))
            }
        }
    }

    fn condition(&mut self, first: Token, at: Range<usize>) -> Result<Condition, Error> {
        if matches!(&first, Token::Word(word) if word == "exists") && self.next_is(&Token::Open) {
            let (token, at) = self.next();
            let key = match self.subject(token, at.clone())? {
                Subject::Tag(key) => key,
                Subject::Intrinsic(name) => {
                    let what = format!("every span has a {name}; .{name} is the tag of that name");
                    return Err(Error::new(self.text, at.start, what));
                }
            };
            return match self.next() {
                (Token::Close, _) => Ok(Condition::Exists(key)),
                (_, at) => Err(self.expected(at, "')'")),
            };
        }
        let subject = self.subject(first, at)?;
        let operator = match self.tokens.peek() {
            Some((Token::Is(operator), at)) => Some((*operator, at.clone())),
            _ => None,
        };
        match (subject, operator) {
            (Subject::Tag(key), None) => Ok(Condition::True(key)),
            (Subject::Intrinsic(name), None) => {
                let (_, at) = self.next();
                let what = format!("an operator behind {name} (.{name} is the tag of that name)");
                Err(self.expected(at, &what))
            }
            (subject, Some((operator, at))) => {
                self.next();
                match subject {
                    Subject::Tag(key) => self.tag(key, operator),
                    Subject::Intrinsic(name) => self.intrinsic(name, operator, at),
                }
            }
        }
    }

    fn subject(&mut self, token: Token, at: Range<usize>) -> Result<Subject, Error> {
        const WHAT: &str =
            "a tag's key, service, operation, duration, kind, status, exists(…), 'not' or '('";
        let tag = match token {
            Token::Text(key) => key,
            Token::Dot => match self.next() {
                (Token::Text(key), _) => key,
                (_, at) => return Err(self.expected(at, "a tag's key")),
            },
            Token::Word(word) => {
                if let Some(name) = INTRINSICS.into_iter().find(|name| *name == word) {
                    return Ok(Subject::Intrinsic(name));
                }
                let key = word.strip_prefix('.').unwrap_or(&word);
                if key.is_empty() || key.starts_with(|c: char| c.is_numeric() || "-+".contains(c)) {
                    return Err(self.expected(at, WHAT));
                }
                key.to_owned()
            }
            _ => return Err(self.expected(at, WHAT)),
        };
        Ok(Subject::Tag(tag))
    }

    fn tag(&mut self, key: String, is: Operator) -> Result<Condition, Error> {
        let value = if is.is_of_expressions() {
            Value::Text(self.expression()?)
        } else if is.order().is_some() {
            let (token, at) = self.next();
            let number = match &token {
                Token::Word(word) => number(word),
                _ => None,
            };
            let what = "a number, since only numbers are compared so";
            Value::Number(number.ok_or_else(|| self.expected(at, what))?)
        } else {
            let (token, at) = self.next();
            match token {
                Token::Text(text) => Value::Text(text),
                Token::Word(word) => match number(&word) {
                    Some(number) => Value::Number(number),
                    None => Value::Text(word),
                },
                _ => return Err(self.expected(at, "a value")),
            }
        };
        Ok(Condition::Tag(key, is, value))
    }

    fn intrinsic(
        &mut self,
        name: &str,
        is: Operator,
        at: Range<usize>,
    ) -> Result<Condition, Error> {
        let is_equality = matches!(is, Operator::Equal | Operator::NotEqual);
        Ok(match name {
            "service" | "operation" => {
                let text = if is.is_of_expressions() {
                    self.expression()?
                } else if is_equality {
                    self.word("a name")?.0
                } else {
                    return Err(self.expected(at, "one of = != =~ !~"));
                };
                if name == "service" {
                    Condition::Service(is, text)
                } else {
                    Condition::Operation(is, text)
                }
            }
            "duration" if is.is_of_expressions() => {
                return Err(self.expected(at, "one of = != < <= > >="));
            }
            "duration" => {
                let (text, at) = self.word("a duration such as 1.5s or 200ms")?;
                let duration = text.parse::<GoDuration>().map(GoDuration::as_ns).ok();
                let ns = duration.and_then(|ns| u64::try_from(ns).ok());
                let what = "a duration such as 1.5s or 200ms (units: ns us ms s m h)";
                Condition::Duration(is, ns.ok_or_else(|| self.expected(at, what))?)
            }
            _ if !is_equality => return Err(self.expected(at, "one of = !=")),
            "kind" => Condition::Kind(is, self.one_of(&KINDS, kind_word)?),
            _ => Condition::Status(is, self.one_of(&Outcome::ALL, Outcome::as_str)?),
        })
    }

    /// A text or a word as it stands.
    fn word(&mut self, what: &str) -> Result<(String, Range<usize>), Error> {
        match self.next() {
            (Token::Text(text) | Token::Word(text), at) => Ok((text, at)),
            (_, at) => Err(self.expected(at, what)),
        }
    }

    fn one_of<T: Copy>(&mut self, all: &[T], name: fn(T) -> &'static str) -> Result<T, Error> {
        let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
        let what = format!("one of {}", names.join(" "));
        let (text, at) = self.word(&what)?;
        let found = all.iter().find(|one| name(**one) == text);
        found.copied().ok_or_else(|| self.expected(at, &what))
    }

    fn expression(&mut self) -> Result<String, Error> {
        match self.next() {
            (Token::Text(text), at) => match Pattern::expression(text.as_str()) {
                Ok(_) => Ok(text),
                Err(why) => Err(Error::new(self.text, at.start, why.to_string())),
            },
            (_, at) => Err(self.expected(at, "an expression in quotes")),
        }
    }
}

fn number(word: &str) -> Option<Decimal> {
    (word.len() <= MAX_NUMBER).then(|| word.parse().ok())?
}

fn single_or(mut trees: Vec<Tree>, join: fn(Vec<Tree>) -> Tree) -> Tree {
    match trees.len() {
        1 => trees.swap_remove(0),
        _ => join(trees),
    }
}
