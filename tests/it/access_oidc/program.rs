//! The program itself behind a proxy that ends TLS: people and tools come in by way of the provider, whose authority is in a bundle that comes and goes.

use std::path::Path;
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use tests::spoor::{Setup, Spoor};

use super::World;
use super::browser::{Browser, Page};
use crate::support::{setup, within};

/// How long a bundle that came or went may not count.
const SOON: Duration = Duration::from_secs(5);

/// A program that trusts what is in the folder `bundles`. The world's provider calls back `https://spoor.test`, so that is what the proxy in front is called.
fn program(world: &World, setup: Setup, bundles: &Path) -> Spoor {
    let secret = bundles.with_file_name("secret");
    std::fs::write(&secret, "a secret: with/all+sorts\n").unwrap();
    setup
        .arg(format!("--access.oidc.issuer={}", world.provider.issuer()))
        .arg("--access.oidc.client-id=spoor")
        .arg(format!(
            "--access.oidc.client-secret-file={}",
            secret.display()
        ))
        .arg("--access.oidc.scopes=openid,email,groups")
        .arg("--access.oidc.redirect-url=https://spoor.test/oauth/callback")
        .arg("--access.proxy.peers=127.0.0.1")
        .arg(format!("--trust.bundles={}", bundles.display()))
        .start()
        .unwrap()
}

async fn page(browser: &mut Browser, spoor: &Spoor) -> Page {
    browser.visit(spoor, "/search").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_dropped_in_opens_the_sign_in_of_the_program() {
    let world = World::started(600);
    let (folder, setup) = setup();
    let bundles = folder.path().join("bundles");
    std::fs::create_dir(&bundles).unwrap();
    let spoor = program(&world, setup, &bundles);
    let mut ann = Browser::new(&world.root, "ann");
    let refused = page(&mut ann, &spoor).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    for said in ["Example Root CA", "trust.bundles", "localhost"] {
        assert!(refused.body.contains(said), "{}", refused.body);
    }
    // what a tool asks is told in JSON
    let services = format!("{}/api/services", spoor.url("query-http"));
    let tool = |token: String| {
        let request = reqwest::Client::new().get(&services).bearer_auth(token);
        async move {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        }
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap().as_secs();
    let claims = |ends: u64| json!({"iss": world.provider.issuer(), "aud": "spoor", "sub": "tool", "iat": now, "exp": ends});
    let header = json!({"alg": "RS256"});
    let good = world.sign(&header, &claims(now + 600)).await;
    assert_eq!(tool(good.clone()).await.0, 503);

    let bundle = bundles.join("corporate.pem");
    tests::pki::replace(&bundle, &world.root);
    let began = Instant::now();
    while page(&mut ann, &spoor).await.status != StatusCode::OK {
        assert!(began.elapsed() < SOON, "{:#?}", spoor.log());
    }
    assert_eq!(ann.forms, 2, "a name, and that all is granted");
    assert_eq!(tool(good).await.0, 200);
    let (status, text) = tool(world.sign(&header, &claims(now - 600)).await).await;
    assert!(
        status == 401 && text.contains("the token ended"),
        "{status} {text}"
    );

    // keys that change end no session, and one that is unknown is asked for
    world.roll().await;
    assert_eq!(page(&mut ann, &spoor).await.status, StatusCode::OK);
    assert_eq!(ann.forms, 2);
    let rolled = world.sign(&header, &claims(now + 600)).await;
    within(
        SOON,
        "a new key",
        || tool(rolled.clone()),
        |(status, _)| *status == 200,
    )
    .await;

    // without the bundle nobody new comes in, and who is in stays
    std::fs::remove_file(&bundle).unwrap();
    let status = async || {
        let mut bob = Browser::new(&world.root, "bob");
        page(&mut bob, &spoor).await.status
    };
    within(SOON, "a refusal", status, |status| {
        *status == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    assert_eq!(page(&mut ann, &spoor).await.status, StatusCode::OK);
    let log = spoor.log().join("\n");
    assert!(log.contains("Example Root CA"), "{log}");
    assert!(!log.contains("all+sorts"), "{log}");
}
