//! Tokens and sessions, right and wrong ones, without a provider: what would have to ask it is refused.

use http::header::COOKIE;
use http::{HeaderName, Request, Response, StatusCode};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::claims::Identity;
use super::signer::Signer;
use super::*;

const TLS: Seen<'_> = Seen {
    tls: true,
    base_path: "/",
};

fn config() -> Config {
    Config {
        settings: "query.oidc".to_owned(),
        issuer: "https://id".to_owned(),
        client_id: "spoor".to_owned(),
        session_keys: SessionKeys::Given(vec!["k".repeat(32).into()]),
        ..Config::default()
    }
}

fn sign_in(signer: &Signer) -> SignIn {
    let sign_in = SignIn::new(config()).unwrap();
    sign_in.core.provider.preset(&[signer.jwk()]);
    sign_in
}

fn claims() -> Value {
    json!({"iss": "https://id", "aud": "spoor", "exp": now() + 600, "sub": "7", "email": "ann@b.c", "groups": ["g"]})
}

fn parts(headers: &[(HeaderName, &[u8])]) -> Parts {
    let mut request = Request::builder().uri("/api/services");
    for (name, value) in headers {
        request = request.header(name, HeaderValue::from_bytes(value).unwrap());
    }
    request.body(()).unwrap().into_parts().0
}

fn with_token(token: &str) -> Parts {
    let value = format!("Bearer {token}");
    parts(&[(AUTHORIZATION, value.as_bytes())])
}

/// A request with the cookies of this session.
fn with_session(sign_in: &SignIn, session: &Session) -> Parts {
    let sealed = sign_in.core.seal(session).unwrap();
    let none = http::HeaderMap::new();
    let set = sign_in
        .jar(TLS)
        .set_session(&none, &sealed, Duration::from_secs(60));
    parts(&[(COOKIE, sent(&set).as_bytes())])
}

fn sent(set: &[HeaderValue]) -> String {
    let pairs = set.iter().map(|value| value.to_str().unwrap());
    let pairs: Vec<&str> = pairs.map(|text| text.split(';').next().unwrap()).collect();
    pairs.join("; ")
}

fn session(expires: u64, ends: u64) -> Session {
    let identity = Identity {
        subject: "7".to_owned(),
        name: "ann".to_owned(),
        groups: ["g".to_owned()].into(),
    };
    Session::new(identity, None, now(), expires, ends)
}

async fn reason(sign_in: &SignIn, parts: &Parts) -> Result<Option<Caller>, &'static str> {
    let asked = sign_in.caller(parts, TLS).await;
    asked
        .map(|proved| proved.map(|proved| proved.caller))
        .map_err(|refusal| refusal.reason())
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_right_lets_in_whom_it_names() {
    let signer = Signer::p256("a");
    let sign_in = sign_in(&signer);
    let caller = reason(&sign_in, &with_token(&signer.sign(&claims()))).await;
    let caller = caller.unwrap().unwrap();
    assert_eq!(caller.name, "ann@b.c");
    assert_eq!(caller.groups, ["g".to_owned()].into());
    assert_eq!(caller.way, Way::Bearer);
}

#[tokio::test(start_paused = true)]
async fn each_wrong_token_has_its_own_reason() {
    let signer = Signer::ed25519("a");
    let sign_in = sign_in(&signer);
    let changed = |claim: &str, value: Value| {
        let mut claims = claims();
        claims[claim] = value;
        signer.sign(&claims)
    };
    let good = signer.sign(&claims());
    let (signed, _) = good.rsplit_once('.').unwrap();
    let unsigned = "eyJhbGciOiJub25lIn0";
    for (token, expect) in [
        (String::new(), "not_a_token"),
        ("opaque".to_owned(), "not_a_token"),
        (format!("{signed}."), "bad_signature"),
        (
            good.replacen(good.split('.').next().unwrap(), unsigned, 1),
            "algorithm",
        ),
        (changed("exp", json!(now() - 61)), "expired"),
        (changed("nbf", json!(now() + 100)), "not_yet_valid"),
        (changed("iss", json!("https://other")), "wrong_issuer"),
        (changed("aud", json!("kiali")), "wrong_audience"),
        (changed("aud", Value::Null), "missing_claim"),
        (changed("sub", Value::Null), "missing_claim"),
        (Signer::ed25519("a").sign(&claims()), "bad_signature"),
        // nobody keeps asking the provider here
        (Signer::ed25519("b").sign(&claims()), "provider_unreachable"),
    ] {
        let found = reason(&sign_in, &with_token(&token)).await;
        assert_eq!(found, Err(expect), "{token}");
    }
    let twice = [
        (AUTHORIZATION, &b"Bearer a"[..]),
        (AUTHORIZATION, b"Bearer b"),
    ];
    assert_eq!(reason(&sign_in, &parts(&twice)).await, Err("not_a_token"));
}

#[tokio::test(start_paused = true)]
async fn other_schemes_are_others_business() {
    let sign_in = sign_in(&Signer::p256("a"));
    for value in [&b"Basic YTpi"[..], b"bearerish x", b"", b"ApiKey x"] {
        let found = reason(&sign_in, &parts(&[(AUTHORIZATION, value)])).await;
        assert_eq!(found, Ok(None));
    }
    assert_eq!(reason(&sign_in, &parts(&[])).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn before_the_provider_answers_a_token_may_be_tried_again_and_nobody_is_let_in() {
    let signer = Signer::p256("a");
    let sign_in = SignIn::new(config()).unwrap();
    let request = with_token(&signer.sign(&claims()));
    let refusal = sign_in.caller(&request, TLS).await.unwrap_err();
    assert_eq!(refusal.status(), 503);
    assert!(refusal.to_string().contains("https://id"), "{refusal}");
    // a session does not need it
    let known = with_session(&sign_in, &session(now() + 60, now() + 60));
    assert_eq!(reason(&sign_in, &known).await.unwrap().unwrap().name, "ann");
}

#[tokio::test(start_paused = true)]
async fn a_session_holds_until_it_ends() {
    let sign_in = sign_in(&Signer::p256("a"));
    let holds = with_session(&sign_in, &session(now() + 60, now() + 600));
    let caller = reason(&sign_in, &holds).await.unwrap().unwrap();
    assert_eq!((caller.name.as_str(), caller.way), ("ann", Way::Session));
    for over in [
        session(now() - 1, now() + 60),
        session(now() - 1, now() - 1),
    ] {
        let request = with_session(&sign_in, &over);
        assert_eq!(reason(&sign_in, &request).await, Err("session_ended"));
    }
    let other = SignIn::new(Config {
        session_keys: SessionKeys::Random,
        ..config()
    });
    let other = other.unwrap();
    assert_eq!(reason(&other, &holds).await, Err("session_broken"));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_renewed_in_vain_holds_until_it_expires() {
    let sign_in = sign_in(&Signer::p256("a"));
    // there is no provider at that address: a renewal fails
    let mut due = session(now() + 60, now() + 600);
    due.refresh = Some("token".into());
    due.renew_at = now() - 1;
    let request = with_session(&sign_in, &due);
    assert_eq!(
        reason(&sign_in, &request).await.unwrap().unwrap().name,
        "ann"
    );
    due.expires = now() - 1;
    let request = with_session(&sign_in, &due);
    assert_eq!(
        reason(&sign_in, &request).await,
        Err("provider_unreachable")
    );
}

#[test]
fn what_does_not_fit_into_cookies_is_left_out_or_told() {
    let sign_in = sign_in(&Signer::p256("a"));
    let mut one = session(now() + 60, now() + 600);
    one.refresh = Some("r".repeat(cookie::MAX_BYTES).into());
    let without = sign_in.core.open(&sign_in.core.seal(&one).unwrap());
    assert!(without.unwrap().refresh.is_none());
    one.identity.groups = (0..1000).map(|n| format!("a-long-group-{n}")).collect();
    let refusal = sign_in.core.seal(&one).unwrap_err();
    assert_eq!(
        (refusal.reason(), refusal.status().as_u16()),
        ("session_too_large", 403)
    );
    one.refresh = Some("r".into());
    one.identity.groups = (0..500).map(|n| format!("group-{n}")).collect();
    let caller = run(async { reason(&sign_in, &with_session(&sign_in, &one)).await });
    assert_eq!(caller.unwrap().unwrap().groups.len(), 500);
}

#[tokio::test(start_paused = true)]
async fn another_sites_page_changes_nothing() {
    let sign_in = sign_in(&Signer::p256("a"));
    let mut request = with_session(&sign_in, &session(now() + 60, now() + 600));
    request.method = Method::POST;
    let host = HeaderValue::from_static("spoor.example");
    request.headers.insert(HOST, host);
    for (name, value, forged) in [
        ("x", "x", false),
        ("origin", "https://spoor.example", false),
        ("origin", "https://evil.example", true),
        ("origin", "null", true),
        ("sec-fetch-site", "same-origin", false),
        ("sec-fetch-site", "same-site", true),
        ("sec-fetch-site", "cross-site", true),
    ] {
        let mut request = request.clone();
        let value = HeaderValue::from_static(value);
        request.headers.insert(HeaderName::from_static(name), value);
        let found = reason(&sign_in, &request).await;
        assert_eq!(found.err(), forged.then_some("cross_site"), "{name}");
    }
}

/// Servers run what answers requests on any thread.
#[test]
fn what_is_asked_may_move_between_threads() {
    fn check<T: Send>(_: T) {}
    let sign_in = sign_in(&Signer::p256("a"));
    let request = parts(&[]);
    check(sign_in.caller(&request, TLS));
    check(sign_in.answer(&request, TLS));
    check(sign_in.keep(CancellationToken::new()));
}

fn body(response: &Response<Vec<u8>>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_has_no_session_is_sent_to_sign_in_or_told() {
    let sign_in = sign_in(&Signer::p256("a"));
    let html = || (http::header::ACCEPT, &b"text/html"[..]);
    let mut person = parts(&[html()]);
    person.uri = "/jaeger/trace/1?x=1".parse().unwrap();
    let below = Seen {
        tls: true,
        base_path: "/jaeger",
    };
    let response = sign_in.turn_away(&person, below, &Refusal::Nobody);
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let to = "/jaeger/oauth/login?return=%2Fjaeger%2Ftrace%2F1%3Fx%3D1";
    assert_eq!(response.headers()["location"], to);
    let response = sign_in.turn_away(&parts(&[]), below, &Refusal::Nobody);
    assert_eq!(response.status(), 401);
    let response = sign_in.turn_away(&person, below, &Refusal::CrossSite);
    assert_eq!(response.status(), 403);
    assert!(body(&response).contains("A page of another site"));
    // a broken session is taken back
    let broken = [html(), (COOKIE, b"__Host-spoor-session-0=x")];
    let response = sign_in.turn_away(&parts(&broken), TLS, &Refusal::SessionBroken);
    let set = response.headers()["set-cookie"].to_str().unwrap();
    assert!(
        set.starts_with("__Host-spoor-session-0=; Path=/; Max-Age=0"),
        "{set}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_begins_with_all_that_binds_its_end() {
    let sign_in = sign_in(&Signer::p256("a"));
    let mut request = parts(&[(HOST, b"spoor.example:8443")]);
    request.uri = "/oauth/login?return=/search".parse().unwrap();
    let response = sign_in.answer(&request, TLS).await.unwrap();
    let to = response.headers()["location"].to_str().unwrap();
    let (base, query) = to.split_once('?').unwrap();
    assert_eq!(base, "https://id/auth");
    let query: std::collections::BTreeMap<_, _> =
        form_urlencoded::parse(query.as_bytes()).collect();
    assert_eq!(query["response_type"], "code");
    assert_eq!(query["code_challenge_method"], "S256");
    assert_eq!(query["scope"], "openid profile email");
    let back = "https://spoor.example:8443/oauth/callback";
    assert_eq!(query["redirect_uri"], back);
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(query[name].len(), 43, "{name}");
    }
    let set = response.headers()["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("__Host-spoor-sign-in-"), "{set}");
    assert!(!set.contains(&*query["nonce"]), "{set}");

    // an answer that belongs to no sign-in of this browser
    let uri = format!("/oauth/callback?code=x&state={}", query["state"]);
    request.uri = uri.parse().unwrap();
    let response = sign_in.answer(&request, TLS).await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.extensions().get(), Some(&Refusal::UnknownSignIn));
    assert!(!response.headers().contains_key("set-cookie"));

    // it is this browser's, and the provider said no
    let cookie = set.split(';').next().unwrap();
    request.headers.insert(COOKIE, cookie.parse().unwrap());
    let uri = format!(
        "/oauth/callback?error=access_denied&error_description=%3Cb%3E&state={}",
        query["state"]
    );
    request.uri = uri.parse().unwrap();
    let response = sign_in.answer(&request, TLS).await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(body(&response).contains("access_denied (&lt;b&gt;)"));
    let taken_back = response.headers()["set-cookie"].to_str().unwrap();
    assert!(taken_back.contains("Max-Age=0"), "{taken_back}");
}

#[tokio::test(start_paused = true)]
async fn paths_and_methods_that_are_not_ours_are_left_alone() {
    let sign_in = sign_in(&Signer::p256("a"));
    let mut request = parts(&[]);
    for path in [
        "/",
        "/oauth",
        "/oauth/login/",
        "/oauth/else",
        "/jaeger/oauth/login",
    ] {
        request.uri = path.parse().unwrap();
        assert!(sign_in.answer(&request, TLS).await.is_none(), "{path}");
    }
    request.uri = "/oauth/login".parse().unwrap();
    let response = sign_in.answer(&request, TLS).await.unwrap();
    assert_eq!(response.status(), 400, "no host is named");
    request.method = Method::DELETE;
    let response = sign_in.answer(&request, TLS).await.unwrap();
    assert_eq!(response.status(), 405);
}

#[tokio::test(start_paused = true)]
async fn a_sign_out_takes_the_session_back_but_not_for_another_site() {
    let sign_in = sign_in(&Signer::p256("a"));
    let mut request = with_session(&sign_in, &session(now() + 60, now() + 600));
    request.uri = "/oauth/logout".parse().unwrap();
    let response = sign_in.answer(&request, TLS).await.unwrap();
    assert_eq!(response.status(), 200);
    let set = response.headers()["set-cookie"].to_str().unwrap();
    assert!(set.contains("Max-Age=0"), "{set}");
    let site = HeaderValue::from_static("cross-site");
    request.headers.insert("sec-fetch-site", site);
    let response = sign_in.answer(&request, TLS).await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(!response.headers().contains_key("set-cookie"));
}

/// Runs `test`; waits for a provider that nobody asks are over at once.
fn run<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(test)
}

#[test]
fn a_flipped_bit_anywhere_lets_nobody_in() {
    let signer = Signer::p256("a");
    let sign_in = sign_in(&signer);
    let token = signer.sign(&claims());
    let cookie = with_session(&sign_in, &session(now() + 60, now() + 600));
    let cookie = cookie.headers[COOKIE].to_str().unwrap().to_owned();
    let value = "__Host-spoor-session-0=".len();
    run(async {
        let mut tried = 0;
        for (name, text, from) in [
            (AUTHORIZATION, format!("Bearer {token}"), "Bearer ".len()),
            (COOKIE, cookie, value),
        ] {
            let whole = parts(&[(name.clone(), text.as_bytes())]);
            assert!(reason(&sign_in, &whole).await.unwrap().is_some());
            for at in from..text.len() {
                for bit in 0..8 {
                    let mut bytes = text.clone().into_bytes();
                    bytes[at] ^= 1 << bit;
                    if HeaderValue::from_bytes(&bytes).is_err() {
                        continue;
                    }
                    let found = reason(&sign_in, &parts(&[(name.clone(), &bytes)])).await;
                    assert!(
                        !matches!(found, Ok(Some(_))),
                        "bit {bit} of byte {at}: {found:?}"
                    );
                    tried += 1;
                }
            }
        }
        assert!(tried > 2000, "only {tried} were tried");
    });
}

/// Any bytes that a header may hold.
fn header() -> impl Strategy<Value = Vec<u8>> {
    let any = proptest::collection::vec(any::<u8>(), 0..300);
    any.prop_map(|bytes| {
        let may_be = |byte: &u8| HeaderValue::from_bytes(&[*byte]).is_ok();
        bytes.into_iter().filter(may_be).collect()
    })
}

proptest! {
    #[test]
    fn any_headers_let_nobody_in_and_nothing_panics(
        token in header(),
        cookie in header(),
        prefix in prop::sample::select(vec!["", "Bearer ", "bearer  ", "Bearer a.b.c", "Bearer eyJhbGciOiJFUzI1NiJ9.e30."]),
        name in prop::sample::select(vec!["", "__Host-spoor-session-0=", "__Host-spoor-session-1=", "; __Host-spoor-session-0=AQ"]),
        query in "[a-z=&%0-9/]{0,60}",
        path in prop::sample::select(vec![LOGIN, CALLBACK, LOGOUT, "/"]),
    ) {
        let sign_in = sign_in(&Signer::ed25519("a"));
        let authorization = [prefix.as_bytes(), &token].concat();
        let cookie = [name.as_bytes(), &cookie].concat();
        let mut request = parts(&[(AUTHORIZATION, &authorization), (COOKIE, &cookie), (HOST, &token)]);
        if let Ok(uri) = format!("{path}?{query}").parse() {
            request.uri = uri;
        }
        run(async {
            let found = reason(&sign_in, &request).await;
            prop_assert!(!matches!(found, Ok(Some(_))), "{found:?}");
            let mut only_cookie = request.clone();
            only_cookie.headers.remove(AUTHORIZATION);
            let found = reason(&sign_in, &only_cookie).await;
            prop_assert!(!matches!(found, Ok(Some(_))), "{found:?}");
            let answer = sign_in.answer(&request, TLS).await;
            let sets_session = answer.iter().flat_map(|a| a.headers().get_all("set-cookie")).any(|set| {
                let text = set.to_str().unwrap();
                text.contains("spoor-session") && !text.contains("Max-Age=0")
            });
            prop_assert!(!sets_session);
            Ok(())
        })?;
    }
}
