//! What the scenarios share.

pub(crate) mod client;
pub(crate) mod https;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tests::spoor::{Setup, Spoor};

/// A folder that goes away with the test, and a Spoor on it that is not started yet.
pub(crate) fn setup() -> (tempfile::TempDir, Setup) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let setup = Setup::new(
        env!("CARGO_BIN_EXE_spoor-under-test"),
        &folder.path().join("data"),
    );
    (folder, setup)
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
        .to_owned()
}

/// Whether counts and durations are raised to their full figures.
#[allow(
    clippy::disallowed_methods,
    reason = "a test asks how long it may take, no setting of Spoor"
)]
pub(crate) fn soak() -> bool {
    std::env::var("SPOOR_SOAK").is_ok_and(|v| v == "1")
}

/// Status, content type and text of a GET.
pub(crate) async fn get(url: &str) -> (u16, String, String) {
    let answer = reqwest::get(url)
        .await
        .unwrap_or_else(|e| panic!("GET {url}: {e}"));
    let status = answer.status().as_u16();
    let header = answer
        .headers()
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    (status, header, answer.text().await.expect("a body"))
}

/// The JSON of a GET that is answered 200.
pub(crate) async fn get_json(url: &str) -> Value {
    let (status, _, text) = get(url).await;
    assert_eq!(status, 200, "GET {url} answered {text}");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("GET {url}: {e} in {text}"))
}

/// The one trace with this id, as the API gives it.
pub(crate) async fn trace(spoor: &Spoor, id: &str) -> Value {
    let mut answer = get_json(&format!("{}/api/traces/{id}", spoor.url("query-http"))).await;
    answer["data"][0].take()
}

/// Asks until `done` holds, at most ten seconds.
pub(crate) async fn eventually<F, T>(
    what: &str,
    ask: impl FnMut() -> F,
    done: impl Fn(&T) -> bool,
) -> T
where
    F: Future<Output = T>,
    T: std::fmt::Debug,
{
    within(Duration::from_secs(10), what, ask, done).await
}

/// Asks until `done` holds, at most for `patience`.
pub(crate) async fn within<F, T>(
    patience: Duration,
    what: &str,
    mut ask: impl FnMut() -> F,
    done: impl Fn(&T) -> bool,
) -> T
where
    F: Future<Output = T>,
    T: std::fmt::Debug,
{
    let until = Instant::now() + patience;
    loop {
        let got = ask().await;
        if done(&got) {
            return got;
        }
        assert!(Instant::now() < until, "{what}: still {got:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
