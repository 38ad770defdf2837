//! What the stores on Elasticsearch and OpenSearch are told.
//!
//! In: `es.*` and `es-archive.*` of the process, the items of `instances`, whose requests can be. Out: for each instance a store with credentials and indices of
//! its own, keyed by namespace and name; or what two of them would share, with both named. Files with keys, certificates and secrets are looked at, so that
//! a start fails here and not later; secrets stay in their files. It calls no cluster.

mod apart;
mod connection;
mod place;
mod urls;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use model::Instance;
use settings::Warning;
use settings::layers::Item;
use storage::elasticsearch::Config;
use storage::elasticsearch::config::{Indices, Place};
use trust::{Instances, Layout};

use super::certificates::Certificates;
use super::check::Check;
use super::storage::Backend;
use crate::cli::Role;
use apart::Store;

const STORE: &str = "es";
const ARCHIVE: &str = "es-archive";

/// What an item says whatever its store is.
const OF_ALL_STORES: [&str; 2] = ["span-storage.type", "query.union"];

/// The items of `instances`, each with the instance that it is about.
#[derive(Default)]
pub(super) struct Items<'a> {
    /// As they stand.
    all: Vec<(Instance, &'a Item)>,
    by_instance: BTreeMap<Instance, &'a Item>,
}

// === impl Items ===

impl<'a> Items<'a> {
    /// None where no store reads them.
    pub(super) fn check(role: Role, items: &'a [Item], check: &mut Check<'_>) -> Self {
        if role.forwards() || items.is_empty() {
            return Self::default();
        }
        let (items, idle): (Vec<&Item>, Vec<&Item>) = items.iter().partition(|item| {
            let is_kept_there = Backend::Elasticsearch.is_named(&item.settings);
            is_kept_there || OF_ALL_STORES.iter().any(|name| item.says(name))
        });
        if !idle.is_empty() {
            check.warnings.push(Warning {
                settings: idle.iter().map(|item| item.position.at("")).collect(),
                note: "an item says how an instance is kept on elasticsearch, which span-storage.type does not name, so this changes nothing".to_owned(),
            });
        }
        let mut known = Self::default();
        for item in items {
            let Some(instance) = instance(item, check) else {
                continue;
            };
            if let Some(other) = known.of(&instance) {
                let text = format!("{instance} stands in {} already", other.position.key(""));
                check.wrong_at(&item.position.at(""), text);
            } else {
                known.by_instance.insert(instance.clone(), item);
                known.all.push((instance, item));
            }
        }
        known
    }

    pub(super) fn instances(&self) -> BTreeSet<Instance> {
        self.by_instance.keys().cloned().collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Instance, &'a Item)> {
        self.all.iter().map(|(instance, item)| (instance, *item))
    }

    pub(super) fn of(&self, instance: &Instance) -> Option<&'a Item> {
        self.by_instance.get(instance).copied()
    }
}

fn instance(item: &Item, check: &mut Check<'_>) -> Option<Instance> {
    let (namespace, name) = (item.namespace.as_str(), item.name.as_str());
    let other = Instance::default();
    for (word, text, parsed) in [
        (
            "namespace",
            namespace,
            Instance::new(namespace, other.name()),
        ),
        ("name", name, Instance::new(other.namespace(), name)),
    ] {
        if parsed.is_err() {
            let what = format!(
                "\"{text}\" is no {word} of an instance: give lower-case letters, digits and inner hyphens, at most 63"
            );
            check.wrong_at(&item.position.at(word), what);
        }
    }
    Instance::new(namespace, name).ok()
}

/// The store of each instance that a request can belong to, and of each item.
pub(super) fn check(
    instances: &Instances,
    items: &Items<'_>,
    certificates: &Certificates,
    check: &mut Check<'_>,
) -> Vec<Config> {
    let process = check.settings;
    let is_kept_there = |instance: &Instance| {
        let item = items.of(instance);
        Backend::Elasticsearch.is_named(item.map_or(process, |item| &item.settings))
    };
    let mut reached = instances.all();
    reached.retain(is_kept_there);
    let known: BTreeSet<&Instance> = reached.iter().collect();
    let others = items.instances().into_iter();
    let others = others.filter(|instance| !known.contains(instance) && is_kept_there(instance));
    let all: Vec<Instance> = reached.iter().cloned().chain(others).collect();
    tell_of_those_without_item(&reached, items, check);
    let mut stores = Vec::new();
    for instance in all {
        let own_authority = Layout::new(&certificates.directory, &instance).authority();
        let item = items.of(&instance);
        let settings = item.map_or(process, |item| &item.settings);
        stores.push(check.with(settings, |check| {
            let main = place::read(STORE, &own_authority, check);
            let is_archived = check.settings.bool("es-archive.enabled");
            let archive = is_archived.then(|| place::read(ARCHIVE, &own_authority, check));
            Store::new(
                Config {
                    instance,
                    main,
                    archive,
                },
                item.is_some(),
                check,
            )
        }));
    }
    apart::check(&stores, check);
    stores.into_iter().map(|store| store.config).collect()
}

/// What `es.*` says for all is a store for one instance. Beside items it is told whose, for an item may have been forgotten.
fn tell_of_those_without_item(reached: &[Instance], items: &Items<'_>, check: &mut Check<'_>) {
    let without = reached
        .iter()
        .filter(|instance| items.of(instance).is_none());
    let names: Vec<&str> = without.map(Instance::as_str).collect();
    match names[..] {
        [name] if !items.all.is_empty() => check.warn(
            "es.server-urls",
            format!("{name} has no item in instances, and is kept as es.* says for all: give it one, or name in instance.default an instance that has one"),
        ),
        [_, _, ..] => check.wrong(
            "es.index-prefix",
            format!(
                "{} would share their indices: give each an item in the list instances of a config-file, with an es.index-prefix of its own (see docs/elasticsearch.md)",
                names.join(", ")
            ),
        ),
        _ => {}
    }
}

/// The cluster of the process, without anything that says what lies there but its life cycle management.
pub(super) fn reached(own_authority: &Path, check: &mut Check<'_>) -> Place {
    Place {
        connection: connection::read(STORE, own_authority, check),
        indices: Indices {
            use_ilm: check.settings.bool("es.use-ilm"),
            ilm_policy: check.settings.text("es.ilm-policy-name").to_owned(),
            ..Indices::default()
        },
        ..Place::default()
    }
}
