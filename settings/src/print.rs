//! The settings as a file.
//!
//! In: every setting, and what single instances have of their own. Out: YAML with the source of each value beside it, or JSON with the sources under `#sources`; either
//! reads back as the same settings. Secrets are stars, and so are the values of headers that let somebody in. Left out: what changes nothing and was not set,
//! `config-file` itself, what only the environment can set, and of an instance what is as for all.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use crate::file::INSTANCES;
use crate::flag::Effect;
use crate::layers::{Item, Setting, Settings};
use crate::secret::STARS;
use crate::source::Source;
use crate::value::Value;
pub use crate::value::without_password;

/// The setting whose values are header lines.
const HEADERS: &str = "query.additional-headers";

/// The settings as YAML, nested on the dots.
#[must_use]
pub fn to_yaml(settings: &Settings, instances: &[Item]) -> String {
    let mut out = String::new();
    write_yaml(&mut out, 0, &shown(settings));
    if !instances.is_empty() {
        out.push_str("instances:\n");
    }
    for item in instances {
        for (dash, word, value) in [
            ("- ", "namespace", &item.namespace),
            ("  ", "name", &item.name),
        ] {
            let at = comment(&item.position.at(word));
            let value = yaml(&Json::String(value.clone()));
            let _infallible = writeln!(out, "  {dash}{word}: {value} # {at}");
        }
        write_yaml(&mut out, 2, &sorted(item.own(settings)));
    }
    out
}

fn write_yaml(out: &mut String, indent: usize, settings: &[&Setting]) {
    let mut open: Vec<&str> = Vec::new();
    for setting in settings {
        let mut path: Vec<&str> = setting.flag.name.split('.').collect();
        let Some(leaf) = path.pop() else { continue };
        let common = open.iter().zip(&path).take_while(|(a, b)| a == b).count();
        for (depth, part) in path.iter().enumerate().skip(common) {
            let _infallible = writeln!(out, "{}{part}:", "  ".repeat(indent + depth));
        }
        let _infallible = writeln!(
            out,
            "{}{leaf}: {} # {}",
            "  ".repeat(indent + path.len()),
            yaml(&json_of(setting)),
            comment(&setting.source.to_string())
        );
        open = path;
    }
}

/// The settings as JSON, nested on the dots.
#[must_use]
pub fn to_json(settings: &Settings, instances: &[Item]) -> String {
    let mut sources = Map::new();
    let mut root = nested(&shown(settings), str::to_owned, &mut sources);
    if !instances.is_empty() {
        let items = instances.iter().map(|item| {
            let mut group = Map::new();
            for (word, value) in [("namespace", &item.namespace), ("name", &item.name)] {
                group.insert(word.to_owned(), Json::String(value.clone()));
            }
            let key = |name: &str| item.position.key(name);
            group.extend(nested(&sorted(item.own(settings)), key, &mut sources));
            Json::Object(group)
        });
        let items = Json::Array(items.collect());
        root.insert(INSTANCES.to_owned(), items);
    }
    root.insert("#sources".to_owned(), Json::Object(sources));
    let mut text = serde_json::to_string_pretty(&root).unwrap_or_default();
    text.push('\n');
    text
}

/// `key` is what a setting is called in `sources`.
fn nested(
    settings: &[&Setting],
    key: impl Fn(&str) -> String,
    sources: &mut Map<String, Json>,
) -> Map<String, Json> {
    let mut root = Map::new();
    for setting in settings {
        let mut path: Vec<&str> = setting.flag.name.split('.').collect();
        let Some(leaf) = path.pop() else { continue };
        insert(&mut root, &path, leaf, json_of(setting));
        sources.insert(
            key(setting.flag.name),
            Json::String(setting.source.to_string()),
        );
    }
    root
}

fn shown(settings: &Settings) -> Vec<&Setting> {
    let shown = settings
        .iter()
        .filter(|setting| setting.flag.effect == Effect::Acts || setting.source != Source::Default)
        .filter(|setting| !setting.flag.variable_only && setting.flag.name != "config-file");
    sorted(shown)
}

/// By parts: `a.b` and `a.c` stand together although `a-x` sorts between them as text.
pub fn sorted<'a>(settings: impl Iterator<Item = &'a Setting>) -> Vec<&'a Setting> {
    let mut settings: Vec<&Setting> = settings.collect();
    settings.sort_by(|a, b| a.flag.name.split('.').cmp(b.flag.name.split('.')));
    settings
}

fn insert(map: &mut Map<String, Json>, path: &[&str], leaf: &str, value: Json) {
    match path.split_first() {
        None => {
            map.insert(leaf.to_owned(), value);
        }
        Some((first, rest)) => {
            if let Json::Object(inner) = map.entry((*first).to_owned()).or_insert_with(|| json!({}))
            {
                insert(inner, rest, leaf, value);
            }
        }
    }
}

/// A setting's value as it stands in YAML, in one line. Secrets are stars.
#[must_use]
pub fn yaml_value(setting: &Setting) -> String {
    yaml(&json_of(setting))
}

fn json_of(setting: &Setting) -> Json {
    match &setting.value {
        Value::List(lines) if setting.flag.name == HEADERS => lines
            .iter()
            .map(|line| Json::String(without_credential(line)))
            .collect(),
        value => json_value(value),
    }
}

/// A header that lets somebody in keeps its name; stars take the place of its value.
#[must_use]
pub fn without_credential(line: &str) -> String {
    const CREDENTIALS: [&str; 8] = [
        "auth",
        "cookie",
        "token",
        "secret",
        "password",
        "credential",
        "api-key",
        "apikey",
    ];
    match line.split_once(':') {
        Some((name, _))
            if CREDENTIALS
                .iter()
                .any(|word| name.to_ascii_lowercase().contains(word)) =>
        {
            format!("{name}: {STARS}")
        }
        _ => without_password(line),
    }
}

fn json_value(value: &Value) -> Json {
    match value {
        Value::List(values) => Json::Array(
            values
                .iter()
                .map(|text| Json::String(without_password(text)))
                .collect(),
        ),
        Value::Text(text) => Json::String(without_password(text)),
        Value::Bool(value) => json!(value),
        Value::Int(value) => json!(value),
        Value::Float(value) => json!(value),
        other => Json::String(other.to_string()),
    }
}

/// A value as it stands in YAML, in one line.
#[must_use]
pub fn yaml(value: &Json) -> String {
    let text = value.to_string();
    // JSON is YAML but for characters that YAML wants escaped.
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _infallible = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

/// A text as a comment: it may hold anything, and a comment ends with its line.
#[must_use]
pub fn comment(source: &str) -> String {
    source
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests;
