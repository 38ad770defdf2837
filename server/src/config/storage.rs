//! Where spans are kept.
//!
//! In: `span-storage.type` and the settings of the stores. Out: the backends in the order that they are written to; the first is read, which Kafka never is. Names of Jaeger's that this version lacks
//! become problems that say how to move.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ::storage::elasticsearch;
use ::storage::embedded::NamespaceBounds;
use ::storage::kafka;
use ::storage::layers::{Limits, Window};
use ::storage::remote;
use ::storage::stack::Kept;
use model::Instance;
use settings::flag::Effect;
use settings::{ByteSize, GoDuration, Settings, Warning, flags};
use trust::Instances;

use super::check::Check;
use super::items::Items;
use super::spool::Spool;
use crate::cli::Role;

/// Where spans are kept, and which.
#[derive(Debug, Clone)]
pub struct Storage {
    /// All that are open: those of instances that say nothing else, then what single instances have beside. Never empty.
    pub backends: Vec<Backend>,
    /// Of an instance that says nothing else: written to in this order, durable when all are; reads go to the first. Never empty.
    pub common: Vec<Backend>,
    /// How each instance is kept.
    pub kept: Vec<Kept>,
    /// Where spans wait for stores that are away; none: nowhere.
    pub spool: Option<Spool>,
    /// The embedded store's own.
    pub embedded: Embedded,
    /// The store of each instance on Elasticsearch or OpenSearch; empty where that is no backend.
    pub elasticsearch: Vec<elasticsearch::Config>,
    /// The topic of each instance on Kafka; empty where that is no backend.
    pub kafka: Vec<kafka::Config>,
    /// The store in another process, then its archive; empty where that is no backend.
    pub remote: Vec<remote::Config>,
    /// `memory.max-traces`; 0: no limit.
    pub memory_max_traces: usize,
    /// Spans that began longer ago become dead letters; none: no limit.
    pub span_max_age: Option<Duration>,
    /// Spans that begin further ahead become dead letters; none: no limit.
    pub span_max_future: Option<Duration>,
    /// Larger spans become dead letters; 0: no limit.
    pub span_max_bytes: ByteSize,
    /// Spans with more attributes become dead letters; 0: no limit.
    pub span_max_attributes: usize,
}

/// A kind of store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// In files of this process.
    Embedded,
    /// In memory, gone with the process.
    Memory,
    /// In clusters of Elasticsearch or OpenSearch.
    Elasticsearch,
    /// In a topic of Kafka, for an ingester.
    Kafka,
    /// With another process that serves its store over gRPC.
    Grpc,
    /// With a collector elsewhere: what an agent has.
    Collector,
}

/// The embedded store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedded {
    /// Its folder.
    pub directory: PathBuf,
    /// Spans are removed at this age; none: never.
    pub max_age: Option<Duration>,
    /// Room on disk; 0: no limit.
    pub max_bytes: ByteSize,
    /// Room to keep free on the file system; 0: none; none: a share of it.
    pub min_free_bytes: Option<ByteSize>,
    /// Bounds of single namespaces.
    pub namespaces: BTreeMap<String, NamespaceBounds>,
}

const TYPE: &str = "span-storage.type";
const UNION: &str = "query.union";
const KNOWN: &str = "embedded, memory, elasticsearch, opensearch, kafka and grpc";
const MAX_BYTES: &str = "embedded.max-bytes";
const MIN_FREE_BYTES: &str = "embedded.min-free-bytes";
const NAMESPACE_MAX_AGE: &str = "embedded.namespace-max-age";
const NAMESPACE_MAX_BYTES: &str = "embedded.namespace-max-bytes";

// === impl Storage ===

impl Storage {
    pub(super) fn check(role: Role, items: &Items<'_>, check: &mut Check<'_>) -> Self {
        if role.forwards() {
            return Self {
                backends: vec![Backend::Collector],
                common: vec![Backend::Collector],
                ..Self::check_others(check)
            };
        }
        let common = Backend::of(role, check);
        let mut backends = common.clone();
        for (_, item) in items.iter() {
            let own = check.with(&item.settings, |check| Backend::of(role, check));
            let is_in_memory = own.iter().chain(&common).any(|b| *b == Backend::Memory);
            if item.says(TYPE) && is_in_memory && own != common {
                let at = item.settings.at(TYPE);
                check.wrong_at(
                    &at,
                    "the store memory is of all instances or of none: use embedded",
                );
            }
            for backend in own {
                if !backends.contains(&backend) {
                    backends.push(backend);
                }
            }
        }
        let known = [
            Backend::Embedded,
            Backend::Memory,
            Backend::Elasticsearch,
            Backend::Kafka,
            Backend::Grpc,
        ];
        for backend in known {
            // what other roles read may stand in variables and files that are shared
            let is_read = backend != Backend::Kafka || role.collects();
            if !backends.is_empty() && !backends.contains(&backend) && is_read {
                check.warn_unused(
                    &backend.settings(),
                    &format!(
                        "the store {} is not in use ({TYPE} names {}), so this changes nothing",
                        backend.as_str(),
                        check.settings.list(TYPE).join(",")
                    ),
                );
            }
        }
        let spool = Spool::check(role, &common, &backends, check);
        Self {
            backends,
            common,
            spool,
            ..Self::check_others(check)
        }
    }

    /// How each instance is kept, and what is read with it.
    pub(super) fn keep(
        &mut self,
        role: Role,
        instances: &Instances,
        items: &Items<'_>,
        check: &mut Check<'_>,
    ) {
        let all = instances.all();
        let process = check.settings;
        for instance in &all {
            let item = items.of(instance);
            let settings = item.map_or(process, |item| &item.settings);
            let kept = check.with(settings, |check| Kept {
                instance: instance.clone(),
                backends: if role.forwards() {
                    Vec::new()
                } else {
                    Backend::of(role, check)
                        .into_iter()
                        .map(Backend::as_str)
                        .collect()
                },
                union: union(instance, &all, check),
            });
            self.kept.push(kept);
        }
        for (instance, item) in items.iter() {
            let is_read = self.kept.iter().any(|kept| kept.union.contains(instance));
            let is_asked = instances.is_asked(instance);
            let is_used =
                is_read || instances.is_reached(instance) || (is_asked && role == Role::Query);
            // to an ingester it is topics that lead
            if !is_used && !role.ingests() {
                let nor_read = if is_asked { "" } else { " nor read" };
                check.warnings.push(Warning {
                    settings: vec![item.position.at("")],
                    note: format!("no rule leads to {instance}, so nothing is written there{nor_read}: see instance.by-listener, instance.by-certificate and multi-tenancy.tenants"),
                });
            }
        }
    }

    /// Which spans are too old, and which too far ahead.
    #[must_use]
    pub fn window(&self) -> Window {
        Window {
            max_age: self.span_max_age.unwrap_or(Duration::ZERO),
            max_future: self.span_max_future.unwrap_or(Duration::ZERO),
        }
    }

    /// Which spans are too large.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            max_bytes: self.span_max_bytes.as_usize(),
            max_attributes: self.span_max_attributes,
        }
    }

    /// All but the backends.
    fn check_others(check: &mut Check<'_>) -> Self {
        Self {
            backends: Vec::new(),
            common: Vec::new(),
            kept: Vec::new(),
            spool: None,
            embedded: Embedded::check(check),
            elasticsearch: Vec::new(),
            kafka: Vec::new(),
            remote: Vec::new(),
            memory_max_traces: check.number("memory.max-traces"),
            span_max_age: check.time_or_none("span.max-age"),
            span_max_future: check.time_or_none("span.max-future"),
            span_max_bytes: check.settings.bytes("span.max-bytes").unwrap_or_default(),
            span_max_attributes: check.number("span.max-attributes"),
        }
    }
}

/// The instances that are read with `instance`, each of which there has to be.
fn union(instance: &Instance, all: &[Instance], check: &mut Check<'_>) -> Vec<Instance> {
    let mut union: Vec<Instance> = Vec::new();
    for text in check.settings.list(UNION) {
        match Instance::parse(text.trim()) {
            Ok(other) if !all.contains(&other) => check.wrong(
                UNION,
                format!("there is no instance {other}: give those that have an item in instances, or that a rule leads to"),
            ),
            Ok(other) if other == *instance || union.contains(&other) => {}
            Ok(other) => union.push(other),
            Err(error) => check.wrong(UNION, error),
        }
    }
    union
}

/// Kafka is written to and never read: who else has to be named, and who reads.
fn told_of_kafka(role: Role, backends: &mut Vec<Backend>, check: &mut Check<'_>) {
    if role.ingests() && backends.contains(&Backend::Embedded) {
        check.warn(
            TYPE,
            "no other process can read the embedded store while the ingester has its folder: what it wrote can be queried once it has ended; elasticsearch can be read meanwhile",
        );
    }
    if !backends.contains(&Backend::Kafka) {
        return;
    }
    if role.ingests() {
        check.wrong(
            TYPE,
            "an ingester takes spans from kafka: name the store that it writes them to, elasticsearch or embedded",
        );
    }
    // the others are read from
    backends.sort_by_key(|backend| *backend == Backend::Kafka);
    if (role.answers() || role.serves_a_store()) && *backends == [Backend::Kafka] {
        let instead = match role {
            Role::Query => "name the store that ingesters write to, such as elasticsearch",
            _ => {
                "name a store beside it that is read, such as kafka,elasticsearch; or start collector, ingester and query"
            }
        };
        check.wrong(
            TYPE,
            format!("kafka is only written to, and the role {role} has nothing to answer from: {instead}"),
        );
    }
    if role == Role::Query {
        backends.retain(|backend| *backend != Backend::Kafka);
    }
}

// === impl Embedded ===

impl Embedded {
    pub(super) fn check(check: &mut Check<'_>) -> Self {
        let directory = check
            .settings
            .path("embedded.directory")
            .unwrap_or_else(|| {
                check.wrong(
                    "embedded.directory",
                    "it is empty: give the path of a folder",
                );
                PathBuf::from("spoor-data")
            });
        Self {
            directory,
            max_age: check.time_or_none("embedded.max-age"),
            max_bytes: check.settings.bytes(MAX_BYTES).unwrap_or_default(),
            min_free_bytes: check.settings.bytes(MIN_FREE_BYTES),
            namespaces: namespaces(check),
        }
    }
}

/// The bounds that single namespaces were given.
fn namespaces(check: &mut Check<'_>) -> BTreeMap<String, NamespaceBounds> {
    let mut bounds: BTreeMap<String, NamespaceBounds> = BTreeMap::new();
    for (namespace, text) in pairs(check, NAMESPACE_MAX_AGE, "24h") {
        let age = text.parse::<GoDuration>().map_err(|e| e.to_string());
        let age = age.and_then(|age| {
            age.to_std()
                .ok_or_else(|| format!("{age} is negative: give 0s or more"))
        });
        match age {
            Ok(age) => bounds.entry(namespace).or_default().max_age = Some(age),
            Err(error) => check.wrong(NAMESPACE_MAX_AGE, error),
        }
    }
    for (namespace, text) in pairs(check, NAMESPACE_MAX_BYTES, "2GiB") {
        match text.parse::<ByteSize>() {
            Ok(size) => bounds.entry(namespace).or_default().max_bytes = size.as_bytes(),
            Err(error) => check.wrong(NAMESPACE_MAX_BYTES, error),
        }
    }
    bounds
}

/// The items of a list of `namespace=value`, each namespace once.
fn pairs(check: &mut Check<'_>, name: &str, example: &str) -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for item in check.settings.list(name).to_vec() {
        let pair = item.split_once('=').filter(|(namespace, _)| {
            model::Instance::new(namespace, model::Instance::default().name()).is_ok()
        });
        match pair {
            Some((namespace, _)) if pairs.iter().any(|(n, _)| n == namespace) => {
                check.wrong(name, format!("namespace {namespace} stands twice"));
            }
            Some((namespace, value)) => pairs.push((namespace.to_owned(), value.to_owned())),
            None => check.wrong(
                name,
                format!("\"{item}\" is no bound of a namespace: give namespace=value, such as team-a={example}"),
            ),
        }
    }
    pairs
}

// === impl Backend ===

impl Backend {
    /// Its word in `span-storage.type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Memory => "memory",
            Self::Elasticsearch => "elasticsearch",
            Self::Kafka => "kafka",
            Self::Grpc => "grpc",
            Self::Collector => "collector",
        }
    }

    /// The settings that this store alone reads.
    fn settings(self) -> Vec<&'static str> {
        match self {
            Self::Embedded => vec![
                "embedded.directory",
                "embedded.max-age",
                MAX_BYTES,
                MIN_FREE_BYTES,
                NAMESPACE_MAX_AGE,
                NAMESPACE_MAX_BYTES,
            ],
            Self::Memory => vec!["memory.max-traces"],
            Self::Elasticsearch => under(&["es.", "es-archive."]),
            Self::Kafka => under(&["kafka.producer."]),
            Self::Grpc => under(&["grpc-storage.", "grpc-storage-archive."]),
            Self::Collector => Vec::new(),
        }
    }

    /// Those that the settings name, in their order.
    fn of(role: Role, check: &mut Check<'_>) -> Vec<Self> {
        let mut backends = Vec::new();
        for word in check.settings.list(TYPE) {
            match Backend::from_word(word) {
                Ok(backend) if backends.contains(&backend) => {
                    let other = Some(backend.as_str()).filter(|name| name != word);
                    let is = other.map_or_else(String::new, |name| format!(" (which is {name})"));
                    check.wrong(TYPE, format!("{word}{is} stands twice"));
                }
                Ok(backend) => backends.push(backend),
                Err(error) => check.wrong(TYPE, error),
            }
        }
        if check.settings.list(TYPE).is_empty() {
            check.wrong(TYPE, format!("names no store: {KNOWN} are known"));
        }
        told_of_kafka(role, &mut backends, check);
        let within: Vec<&str> = (backends.iter())
            .filter(|backend| backend.lies_within_the_process())
            // what it wrote lies in the folder when it has ended
            .filter(|backend| !(role.ingests() && **backend == Backend::Embedded))
            .map(|backend| backend.as_str())
            .collect();
        if role != Role::AllInOne && !role.serves_a_store() && !within.is_empty() {
            check.wrong(
                TYPE,
                format!(
                    "the role {role} alone can not use {}: it lies within one process, and no second one can share it; start all-in-one, serve it by the role remote-storage and use grpc here, or use elasticsearch",
                    within.join(" and ")
                ),
            );
        }
        backends
    }

    /// Whether the settings name it.
    pub(super) fn is_named(self, settings: &Settings) -> bool {
        let words = settings.list(TYPE).iter();
        words
            .map(|word| Self::from_word(word))
            .any(|found| found == Ok(self))
    }

    pub(super) const fn lies_within_the_process(self) -> bool {
        matches!(self, Self::Embedded | Self::Memory)
    }

    /// The store that a word means.
    ///
    /// # Errors
    /// When there is none; the text says how to move.
    pub fn from_word(word: &str) -> Result<Self, String> {
        let later = || {
            Err(format!(
                "{word} is not in this version and arrives in a later one: use embedded, memory, elasticsearch, kafka or grpc until then"
            ))
        };
        match word {
            "embedded" => Ok(Self::Embedded),
            "memory" => Ok(Self::Memory),
            "elasticsearch" | "opensearch" => Ok(Self::Elasticsearch),
            "kafka" => Ok(Self::Kafka),
            "grpc" => Ok(Self::Grpc),
            "blackhole" => later(),
            "grpc-plugin" => Err("grpc-plugin ended with Jaeger 1.58: start the plugin as a server, and use grpc with grpc-storage.server".to_owned()),
            "cassandra" | "badger" => Err(format!(
                "Spoor has no store \"{word}\": use embedded, send new spans here, and leave Jaeger beside it for reading until its data has aged out"
            )),
            _ => {
                let known = ["embedded", "memory", "elasticsearch", "opensearch", "kafka", "grpc", "blackhole", "cassandra", "badger"];
                let nearest = settings::flags::nearest_of(word, &known);
                let meant = nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"));
                Err(format!("\"{word}\" is no store: {KNOWN} are known{meant}"))
            }
        }
    }
}

/// The settings under `groups` that do something: what changes nothing has been told of already.
fn under(groups: &[&str]) -> Vec<&'static str> {
    flags::all()
        .filter(|flag| flag.effect == Effect::Acts)
        .map(|flag| flag.name)
        .filter(|name| groups.iter().any(|group| name.starts_with(group)))
        .collect()
}
