//! What a tag's value is compared with: itself, and, when it holds an operator, what it matches as an anchored expression.
//!
//! One parsed subset on every backend, [`super::expression`]; everything else is literal.
//! Source of the habit: Lucene's regular expressions, which Jaeger passes a tag's value to on Elasticsearch.

use model::Str;
use regex::{Regex, RegexBuilder};

use super::expression::{Expression, ExpressionError};

/// Longest expression that is tried, in bytes; a longer value is compared literally.
const MAX_EXPRESSION_BYTES: usize = 1024;
/// Bound of a compiled expression, in bytes.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// A value to compare with.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Str,
    /// The text itself does not match unless the expression does.
    is_only_expression: bool,
    expression: Option<Regex>,
}

// === impl Pattern ===

impl Pattern {
    /// Exactly this text.
    pub fn literal(text: impl Into<Str>) -> Self {
        Self {
            text: text.into(),
            is_only_expression: false,
            expression: None,
        }
    }

    /// What `text` matches as an anchored expression, and nothing else.
    ///
    /// # Errors
    /// When it is none of the subset, is too large, or holds what means something else in other engines.
    pub fn expression(text: impl Into<Str>) -> Result<Self, ExpressionError> {
        let text = text.into();
        let expression = Expression::parse_meant(&text)?;
        let expression = compile(&text, &expression).ok_or(ExpressionError::TooLarge)?;
        Ok(Self {
            text,
            is_only_expression: true,
            expression: Some(expression),
        })
    }

    /// This text, or what it matches as an anchored expression when it holds one of `* + ? | [ ( { \`. A text that is no expression, or
    /// too large a one, is literal.
    pub fn new(text: impl Into<Str>) -> Self {
        let text = text.into();
        let expression = if text.contains(['*', '+', '?', '|', '[', '(', '{', '\\']) {
            Expression::parse(&text).and_then(|parsed| compile(&text, &parsed))
        } else {
            None
        };
        Self {
            text,
            is_only_expression: false,
            expression,
        }
    }

    /// The text it was made of.
    pub fn text(&self) -> &Str {
        &self.text
    }

    /// The text that matches by being equal, if one does.
    pub fn equal(&self) -> Option<&Str> {
        (!self.is_only_expression).then_some(&self.text)
    }

    /// Whether only the very text matches.
    pub fn is_literal(&self) -> bool {
        self.expression.is_none()
    }

    /// As Lucene spells what else matches, anchored; `None` when only the very text does.
    pub fn to_lucene(&self) -> Option<String> {
        self.expression.as_ref()?;
        Expression::parse(&self.text).map(|e| e.to_lucene())
    }

    /// Whether `value` is the text, or is matched whole by it.
    pub fn matches(&self, value: &str) -> bool {
        self.equal().is_some_and(|text| *value == **text)
            || self.expression.as_ref().is_some_and(|e| e.is_match(value))
    }
}

fn compile(text: &str, expression: &Expression) -> Option<Regex> {
    if text.len() > MAX_EXPRESSION_BYTES {
        return None;
    }
    RegexBuilder::new(&expression.to_rust())
        .size_limit(MAX_COMPILED_BYTES)
        .dfa_size_limit(MAX_COMPILED_BYTES)
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, value: &str, expect: bool) {
        assert_eq!(
            Pattern::new(pattern).matches(value),
            expect,
            "{pattern} on {value}"
        );
    }

    #[test]
    fn a_value_always_finds_what_equals_it() {
        for text in [
            "a@b", "a#b", "\"", "~", "<", "a*(", "[", "{", "\\", "a|b", "(?i)x", "é", "a.b", "",
        ] {
            check(text, text, true);
        }
    }

    #[test]
    fn a_value_with_an_operator_matches_whole_values() {
        check("4.*", "404", true);
        check("4.*", "1404", false);
        check("a|b", "b", true);
        check("a|bc", "ac", false);
        check("[0-9]{3}", "500", true);
        check("[^0-9]+", "abc", true);
        check("[]a]+", "]a", true);
        check("(ab)+c?", "ababc", true);
        check("\\d+", "ddd", true);
        check("\\d+", "123", false);
        check("http://.*", "http://x/y\nz", true);
        check("a@.*", "a@b", true);
        check("^a.*", "ab", false);
        check("^a.*", "^ab", true);
        check("x(a+?)y", "xy", true);
        check("[a--]", "[a--]", true);
        check("[a--]", "a", false);
    }

    #[test]
    fn a_value_without_an_operator_is_literal() {
        check("a.b", "axb", false);
        assert!(Pattern::new("a.b").is_literal());
        assert!(!Pattern::new("a.*").is_literal());
    }

    #[test]
    fn one_that_is_meant_as_an_expression_is_nothing_else() {
        let pattern = Pattern::expression("a|b").unwrap();
        assert!(pattern.matches("a") && !pattern.matches("a|b"));
        assert_eq!(pattern.equal(), None);
        let large = Pattern::expression("((a{1000}){1000}){1000}");
        assert_eq!(large.unwrap_err(), ExpressionError::TooLarge);
    }

    #[test]
    fn expressions_are_bounded() {
        assert!(Pattern::new("(".repeat(100)).is_literal());
        assert!(Pattern::new(format!("{}a*", "x".repeat(2000))).is_literal());
        assert!(Pattern::new("((a{1000}){1000}){1000}").is_literal());
    }
}
