//! A file with settings.
//!
//! In: a path; its ending tells the format: json, toml, yaml, yml, hcl, properties. Out: keys, nested ones joined by dots, with their values in order, and the items of
//! the list `instances`; or why it can not be read. It does not know which keys exist. A file over 1 MiB is refused, and the parsers keep their own limits on
//! nesting. At the top a key that begins with `#` is a comment, which json lacks.

mod properties;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value as Json;

use crate::source::Problem;

const MAX_BYTES: u64 = 1 << 20;
const MAX_DEPTH: usize = 32;

/// The one list of groups that a file may hold.
pub const INSTANCES: &str = "instances";

/// What a file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contents {
    /// Keys with their values, in order.
    pub entries: Vec<(String, Entry)>,
    /// The items of the list `instances` by their places in it, each with keys of its own.
    pub items: BTreeMap<usize, Vec<(String, Entry)>>,
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// One value, as text.
    One(String),
    /// A list of values, as texts.
    List(Vec<String>),
    /// Something else, such as a list of groups.
    Other,
}

/// Reads the file.
///
/// # Errors
/// When it is missing, too large, of no known format, or malformed.
pub fn read(path: &Path) -> Result<Contents, Problem> {
    let problem = |reason: String| Problem::File {
        path: path.to_owned(),
        reason,
    };
    let file = File::open(path).map_err(|e| problem(e.to_string()))?;
    let text = text(file).map_err(problem)?;
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    parse(&ending, &text).map_err(problem)
}

/// Reads all of a file or a pipe.
///
/// # Errors
/// When it can not be read, is no text, or is larger than 1 MiB.
pub fn text(from: impl Read) -> Result<String, String> {
    let mut text = String::new();
    from.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|e| e.to_string())?;
    if text.len() as u64 > MAX_BYTES {
        return Err(format!("it is larger than {MAX_BYTES} bytes"));
    }
    Ok(text)
}

/// The documents of a text in YAML, of which JSON is a part; empty ones are left out. The error shows no line of the text.
///
/// # Errors
/// When it is malformed.
pub fn documents(text: &str) -> Result<Vec<Json>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let options = serde_saphyr::options! { with_snippet: false };
    let documents: Vec<Json> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|e| first_line(&e.to_string()))?;
    Ok(documents.into_iter().filter(|one| !one.is_null()).collect())
}

/// Parsers show the place below what is wrong, and a secret may stand there.
fn first_line(reason: &str) -> String {
    reason.lines().next().unwrap_or_default().trim().to_owned()
}

/// What is wrong, and in which line.
fn toml_error(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let message = first_line(error.message());
    match before {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

/// The place, and what was expected there.
fn hcl_error(said: &str) -> String {
    let expected = said.lines().find_map(|line| line.trim().strip_prefix("= "));
    match expected {
        Some(expected) => format!("{}: {expected}", first_line(said)),
        None => first_line(said),
    }
}

/// Reads a text in the format of a file's ending.
///
/// # Errors
/// When it is malformed, or the ending is of no known format. The error shows no line of the text.
pub fn parse(ending: &str, text: &str) -> Result<Contents, String> {
    let tree: Json = match ending {
        "json" => serde_json::from_str(text).map_err(|e| e.to_string())?,
        "toml" => toml::from_str(text).map_err(|e| toml_error(text, &e))?,
        // An empty document is no setting, and no mistake.
        "yaml" | "yml" if text.trim().is_empty() => Json::Null,
        "yaml" | "yml" => {
            let options = serde_saphyr::options! { with_snippet: false };
            serde_saphyr::from_str_with_options(text, options)
                .map_err(|e| first_line(&e.to_string()))?
        }
        "hcl" => hcl::from_str(text).map_err(|e| hcl_error(&e.to_string()))?,
        "properties" | "props" | "prop" => {
            let mut contents = Contents::default();
            for (key, value) in properties::parse(text)? {
                contents.put(key, Entry::One(value));
            }
            return Ok(contents);
        }
        _ => {
            return Err(format!(
                "unknown ending \"{ending}\": json, toml, yaml, yml, hcl and properties are known"
            ));
        }
    };
    let mut contents = Contents::default();
    match tree {
        Json::Object(members) => {
            for (key, value) in members.iter().filter(|(key, _)| !key.starts_with('#')) {
                if key.eq_ignore_ascii_case(INSTANCES) {
                    contents.take_items(key, value);
                } else {
                    let mut entries = Vec::new();
                    flatten(key, value, &mut entries, MAX_DEPTH);
                    for (key, entry) in entries {
                        contents.put(key, entry);
                    }
                }
            }
        }
        Json::Null => {}
        _ => return Err("it holds no keys at its top".to_owned()),
    }
    Ok(contents)
}

// === impl Contents ===

impl Contents {
    /// A key, which may be an item's written out: `instances[0].namespace`.
    fn put(&mut self, key: String, entry: Entry) {
        match indexed(&key) {
            Some((index, rest)) => {
                let rest = rest.to_owned();
                self.items.entry(index).or_default().push((rest, entry));
            }
            None => self.entries.push((key, entry)),
        }
    }

    fn take_items(&mut self, key: &str, value: &Json) {
        let items = match value {
            Json::Array(items) if items.iter().all(Json::is_object) => items.iter().collect(),
            // HCL writes a list of one as its item
            Json::Object(_) => vec![value],
            Json::Null => Vec::new(),
            value => {
                let entry = scalar(value).map_or(Entry::Other, Entry::One);
                self.entries.push((key.to_owned(), entry));
                return;
            }
        };
        for (index, item) in items.into_iter().enumerate() {
            let entries = self.items.entry(index).or_default();
            for (key, value) in item.as_object().into_iter().flatten() {
                flatten(key, value, entries, MAX_DEPTH);
            }
        }
    }
}

fn indexed(key: &str) -> Option<(usize, &str)> {
    let (list, rest) = key.split_once('[')?;
    let (index, rest) = rest.split_once("].")?;
    let is_number = index.bytes().all(|b| b.is_ascii_digit());
    let index = index.parse().ok().filter(|_| is_number)?;
    Some((index, rest)).filter(|_| list.eq_ignore_ascii_case(INSTANCES))
}

fn flatten(key: &str, value: &Json, entries: &mut Vec<(String, Entry)>, depth: usize) {
    let entry = match value {
        Json::Object(members) if depth > 0 => {
            for (name, value) in members {
                flatten(&format!("{key}.{name}"), value, entries, depth - 1);
            }
            return;
        }
        // HCL writes a block twice and means both.
        Json::Array(items)
            if depth > 0 && !items.is_empty() && items.iter().all(Json::is_object) =>
        {
            for item in items {
                flatten(key, item, entries, depth - 1);
            }
            return;
        }
        Json::Array(items) => items
            .iter()
            .map(scalar)
            .collect::<Option<_>>()
            .map_or(Entry::Other, Entry::List),
        Json::Null => return,
        value => scalar(value).map_or(Entry::Other, Entry::One),
    };
    entries.push((key.to_owned(), entry));
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
