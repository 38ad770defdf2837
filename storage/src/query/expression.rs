//! The subset of regular expressions that a tag's value may be, parsed once and written for each engine, so that all mean the same.
//!
//! In: text. Out: an [`Expression`], or nothing when the text is none; from it the spelling of Rust's `regex` and that of Lucene.
//!
//! The subset: `.`, `?`, `+`, `*`, `|`, `{n}`, `{n,}`, `{n,m}`, `[…]`, `[^…]`, `(…)`, and `\` before a character that is meant as it is, letters
//! too. An operator behind an operator takes the whole before it, so that `a+?` is perhaps `a+`; nothing is lazy. Everything else is itself.
//!
//! Who writes an expression and means one is told what would mean something else than it does elsewhere: see [`Expression::parse_meant`].
//!
//! Source: Lucene's `org.apache.lucene.util.automaton.RegExp` without its optional operators, which Jaeger passes a tag's value to.

use std::iter::Peekable;
use std::str::Chars;

/// Deepest nesting of groups and operators.
const MAX_DEPTH: usize = 32;

/// Alternatives, each a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expression(Vec<Vec<Node>>);

/// Why a text is no expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It is not of the subset.
    #[error("not an expression of . ? + * | {{}} [] () and \\")]
    Invalid,
    /// It compiles to more than may be.
    #[error("an expression that is too large (at most 1024 bytes, and small repetitions)")]
    TooLarge,
    /// `\d` and the like.
    #[error("\\{0} has no meaning: write a class such as [0-9]")]
    Escape(char),
    /// `^` or `$`.
    #[error(
        "an expression matches whole values, so leave {0} out, or write \\{0} for the character"
    )]
    Anchor(char),
    /// `a+?`.
    #[error("an operator behind another: nothing is lazy here")]
    Lazy,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Char(char),
    Any,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Group(Expression),
    Repeat {
        node: Box<Node>,
        min: u32,
        /// None: any number.
        max: Option<u32>,
    },
}

struct Parser<'a> {
    chars: Peekable<Chars<'a>>,
    /// What was found first that means something else elsewhere.
    trap: Option<ExpressionError>,
}

// === impl Expression ===

impl Expression {
    /// `None`: `text` is no expression of the subset.
    pub(super) fn parse(text: &str) -> Option<Self> {
        Some(Self::parse_with_trap(text)?.0)
    }

    /// The same for a text that was written as an expression: what means something else in other engines is an error, and not taken for itself.
    pub(super) fn parse_meant(text: &str) -> Result<Self, ExpressionError> {
        match Self::parse_with_trap(text) {
            None => Err(ExpressionError::Invalid),
            Some((_, Some(trap))) => Err(trap),
            Some((expression, None)) => Ok(expression),
        }
    }

    fn parse_with_trap(text: &str) -> Option<(Self, Option<ExpressionError>)> {
        let mut parser = Parser {
            chars: text.chars().peekable(),
            trap: None,
        };
        let expression = parser.alternatives(0)?;
        let is_whole = parser.chars.next().is_none();
        is_whole.then_some((expression, parser.trap))
    }

    /// As `regex` reads it, anchored at both ends.
    pub(super) fn to_rust(&self) -> String {
        let mut out = String::from("^(?s:");
        self.write(&mut out, "(?:", "");
        out.push_str(")$");
        out
    }

    /// As Lucene reads it, which anchors by itself. What its optional operators are made of is escaped: they mean nothing, switched on or off.
    pub(super) fn to_lucene(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, "(", "()");
        out
    }

    /// `open` begins a group, `empty` is what matches the empty text.
    fn write(&self, out: &mut String, open: &str, empty: &str) {
        for (nth, sequence) in self.0.iter().enumerate() {
            if nth > 0 {
                out.push('|');
            }
            if sequence.is_empty() {
                out.push_str(empty);
            }
            for node in sequence {
                node.write(out, open, empty);
            }
        }
    }
}

// === impl Node ===

impl Node {
    fn write(&self, out: &mut String, open: &str, empty: &str) {
        match self {
            Self::Char(c) => push(out, *c),
            Self::Any => out.push('.'),
            Self::Class { negated, ranges } => {
                out.push_str(if *negated { "[^" } else { "[" });
                for (first, last) in ranges {
                    push(out, *first);
                    if first != last {
                        out.push('-');
                        push(out, *last);
                    }
                }
                out.push(']');
            }
            Self::Group(expression) => {
                out.push_str(open);
                expression.write(out, open, empty);
                out.push(')');
            }
            Self::Repeat { node, min, max } => {
                // an operator right behind another means something else in each engine
                let wraps = matches!(**node, Self::Repeat { .. });
                if wraps {
                    out.push_str(open);
                }
                node.write(out, open, empty);
                if wraps {
                    out.push(')');
                }
                match (min, max) {
                    (0, Some(1)) => out.push('?'),
                    (0, None) => out.push('*'),
                    (1, None) => out.push('+'),
                    (min, None) => out.push_str(&format!("{{{min},}}")),
                    (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
                }
            }
        }
    }
}

/// A character that means itself.
fn push(out: &mut String, c: char) {
    if c.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(c);
}

// === impl Parser ===

impl Parser<'_> {
    fn alternatives(&mut self, depth: usize) -> Option<Expression> {
        let mut all = vec![self.sequence(depth)?];
        while self.chars.next_if_eq(&'|').is_some() {
            all.push(self.sequence(depth)?);
        }
        Some(Expression(all))
    }

    fn sequence(&mut self, depth: usize) -> Option<Vec<Node>> {
        let mut nodes = Vec::new();
        while !matches!(self.chars.peek(), None | Some('|' | ')')) {
            nodes.push(self.repeated(depth)?);
        }
        Some(nodes)
    }

    fn repeated(&mut self, depth: usize) -> Option<Node> {
        let mut node = self.node(depth)?;
        for _ in 0..=MAX_DEPTH - depth {
            let (min, max) = match self.chars.peek() {
                Some('?') => (0, Some(1)),
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('{') => (0, Some(0)),
                _ => return Some(node),
            };
            if matches!(node, Node::Repeat { .. }) {
                self.trap.get_or_insert(ExpressionError::Lazy);
            }
            let (min, max) = if self.chars.next() == Some('{') {
                self.counts()?
            } else {
                (min, max)
            };
            node = Node::Repeat {
                node: Box::new(node),
                min,
                max,
            };
        }
        None
    }

    /// What stands between braces, the first of which is read.
    fn counts(&mut self) -> Option<(u32, Option<u32>)> {
        let min = self.number()?;
        let max = if self.chars.next_if_eq(&',').is_none() {
            Some(min)
        } else if self.chars.peek() == Some(&'}') {
            None
        } else {
            Some(self.number()?)
        };
        (self.chars.next()? == '}' && max.is_none_or(|max| min <= max)).then_some((min, max))
    }

    fn number(&mut self) -> Option<u32> {
        let mut digits = String::new();
        while let Some(digit) = self.chars.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits.parse().ok()
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        Some(match self.chars.next()? {
            '.' => Node::Any,
            '\\' => Node::Char(self.escaped()?),
            '[' => self.class()?,
            '(' if depth < MAX_DEPTH => {
                let group = self.alternatives(depth + 1)?;
                self.chars.next_if_eq(&')')?;
                Node::Group(group)
            }
            // nothing to be repeated, or too deep
            '(' | '?' | '*' | '+' | '{' => return None,
            c => {
                if matches!(c, '^' | '$') {
                    self.trap.get_or_insert(ExpressionError::Anchor(c));
                }
                Node::Char(c)
            }
        })
    }

    fn escaped(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c.is_alphanumeric() {
            self.trap.get_or_insert(ExpressionError::Escape(c));
        }
        Some(c)
    }

    /// What stands between brackets, the first of which is read. A bracket that comes first is one of the class.
    fn class(&mut self) -> Option<Node> {
        let negated = self.chars.next_if_eq(&'^').is_some();
        let mut ranges = Vec::new();
        loop {
            let first = self.chars.next()?;
            if first == ']' && !ranges.is_empty() {
                return Some(Node::Class { negated, ranges });
            }
            let first = self.in_class(first)?;
            let mut ahead = self.chars.clone();
            let last = match (ahead.next(), ahead.next()) {
                // a hyphen that comes last is itself
                (Some('-'), Some(next)) if next != ']' => {
                    self.chars.next();
                    let last = self.chars.next()?;
                    self.in_class(last)?
                }
                _ => first,
            };
            if first > last {
                return None;
            }
            ranges.push((first, last));
        }
    }

    fn in_class(&mut self, c: char) -> Option<char> {
        if c == '\\' { self.escaped() } else { Some(c) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, lucene: &str, rust: &str) {
        let parsed = Expression::parse(text).expect("it is an expression");
        assert_eq!(parsed.to_lucene(), lucene, "{text}");
        assert_eq!(parsed.to_rust(), format!("^(?s:{rust})$"), "{text}");
    }

    #[test]
    fn both_spellings_mean_the_same() {
        check("4.*", "4.*", "4.*");
        check("a|bc", "a|bc", "a|bc");
        check("(ab)+c?", "(ab)+c?", "(?:ab)+c?");
        check("[0-9]{3}", "[0-9]{3,3}", "[0-9]{3,3}");
        check("a{2,}b{0,1}", "a{2,}b?", "a{2,}b?");
        // what only Lucene knows, and what only Rust knows
        check("a@b.*", r"a\@b.*", r"a\@b.*");
        check(
            r#"~<1-5>&#"x"|"#,
            r#"\~\<1\-5\>\&\#\"x\"|()"#,
            r#"\~\<1\-5\>\&\#\"x\"|"#,
        );
        check("^a$.*", r"\^a\$.*", r"\^a\$.*");
        check(r"\d+", "d+", "d+");
        check(r"\.\\(\()", r"\.\\(\()", r"\.\\(?:\()");
        check("a}]*", r"a\}\]*", r"a\}\]*");
    }

    #[test]
    fn nothing_is_also_an_alternative() {
        check("a|", "a|()", "a|");
        check("()x", "(())x", "(?:)x");
        check("(|a)b", "(()|a)b", "(?:|a)b");
    }

    #[test]
    fn an_operator_takes_what_the_one_before_it_took() {
        check("a+?", "(a+)?", "(?:a+)?");
        check("a*{2}+", "((a*){2,2})+", "(?:(?:a*){2,2})+");
    }

    #[test]
    fn classes_hold_ranges_and_themselves() {
        check("[^a-c-]", r"[^a-c\-]", r"[^a-c\-]");
        check("[]a]", r"[\]a]", r"[\]a]");
        check("[^]]", r"[^\]]", r"[^\]]");
        check(r"[\]\-&&~~[]", r"[\]\-\&\&\~\~\[]", r"[\]\-\&\&\~\~\[]");
        check("[+--]", r"[\+-\-]", r"[\+-\-]");
        check("[a-c-e]", r"[a-c\-e]", r"[a-c\-e]");
    }

    #[test]
    fn what_is_no_expression_is_none() {
        for text in [
            "*",
            "a|*",
            "(+)",
            "(?i)x",
            "(a",
            "a)",
            "[a",
            "[",
            "[]",
            "[^",
            "[b-a]",
            "a{",
            "a{x}",
            "a{,3}",
            "a{3,2}",
            "a{1",
            "{1}",
            "a\\",
            "[\\",
            "a{99999999999}",
            "a{1 }",
        ] {
            assert_eq!(Expression::parse(text), None, "{text}");
        }
    }

    #[test]
    fn who_means_an_expression_is_told_of_traps() {
        use ExpressionError as E;
        for (text, error) in [
            (r"\d+", E::Escape('d')),
            (r"[\w]", E::Escape('w')),
            ("^a", E::Anchor('^')),
            ("a$", E::Anchor('$')),
            ("a+?", E::Lazy),
            ("(?i)a", E::Invalid),
            ("a{2", E::Invalid),
        ] {
            assert_eq!(Expression::parse_meant(text), Err(error), "{text}");
        }
        for text in [r"\^a\$", "[^$]", "(a+)?", r"a\.b", ""] {
            assert!(Expression::parse_meant(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Expression::parse(&nested(MAX_DEPTH)).is_some());
        assert!(Expression::parse(&nested(MAX_DEPTH + 1)).is_none());
        assert!(Expression::parse(&nested(100_000)).is_none());
        assert!(Expression::parse(&format!("a{}", "*".repeat(100_000))).is_none());
    }
}
