//! Cookies: reading those of a request, and writing ours.
//!
//! In: headers; a name and a value, which may be longer than one cookie holds. Out: values put together again; headers. No script reads ours.
//!
//! Source: RFC 6265bis (`__Host-`, `__Secure-`, `SameSite`).

use std::time::Duration;

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

use super::Seen;
use super::config::SameSite;

/// What a part holds: with name and attributes a cookie stays below the 4096 bytes that browsers grant.
const PART_BYTES: usize = 3600;
/// Parts of one value: more than that, with all else, is more than servers and proxies take as headers.
const MOST_PARTS: usize = 4;
/// The longest value.
pub(super) const MAX_BYTES: usize = PART_BYTES * MOST_PARTS;
/// What the name of a sign-in's cookie begins with.
const SIGN_IN: &str = "spoor-sign-in-";
/// Of a sign-in's state, how much tells it from another one in the same browser.
const TAG: usize = 8;
/// How many sign-ins one browser may begin before the older ones are given up.
const MOST_SIGN_INS: usize = 8;

/// How ours are called, and where they go.
#[derive(Clone, Copy)]
pub(super) struct Jar<'a> {
    seen: Seen<'a>,
    same_site: SameSite,
}

// === impl Jar ===

impl<'a> Jar<'a> {
    pub(super) fn new(seen: Seen<'a>, same_site: SameSite) -> Self {
        Self { seen, same_site }
    }

    /// The session, put together of its parts.
    pub(super) fn session(&self, headers: &HeaderMap) -> Option<String> {
        let name = self.name("spoor-session");
        let parts: Vec<&str> = (0..MOST_PARTS)
            .map_while(|part| value(headers, &format!("{name}-{part}")))
            .collect();
        let length: usize = parts.iter().map(|part| part.len()).sum();
        (length > 0 && length <= MAX_BYTES).then(|| parts.concat())
    }

    /// Writes the session, and takes back parts that the browser has and that are not of it.
    pub(super) fn set_session(
        &self,
        headers: &HeaderMap,
        value: &str,
        lasts: Duration,
    ) -> Vec<HeaderValue> {
        let name = self.name("spoor-session");
        let mut rest = value;
        let mut set = Vec::new();
        for part in 0..MOST_PARTS {
            let name = format!("{name}-{part}");
            // sealed text is of one byte a character
            let (now, then) = rest.split_at_checked(PART_BYTES).unwrap_or((rest, ""));
            if !now.is_empty() {
                set.push(self.set(&name, now, lasts));
            } else if has(headers, &name) {
                set.push(self.clear(&name));
            }
            rest = then;
        }
        set.into_iter().flatten().collect()
    }

    /// Takes back the session, as far as the browser has one.
    pub(super) fn clear_session(&self, headers: &HeaderMap) -> Vec<HeaderValue> {
        self.set_session(headers, "", Duration::ZERO)
    }

    /// A sign-in that is under way, by its state.
    pub(super) fn sign_in<'h>(&self, headers: &'h HeaderMap, state: &str) -> Option<&'h str> {
        value(headers, &self.sign_in_name(state)?)
    }

    /// Writes a sign-in. Many that were begun and not finished are taken back.
    pub(super) fn set_sign_in(
        &self,
        headers: &HeaderMap,
        state: &str,
        value: &str,
        lasts: Duration,
    ) -> Vec<HeaderValue> {
        let begin = self.name(SIGN_IN);
        let old: Vec<&str> = pairs(headers)
            .map(|(name, _)| name)
            .filter(|name| name.starts_with(&begin))
            .collect();
        let mut set = Vec::new();
        if old.len() >= MOST_SIGN_INS {
            set.extend(old.into_iter().filter_map(|name| self.clear(name)));
        }
        let name = self.sign_in_name(state);
        set.extend(name.and_then(|name| self.set(&name, value, lasts)));
        set
    }

    /// Takes back a sign-in.
    pub(super) fn clear_sign_in(&self, state: &str) -> Option<HeaderValue> {
        self.clear(&self.sign_in_name(state)?)
    }

    fn sign_in_name(&self, state: &str) -> Option<String> {
        let tag = state.get(..TAG)?;
        let is_ours = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        (tag.chars().all(is_ours)).then(|| self.name(&format!("{SIGN_IN}{tag}")))
    }

    /// With the prefix that browsers hold us to: nobody else's page or host can set it.
    fn name(&self, name: &str) -> String {
        let prefix = match (self.seen.tls, self.path()) {
            (true, "/") => "__Host-",
            (true, _) => "__Secure-",
            (false, _) => "",
        };
        format!("{prefix}{name}")
    }

    fn path(&self) -> &str {
        match self.seen.base() {
            "" => "/",
            path => path,
        }
    }

    fn set(&self, name: &str, value: &str, lasts: Duration) -> Option<HeaderValue> {
        let secure = if self.seen.tls { "; Secure" } else { "" };
        let same_site = match self.same_site {
            // browsers take None with Secure alone
            SameSite::None if self.seen.tls => "None",
            _ => "Lax",
        };
        let text = format!(
            "{name}={value}; Path={}; Max-Age={}; HttpOnly{secure}; SameSite={same_site}",
            self.path(),
            lasts.as_secs(),
        );
        let mut value = HeaderValue::try_from(text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    fn clear(&self, name: &str) -> Option<HeaderValue> {
        self.set(name, "", Duration::ZERO)
    }
}

/// Names and values of all of a request's cookies.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let texts = headers.get_all(COOKIE).iter();
    let texts = texts.filter_map(|value| value.to_str().ok());
    texts
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
}

fn value<'h>(headers: &'h HeaderMap, wanted: &str) -> Option<&'h str> {
    let mut found = pairs(headers).filter(|(name, _)| *name == wanted);
    found.next().map(|(_, value)| value)
}

fn has(headers: &HeaderMap, wanted: &str) -> bool {
    value(headers, wanted).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TLS: Seen<'_> = Seen {
        tls: true,
        base_path: "/",
    };

    fn jar(seen: Seen<'_>) -> Jar<'_> {
        Jar::new(seen, SameSite::Lax)
    }

    fn texts(set: &[HeaderValue]) -> Vec<String> {
        set.iter().map(|v| v.to_str().unwrap().to_owned()).collect()
    }

    /// What a browser sends back.
    fn sent(set: &[HeaderValue]) -> HeaderMap {
        let texts = texts(set);
        let pairs: Vec<&str> = texts.iter().filter_map(|t| t.split(';').next()).collect();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, pairs.join("; ").parse().unwrap());
        headers
    }

    #[track_caller]
    fn check(seen: Seen<'_>, same_site: SameSite, expect: &str) {
        let jar = Jar::new(seen, same_site);
        let set = jar.set_session(&HeaderMap::new(), "x", Duration::from_secs(7));
        assert_eq!(texts(&set), [expect]);
        assert_eq!(jar.session(&sent(&set)).as_deref(), Some("x"));
    }

    #[test]
    fn a_cookie_is_as_closed_as_it_can_be() {
        check(
            TLS,
            SameSite::Lax,
            "__Host-spoor-session-0=x; Path=/; Max-Age=7; HttpOnly; Secure; SameSite=Lax",
        );
        check(
            TLS,
            SameSite::None,
            "__Host-spoor-session-0=x; Path=/; Max-Age=7; HttpOnly; Secure; SameSite=None",
        );
        let below = Seen {
            tls: true,
            base_path: "/jaeger",
        };
        check(
            below,
            SameSite::Lax,
            "__Secure-spoor-session-0=x; Path=/jaeger; Max-Age=7; HttpOnly; Secure; SameSite=Lax",
        );
        let plain = Seen {
            tls: false,
            base_path: "",
        };
        check(
            plain,
            SameSite::None,
            "spoor-session-0=x; Path=/; Max-Age=7; HttpOnly; SameSite=Lax",
        );
    }

    #[test]
    fn a_long_session_is_in_parts_and_a_shorter_one_takes_the_rest_back() {
        let jar = jar(TLS);
        let long = "ab".repeat(PART_BYTES);
        let set = jar.set_session(&HeaderMap::new(), &long, Duration::from_secs(7));
        assert_eq!(set.len(), 2);
        assert!(set.iter().all(|value| value.len() < 4096));
        let headers = sent(&set);
        assert_eq!(jar.session(&headers), Some(long));
        let set = texts(&jar.set_session(&headers, "x", Duration::from_secs(7)));
        assert!(
            set[1].starts_with("__Host-spoor-session-1=; Path=/; Max-Age=0;"),
            "{set:?}"
        );
        let cleared = texts(&jar.clear_session(&headers));
        assert_eq!(cleared.len(), 2);
        assert!(
            cleared
                .iter()
                .all(|text| text.contains("=; Path=/; Max-Age=0"))
        );
        // a plain connection does not take a cookie of TLS for its own
        let plain = Seen {
            tls: false,
            base_path: "/",
        };
        assert_eq!(self::jar(plain).session(&headers), None);
    }

    #[test]
    fn sign_ins_do_not_pile_up() {
        let jar = jar(TLS);
        let mut headers = HeaderMap::new();
        for n in 0..MOST_SIGN_INS {
            let state = format!("state{n:03}rest");
            let set = jar.set_sign_in(&headers, &state, "v", Duration::from_secs(7));
            assert_eq!(set.len(), 1);
            let pair = texts(&set)[0].split(';').next().unwrap().parse();
            headers.append(COOKIE, pair.unwrap());
        }
        assert_eq!(jar.sign_in(&headers, "state003rest"), Some("v"));
        assert_eq!(jar.sign_in(&headers, "state"), None);
        assert_eq!(jar.sign_in(&headers, "st;te=03rest"), None);
        let set = jar.set_sign_in(&headers, "another-rest", "v", Duration::from_secs(7));
        assert_eq!(set.len(), MOST_SIGN_INS + 1);
    }
}
