//! What somebody looks for in a trace: words that all have to be in one span, and words that may not.
//!
//! In: a line of text. Out: [`Words`]. `-word` may not be there, `"two words"` is one, also behind `-`; a quote that is not closed goes to the end. Nothing minds upper and lower case.

/// Characters of a text: no more words than [`Bits`] has are in it.
const MOST_CHARS: usize = 256;

/// A bit for each word.
pub(super) type Bits = u128;

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) words: Vec<Word>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// In lower case, never empty.
    text: String,
    /// It may not be there.
    pub(super) is_not: bool,
}

// === impl Words ===

impl Words {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let long = text.chars().count();
        if long > MOST_CHARS {
            return Err(format!("{long} characters are more than {MOST_CHARS}"));
        }
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let bare = rest.strip_prefix('-');
            // a dash alone is a word
            let bare =
                bare.filter(|rest| !rest.is_empty() && !rest.starts_with(char::is_whitespace));
            let is_not = bare.is_some();
            let begun = bare.unwrap_or(rest);
            let (word, behind) = match begun.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => begun.split_at(begun.find(char::is_whitespace).unwrap_or(begun.len())),
            };
            if !word.is_empty() {
                words.push(Word {
                    text: word.to_lowercase(),
                    is_not,
                });
            }
            rest = behind.trim_start();
        }
        match words.is_empty() {
            true => Err("there is no word in it".to_owned()),
            false => Ok(Self { words }),
        }
    }
}

// === impl Word ===

impl Word {
    /// Whether it is somewhere in `text`.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let word = self.text.as_bytes();
        if !word.is_ascii() {
            return text.to_lowercase().contains(&self.text);
        }
        let Some(first) = word.first() else {
            return true;
        };
        let (lower, upper) = (*first, first.to_ascii_uppercase());
        let mut rest = text.as_bytes();
        while let Some(at) = rest.iter().position(|b| *b == lower || *b == upper) {
            rest = rest.get(at..).unwrap_or_default();
            match rest.get(..word.len()) {
                Some(here) if here.eq_ignore_ascii_case(word) => return true,
                Some(_) => rest = rest.get(1..).unwrap_or_default(),
                None => return false,
            }
        }
        false
    }

    /// Whether it is in `key=value` and over its `=`: what is in one of the two is found there.
    pub(super) fn is_across(&self, key: &str, value: &str) -> bool {
        let splits = self.text.match_indices('=');
        let mut splits = splits.map(|(at, _)| self.text.split_at(at));
        splits.any(|(end, begin)| {
            let begin = begin.strip_prefix('=').unwrap_or(begin);
            ends_with(key, end) && starts_with(value, begin)
        })
    }
}

/// `end` is in lower case.
fn ends_with(text: &str, end: &str) -> bool {
    if !end.is_ascii() {
        return text.to_lowercase().ends_with(end);
    }
    let from = text.len().checked_sub(end.len());
    let tail = from.and_then(|from| text.as_bytes().get(from..));
    tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
}

/// `begin` is in lower case.
fn starts_with(text: &str, begin: &str) -> bool {
    if !begin.is_ascii() {
        return text.to_lowercase().starts_with(begin);
    }
    let head = text.as_bytes().get(..begin.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(begin.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[&str]) {
        let words = Words::parse(text).unwrap().words;
        let shown: Vec<String> = words
            .iter()
            .map(|word| match word.is_not {
                true => format!("not {}", word.text),
                false => word.text.clone(),
            })
            .collect();
        assert_eq!(shown, expect, "{text}");
    }

    #[test]
    fn words_stand_beside_each_other() {
        check("GET  /cart", &["get", "/cart"]);
        check(
            r#"-error "Two  Words" -"a b" c"#,
            &["not error", "two  words", "not a b", "c"],
        );
        check("- a", &["-", "a"]);
        check("a\"b c", &["a\"b", "c"]);
        check("\"never closed -x", &["never closed -x"]);
        check("ÄRGER", &["ärger"]);
        for empty in ["", "  ", "\"\"", "-\"\""] {
            assert!(Words::parse(empty).is_err(), "{empty}");
        }
        assert!(Words::parse(&"ä".repeat(257)).is_err());
        let most = Words::parse(&"a ".repeat(128)).unwrap().words.len();
        assert_eq!(most, Bits::BITS as usize);
    }

    #[test]
    fn case_does_not_matter_and_neither_does_where_it_is() {
        let word = |text: &str| Words::parse(text).unwrap().words.remove(0);
        for (text, within, expect) in [
            ("get", "HTTP GET /", true),
            ("geT", "gegeteg", true),
            ("get", "ge", false),
            ("get", "", false),
            ("aab", "aaab", true),
            ("ärger", "viel ÄRGER", true),
            ("x", "ärx", true),
        ] {
            assert_eq!(word(text).is_in(within), expect, "{text} in {within}");
        }
        for (text, key, value, expect) in [
            ("method=get", "http.method", "GET", true),
            ("od=g", "http.method", "GET", true),
            ("=", "", "", true),
            ("a=b=c", "a", "b=c", true),
            ("a=b=c", "a=b", "c", true),
            ("method=post", "http.method", "GET", false),
            ("method", "http.method", "GET", false),
        ] {
            assert_eq!(word(text).is_across(key, value), expect, "{text}");
        }
    }
}
