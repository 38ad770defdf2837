//! Parameters of a URL and of a form, read as Go's `net/url` and `net/http` do.
//!
//! In: the text after `?`, and the text of a body that is a form. Out: names and values in order, those of the body first. A pair with a broken
//! `%` escape or a `;` is left out, as in Go. Text that is not UTF-8 has its bad parts replaced. Forms of several parts are not read.
//!
//! Source: Go 1.24 `net/url`, `ParseQuery` and `unescape`; `net/http`, `Request.ParseForm`.

/// The parameters of one request.
#[derive(Debug, Default)]
pub(super) struct Form {
    pairs: Vec<(String, String)>,
}

// === impl Form ===

impl Form {
    pub(super) fn parse(query: &str) -> Self {
        let pair = |text: &str| {
            if text.is_empty() || text.contains(';') {
                return None;
            }
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            Some((unescape(name)?, unescape(value)?))
        };
        Self {
            pairs: query.split('&').filter_map(pair).collect(),
        }
    }

    /// With the parameters of a body before its own.
    #[must_use]
    pub(super) fn after(self, body: Self) -> Self {
        let mut pairs = body.pairs;
        pairs.extend(self.pairs);
        Self { pairs }
    }

    /// The same with these parameters before its own.
    pub(super) fn with_before(&self, mut pairs: Vec<(String, String)>) -> Self {
        pairs.extend_from_slice(&self.pairs);
        Self { pairs }
    }

    /// The first value of this name; empty when there is none.
    pub(super) fn first(&self, name: &str) -> &str {
        note(name);
        let pair = self.pairs.iter().find(|(n, _)| n == name);
        pair.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The first of `names` that has a value which is not empty, with that value.
    pub(super) fn first_of<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &str)> {
        let one = |name: &&'n str| Some((*name, self.first(name))).filter(|(_, v)| !v.is_empty());
        names.iter().find_map(one)
    }

    /// All values of this name, empty ones too.
    pub(super) fn every<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        note(name);
        let pairs = self.pairs.iter().filter(move |(n, _)| n == name);
        pairs.map(|(_, value)| value.as_str())
    }

    /// All values of this name that are not empty, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.every(name).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
thread_local! {
    /// The names that were asked for on this thread, for who compares them with the API's description.
    pub(super) static READ: std::cell::RefCell<std::collections::BTreeSet<String>> = std::cell::RefCell::default();
}

/// Remembers, in tests, that a parameter was asked for.
fn note(_name: &str) {
    #[cfg(test)]
    READ.with_borrow_mut(|read| read.insert(_name.to_owned()));
}

/// `+` is a space and `%xx` a byte; `None` when a `%` is followed by anything else.
pub(super) fn unescape(text: &str) -> Option<String> {
    unescaped(text, b' ')
}

/// The same of a segment of a path, where a `+` is one.
pub(super) fn unescape_path(text: &str) -> Option<String> {
    unescaped(text, b'+')
}

fn unescaped(text: &str, plus: u8) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(plus),
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                // two hex digits fit into a byte
                out.push((digit()? * 16 + digit()?) as u8);
            }
            _ => out.push(byte),
        }
    }
    Some(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_unescaped_and_kept_in_order() {
        let form = Form::parse("a=1&a=&a&b=x+y%2Fz&a=2&bare&c=&&d=%zz&e=1;f=2&%67=h%C3%A4&a=%ff");
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["1", "2", "\u{fffd}"]);
        assert_eq!(form.first("a"), "1");
        assert_eq!(form.first("b"), "x y/z");
        assert_eq!(form.first("g"), "hä");
        for absent in ["bare", "c", "d", "e", "f", "nothing"] {
            assert_eq!(form.first(absent), "", "{absent}");
        }
    }

    #[test]
    fn broken_escapes_are_refused() {
        for broken in ["%", "%2", "%g0", "a%"] {
            assert_eq!(unescape(broken), None);
        }
    }

    #[test]
    fn parameters_of_a_body_come_first() {
        let form = Form::parse("a=1&b=2").after(Form::parse("a=3&c=4"));
        assert_eq!(form.all("a").collect::<Vec<_>>(), ["3", "1"]);
        assert_eq!(form.first_of(&["x", "c", "b"]), Some(("c", "4")));
        assert_eq!(form.first_of(&["x"]), None);
        assert_eq!(unescape_path("a+%2B"), Some("a++".to_owned()));
    }
}
