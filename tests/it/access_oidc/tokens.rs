//! Tools with tokens.

use std::time::{SystemTime, UNIX_EPOCH};

use access::oidc::{Algorithm, State};
use access::{Refusal, SignIn, Way};
use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::browser::SEEN;
use super::{Running, World};
use crate::support::eventually;

const AUDIENCE: &str = "https://spoor.test/api";

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A sign-in that takes tokens for its interface and for Kiali, once it knows the provider.
async fn running(world: &World) -> Running {
    let mut config = world.config();
    config.audiences = [AUDIENCE, "kiali"].map(str::to_owned).to_vec();
    let running = Running::new(config);
    let state = || async { running.sign_in.state() };
    eventually("the provider is known", state, |state| {
        *state == State::Ready
    })
    .await;
    running
}

/// A token as a tool gets one, by the provider's own means.
async fn token(world: &World, audience: &str) -> String {
    let form = format!("grant_type=client_credentials&scope=read&resource={audience}");
    // tool:tools-own
    let basic = Some("Basic dG9vbDp0b29scy1vd24=");
    let answer = world.ask("/token", basic, &form).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// Who it is, or the reason why it is nobody.
async fn who(sign_in: &SignIn, token: &str) -> Result<String, &'static str> {
    let request = Request::builder().header(AUTHORIZATION, format!("Bearer {token}"));
    let (parts, ()) = request.body(()).unwrap().into_parts();
    match sign_in.caller(&parts, SEEN).await {
        Ok(Some(proved)) => {
            assert_eq!(proved.caller.way, Way::Bearer);
            Ok(proved.caller.name)
        }
        Ok(None) => Err("nobody"),
        Err(refusal) => Err(refusal.reason()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tool_shows_a_token_of_the_provider() {
    let world = World::started(600);
    let running = running(&world).await;
    let good = token(&world, AUDIENCE).await;
    assert_eq!(who(&running.sign_in, &good).await, Ok("tool".to_owned()));
    let elsewhere = token(&world, "https://else.test/api").await;
    let refused = who(&running.sign_in, &elsewhere).await;
    assert_eq!(refused, Err("wrong_audience"));

    // other keys: what they sign is taken at once, what the old ones signed no longer
    for _ in 0..3 {
        world.roll().await;
        let fresh = token(&world, AUDIENCE).await;
        assert_eq!(who(&running.sign_in, &fresh).await, Ok("tool".to_owned()));
    }
    assert_eq!(who(&running.sign_in, &good).await, Err("unknown_key"));
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_algorithm_is_taken_and_each_failure_told_apart() {
    let world = World::started(600);
    let running = running(&world).await;
    let sign_in = &running.sign_in;
    let good = json!({
        "iss": world.provider.issuer(), "aud": ["else", "kiali"], "sub": "7", "email": "ann@b.c", "email_verified": true, "exp": now() + 600,
    });
    let ann = || Ok("ann@b.c".to_owned());
    for algorithm in Algorithm::ALL {
        let token = world.sign(&json!({"alg": algorithm.as_str()}), &good).await;
        assert_eq!(who(sign_in, &token).await, ann(), "{algorithm}");
        // the same signature under the head of another algorithm, and over other claims
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (head, _) = signed.split_once('.').unwrap();
        let mut other = good.clone();
        other["email"] = json!("eve@b.c");
        let other = world
            .sign(&json!({"alg": algorithm.as_str()}), &other)
            .await;
        let (other, _) = other.rsplit_once('.').unwrap();
        assert!(other.starts_with(head));
        let forged = format!("{other}.{signature}");
        assert_eq!(who(sign_in, &forged).await, Err("bad_signature"));
    }
    let es256 = json!({"alg": "ES256"});
    for (claim, value, expect) in [
        ("exp", json!(now() - 61), Err("expired")),
        ("exp", json!(now() - 30), ann()),
        ("exp", Value::Null, Err("missing_claim")),
        ("nbf", json!(now() + 90), Err("not_yet_valid")),
        ("nbf", json!(now() + 30), ann()),
        ("iss", json!("https://else.test"), Err("wrong_issuer")),
        ("aud", json!("spoor"), Err("wrong_audience")),
        ("sub", json!(""), Err("missing_claim")),
        ("email_verified", json!(false), Ok("7".to_owned())),
    ] {
        let mut claims = good.clone();
        claims[claim] = value.clone();
        let token = world.sign(&es256, &claims).await;
        assert_eq!(who(sign_in, &token).await, expect, "{claim}: {value}");
    }
    for (header, expect) in [
        (json!({"alg": "ES256", "kid": "else"}), "unknown_key"),
        (json!({"alg": "ES256", "typ": "logout+jwt"}), "not_a_token"),
    ] {
        let token = world.sign(&header, &good).await;
        assert_eq!(who(sign_in, &token).await, Err(expect), "{header}");
    }
    running.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_show_unknown_keys_have_the_provider_asked_seldom() {
    let mut world = World::started(600);
    let running = running(&world).await;
    let sign_in = &running.sign_in;
    let claims =
        json!({"iss": world.provider.issuer(), "aud": "kiali", "sub": "7", "exp": now() + 600});
    let unknown = world
        .sign(&json!({"alg": "ES256", "kid": "else"}), &claims)
        .await;
    let known = world.sign(&json!({"alg": "ES256"}), &claims).await;
    let asks = (0..400).map(|_| who(sign_in, &unknown));
    let answers = futures_util::future::join_all(asks).await;
    let counted = |reason| answers.iter().filter(|a| **a == Err(reason)).count();
    let (unknown_key, busy) = (counted("unknown_key"), counted("busy"));
    assert_eq!(unknown_key + busy, 400, "{answers:?}");
    assert!(unknown_key >= 200, "{unknown_key}");
    assert_eq!(who(sign_in, &known).await, Ok("7".to_owned()));
    // who cannot be asked may know the key: that is no "no"
    world.provider.stop().unwrap();
    assert_eq!(who(sign_in, &unknown).await, Err("provider_unreachable"));
    assert_eq!(who(sign_in, &known).await, Ok("7".to_owned()));
    let state = sign_in.state();
    assert!(matches!(state, State::Stale { .. }), "{state:?}");
    assert_eq!(Refusal::Busy.status(), 503);
    running.end().await;
}
