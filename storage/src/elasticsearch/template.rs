//! Templates: how a cluster makes an index when the first document of a new day comes.
//!
//! In: [`Indices`], their [`Names`], and what the cluster is. Out: requests to put templates there, as path and body. Settings and mappings are
//! Jaeger's. Which indices they are for is not: patterns begin with the very prefix, and the order is above that of a stock Jaeger beside us,
//! whose templates without a prefix begin with `*` and are for everybody's indices; those of dependencies have a prefix, too (quirk 80).
//!
//! Sampling differs in one thing: names of services and operations are not fields there, since a cluster refuses what has too many.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch/mappings` v1.76.0; Elasticsearch's "Create or update index template", legacy and
//! composable; OpenSearch's "ISM settings".

pub(crate) mod mapping;

use serde_json::{Map, Value, json};

use super::config::Indices;
use super::index::Names;
use crate::http_client::{Flavour, Product};

/// A stock Jaeger's templates have order 0.
const ORDER: u32 = 1;

/// A template to put.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    /// The segments of the path to put it to.
    pub(crate) path: [String; 2],
    /// What it says.
    pub(crate) body: Value,
}

/// The parts of a template that differ from kind to kind.
struct Kind<'a> {
    /// Without the prefix.
    name: &'a str,
    /// What documents were called before version 7.
    document_type: &'a str,
    patterns: Vec<String>,
    mappings: Value,
    /// Answers to searches are kept; dead letters and leases are looked at once.
    caches: bool,
    /// Rollover turns its indices.
    rolls: bool,
    priority: u32,
    /// Above the one of a pattern that matches the same indices.
    above: u32,
}

/// The type of span documents in Elasticsearch 6, which a bulk has to name there.
pub(crate) const SPAN_TYPE: &str = "span";
/// The type of service documents in Elasticsearch 6.
pub(crate) const SERVICE_TYPE: &str = "service";
/// The type of every other document in Elasticsearch 6.
pub(crate) const OTHER_TYPE: &str = "_doc";

/// All templates of one place.
pub(crate) fn all(indices: &Indices, names: &Names, flavour: Flavour) -> Vec<Template> {
    let pattern = |base: &str| vec![format!("{base}*")];
    let own = |name: &str| vec![name.to_owned(), format!("{name}-*")];
    let (dead_letters, leases) = (names.dead_letters(), names.leases());
    let kind = |name, document_type, patterns, mappings| Kind {
        name,
        document_type,
        patterns,
        mappings,
        caches: true,
        rolls: true,
        priority: 0,
        above: 0,
    };
    let kinds = if indices.is_archive {
        let patterns = pattern(&format!("{}archive", names.spans.base()));
        vec![Kind {
            // the store that it belongs to has a template that matches, too
            above: 1,
            priority: indices.span_priority,
            ..kind("jaeger-span-archive", SPAN_TYPE, patterns, mapping::span())
        }]
    } else {
        vec![
            Kind {
                priority: indices.span_priority,
                ..kind(
                    "jaeger-span",
                    SPAN_TYPE,
                    pattern(names.spans.base()),
                    mapping::span(),
                )
            },
            Kind {
                priority: indices.service_priority,
                ..kind(
                    "jaeger-service",
                    SERVICE_TYPE,
                    pattern(names.services.base()),
                    mapping::service(),
                )
            },
            Kind {
                priority: indices.dependencies_priority,
                ..kind(
                    "jaeger-dependencies",
                    OTHER_TYPE,
                    pattern(names.dependencies.base()),
                    mapping::dependencies(),
                )
            },
            Kind {
                caches: false,
                ..kind(
                    "jaeger-sampling",
                    OTHER_TYPE,
                    pattern(names.sampling.base()),
                    mapping::sampling(),
                )
            },
            Kind {
                caches: false,
                rolls: false,
                ..kind(
                    "spoor-dead-letter",
                    OTHER_TYPE,
                    own(&dead_letters),
                    mapping::dead_letter(),
                )
            },
            Kind {
                caches: false,
                rolls: false,
                ..kind("spoor-lease", OTHER_TYPE, own(&leases), mapping::lease())
            },
        ]
    };
    let template = |kind| template(indices, names, flavour, kind);
    kinds.into_iter().map(template).collect()
}

fn template(indices: &Indices, names: &Names, flavour: Flavour, kind: Kind<'_>) -> Template {
    let name = format!("{}{}", names.prefix(), kind.name);
    let mut parts = Map::new();
    let mut settings = Map::new();
    let mut set = |setting: &str, value| settings.insert(setting.to_owned(), value);
    set("number_of_shards", json!(indices.shards));
    set("number_of_replicas", json!(indices.replicas));
    set("mapping", json!({"nested_fields": {"limit": 50}}));
    set("requests", json!({"cache": {"enable": kind.caches}}));
    if indices.use_ilm && kind.rolls {
        let rollover_alias = format!("{name}-write");
        let policy = &indices.ilm_policy;
        match flavour.product {
            Product::Elasticsearch => set(
                "lifecycle",
                json!({"name": policy, "rollover_alias": rollover_alias}),
            ),
            // the policy itself says which indices it is for
            Product::OpenSearch => set(
                "plugins",
                json!({"index_state_management": {"rollover_alias": rollover_alias}}),
            ),
        };
        parts.insert("aliases".to_owned(), json!({format!("{name}-read"): {}}));
    }
    parts.insert("settings".to_owned(), json!({"index": settings}));
    let mappings = match flavour {
        Flavour {
            product: Product::Elasticsearch,
            major: ..=6,
        } => json!({kind.document_type: kind.mappings}),
        _ => kind.mappings,
    };
    parts.insert("mappings".to_owned(), mappings);
    let (api, body) = match flavour {
        Flavour {
            product: Product::Elasticsearch,
            major: 8..,
        } => {
            let body = json!({
                "index_patterns": kind.patterns,
                "priority": kind.priority + kind.above,
                "template": parts,
            });
            ("_index_template", body)
        }
        _ => {
            parts.insert("index_patterns".to_owned(), json!(kind.patterns));
            parts.insert("order".to_owned(), json!(ORDER + kind.above));
            ("_template", Value::Object(parts))
        }
    };
    Template {
        path: [api.to_owned(), name],
        body,
    }
}

#[cfg(test)]
mod tests;
