//! How somebody proves who they are: passwords that change, a proxy that is believed, and one that is not.

use http::StatusCode;
use tests::spoor::Spoor;

use super::{basic, user};
use crate::support::{setup, within};

/// How long a file that changed may not count.
const SOON: std::time::Duration = std::time::Duration::from_secs(5);

/// The answer to a question with these headers.
async fn ask(spoor: &Spoor, headers: &[(&'static str, &str)]) -> reqwest::Response {
    let mut request =
        reqwest::Client::new().get(format!("{}/api/services", spoor.url("query-http")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn status(spoor: &Spoor, headers: &[(&'static str, &str)]) -> u16 {
    ask(spoor, headers).await.status().as_u16()
}

#[tokio::test]
async fn a_password_lets_in_and_its_file_may_change() {
    let (folder, setup) = setup();
    let file = folder.path().join("users");
    std::fs::write(&file, user("internal", "canary-1f2e")).unwrap();
    let spoor = setup
        .arg(format!("--access.htpasswd={}", file.display()))
        .arg("--log-level=debug")
        .start()
        .unwrap();
    let first = basic("internal", "canary-1f2e");
    let second = basic("kiali", "canary-3d4c");
    let answer = ask(&spoor, &[]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.starts_with("Basic "), "{challenge}");
    assert_eq!(status(&spoor, &[("authorization", &first)]).await, 200);
    assert_eq!(status(&spoor, &[("authorization", &second)]).await, 401);
    std::fs::write(&file, user("kiali", "canary-3d4c")).unwrap();
    let by_second = || async { status(&spoor, &[("authorization", &second)]).await };
    within(SOON, "the new user", by_second, |status| *status == 200).await;
    assert_eq!(status(&spoor, &[("authorization", &first)]).await, 401);
    // a file that cannot be used leaves who was in it
    std::fs::write(&file, "nobody").unwrap();
    let log = || async { spoor.log().join("\n") };
    let said = || async {
        status(&spoor, &[("authorization", &second)]).await;
        log().await
    };
    within(SOON, "a word about it", said, |log| {
        log.contains("users and passwords stay as they were")
    })
    .await;
    assert_eq!(status(&spoor, &[("authorization", &second)]).await, 200);
    let log = spoor.log().join("\n");
    assert!(log.contains("wrong user or password"), "{log}");
    for secret in ["canary-1f2e", "canary-3d4c", &first, &second] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn a_proxy_is_believed_and_nobody_else() {
    let (_folder, setup) = setup();
    let spoor = setup
        .arg("--access.proxy.peers=127.0.0.1")
        .arg("--access.grants=group:devs read *")
        .start()
        .unwrap();
    let alice = ("x-forwarded-user", "alice");
    assert_eq!(status(&spoor, &[]).await, 401);
    assert_eq!(status(&spoor, &[alice]).await, 403);
    assert_eq!(
        status(&spoor, &[alice, ("x-forwarded-groups", "ops,devs")]).await,
        200
    );
    assert_eq!(status(&spoor, &[("x-forwarded-groups", "devs")]).await, 401);
    drop(spoor);

    let (_folder, setup) = super::setup_elsewhere();
    let spoor = setup.start().unwrap();
    let answer = ask(&spoor, &[alice]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    let text = answer.text().await.unwrap();
    assert!(
        text.contains("127.0.0.1 says in a header who is asking"),
        "{text}"
    );
    assert!(text.contains("access.proxy.peers"), "{text}");
}

#[tokio::test]
async fn grants_change_while_spoor_runs() {
    let (folder, setup) = setup();
    let file = folder.path().join("spoor.yaml");
    let grant = |line: &str| {
        let settings = serde_json::json!({"access": {"grants": [line]}}).to_string();
        std::fs::write(&file, settings).unwrap();
    };
    let users = folder.path().join("users");
    std::fs::write(&users, user("kiali", "secret")).unwrap();
    grant("user:kiali read default");
    let spoor = setup
        .arg(format!("--config-file={}", file.display()))
        .arg(format!("--access.htpasswd={}", users.display()))
        .start()
        .unwrap();
    let kiali = basic("kiali", "secret");
    let by_kiali = || async { status(&spoor, &[("authorization", &kiali)]).await };
    assert_eq!(by_kiali().await, 200);
    grant("user:grafana read default");
    within(SOON, "a grant that is gone", by_kiali, |status| {
        *status == 403
    })
    .await;
    // what cannot be read changes nothing
    grant("user:kiali reads default");
    let log = || async { spoor.log().join("\n") };
    within(SOON, "a word about it", log, |log| {
        log.contains("it says neither read nor write")
    })
    .await;
    assert_eq!(by_kiali().await, 403);
    grant("signed-in read *");
    within(SOON, "a new grant", by_kiali, |status| *status == 200).await;
}
