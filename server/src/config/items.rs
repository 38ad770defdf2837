//! The list `instances`: whose each item is.
//!
//! In: the items of the file, and where spans are kept. Out: each with its instance, once, where anything reads them. What an item says of a store is for the store's own part.

use std::collections::{BTreeMap, BTreeSet};

use model::Instance;
use settings::Warning;
use settings::layers::Item;

use super::check::Check;
use super::storage::Backend;
use crate::cli::Role;

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
            let is_read = role.ingests()
                || [Backend::Elasticsearch, Backend::Kafka]
                    .iter()
                    .any(|backend| backend.is_named(&item.settings));
            is_read || OF_ALL_STORES.iter().any(|name| item.says(name))
        });
        if !idle.is_empty() {
            check.warnings.push(Warning {
                settings: idle.iter().map(|item| item.position.at("")).collect(),
                note: "an item says how an instance is kept on elasticsearch or kafka, which span-storage.type does not name, so this changes nothing".to_owned(),
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

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Each instance that spans can be of, by a rule or by an item, with its item.
    pub(super) fn stores(&self, reached: &[Instance]) -> Vec<(Instance, Option<&'a Item>)> {
        let of_rules = reached
            .iter()
            .map(|instance| (instance.clone(), self.of(instance)));
        let others = self
            .iter()
            .filter(|(instance, _)| !reached.contains(instance));
        let others = others.map(|(instance, item)| (instance.clone(), Some(item)));
        of_rules.chain(others).collect()
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
