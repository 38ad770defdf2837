//! A store over gRPC: served by `spoor remote-storage`, and used by another Spoor or by a client that is a stock Jaeger's.

mod conformance;
mod rotation;
mod stock;
mod trouble;

use std::path::Path;

use tests::spoor::{Setup, Spoor};

use crate::golden::differences::Store;
use crate::golden::{AT_ITS_TIME, compare_all, compare_v3, corpus, send_all};
use crate::support::setup;

/// A Spoor that serves the embedded store in `folder`.
fn serving(folder: &Path) -> Setup {
    Setup::new(
        env!("CARGO_BIN_EXE_spoor-under-test"),
        &folder.join("served"),
    )
    .arg("remote-storage")
}

/// All in one, with the store at `server`.
fn using(setup: Setup, server: &str) -> Setup {
    setup
        .arg("--span-storage.type=grpc")
        .arg(format!("--grpc-storage.server={server}"))
}

fn address(spoor: &Spoor) -> String {
    spoor.address("storage-grpc").to_owned()
}

fn at_its_time(mut setup: Setup) -> Setup {
    let variables = AT_ITS_TIME.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.variables.extend(variables);
    setup
}

#[tokio::test]
async fn every_answer_of_the_corpus_is_the_same_through_a_store_elsewhere() {
    let (folder, setup) = setup();
    let store = at_its_time(serving(folder.path())).start().unwrap();
    let spoor = at_its_time(using(setup, &address(&store))).start().unwrap();
    let corpus = corpus();
    send_all(&spoor, &corpus).await;
    let compared = compare_all(&spoor, &corpus).await;
    compare_v3(&spoor, &corpus, Store::Embedded).await;
    compared.check();
    let log = spoor.log().join("\n");
    assert!(log.contains("\"protocol\":\"spoor\""), "{log}");
}

#[tokio::test]
async fn jaegers_first_version_gives_every_answer_of_its_own_api() {
    let (folder, setup) = setup();
    let store = at_its_time(serving(folder.path())).start().unwrap();
    let setup = using(setup, &address(&store)).arg("--grpc-storage.protocol=v1");
    let spoor = at_its_time(setup).start().unwrap();
    let corpus = corpus();
    send_all(&spoor, &corpus).await;
    compare_all(&spoor, &corpus).await.check();
}
