//! The options of each tool.
//!
//! Rows only. Source of names and defaults: `jaegertracing/jaeger: cmd/es-index-cleaner/app/flags.go`, `cmd/es-rollover/app/**/flags.go`,
//! `internal/storage/v1/elasticsearch/mappings/flags.go` v1.76.0.

use super::options::{Row, Takes};

const PREFIX: Row = Row::new(
    "index-prefix",
    Takes::Text,
    "",
    "what the names of indices begin with; a hyphen is put behind it",
);
const TIMEOUT: Row = Row::new(
    "timeout",
    Takes::Number,
    "120",
    "seconds that the cluster may take for each request",
);
const SHARDS: Row = Row::new("shards", Takes::Number, "5", "shards of an index");
const REPLICAS: Row = Row::new("replicas", Takes::Number, "1", "copies of each shard");

const fn priority(name: &'static str) -> Row {
    Row::new(
        name,
        Takes::Number,
        "0",
        "init: priority of that template, from Elasticsearch 8 on",
    )
}

pub(super) const CLEANER: &[Row] = &[
    PREFIX,
    Row::new(
        "archive",
        Takes::Switch,
        "false",
        "delete indices of the archive that rollover made, and no others",
    ),
    Row::new(
        "rollover",
        Takes::Switch,
        "false",
        "delete indices that rollover made, and not those of days",
    ),
    Row::new(
        "kinds",
        Takes::Text,
        "",
        "kinds that are deleted in one run, of daily, rollover and archive; in place of the two above",
    )
    .flag_only(),
    TIMEOUT,
    Row::new(
        "index-date-separator",
        Takes::Text,
        "-",
        "what stands between year, month and day in the names of indices",
    ),
    Row::new(
        "feature-gates",
        Takes::Text,
        "",
        "es.index.relativeTimeIndexDeletion counts days from now, and not from the next midnight",
    )
    .flag_only(),
    Row::new(
        "dry-run",
        Takes::Switch,
        "false",
        "delete nothing, print what would be",
    )
    .flag_only(),
];

/// Settings of the process that say how a cluster is reached.
pub(super) const SETTINGS: &[&str] = &[
    "config-file",
    "certs.directory",
    "es.username",
    "es.password",
    "es.password-file",
    "es.token-file",
    "es.api-key-file",
    "es.version",
    "es.tls*",
];

pub(super) const ROLLOVER: &[Row] = &[
    PREFIX,
    Row::new(
        "archive",
        Takes::Switch,
        "false",
        "the archive's indices, and no others",
    ),
    TIMEOUT,
    Row::new(
        "skip-dependencies",
        Takes::Switch,
        "false",
        "leave dependencies alone",
    ),
    Row::new(
        "adaptive-sampling",
        Takes::Switch,
        "false",
        "what adaptive sampling keeps, too",
    ),
    Row::new(
        SHARDS.name,
        Takes::Number,
        SHARDS.default,
        "init: shards of an index",
    ),
    Row::new(
        REPLICAS.name,
        Takes::Number,
        REPLICAS.default,
        "init: copies of each shard",
    ),
    priority("priority-span-template"),
    priority("priority-service-template"),
    priority("priority-dependencies-template"),
    priority("priority-sampling-template"),
    Row::new(
        "conditions",
        Takes::Text,
        "{\"max_age\": \"2d\"}",
        "rollover: when an index is followed by a new one, as JSON; {}: always",
    ),
    Row::new(
        "unit",
        Takes::Text,
        "days",
        "lookback: seconds, minutes, hours, days, weeks, months or years",
    ),
    Row::new(
        "unit-count",
        Takes::Number,
        "1",
        "lookback: how many of them an index is read",
    ),
];

/// Further ones of es-rollover.
pub(super) const ROLLOVER_SETTINGS: &[&str] = &["es.use-ilm", "es.ilm-policy-name"];

/// Options that one action alone reads.
pub(super) const OF_ACTION: [(&str, &str); 9] = [
    ("shards", "init"),
    ("replicas", "init"),
    ("priority-span-template", "init"),
    ("priority-service-template", "init"),
    ("priority-dependencies-template", "init"),
    ("priority-sampling-template", "init"),
    ("conditions", "rollover"),
    ("unit", "lookback"),
    ("unit-count", "lookback"),
];

pub(super) const MAPPING: &[Row] = &[
    Row::new(
        "mapping",
        Takes::Text,
        "",
        "jaeger-span, jaeger-service, jaeger-dependencies or jaeger-sampling",
    )
    .flag_only(),
    Row::new(
        "es-version",
        Takes::Number,
        "7",
        "major version of Elasticsearch; OpenSearch counts as 7",
    )
    .flag_only(),
    SHARDS.flag_only(),
    REPLICAS.flag_only(),
    PREFIX.flag_only(),
    Row::new(
        "use-ilm",
        Takes::Truth,
        "false",
        "name a policy of index life cycle management",
    )
    .flag_only(),
    Row::new(
        "ilm-policy-name",
        Takes::Text,
        "jaeger-ilm-policy",
        "the name of that policy",
    )
    .flag_only(),
];
