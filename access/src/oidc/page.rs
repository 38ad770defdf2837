//! Pages of the sign-in, and answers to who is refused.
//!
//! In: a refusal, and whether a person or a program asks. Out: a page that stands alone and runs nothing, or JSON in the form that Jaeger's errors have. What a page says is
//! escaped; its one style is let in by its hash.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, request::Parts};
use ring::digest::{SHA256, digest};

use crate::refusal::Refusal;

/// How long a page waits before it asks again by itself, in seconds, where waiting helps.
const ASK_AGAIN: u32 = 5;
const STYLE: &str = "body{margin:0;font:16px/1.5 system-ui,sans-serif;color:#1b1f24;background:#f6f7f9}main{max-width:42rem;margin:12vh auto;padding:2rem;background:#fff;border:1px solid #d5d9df;border-radius:8px}h1{margin:0 0 1rem;font-size:1.4rem}p{margin:0 0 1rem;overflow-wrap:anywhere}a{color:#0b57b8}@media(prefers-color-scheme:dark){body{color:#e6e8eb;background:#14171a}main{background:#1d2125;border-color:#343a40}a{color:#7db4ff}}";

static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| STANDARD.encode(digest(&SHA256, STYLE.as_bytes())));

/// A way on, below what a page says.
pub(super) struct Link<'a> {
    pub(super) text: &'a str,
    pub(super) to: &'a str,
    /// In a window of its own: providers let nobody frame them.
    pub(super) apart: bool,
}

/// Whether a person with a browser asks for a page, and not a script of a page for data.
#[must_use]
pub fn is_for_a_person(parts: &Parts) -> bool {
    let text = |name: &str| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let wants_page = text("accept").is_some_and(|accept| {
        let mut kinds = accept.split(',');
        kinds.any(|kind| kind.trim().split(';').next() == Some("text/html"))
    });
    let navigates = text("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
    parts.method == Method::GET && wants_page && navigates
}

/// Whether what is asked for is shown in a frame of another page.
pub(super) fn is_framed(headers: &HeaderMap) -> bool {
    let frames: [&[u8]; 2] = [b"iframe", b"frame"];
    let shown = headers.get("sec-fetch-dest");
    shown.is_some_and(|shown| frames.contains(&shown.as_bytes()))
}

/// Sends a browser to `to`.
pub(super) fn redirect(to: &str, cookies: Vec<HeaderValue>) -> Response<Vec<u8>> {
    let mut response = plain(StatusCode::SEE_OTHER, Vec::new());
    // every address that comes here was made of checked parts
    match HeaderValue::try_from(to) {
        Ok(to) => {
            response.headers_mut().insert(LOCATION, to);
        }
        Err(_) => *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR,
    }
    set(&mut response, cookies);
    response
}

/// A refusal for a program.
pub(super) fn json(refusal: &Refusal) -> Response<Vec<u8>> {
    let status = refusal.status();
    let body = serde_json::json!({
        "data": null, "total": 0, "limit": 0, "offset": 0,
        "errors": [{"code": status.as_u16(), "msg": refusal.to_string(), "reason": refusal.reason()}],
    });
    let mut response = plain(status, body.to_string().into_bytes());
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    say(&mut response, refusal);
    response
}

/// A refusal for a person.
pub(super) fn refused(
    title: &str,
    refusal: &Refusal,
    link: Option<&Link<'_>>,
    frame_ancestors: &str,
) -> Response<Vec<u8>> {
    let again = refusal.retry_after().map(|_| ASK_AGAIN);
    let mut sentence = refusal.to_string();
    if let Some(first) = sentence.get(..1).map(str::to_uppercase) {
        sentence.replace_range(..1, &first);
    }
    sentence.push('.');
    let mut response = page(
        refusal.status(),
        title,
        &sentence,
        link,
        again,
        frame_ancestors,
    );
    say(&mut response, refusal);
    response
}

/// A page of one sentence.
pub(super) fn page(
    status: StatusCode,
    title: &str,
    sentence: &str,
    link: Option<&Link<'_>>,
    again: Option<u32>,
    frame_ancestors: &str,
) -> Response<Vec<u8>> {
    let again = again.map_or_else(String::new, |seconds| {
        format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">")
    });
    let link = link.map_or_else(String::new, |link| {
        let apart = if link.apart {
            " target=\"_blank\" rel=\"noopener\""
        } else {
            ""
        };
        let (to, text) = (escaped(link.to), escaped(link.text));
        format!("<p><a href=\"{to}\"{apart}>{text}</a></p>")
    });
    let (title, sentence) = (escaped(title), escaped(sentence));
    let body = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">{again}<title>{title} · Spoor</title><style>{STYLE}</style></head><body><main><h1>{title}</h1><p>{sentence}</p>{link}</main></body></html>"
    );
    let mut response = plain(status, body.into_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors {frame_ancestors}",
        *STYLE_HASH
    );
    // the settings hold checked words; a page without its policy would be worse than none
    let policy = HeaderValue::try_from(policy);
    let policy = policy.unwrap_or(HeaderValue::from_static("default-src 'none'"));
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    response
}

/// Adds cookies.
pub(super) fn set(response: &mut Response<Vec<u8>>, cookies: Vec<HeaderValue>) {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

fn plain(status: StatusCode, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

/// What a refusal says in headers; and the refusal itself, for whoever counts.
fn say(response: &mut Response<Vec<u8>>, refusal: &Refusal) {
    let headers = response.headers_mut();
    if let Some(seconds) = refusal.retry_after() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(challenge) = refusal.challenge() {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    response.extensions_mut().insert(refusal.clone());
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(method: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_page_is_for_who_navigates() {
        let html = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8");
        assert!(is_for_a_person(&parts("GET", &[html])));
        assert!(is_for_a_person(&parts(
            "GET",
            &[html, ("sec-fetch-mode", "navigate")]
        )));
        assert!(!is_for_a_person(&parts("POST", &[html])));
        assert!(!is_for_a_person(&parts(
            "GET",
            &[html, ("sec-fetch-mode", "cors")]
        )));
        assert!(!is_for_a_person(&parts("GET", &[("accept", "*/*")])));
        assert!(!is_for_a_person(&parts("GET", &[])));
    }

    #[test]
    fn a_page_runs_nothing_of_what_it_says() {
        let refusal = Refusal::Unreachable("<script>alert('\"&')</script>".to_owned());
        let link = Link {
            text: "<b>",
            to: "/\"><x",
            apart: true,
        };
        let response = refused("no", &refusal, Some(&link), "'self'");
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "5");
        let policy = response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        let body = String::from_utf8(response.into_body()).unwrap();
        assert!(
            body.contains("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;."),
            "{body}"
        );
        assert!(body.contains("href=\"/&quot;&gt;&lt;x\""), "{body}");
        assert!(!body.contains("<script"), "{body}");
        // the hash is that of the style that stands there
        let style = body
            .split_once("<style>")
            .unwrap()
            .1
            .split_once("</style>")
            .unwrap()
            .0;
        assert_eq!(style, STYLE);
    }

    #[test]
    fn a_program_reads_jaegers_form() {
        let response = json(&Refusal::Nobody);
        assert_eq!(response.status(), 401);
        assert_eq!(
            response.headers()["www-authenticate"],
            "Bearer realm=\"spoor\""
        );
        assert_eq!(response.extensions().get(), Some(&Refusal::Nobody));
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["errors"][0]["code"], 401);
        assert_eq!(body["data"], serde_json::Value::Null);
    }
}
