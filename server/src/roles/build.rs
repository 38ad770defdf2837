//! What was built, for the admin port.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::admin;
use crate::cli::Role;
use crate::commands::version;
use crate::config::Config;

/// What `/version` says.
pub(super) fn version() -> admin::Version {
    admin::Version {
        git_commit: version::GIT_COMMIT.to_owned(),
        git_version: version::JAEGER.to_owned(),
        build_date: version::BUILD_DATE.to_owned(),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildInfo {
    version: &'static str,
    revision: &'static str,
    build_date: &'static str,
    spoor: &'static str,
}

/// Jaeger's gauge of the build, under the name that its role gives it.
pub(super) fn build_info(config: &Config, registry: &mut Registry) {
    let family = Family::<BuildInfo, Gauge>::default();
    let labels = BuildInfo {
        version: version::JAEGER,
        revision: version::GIT_COMMIT,
        build_date: version::BUILD_DATE,
        spoor: env!("CARGO_PKG_VERSION"),
    };
    family.get_or_create(&labels).set(1);
    let name = match config.role {
        Role::AllInOne => "jaeger_build_info",
        Role::Collector => "jaeger_collector_build_info",
        Role::Query => "jaeger_query_build_info",
        Role::Agent => "jaeger_agent_build_info",
        Role::Ingester => "jaeger_ingester_build_info",
        Role::RemoteStorage => "jaeger_remote_storage_build_info",
    };
    registry.register(name, "What was built: always 1", family);
}
