//! The port's promises, on each of the five servers: a store of its own for each, in indices of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use http::Method;
use model::Instance;
use storage::Capabilities;
use storage::conformance::Subject;
use storage::elasticsearch::config::Place;
use storage::elasticsearch::{Config, Elasticsearch};
use tests::servers::{Kind, shared};

use super::sender::place;

/// Those that the promises name.
const INSTANCES: [&str; 4] = ["default/jaeger", "a/jaeger", "b/jaeger", "a/other"];

/// A store of `kind`, empty.
async fn open(kind: Kind) -> Subject {
    static OPENED: AtomicU64 = AtomicU64::new(0);
    let prefix = format!("conform-{}", OPENED.fetch_add(1, Ordering::Relaxed));
    let server = tokio::task::block_in_place(|| shared(kind));
    let configs = INSTANCES.map(|instance| {
        let prefix = format!("{prefix}-{}", instance.replace('/', "-"));
        let mut main = place(&server.url(), &prefix);
        // the promises about sampling have times of 1970
        main.limits.sampling_lookback = Duration::from_secs(100 * 365 * 24 * 3600);
        let mut archive = place(&server.url(), &prefix);
        archive.connection.settings = "es-archive".to_owned();
        archive.indices.is_archive = true;
        Config {
            instance: Instance::parse(instance).unwrap(),
            main,
            archive: Some(archive),
        }
    });
    let store = tokio::task::block_in_place(|| Elasticsearch::new(configs.into()));
    Subject::new(store.unwrap()).settling(move || {
        let path = format!("/{prefix}-*/_refresh");
        async move {
            let refreshed = server.client().send(Method::POST, &path, "").await;
            refreshed.unwrap().json().unwrap();
        }
        .boxed()
    })
}

/// What each says of itself.
fn says() -> Capabilities {
    Capabilities {
        durable: true,
        archive: true,
        dead_letters: true,
        sampling_store: true,
        remote: true,
        coalesce_bytes: Some(Place::default().limits.bulk_bytes),
        ..Capabilities::default()
    }
}

macro_rules! on {
    ($module:ident, $kind:expr) => {
        mod $module {
            use super::*;

            async fn open() -> Subject {
                super::open($kind).await
            }

            storage::conformance_tests!(open);

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn it_says_what_it_can_do() {
                assert_eq!(open().await.backend.capabilities(), says());
            }
        }
    };
}

on!(elasticsearch_6, Kind::Elasticsearch6);
on!(elasticsearch_7, Kind::Elasticsearch7);
on!(elasticsearch_8, Kind::Elasticsearch8);
on!(opensearch_2, Kind::OpenSearch2);
on!(opensearch_3, Kind::OpenSearch3);
