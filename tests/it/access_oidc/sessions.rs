//! People with browsers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use access::oidc::{SameSite, Secret, State};
use access::{Refusal, SignIn, Way};
use http::StatusCode;
use http::request::Parts;

use super::browser::{Browser, SEEN};
use super::{Running, World};
use crate::support::{eventually, within};

/// How often a session is renewed in its test.
const RENEWALS: usize = 3;

/// Whether the provider is known.
async fn ready(running: &Running) {
    let state = || async { running.sign_in.state() };
    eventually("the provider is known", state, |state| {
        *state == State::Ready
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_is_back_at_the_same_page() {
    let world = World::started(600);
    let running = Running::new(world.config());
    let sign_in = &running.sign_in;
    ready(&running).await;
    let mut ann = Browser::new(&world.root, "ann");
    let page = ann.visit(sign_in, "/trace/1?x=1").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    assert_eq!(page.url, "https://spoor.test/trace/1?x=1");
    // the groups are told beside the token, by the provider's page about the user
    assert_eq!(page.body, "ann@example.com of team-of-ann,tracing");
    assert_eq!(ann.forms, 2, "who it is, and that it is granted");
    let names: Vec<&String> = ann.service_cookies().keys().collect();
    assert_eq!(names, ["__Host-spoor-session-0"], "and no sign-in is left");

    // from then on the cookie is enough
    ann.visited.clear();
    let page = ann.visit(sign_in, "/").await;
    assert_eq!((page.status, ann.visited.len()), (StatusCode::OK, 1));

    // without it the provider still knows who it is, and shows nothing
    ann.service_cookies().clear();
    let page = ann.visit(sign_in, "/search").await;
    assert_eq!((page.status, ann.forms), (StatusCode::OK, 2));
    let callback = ann
        .visited
        .iter()
        .find(|url| url.contains("/oauth/callback?"));
    let callback = callback.unwrap().clone();

    // an answer of the provider is good once, and in one browser
    let again = ann.ask(sign_in, &callback, None).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    let other = Browser::new(&world.root, "eve")
        .ask(sign_in, &callback, None)
        .await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST);

    // out, here and at the provider
    let out = ann
        .ask(sign_in, "https://spoor.test/oauth/logout", None)
        .await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    let to = out.headers["location"].to_str().unwrap();
    assert!(
        to.starts_with(&format!(
            "{}/session/end?client_id=spoor",
            world.provider.issuer()
        )),
        "{to}"
    );
    assert!(ann.service_cookies().is_empty());
    let page = ann.ask(sign_in, "https://spoor.test/", None).await;
    assert_eq!(page.headers["location"], "/oauth/login?return=%2F");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sign_ins_of_one_browser_do_not_disturb_each_other() {
    let world = World::started(600);
    let running = Running::new(world.config());
    let sign_in = &running.sign_in;
    ready(&running).await;
    let mut ann = Browser::new(&world.root, "ann");
    let first = ann
        .ask(
            sign_in,
            "https://spoor.test/oauth/login?return=/first",
            None,
        )
        .await;
    let page = ann.visit(sign_in, "/second").await;
    assert_eq!(page.status, StatusCode::OK);
    // the older one is finished after the newer one
    let to = first.headers["location"].to_str().unwrap().to_owned();
    let back = ann.ask(sign_in, &to, None).await;
    let back = back.headers["location"].to_str().unwrap().to_owned();
    let done = ann.ask(sign_in, &back, None).await;
    assert_eq!(done.headers["location"], "/first", "{done:?}");
    // a code of another browser's sign-in is no good with this one's state
    let mut eve = Browser::new(&world.root, "eve");
    let begun = eve
        .ask(sign_in, "https://spoor.test/oauth/login", None)
        .await;
    let begun = begun.headers["location"].to_str().unwrap();
    let state = begun
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let theirs = back
        .split("state=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    let forged = eve.ask(sign_in, &back.replace(theirs, state), None).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN, "{forged:?}");
    assert!(forged.body.contains("invalid_grant"), "{}", forged.body);
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_secret_is_bound_by_its_verifier() {
    let world = World::started(600);
    let mut config = world.config();
    config.client_id = "spoor-public".to_owned();
    config.client_secret = Secret::None;
    config.scopes = vec!["openid".to_owned()];
    config.name_claims = vec!["sub".to_owned()];
    let running = Running::new(config);
    ready(&running).await;
    let mut ann = Browser::new(&world.root, "ann");
    let page = ann.visit(&running.sign_in, "/").await;
    assert_eq!(page.body, "ann of ", "{page:?}");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_the_provider_does_not_take_is_told_with_its_setting() {
    let world = World::started(600);
    let mut config = world.config();
    let file = world.folder.path().join("secret");
    std::fs::write(&file, "canary-of-a-secret").unwrap();
    config.client_secret = Secret::File(file.clone());
    let running = Running::new(config);
    ready(&running).await;
    let mut ann = Browser::new(&world.root, "ann");
    let page = ann.visit(&running.sign_in, "/").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        page.body.contains("query.oidc.client-secret"),
        "{}",
        page.body
    );
    assert!(!page.body.contains("canary"), "{}", page.body);
    // the file is read again
    std::fs::write(&file, "a secret: with/all+sorts\n").unwrap();
    let page = ann.visit(&running.sign_in, "/").await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_frame_nothing_is_shown_of_the_provider() {
    let world = World::started(600);
    let mut config = world.config();
    config.same_site = SameSite::None;
    config.frame_ancestors = "https://kiali.test".to_owned();
    let running = Running::new(config);
    let sign_in = &running.sign_in;
    ready(&running).await;
    let mut ann = Browser::new(&world.root, "ann");
    ann.framed = true;
    let page = ann.visit(sign_in, "/trace/1").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED, "{page:?}");
    assert_eq!(ann.forms, 0);
    assert!(
        page.body
            .contains("href=\"/oauth/login?return=%2Ftrace%2F1\" target=\"_blank\""),
        "{}",
        page.body
    );
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("frame-ancestors https://kiali.test"),
        "{policy}"
    );
    // in a window of its own
    ann.framed = false;
    assert_eq!(ann.visit(sign_in, "/trace/1").await.status, StatusCode::OK);
    assert_eq!(ann.forms, 2);
    // from then on the frame needs nobody
    ann.service_cookies().clear();
    ann.framed = true;
    let page = ann.visit(sign_in, "/trace/1").await;
    assert_eq!((page.status, ann.forms), (StatusCode::OK, 2), "{page:?}");
    let silent = |url: &String| url.contains("prompt=none");
    assert!(ann.visited.iter().any(silent));
    running.end().await;
}

/// Whether ten requests with the same cookies were told of a renewal: all of them, or none.
async fn ten_at_once(sign_in: &SignIn, request: &Parts) -> bool {
    let asks = (0..10).map(|_| sign_in.caller(request, SEEN));
    let answers = futures_util::future::join_all(asks).await;
    let renewed: BTreeSet<bool> = answers
        .into_iter()
        .map(|answer| {
            let proved = answer.unwrap().unwrap();
            assert_eq!(proved.caller.name, "ann@example.com");
            assert_eq!(proved.caller.way, Way::Session);
            !proved.cookies.is_empty()
        })
        .collect();
    assert_eq!(renewed.len(), 1, "all of them hear of it, or none");
    renewed.contains(&true)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_renewed_once_however_many_ask_and_keys_may_change_meanwhile() {
    let world = World::started(4);
    let running = Running::new(world.config());
    let sign_in = &running.sign_in;
    ready(&running).await;
    let mut ann = Browser::new(&world.root, "ann");
    assert_eq!(ann.visit(sign_in, "/").await.status, StatusCode::OK);
    let forms = ann.forms;
    let asked = AtomicUsize::new(0);
    world.roll().await;
    for _ in 0..RENEWALS {
        // a refresh token that is shown twice would end the session at this provider, and the next renewal would fail
        let round = || {
            let request = ann.request("/api/services");
            asked.fetch_add(10, Ordering::Relaxed);
            async move { ten_at_once(sign_in, &request).await }
        };
        let patience = Duration::from_secs(15);
        within(patience, "a renewal", round, |renewed| *renewed).await;
        world.roll().await;
        // as a browser does
        assert_eq!(ann.visit(sign_in, "/").await.status, StatusCode::OK);
    }
    assert_eq!(ann.forms, forms, "0 logouts");
    let asked = asked.into_inner();
    println!("{asked} requests, {RENEWALS} renewals, keys rolled over after each: 0 logouts");

    // who signs out gives the refresh token back: a copy of the cookie is renewed no more
    let copy = ann.request("/");
    ann.ask(sign_in, "https://spoor.test/oauth/logout", None)
        .await;
    let ended = eventually(
        "the copy ends",
        || async { sign_in.caller(&copy, SEEN).await.err() },
        Option::is_some,
    );
    assert_eq!(ended.await, Some(Refusal::SessionEnded));
    running.end().await;
}
