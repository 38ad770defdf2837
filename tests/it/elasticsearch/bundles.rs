//! Whom all connections trust counts for a cluster too, and no longer than that: on connections that are open as well.

use std::time::Duration;

use model::Instance;
use settings::tls::ClientTls;
use storage::WriteError;
use tests::pki::{Authority, replace};
use tests::servers::secured::{self, PASSWORD, USER};

use super::sender::{open, place, span};
use crate::support::within;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_trusted_for_a_bundle_while_it_is_there() {
    let secured = tokio::task::block_in_place(secured::elasticsearch);
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| {
        let file = folder.path().join(name);
        replace(&file, text);
        file
    };
    let leaf = secured.authority.client("spoor");
    let mut to = place(&secured.server.url(), "bundled");
    to.connection.username = USER.to_owned();
    to.connection.password_file = Some(put("password", PASSWORD));
    to.connection.tls = Some(ClientTls {
        prefix: "es.tls".to_owned(),
        cert: Some(put("tls.crt", &leaf.cert)),
        key: Some(put("tls.key", &leaf.key)),
        ..ClientTls::default()
    });
    let bundles = folder.path().join("bundles");
    std::fs::create_dir(&bundles).unwrap();
    to.connection.trust = trust::Store::new(vec![bundles]);
    let other = Authority::new("another").pem().replace('\n', "\r\n");
    let bundle = put(
        "bundles/store.pem",
        &format!("# ours\n{other}{}", secured.authority.pem()),
    );
    let storage = tokio::task::block_in_place(|| open(vec![(Instance::default(), to)]));
    let next = std::sync::atomic::AtomicU64::new(1);
    let write = async || {
        let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let batch = model::Batch::new(Instance::default(), vec![span(at)], 0);
        storage.writer().write(batch).await
    };
    write().await.unwrap();
    let soon = Duration::from_secs(2);
    std::fs::remove_file(&bundle).unwrap();
    let is_refused = |written: &Result<(), WriteError>| written.is_err();
    let refused = within(soon, "still trusted", &write, is_refused).await;
    let said = refused.unwrap_err().to_string();
    for word in ["CN=the store's authority", "trust.bundles", "es.tls.ca"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    put("bundles/store.pem", &secured.authority.pem());
    within(soon * 5, "not trusted again", &write, Result::is_ok)
        .await
        .unwrap();
    storage.close().await;
}
