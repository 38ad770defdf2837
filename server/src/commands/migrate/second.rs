//! Configurations of Jaeger 2, which are the OpenTelemetry Collector's.
//!
//! In: a document. Out: each of its keys in a draft. `${env:NAME:-default}` is not put in, but told. Of several stores the one that spans go to is `es`, and the one for archived traces
//! `es-archive`; others are told.
//!
//! Source: `jaegertracing/jaeger: cmd/jaeger/*.yaml, internal/storage/elasticsearch/config/config.go` at v2.20; `open-telemetry/opentelemetry-collector-contrib:
//! {exporter/kafkaexporter,receiver/kafkareceiver}` v0.155.

mod backends;
mod components;

use serde_json::Value as Json;

use super::apply::apply;
use super::draft::{Draft, Fate};
use super::leaf::{Given, Leaf, leaves};
use super::pattern;
use crate::config::Backend;

const TOP: [&str; 6] = [
    "receivers",
    "processors",
    "exporters",
    "extensions",
    "connectors",
    "service",
];

/// Whether a document is such a configuration.
pub(super) fn is_one(document: &Json) -> bool {
    let has = |key: &str| document.get(key).is_some_and(Json::is_object);
    ["receivers", "exporters", "extensions", "service"]
        .iter()
        .any(|key| has(key))
}

/// Which stores there are, and what for.
#[derive(Default)]
struct Stores {
    traces: Option<String>,
    archive: Option<String>,
}

/// Reads the configuration. `below` is where it stands in its document, with a dot behind it; or nothing.
pub(super) fn translate(document: &Json, below: &str, draft: &mut Draft) {
    let stores = Stores::read(document);
    start(document, draft);
    stores.name(document, below, draft);
    for leaf in leaves(document) {
        let key = leaf.key.clone();
        let leaf = Leaf {
            key: format!("{below}{}", leaf.key),
            given: leaf.given,
        };
        stores.leaf(&key, &leaf, draft);
    }
}

/// Groups of a kind: `jaeger_storage`, and `jaeger_storage/other`.
fn of_kind<'a>(document: &'a Json, group: &str, kind: &str) -> impl Iterator<Item = &'a Json> {
    let members = document
        .get(group)
        .and_then(Json::as_object)
        .into_iter()
        .flatten();
    let kind = kind.to_owned();
    members
        .filter(move |(name, _)| name.split('/').next() == Some(kind.as_str()))
        .map(|(_, value)| value)
}

fn start(document: &Json, draft: &mut Draft) {
    let is_there = |group, kind| of_kind(document, group, kind).next().is_some();
    let receives = document
        .get("receivers")
        .and_then(Json::as_object)
        .is_some_and(|all| !all.is_empty());
    let role = match (
        is_there("receivers", "kafka"),
        receives,
        is_there("extensions", "jaeger_query"),
    ) {
        (true, _, _) => "ingester",
        (false, true, true) => "all-in-one",
        (false, false, true) => "query",
        (false, _, false) => "collector",
    };
    let start = format!("spoor {role}");
    if !draft.roles.contains(&start) {
        draft.roles.push(start);
    }
    if role == "ingester" && is_there("extensions", "jaeger_query") {
        draft.decide("Jaeger 2 answered queries in the process that read from Kafka: start spoor query beside spoor ingester");
    }
}

// === impl Stores ===

impl Stores {
    fn read(document: &Json) -> Self {
        let text = |value: Option<&Json>| {
            let text = value?.as_str()?;
            Some(text.to_owned()).filter(|text| !text.contains("${"))
        };
        let query = || of_kind(document, "extensions", "jaeger_query");
        let mut writers = ["exporters", "connectors"].into_iter().flat_map(|group| {
            ["jaeger_storage_exporter", "jaeger_storage_writer"]
                .into_iter()
                .flat_map(move |kind| of_kind(document, group, kind))
        });
        let traces = writers
            .find_map(|one| text(one.get("trace_storage")))
            .or_else(|| query().find_map(|one| text(one.pointer("/storage/traces"))));
        let archive = query().find_map(|one| text(one.pointer("/storage/traces_archive")));
        let mut all = of_kind(document, "extensions", "jaeger_storage")
            .filter_map(|one| one.get("backends")?.as_object())
            .flatten()
            .map(|(name, _)| name.clone());
        let only = all.next().filter(|_| all.next().is_none());
        Self {
            traces: traces.or(only),
            archive,
        }
    }

    /// Says what the stores are, for the setting that names them.
    fn name(&self, document: &Json, below: &str, draft: &mut Draft) {
        let kind = |name: &Option<String>| {
            let name = name.as_ref()?;
            let mut all = of_kind(document, "extensions", "jaeger_storage");
            let backend = all.find_map(|one| one.get("backends")?.get(name)?.as_object())?;
            backend.keys().next().cloned()
        };
        let writes = ["exporters", "connectors"].iter().any(|group| {
            ["jaeger_storage_exporter", "jaeger_storage_writer"]
                .iter()
                .any(|kind| of_kind(document, group, kind).next().is_some())
        });
        let is_kafka = of_kind(document, "exporters", "kafka").next().is_some();
        if let Some(kind) = kind(&self.traces) {
            draft.name_store(&format!("{below}extensions.jaeger_storage"), &kind);
            if is_kafka && writes {
                draft.decide("spans go to Kafka and to a store: write span-storage.type with both if that is meant");
            }
        } else if is_kafka {
            draft.name_store(&format!("{below}exporters.kafka"), "kafka");
        }
        if kind(&self.archive)
            .is_some_and(|kind| Backend::from_word(&kind) == Ok(Backend::Elasticsearch))
        {
            let from = format!("{below}extensions.jaeger_query.storage.traces_archive");
            draft.derive("es-archive.enabled", "true", &from);
            draft.decide(format!("{from}: Jaeger 2 archived into indices such as PREFIX-jaeger-span-2026-01-31, Spoor and Jaeger 1 into PREFIX-jaeger-span-archive: what was archived before is not found"));
        }
    }

    fn leaf(&self, key: &str, leaf: &Leaf, draft: &mut Draft) {
        if let Some((name, rest)) = backend(key) {
            return self.backend(name, rest, leaf, draft);
        }
        if let Some(row) = pattern::find(components::ALL, key) {
            return apply(draft, row, leaf, str::to_owned);
        }
        let is_group =
            leaf.given == Given::Nothing && (TOP.contains(&key) || components::is_group(key));
        let fate = if is_group {
            Fate::elsewhere("it is empty, which sets nothing")
        } else {
            Fate::Unknown(pattern::nearest(components::ALL, key).unwrap_or_default())
        };
        draft.note(&leaf.key, fate);
    }

    /// A key of a store: its kind, and what stands below.
    fn backend(&self, name: &str, rest: &str, leaf: &Leaf, draft: &mut Draft) {
        let (kind, rest) = rest.split_once('.').unwrap_or((rest, ""));
        let is = |other: &Option<String>| other.as_deref() == Some(name);
        let prefix = match (is(&self.traces), is(&self.archive)) {
            (true, _) => "es",
            (false, true) => "es-archive",
            (false, false) => {
                let why = "spans do not go to this store, and nothing is archived there";
                draft.note(&leaf.key, Fate::elsewhere(why));
                return;
            }
        };
        let tables: &[&[pattern::Pattern]] = match (kind, prefix) {
            ("elasticsearch" | "opensearch", _) => &[backends::CLUSTER],
            ("memory", "es") => &[backends::MEMORY],
            ("memory", _) => &[backends::ARCHIVE_IN_MEMORY],
            ("grpc", "es") => &[backends::REMOTE],
            ("grpc", _) => &[backends::REMOTE_ARCHIVE],
            _ => &[],
        };
        let unknown_store = Backend::from_word(kind).err();
        match (pattern::find(tables, rest), unknown_store) {
            (Some(row), _) => apply(draft, row, leaf, |name| match name.strip_prefix("es.") {
                Some(part) => format!("{prefix}.{part}"),
                None => name.to_owned(),
            }),
            (None, Some(why)) => {
                draft.note(&leaf.key, Fate::idle(why));
            }
            (None, None) if rest.is_empty() => {
                draft.note(&leaf.key, Fate::Mapped("span-storage.type".to_owned()));
            }
            (None, None) => {
                let hint = pattern::nearest(tables, rest).unwrap_or_default();
                draft.note(&leaf.key, Fate::Unknown(hint));
            }
        }
    }
}

/// The name of a store, and the rest of the key.
fn backend(key: &str) -> Option<(&str, &str)> {
    let rest = key.strip_prefix("extensions.jaeger_storage")?;
    let (other, rest) = rest.split_once('.')?;
    let rest = rest
        .strip_prefix("backends.")
        .filter(|_| other.is_empty() || other.starts_with('/'))?;
    Some(rest.split_once('.').unwrap_or((rest, "")))
}
