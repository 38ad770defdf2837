//! The layers that a value comes from: flag over environment over file over default.
//!
//! In: the flags given, the environment, and through `config-file` a file. Out: every setting with its value and source, those of single instances beside them,
//! warnings, and all problems at once.
//! Old names are carried over to today's; within one layer today's name wins. It judges single values only: what fits together is for the server's configuration.

mod archive;
mod instances;
mod running;
mod tls;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::file::{self, Contents, Entry};
use crate::flag::{AliasRule, Effect, Flag, Kind};
use crate::secret::STARS;
use crate::source::{Problem, Source};
use crate::value::Value;
use crate::{Environment, GoDuration, flags};

pub use instances::{Item, Position, may_say};
pub use values::Settings;

/// One setting: its row, its value, and where that came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its row in the table.
    pub flag: &'static Flag,
    /// Its value.
    pub value: Value,
    /// Its origin.
    pub source: Source,
}

/// Something that an operator should know and that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The settings, as they were written.
    pub settings: Vec<String>,
    /// What to know about them.
    pub note: String,
}

/// What loading ends with. `settings` is whole even when there are problems: a value that could not be read is its default.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// Every setting.
    pub settings: Settings,
    /// The same as they were written, before an archive took anything from its store: what a later look at the file is compared with.
    pub written: Settings,
    /// What the file says of single instances.
    pub instances: Vec<Item>,
    /// Settings that differ from what runs and that only a restart takes up, as they were written.
    pub waiting: Vec<String>,
    /// What to write to the log once.
    pub warnings: Vec<Warning>,
    /// What keeps Spoor from starting.
    pub problems: Vec<Problem>,
}

/// One layer: what it sets, by today's names.
type Layer = BTreeMap<&'static str, (Source, Result<Value, Problem>)>;

/// Items of the list `instances`, by their places in it.
type Items = BTreeMap<usize, Vec<(String, Entry)>>;

/// A value as a layer holds it.
#[derive(Debug, Clone)]
enum Raw {
    Text(String),
    List(Vec<String>),
    Other,
}

/// Puts the layers together. `given` is in the order of the command line.
#[must_use]
pub fn load(given: &[(String, String)], environment: &Environment) -> Loaded {
    load_beside(None, given, environment)
}

/// The same, for a process that runs with what was `written` at its start: the items of `instances` and what else can be taken up while it runs are as the file
/// has them now, and everything else stays as it was.
#[must_use]
pub fn load_again(
    running: &Settings,
    given: &[(String, String)],
    environment: &Environment,
) -> Loaded {
    load_beside(Some(running), given, environment)
}

fn load_beside(
    running: Option<&Settings>,
    given: &[(String, String)],
    environment: &Environment,
) -> Loaded {
    let mut notes = Notes::default();
    let from_flags = flag_layer(given, &mut notes);
    let from_environment = environment_layer(environment, &mut notes);
    let path = [&from_flags, &from_environment]
        .into_iter()
        .find_map(|layer| match layer.get("config-file") {
            Some((_, Ok(Value::Text(path)))) if !path.is_empty() => Some(PathBuf::from(path)),
            _ => None,
        });
    let (from_file, items) = match &path {
        Some(path) => file_layer(path, &mut notes),
        None => (Layer::new(), Items::new()),
    };

    let mut layers = [from_flags, from_environment, from_file];
    let mut settings = Settings::default();
    for flag in flags::all().filter(|flag| !matches!(flag.effect, Effect::Alias { .. })) {
        let found = layers.iter_mut().find_map(|layer| layer.remove(flag.name));
        settings.put(notes.settle(flag, found));
    }
    let waiting = running.map_or_else(Vec::new, |running| running::keep(&mut settings, running));
    notes.problems.extend(tls::half_on(&settings));
    let written = settings.clone();
    let instances = path.map_or_else(Vec::new, |path| {
        instances::derive(&path, items, &settings, &mut notes)
    });
    archive::inherit(&mut settings);
    Loaded {
        settings,
        written,
        instances,
        waiting,
        warnings: notes.warnings(),
        problems: notes.problems,
    }
}

fn flag_layer(given: &[(String, String)], notes: &mut Notes) -> Layer {
    let mut raw: Vec<(&'static Flag, Source, Raw)> = Vec::new();
    for (name, value) in given {
        let Some(flag) = flags::find(name) else {
            continue;
        };
        let earlier = raw.iter_mut().find(|(known, _, _)| known.name == flag.name);
        match earlier {
            Some((_, _, Raw::List(values))) if flag.kind == Kind::Lines => {
                values.push(value.clone());
            }
            Some((_, _, earlier)) => *earlier = Raw::Text(value.clone()),
            None if flag.kind == Kind::Lines => raw.push((
                flag,
                Source::Flag(name.clone()),
                Raw::List(vec![value.clone()]),
            )),
            None => raw.push((flag, Source::Flag(name.clone()), Raw::Text(value.clone()))),
        }
    }
    notes.layer(raw)
}

fn environment_layer(environment: &Environment, notes: &mut Notes) -> Layer {
    let mut raw = Vec::new();
    for flag in flags::all() {
        // An old spelling with the variable of today's name is that name.
        if matches!(flag.effect, Effect::Alias { to, .. } if crate::flag::variable(to) == crate::flag::variable(flag.name))
        {
            continue;
        }
        let found = flag.variables().into_iter().find_map(|name| {
            environment
                .get(&name)
                .map(|value| (name.clone(), value.to_owned()))
        });
        if let Some((name, value)) = found {
            // Kubernetes sets COLLECTOR_PORT=tcp://10.0.0.1:14250 for a service called "collector"; nobody meant a setting.
            if !value.starts_with("tcp://") && !value.starts_with("udp://") {
                raw.push((flag, Source::Variable(name), Raw::Text(value)));
            }
        }
    }
    notes.layer(raw)
}

fn file_layer(path: &Path, notes: &mut Notes) -> (Layer, Items) {
    let Contents { entries, items } = match file::read(path) {
        Ok(contents) => contents,
        Err(problem) => {
            notes.problems.push(problem);
            return (Layer::new(), Items::new());
        }
    };
    let mut raw = Vec::new();
    for (key, entry) in entries {
        if key.eq_ignore_ascii_case(file::INSTANCES) {
            let at = path.display();
            notes.problems.push(Problem::Invalid(format!(
                "{key} in {at}: a list of groups belongs here, each with namespace, and name, es, es-archive, kafka, span-storage.type and query.union where they differ"
            )));
            continue;
        }
        let Some(flag) = flags::find_key(&key) else {
            let nearest = flags::nearest(&key);
            notes.problems.push(Problem::UnknownKey {
                key,
                path: path.to_owned(),
                nearest,
            });
            continue;
        };
        let source = Source::File {
            path: path.to_owned(),
            key,
        };
        raw.push((flag, source, Raw::from(entry)));
    }
    (notes.layer(raw), items)
}

fn parse(flag: &Flag, source: &Source, raw: Raw) -> Result<Value, Problem> {
    match (raw, flag.kind) {
        (Raw::Text(text), Kind::Lines)
            if matches!(source, Source::Flag(_) | Source::File { .. }) =>
        {
            Ok(Value::List(vec![text]))
        }
        (Raw::Text(text), kind) => Value::parse(kind, &text).map_err(|error| Problem::Value {
            at: source.clone(),
            error,
        }),
        (Raw::List(items), Kind::Lines) => Ok(Value::List(items)),
        (Raw::List(items), Kind::List) => {
            Value::parse(Kind::List, &items.join(",")).map_err(|error| Problem::Value {
                at: source.clone(),
                error,
            })
        }
        (Raw::List(_) | Raw::Other, _) => Err(Problem::Shape(source.clone())),
    }
}

impl From<Entry> for Raw {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::One(text) => Self::Text(text),
            Entry::List(items) => Self::List(items),
            Entry::Other => Self::Other,
        }
    }
}

/// What is said about the settings while they are put together. Settings with the same note share one warning.
#[derive(Debug, Default)]
struct Notes {
    said: Vec<(String, String)>,
    refused: Vec<(String, &'static str)>,
    problems: Vec<Problem>,
}

// === impl Notes ===

impl Notes {
    fn warn(&mut self, setting: String, note: impl Into<String>) {
        self.said.push((setting, note.into()));
    }

    fn warnings(&mut self) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = Vec::new();
        for (setting, note) in self.said.drain(..) {
            match warnings.iter_mut().find(|warning| warning.note == note) {
                Some(warning) => warning.settings.push(setting),
                None => warnings.push(Warning {
                    settings: vec![setting],
                    note,
                }),
            }
        }
        let mut refused: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for (setting, how) in self.refused.drain(..) {
            refused.entry(how).or_default().push(setting);
        }
        self.problems.extend(
            refused
                .into_iter()
                .map(|(how, settings)| Problem::Refused { settings, how }),
        );
        warnings
    }

    /// Parses what a layer holds and carries old names over.
    fn layer(&mut self, raw: Vec<(&'static Flag, Source, Raw)>) -> Layer {
        let mut layer = Layer::new();
        let mut old = Vec::new();
        for (flag, source, raw) in raw {
            if let Effect::Alias { to, rule } = flag.effect {
                old.push((to, rule, source, raw));
            } else {
                let value = parse(flag, &source, raw);
                layer.insert(flag.name, (source, value));
            }
        }
        for (to, rule, source, raw) in old {
            let Some(target) = flags::find(to) else {
                continue;
            };
            // Port 0 was the old way of saying "not set".
            if rule == AliasRule::Port && matches!(&raw, Raw::Text(text) if text.trim() == "0") {
                continue;
            }
            if let Some((winner, _)) = layer.get(to) {
                self.warn(
                    source.to_string(),
                    format!("an old name of {to}, which {winner} sets: it is not used"),
                );
                continue;
            }
            self.warn(source.to_string(), format!("an old name: use {to}"));
            let value = parse(target, &source, raw);
            layer.insert(target.name, (source, value));
        }
        layer
    }

    /// The setting as it ends up, with what there is to say about it.
    fn settle(
        &mut self,
        flag: &'static Flag,
        found: Option<(Source, Result<Value, Problem>)>,
    ) -> Setting {
        let default = || Setting {
            flag,
            value: default(flag),
            source: Source::Default,
        };
        let Some((source, value)) = found else {
            return default();
        };
        let at = source.to_string();
        let value = match (value, flag.effect) {
            (Ok(value), _) => value,
            // What changes nothing breaks nothing, except where Jaeger would not have started either.
            (Err(_), Effect::Accepted(_)) if !matches!(source, Source::Flag(_)) => default().value,
            (Err(problem), _) => {
                self.problems.push(problem);
                return default();
            }
        };
        match flag.effect {
            Effect::Accepted(note) => self.warn(at, note),
            Effect::Refused(how) => self.refused.push((at, how)),
            _ if holds_stars(&value) => {
                self.warn(at, "these are the stars that print-config shows in place of a secret: write the secret itself");
            }
            _ => {}
        }
        Setting {
            flag,
            value,
            source,
        }
    }
}

/// Whether it is what `print-config` shows in place of a secret.
fn holds_stars(value: &Value) -> bool {
    match value {
        Value::Secret(secret) => secret.reveal() == STARS,
        // a header's value, or the password in a URL
        Value::List(lines) => lines
            .iter()
            .any(|line| line.ends_with(STARS) || line.contains(&format!(":{STARS}@"))),
        _ => false,
    }
}

fn default(flag: &Flag) -> Value {
    let empty = || match flag.kind {
        Kind::Bool => Value::Bool(false),
        Kind::Int => Value::Int(0),
        Kind::Float => Value::Float(0.0),
        Kind::Duration => Value::Duration(GoDuration::ZERO),
        Kind::Bytes => Value::Bytes(None),
        Kind::HostPort => Value::HostPort(None),
        Kind::List | Kind::Lines => Value::List(Vec::new()),
        Kind::Text | Kind::Secret => Value::Text(String::new()),
    };
    Value::parse(flag.kind, flag.default).unwrap_or_else(|_| empty())
}

// === impl Warning ===

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.settings.join(", "), self.note)
    }
}

#[cfg(test)]
mod tests;
