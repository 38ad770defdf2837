//! CORS: which web pages may send spans.
//!
//! In: a receiver's `cors.*`. Out: the answer to a preflight request, and the headers on others. With no origin allowed, nothing is
//! said at all. Source: the Fetch standard, "CORS protocol"; patterns and the headers allowed always as `rs/cors` has them, which Jaeger uses.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::Cors;

/// Headers that a page may set without being allowed to.
const ALWAYS: [&str; 3] = ["accept", "content-type", "x-requested-with"];

/// The rules, made ready.
#[derive(Debug)]
pub(super) struct Policy {
    /// What an origin begins and ends with; exact when there is no second part.
    origins: Vec<(String, Option<String>)>,
    headers: Vec<String>,
    any_header: bool,
}

// === impl Policy ===

impl Policy {
    /// Answers a preflight request itself, and marks the answer to any other.
    pub(super) async fn around(
        &self,
        parts: &Parts,
        answer: impl Future<Output = Response>,
    ) -> Response {
        let mut response = match self.preflight(&parts.method, &parts.headers) {
            Some(preflight) => preflight,
            None => answer.await,
        };
        self.mark(&parts.headers, response.headers_mut());
        response
    }

    pub(super) fn new(cors: &Cors) -> Self {
        let origins = cors.allowed_origins.iter().map(|origin| {
            let origin = origin.trim().to_ascii_lowercase();
            match origin.split_once('*') {
                Some((begin, end)) => (begin.to_owned(), Some(end.to_owned())),
                None => (origin, None),
            }
        });
        let headers = cors.allowed_headers.iter();
        Self {
            origins: origins.filter(|o| o != &(String::new(), None)).collect(),
            headers: headers.map(|h| h.trim().to_ascii_lowercase()).collect(),
            any_header: cors.allowed_headers.iter().any(|h| h.trim() == "*"),
        }
    }

    /// The answer to a preflight request; `None`: it is not one, or no page may send.
    fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        let wanted = headers.get(ACCESS_CONTROL_REQUEST_METHOD)?;
        if self.origins.is_empty() || method != Method::OPTIONS {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        for header in [
            ACCESS_CONTROL_REQUEST_METHOD,
            ACCESS_CONTROL_REQUEST_HEADERS,
        ] {
            answer.append(VARY, header.into());
        }
        let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS);
        if wanted == "POST" && self.origin(headers).is_some() && self.headers_allowed(asked) {
            answer.insert(
                ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static("POST"),
            );
            if let Some(asked) = asked {
                answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
            }
        }
        Some(response)
    }

    /// Says on an answer whether the page that asked may read it.
    fn mark(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        answer.append(VARY, ORIGIN.into());
        if let Some(origin) = self.origin(request) {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(
                ACCESS_CONTROL_ALLOW_CREDENTIALS,
                HeaderValue::from_static("true"),
            );
        }
    }

    /// The origin of the page, when it is allowed.
    fn origin<'a>(&self, headers: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let value = headers.get(ORIGIN)?;
        let origin = value.to_str().ok()?.to_ascii_lowercase();
        let allowed = self.origins.iter().any(|(begin, end)| match end {
            None => origin == *begin,
            Some(end) => {
                origin.len() >= begin.len() + end.len()
                    && origin.starts_with(begin)
                    && origin.ends_with(end)
            }
        });
        allowed.then_some(value)
    }

    fn headers_allowed(&self, asked: Option<&HeaderValue>) -> bool {
        let Some(asked) = asked else { return true };
        let Ok(asked) = asked.to_str() else {
            return false;
        };
        self.any_header
            || asked
                .split(',')
                .map(|name| name.trim().to_ascii_lowercase())
                .all(|name| {
                    name.is_empty() || ALWAYS.contains(&&*name) || self.headers.contains(&name)
                })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(origins: &[&str], headers: &[&str]) -> Policy {
        let owned = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Policy::new(&Cors {
            allowed_origins: owned(origins),
            allowed_headers: owned(headers),
        })
    }

    fn request(origin: &str, asked: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ORIGIN, origin.parse().unwrap());
        headers.insert(
            ACCESS_CONTROL_REQUEST_METHOD,
            HeaderValue::from_static("POST"),
        );
        if !asked.is_empty() {
            headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, asked.parse().unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(policy: &Policy, origin: &str, asked: &str, allowed: bool) {
        let request = request(origin, asked);
        let mut answer = policy.preflight(&Method::OPTIONS, &request).unwrap();
        policy.mark(&request, answer.headers_mut());
        let headers = answer.headers();
        let yes = headers.contains_key(ACCESS_CONTROL_ALLOW_METHODS)
            && headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(yes, allowed, "{origin} {asked}");
    }

    #[test]
    fn origins_are_exact_or_have_one_star() {
        let policy = policy(&["https://shop.example", "http://*.dev.example"], &[]);
        check(&policy, "https://shop.example", "", true);
        check(&policy, "HTTPS://SHOP.example", "", true);
        check(&policy, "http://a.dev.example", "content-type", true);
        check(&policy, "https://shop.example.evil", "", false);
        check(&policy, "http://.dev.exampl", "", false);
        check(&policy, "null", "", false);
    }

    #[test]
    fn headers_beyond_the_simple_ones_must_be_allowed() {
        let some = policy(&["*"], &["X-Token"]);
        check(&some, "http://a", "x-token, Content-Type", true);
        check(&some, "http://a", "x-other", false);
        check(&policy(&["*"], &["*"]), "http://a", "x-other", true);
    }

    #[test]
    fn without_allowed_origins_nothing_is_said() {
        let none = policy(&["", " "], &["*"]);
        let request = request("http://a", "");
        assert!(none.preflight(&Method::OPTIONS, &request).is_none());
        let mut answer = HeaderMap::new();
        none.mark(&request, &mut answer);
        assert!(answer.is_empty());
    }
}
