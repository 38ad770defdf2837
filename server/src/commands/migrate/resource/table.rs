//! What the keys of a `Jaeger` resource are here.
//!
//! Rows only; keys below `spec`.

use crate::commands::migrate::pattern::{As, Pattern, converted, decide, nothing, setting};

/// Those whose `options` are flags.
pub(super) const COMPONENTS: [&str; 6] = [
    "allInOne",
    "all-in-one",
    "collector",
    "query",
    "ingester",
    "agent",
];

/// Whether other keys may stand below a key.
pub(super) fn is_group(key: &str) -> bool {
    let mut rows = ROWS.iter().chain(PODS);
    let name = key.rsplit('.').next().unwrap_or(key);
    COMPONENTS.contains(&key)
        || ["storage", "sampling", "ui", "options", "elasticsearch"].contains(&name)
        || rows.any(|row| {
            row.at
                .strip_prefix(key)
                .is_some_and(|rest| rest.starts_with('.'))
        })
}

const POD: &str = "it says how pods run: carry it over to Spoor's own";
const INGRESS: &str =
    "it says how Kubernetes leads requests in: carry it over to Spoor's Ingress or Route";
const JOB: &str = "it says how a CronJob runs, which Spoor does not need";
const SPARK: &str = "it says how a job of Spark finds dependencies, which is no part of Spoor";
const CASSANDRA: &str = "Spoor has no Cassandra store";
pub(super) const MAKES_CLUSTER: &str =
    "it says how a cluster of Elasticsearch is made, which goes on without Jaeger";

#[rustfmt::skip] // a row a line
pub(super) const ROWS: &[Pattern] = &[
    converted("storage.esIndexCleaner.numberOfDays", "es.cleaner.max-age", As::Days),
    nothing("storage.esIndexCleaner.enabled", "es.cleaner.max-age says it"),
    nothing("storage.esIndexCleaner.**", JOB),
    setting("storage.esRollover.conditions", "es.rollover.conditions"),
    setting("storage.esRollover.readTTL", "es.rollover.lookback"),
    nothing("storage.esRollover.**", JOB),
    nothing("storage.dependencies.**", SPARK),
    nothing("storage.sparkDependencies.**", SPARK),
    nothing("storage.cassandraCreateSchema.**", CASSANDRA),
    nothing("storage.grpcPlugin.**", "plugins as programs ended with Jaeger 1.58"),
    nothing("storage.options", "it is empty, which sets nothing"),
    setting("query.metricsStorage.type", "METRICS_STORAGE_TYPE"),
    setting("query.metricsStorage.ServerUrl", "prometheus.server-url"),
    setting("query.metricsStorage.server-url", "prometheus.server-url"),
    setting("query.tracingEnabled", "query.enable-tracing"),
    setting("allInOne.tracingEnabled", "query.enable-tracing"),
    setting("allInOne.metricsStorage.type", "METRICS_STORAGE_TYPE"),
    setting("allInOne.metricsStorage.ServerUrl", "prometheus.server-url"),
    decide("collector.kafkaSecretName", "its Secret holds who we are for Kafka: have Spoor's pod take it as variables or files of kafka.producer"),
    decide("ingester.kafkaSecretName", "its Secret holds who we are for Kafka: have Spoor's pod take it as variables or files of kafka.consumer"),
    decide("allInOne.kafkaSecretName", "its Secret holds who we are for Kafka: have Spoor's pod take it as variables or files"),
    decide("ingress.security", "Spoor asks nobody for a login: keep the proxy in front of it"),
    nothing("ingress.**", INGRESS),
    nothing("agent.strategy", "agents stand in DaemonSets or beside applications: spoor agent"),
    nothing("agent.sidecarSecurityContext.**", POD),
];

/// What every component says of its pods, and the resource of all.
#[rustfmt::skip] // a row a line
pub(super) const PODS: &[Pattern] = &[
    nothing("*.image", POD),
    nothing("*.replicas", POD),
    nothing("*.autoscale", POD),
    nothing("*.minReplicas", POD),
    nothing("*.maxReplicas", POD),
    nothing("*.resources.**", POD),
    nothing("*.labels.**", POD),
    nothing("*.annotations.**", POD),
    nothing("*.affinity.**", POD),
    nothing("*.tolerations.**", POD),
    nothing("*.volumes.**", POD),
    nothing("*.volumeMounts.**", POD),
    nothing("*.securityContext.**", POD),
    nothing("*.containerSecurityContext.**", POD),
    nothing("*.livenessProbe.**", POD),
    nothing("*.lifecycle.**", POD),
    nothing("*.serviceAccount", POD),
    nothing("*.imagePullSecrets.**", POD),
    nothing("*.imagePullPolicy", POD),
    nothing("*.nodeSelector.**", POD),
    nothing("*.priorityClassName", POD),
    nothing("*.hostNetwork", POD),
    nothing("*.dnsPolicy", POD),
    nothing("*.terminationGracePeriodSeconds", POD),
    nothing("*.strategy", POD),
    nothing("*.strategy.**", POD),
    nothing("*.serviceType", POD),
    nothing("*.service.**", POD),
    nothing("*.nodePort", POD),
    nothing("*.grpcNodePort", POD),
    nothing("*.options", "it is empty, which sets nothing"),
    nothing("resources.**", POD),
    nothing("labels.**", POD),
    nothing("annotations.**", POD),
    nothing("affinity.**", POD),
    nothing("tolerations.**", POD),
    nothing("volumes.**", POD),
    nothing("volumeMounts.**", POD),
    nothing("securityContext.**", POD),
    nothing("serviceAccount", POD),
    nothing("imagePullSecrets.**", POD),
    nothing("imagePullPolicy", POD),
    nothing("nodeSelector.**", POD),
    nothing("priorityClassName", POD),
];

/// Groups of a cluster's own.
pub(super) const CLUSTER_GROUPS: [&str; 5] = [
    ".resources.",
    ".storage.elasticsearch.storage",
    ".nodeSelector.",
    ".tolerations",
    ".proxyResources.",
];

/// Keys of a cluster's own, by their last part.
#[rustfmt::skip] // a row a line
pub(super) const CLUSTER: &[Pattern] = &[
    nothing("nodeCount", MAKES_CLUSTER),
    nothing("image", MAKES_CLUSTER),
    nothing("nodeSelector", MAKES_CLUSTER),
    nothing("tolerations", MAKES_CLUSTER),
    nothing("storage", MAKES_CLUSTER),
    nothing("resources", MAKES_CLUSTER),
    nothing("useCertManagement", MAKES_CLUSTER),
    nothing("doNotProvision", MAKES_CLUSTER),
];
