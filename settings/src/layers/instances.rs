//! The list `instances` of a file: what single instances have of their own, over what holds for all.
//!
//! In: the items as the file has them, and the settings of the process. Out: for each item its namespace and name, and settings that read like those of the
//! process; what the item does not say is as for all. Only settings of the stores `es` and `es-archive` and of `kafka` may differ, which store it is, and what is read with it. Whether namespace and name can be
//! those of an instance, and stand once, is for the server to say.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Items, Notes, Raw, Setting, Settings, archive, tls};
use crate::file::Entry;
use crate::flag::Effect;
use crate::flags;
use crate::source::{Problem, Source};
use crate::value::Value;

/// What a file says of one instance.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// As written.
    pub namespace: String,
    /// As written, or `jaeger`.
    pub name: String,
    /// Where it stands.
    pub position: Position,
    /// Every setting as it is for this instance.
    pub settings: Settings,
}

/// Where an item stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    index: usize,
    path: PathBuf,
}

/// The name of an instance that says none: what a `Jaeger` resource is mostly called.
const NAME: &str = "jaeger";

/// So many stores share a cluster that five shards a day for each would be too many; one that somebody asks for is kept.
const SHARDS: [(&str, i64); 2] = [("es.num-shards", 1), ("es-archive.num-shards", 1)];

/// What an item may say beside its store on Elasticsearch.
const OTHERS: [&str; 2] = ["span-storage.type", "query.union"];

/// Whether an item may hold the setting.
#[must_use]
pub fn may_say(name: &str) -> bool {
    ["es.", "es-archive.", "kafka."]
        .iter()
        .any(|group| name.starts_with(group))
        || OTHERS.contains(&name)
}

/// The items. `settings` are those of the process, before the archive has taken anything from the store.
pub(super) fn derive(
    path: &Path,
    items: Items,
    settings: &Settings,
    notes: &mut Notes,
) -> Vec<Item> {
    let position = |index| Position {
        index,
        path: path.to_owned(),
    };
    let process = Arc::new(settings.clone());
    items
        .into_iter()
        .filter_map(|(index, entries)| one(position(index), entries, &process, notes))
        .collect()
}

fn one(
    position: Position,
    entries: Vec<(String, Entry)>,
    process: &Arc<Settings>,
    notes: &mut Notes,
) -> Option<Item> {
    let mut words: [(&str, Option<String>); 2] = [("namespace", None), ("name", None)];
    let mut raw = Vec::new();
    let mut is_told = false;
    for (key, entry) in entries {
        let source = position.source(&key);
        let word = words
            .iter_mut()
            .find(|(word, _)| key.eq_ignore_ascii_case(word));
        if let Some((_, value)) = word {
            match entry {
                Entry::One(text) => *value = Some(text),
                Entry::List(_) | Entry::Other => {
                    is_told = true;
                    notes.problems.push(Problem::Shape(source));
                }
            }
            continue;
        }
        match flags::find_key(&key) {
            Some(flag) if may_say(flag.name) => raw.push((flag, source, Raw::from(entry))),
            Some(flag) => notes.problems.push(Problem::Invalid(format!(
                "{source}: {} is of the process and not of an instance: an item holds namespace, name, es, es-archive, kafka, span-storage.type and query.union",
                flag.name
            ))),
            None => notes.problems.push(Problem::UnknownKey {
                nearest: nearest(&key),
                key: position.key(&key),
                path: position.path.clone(),
            }),
        }
    }
    let mut layer = notes.layer(raw);
    let mut own = Settings::of_item(process.clone(), position.clone());
    for flag in flags::all().filter(|flag| may_say(flag.name)) {
        if let Some(found) = layer.remove(flag.name) {
            own.put(notes.settle(flag, Some(found)));
        }
    }
    for (name, shards) in SHARDS {
        if !own.is_written(name) {
            own.fill(name, Value::Int(shards));
        }
    }
    notes.problems.extend(tls::half_on_in_item(&own, &position));
    archive::inherit(&mut own);
    let [(_, namespace), (_, name)] = words;
    if namespace.is_none() && !is_told {
        notes.problems.push(Problem::Invalid(format!(
            "{}: it has no namespace: say whose it is",
            position.at("")
        )));
    }
    Some(Item {
        namespace: namespace?,
        name: name.unwrap_or_else(|| NAME.to_owned()),
        position,
        settings: own,
    })
}

/// What a key of an item that is none was meant to be.
fn nearest(key: &str) -> Option<&'static str> {
    let lower = key.to_ascii_lowercase();
    flags::nearest(&lower)
        .filter(|name| may_say(name))
        .or_else(|| flags::nearest_of(&lower, &["namespace", "name"]))
}

// === impl Item ===

impl Item {
    /// Whether the item itself says the setting.
    #[must_use]
    pub fn says(&self, name: &str) -> bool {
        let setting = self.settings.get(name);
        setting.is_some_and(|setting| self.position.holds(&setting.source))
    }

    /// The settings that differ from those of the process, or that the item says all the same.
    pub fn own<'a>(&'a self, process: &'a Settings) -> impl Iterator<Item = &'a Setting> {
        self.settings.iter().filter(|setting| {
            let same = process.get(setting.flag.name).is_some_and(|other| {
                (&other.value, &other.source) == (&setting.value, &setting.source)
            });
            let is_shown = match setting.flag.effect {
                Effect::Acts => true,
                _ => self.position.holds(&setting.source),
            };
            may_say(setting.flag.name) && is_shown && !same
        })
    }
}

// === impl Position ===

impl Position {
    /// A key of the item, from the top of the file: `instances[1].es.tls.ca`. Of an empty key: the item itself.
    #[must_use]
    pub fn key(&self, key: &str) -> String {
        let item = format!("instances[{}]", self.index);
        if key.is_empty() {
            item
        } else {
            format!("{item}.{key}")
        }
    }

    /// The same, with the file.
    #[must_use]
    pub fn at(&self, key: &str) -> String {
        self.source(key).to_string()
    }

    /// Whether a text, such as that of a problem, names the item or a key of it.
    #[must_use]
    pub fn is_named_in(&self, text: &str) -> bool {
        text.contains(&self.key(""))
    }

    /// Whether a value was written here.
    pub(super) fn holds(&self, source: &Source) -> bool {
        let item = self.key("");
        matches!(source, Source::File { path, key } if *path == self.path && key.strip_prefix(&item).is_some_and(|rest| rest.starts_with('.')))
    }

    fn source(&self, key: &str) -> Source {
        Source::File {
            path: self.path.clone(),
            key: self.key(key),
        }
    }
}

#[cfg(test)]
mod tests;
