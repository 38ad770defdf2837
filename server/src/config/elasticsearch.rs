//! What the stores on Elasticsearch and OpenSearch are told.
//!
//! In: `es.*` and `es-archive.*` of the process, the items of `instances`, whose requests can be. Out: for each instance a store with credentials and indices of
//! its own, keyed by namespace and name; or what two of them would share, with both named. Files with keys, certificates and secrets are looked at, so that
//! a start fails here and not later; secrets stay in their files. It calls no cluster.

mod apart;
mod connection;
mod place;
mod urls;

use std::collections::BTreeSet;
use std::path::Path;

use model::Instance;
use storage::elasticsearch::Config;
use storage::elasticsearch::config::{Indices, Place};
use trust::{Instances, Layout};

use super::certificates::Certificates;
use super::check::Check;
use super::items::Items;
use super::storage::Backend;
use apart::Store;

const STORE: &str = "es";
const ARCHIVE: &str = "es-archive";

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
        [name] if !items.is_empty() => check.warn(
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
