//! A provider that is away, and one that is not trusted.

use std::time::{Duration, Instant};

use access::oidc::State;
use http::StatusCode;
use tests::pki::Authority;

use super::browser::{Browser, Page};
use super::{Running, World};
use crate::support::within;

/// Asks for a page as a person who loads it again and again, until it is this one.
async fn until(
    patience: Duration,
    running: &Running,
    browser: &mut Browser,
    status: StatusCode,
) -> Page {
    let began = Instant::now();
    let mut loads = tokio::time::interval(Duration::from_millis(20));
    loop {
        loads.tick().await;
        let page = browser.visit(&running.sign_in, "/trace/1").await;
        if page.status == status {
            println!("{status} after {:?}", began.elapsed());
            return page;
        }
        assert!(began.elapsed() < patience, "{page:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_may_come_up_later_and_go_away_again() {
    let mut world = World::new(600);
    let running = Running::new(world.config());
    let mut ann = Browser::new(&world.root, "ann");
    let page = ann.visit(&running.sign_in, "/trace/1").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.headers["retry-after"], "5");
    let issuer = world.provider.issuer();
    for said in [
        issuer.as_str(),
        "cannot connect to localhost",
        "http-equiv=\"refresh\"",
    ] {
        assert!(page.body.contains(said), "{}", page.body);
    }
    let state = running.sign_in.state();
    assert!(
        matches!(&state, State::Unreachable { sentence } if sentence.contains(&issuer)),
        "{state:?}"
    );

    world.provider.start().unwrap();
    until(Duration::from_secs(10), &running, &mut ann, StatusCode::OK).await;

    // a session needs no provider, a sign-in does
    world.provider.stop().unwrap();
    until(Duration::from_secs(1), &running, &mut ann, StatusCode::OK).await;
    world.provider.start().unwrap();
    ann.service_cookies().clear();
    until(Duration::from_secs(10), &running, &mut ann, StatusCode::OK).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_missing_is_named_and_trusted_as_soon_as_it_is_there() {
    let world = World::started(600);
    let other = Authority::new("Somebody Else's CA").pem();
    world.trust(&other);
    let running = Running::new(world.config());
    let mut ann = Browser::new(&world.root, "ann");
    let page = ann.visit(&running.sign_in, "/trace/1").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    for said in [
        world.provider.issuer().as_str(),
        "the certificate of localhost",
        "signed by nobody who is trusted",
        "Example Root CA",
        "query.oidc.tls.ca",
    ] {
        assert!(page.body.contains(said), "{said}: {}", page.body);
    }
    println!("{}", page.body.split("<main>").nth(1).unwrap());

    world.trust(&world.root);
    until(Duration::from_secs(5), &running, &mut ann, StatusCode::OK).await;

    // taken away again: whoever is in stays in, and nobody else comes in
    world.trust(&other);
    until(Duration::from_secs(1), &running, &mut ann, StatusCode::OK).await;
    ann.service_cookies().clear();
    let refused = StatusCode::SERVICE_UNAVAILABLE;
    let page = until(Duration::from_secs(5), &running, &mut ann, refused).await;
    assert!(page.body.contains("Example Root CA"), "{}", page.body);
    // several, with junk between them
    let junk = format!("# ours\r\n{other}\njunk\n{}{}", world.root, world.root);
    world.trust(&junk);
    until(Duration::from_secs(5), &running, &mut ann, StatusCode::OK).await;
    let state = || async { running.sign_in.state() };
    let patience = Duration::from_secs(15);
    within(patience, "it is known again", state, |state| {
        *state == State::Ready
    })
    .await;
    running.end().await;
}
