//! Parameters of a URL, read as Go's `net/url` does.
//!
//! In: the text after `?`. Out: names and values in order. A pair with a broken `%` escape or a `;` is left out, as in Go. Text that is not
//! UTF-8 has its bad parts replaced. Bodies are not read: parameters stand in the URL.
//!
//! Source: Go 1.24 `net/url`, `ParseQuery` and `unescape`.

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

    /// The first value of this name; empty when there is none.
    pub(super) fn first(&self, name: &str) -> &str {
        let pair = self.pairs.iter().find(|(n, _)| n == name);
        pair.map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// All values of this name that are not empty, in order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(n, value)| n == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// `+` is a space and `%xx` a byte; `None` when a `%` is followed by anything else.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
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
}
