//! Where a browser goes after a sign-in: to a page of ours, and nowhere else.
//!
//! In: text of a query, which anybody may have written. Out: a path of this server, or nothing.

/// The longest that is kept, in bytes.
const MAX_BYTES: usize = 2048;

/// `text`, if it is a path of ours, with its query.
///
/// Browsers read a backslash as a slash, and drop tabs and line breaks: what they would make another host of is none.
pub(super) fn valid<'a>(text: &'a str, base: &str) -> Option<&'a str> {
    let is_plain = |c: char| c.is_ascii_graphic() && c != '\\';
    let inside = text.strip_prefix(base)?;
    let is_ours = text.starts_with('/')
        && !text.starts_with("//")
        && (inside.is_empty() || inside.starts_with(['/', '?', '#']))
        && text.len() <= MAX_BYTES
        && text.chars().all(is_plain);
    // a sign-in that ends at a sign-in never ends
    let path = inside.split(['?', '#']).next().unwrap_or_default();
    let again = path.trim_start_matches('/').starts_with("oauth/");
    (is_ours && !again).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_ours_is_returned_to() {
        for text in ["/", "/trace/1?x=1#y", "/a//b", "/%2F%2Fevil"] {
            assert_eq!(valid(text, ""), Some(text));
        }
        for text in [
            "",
            "x",
            "//evil",
            "/\\evil",
            "\\\\evil",
            "/a\\b",
            "https://evil",
            "javascript:x",
            "/\t/evil",
            "/\n/evil",
            " /",
            "/é",
            "/oauth/login",
            "/oauth/login?return=/",
            "//oauth/login",
        ] {
            assert_eq!(valid(text, ""), None, "{text}");
        }
        assert_eq!(valid(&format!("/{}", "a".repeat(MAX_BYTES)), ""), None);
        for text in ["/jaeger", "/jaeger/search", "/jaeger?x"] {
            assert_eq!(valid(text, "/jaeger"), Some(text));
        }
        for text in ["/", "/jaegers", "/else", "/jaeger/oauth/logout"] {
            assert_eq!(valid(text, "/jaeger"), None, "{text}");
        }
    }
}
