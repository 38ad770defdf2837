//! What the query service is told of spans on their way in: who asks there where a trace has gone knows nothing of collectors.
//!
//! In: the configuration, what was bound, the stores. Out: the ledger of this process, who reads dead letters, the ports that take spans, and a way in for made-up ones.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::SystemTime;

use collector::Inlet;
use query::{Inflow, Receiver};
use storage::Backend as _;
use storage::disk::RealDisk;
use storage::elasticsearch::Elasticsearch;
use storage::embedded::inspect;
use storage::port::DeadLetterReader;
use storage::stack::Storage;

use crate::config::{Backend, Config};

/// Listeners that take spans: their words, what a person calls them, and where on them spans go.
const RECEIVERS: [(&str, &str, Option<&str>); 7] = [
    ("otlp-grpc", "otlp-grpc", None),
    ("otlp-http", "otlp-http", Some("/v1/traces")),
    ("jaeger-grpc", "jaeger-grpc", None),
    ("jaeger-thrift", "jaeger-thrift-http", Some("/api/traces")),
    ("jaeger-compact", "jaeger-thrift-compact", None),
    ("jaeger-binary", "jaeger-thrift-binary", None),
    ("zipkin", "zipkin", Some("/api/v2/spans")),
];

/// All of it. `inlet` is the collector's, in roles that have one.
pub(super) fn known(
    config: &Config,
    inlet: Option<Inlet>,
    addrs: &[(&'static str, Vec<SocketAddr>)],
    storage: &Storage,
    clusters: Option<&Elasticsearch>,
) -> Inflow {
    let takes_spans = inlet.is_some();
    let makes = config.query.as_ref().is_some_and(|query| query.demo);
    Inflow {
        since: Some(SystemTime::now()),
        ledger: takes_spans.then(|| storage.ledger()),
        letters: letters(config, clusters),
        receivers: receivers(config, addrs),
        put: inlet.filter(|_| makes).map(|inlet| -> query::Put {
            Arc::new(move |instance, body| {
                let inlet = inlet.clone();
                Box::pin(async move { inlet.put(instance, body).await })
            })
        }),
    }
}

/// Who reads the letters of the first store that keeps any.
fn letters(config: &Config, clusters: Option<&Elasticsearch>) -> Option<Arc<dyn DeadLetterReader>> {
    config
        .storage
        .backends
        .iter()
        .find_map(|backend| match backend {
            Backend::Elasticsearch => clusters?.dead_letter_reader(),
            Backend::Embedded => {
                let directory = &config.storage.embedded.directory;
                let letters = inspect::Letters::new(directory, Arc::new(RealDisk));
                Some(Arc::new(letters) as Arc<dyn DeadLetterReader>)
            }
            Backend::Memory | Backend::Collector | Backend::Kafka | Backend::Grpc => None,
        })
}

/// Where spans can be sent to, one line a port.
fn receivers(config: &Config, addrs: &[(&'static str, Vec<SocketAddr>)]) -> Vec<Receiver> {
    let speaks_tls = |word: &str| {
        let mut listeners = config.listeners.iter();
        listeners.any(|listener| listener.name.as_str() == word && listener.tls.is_some())
    };
    RECEIVERS
        .into_iter()
        .filter_map(|(word, protocol, path)| {
            let (_, bound) = addrs.iter().find(|(listener, _)| *listener == word)?;
            let address = bound.first()?;
            Some(Receiver {
                protocol,
                address: match address.ip().is_unspecified() {
                    true => format!(":{}", address.port()),
                    false => address.to_string(),
                },
                tls: speaks_tls(word),
                path,
            })
        })
        .collect()
}
