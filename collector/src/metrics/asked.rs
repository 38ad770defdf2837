//! What was asked about sampling over HTTP, under the names of Jaeger's handler: `jaeger_agent_http_server_…` on 5778, `jaeger_collector_http_server_…` on 14268.
//!
//! Source: `jaegertracing/jaeger: pkg/clientcfg/clientcfghttp/handler.go` v1.60.0.

use ::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

/// What was asked at one port. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    requests: Family<Kind, Counter>,
    errors: Family<Trouble, Counter>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    r#type: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Trouble {
    source: &'static str,
    status: &'static str,
}

const BAD_REQUEST: Trouble = Trouble {
    source: "all",
    status: "4xx",
};
const NO_ANSWER: Trouble = Trouble {
    source: "collector-proxy",
    status: "5xx",
};

// === impl Asked ===

impl Asked {
    /// Puts them into `registry`. `role` is `agent` or `collector`.
    pub(crate) fn register(registry: &mut Registry, role: &str) -> Self {
        let asked = Self::default();
        drop(asked.errors.get_or_create(&BAD_REQUEST));
        drop(asked.errors.get_or_create(&NO_ANSWER));
        let server = registry.sub_registry_with_prefix(format!("jaeger_{role}_http_server"));
        server.register(
            "requests",
            "Questions about sampling that were answered",
            asked.requests.clone(),
        );
        server.register(
            "errors",
            "Questions about sampling that were not",
            asked.errors.clone(),
        );
        asked
    }

    /// A question of this kind (`sampling`, `sampling-legacy`) was answered so.
    pub(crate) fn answered(&self, kind: &'static str, status: StatusCode) {
        let counter = if status.is_success() {
            self.requests.get_or_create(&Kind { r#type: kind }).clone()
        } else if status.is_client_error() {
            self.errors.get_or_create(&BAD_REQUEST).clone()
        } else {
            self.errors.get_or_create(&NO_ANSWER).clone()
        };
        counter.inc();
    }
}
