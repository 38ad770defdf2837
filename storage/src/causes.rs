//! An error with all that lies behind it, in one line: what a library says first is often the least.
//!
//! In: first words, which may be none, and what lies behind them. Out: each text once, with colons between them.

use std::error::Error;

/// `said`, and what `cause` and all that caused it add to it.
pub(crate) fn joined(said: &str, cause: Option<&dyn Error>) -> String {
    let mut said = said.to_owned();
    let mut cause = cause;
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !said.contains(&text) {
            if !said.is_empty() {
                said.push_str(": ");
            }
            said.push_str(&text);
        }
        cause = inner.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        source: Option<Box<Layer>>,
    }

    fn layers(texts: &[&'static str]) -> Option<Box<Layer>> {
        let (text, rest) = texts.split_first()?;
        let source = layers(rest);
        Some(Box::new(Layer { text, source }))
    }

    #[track_caller]
    fn check(said: &str, texts: &[&'static str], expect: &str) {
        let error = layers(texts);
        let cause = error.as_deref().map(|error| error as &dyn Error);
        assert_eq!(joined(said, cause), expect);
    }

    #[test]
    fn each_text_stands_there_once() {
        check("", &[], "");
        check("", &["a", "b"], "a: b");
        check("said", &["said", "because"], "said: because");
        check("said", &["it said: no", "no"], "said: it said: no");
    }
}
