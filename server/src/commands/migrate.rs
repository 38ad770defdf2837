//! `spoor migrate-config`: what Jaeger was told, as a file for Spoor.
//!
//! In: command lines, variables, files and resources of Jaeger 1, configurations of Jaeger 2. Out: one file in YAML, and of every key what became of it: kept, mapped, without effect or unknown; none
//! disappears. What cannot be read is told, and the rest goes on. Values of secrets are never shown. It looks at no cluster, and does not start anything.

mod apply;
mod draft;
mod file;
mod flags;
mod help;
mod leaf;
mod pattern;
mod report;
mod resource;
mod second;

use std::io::{self, Write};
use std::path::Path;

use serde_json::Value as Json;
use settings::file::{Entry, documents, parse, text};

use crate::cli::migrate::{Form, From, Migrate};
use draft::{Draft, Fate, Row};
use file::File;
use leaf::{Given, Leaf, leaves};

/// What an input holds.
enum Part {
    /// Words of a command line.
    Words(Vec<String>),
    /// Command lines and variables.
    Text(String),
    /// Keys of a file of Jaeger 1.
    Keys(Vec<Leaf>),
    /// A `Jaeger` resource.
    Resource(Json),
    /// A configuration of Jaeger 2, which stands below this key, with the rest of its document.
    Second(Json, &'static str, Vec<Leaf>),
    /// Another resource of Kubernetes.
    Stranger(Json),
    /// Nothing that can be read; why.
    Unreadable(String),
}

/// All is understood.
const GOOD: u8 = 0;
/// Something is unknown.
const PARTLY: u8 = 2;

/// Carries `command` out; the answer is the process's exit code.
///
/// # Errors
/// When `out` or `err` can not be written.
pub fn run(command: &Migrate, out: &mut impl Write, err: &mut impl Write) -> io::Result<u8> {
    let Migrate::Convert {
        inputs,
        form,
        namespace,
        name,
        strict,
    } = command
    else {
        out.write_all(help::TEXT.as_bytes())?;
        return Ok(GOOD);
    };
    let mut drafts: Vec<Draft> = Vec::new();
    let mut labels = Vec::new();
    for input in inputs {
        let label = input.to_string();
        for part in read(input, *form) {
            let (own_namespace, own_name) = match &part {
                Part::Resource(document) => resource::identity(document),
                _ => (None, None),
            };
            let namespace = own_namespace.or_else(|| namespace.clone());
            let name = own_name.or_else(|| name.clone());
            let identity = (namespace.is_some() || name.is_some()).then(|| {
                let or =
                    |text: Option<String>, other: &str| text.unwrap_or_else(|| other.to_owned());
                (or(namespace, "default"), or(name, "jaeger"))
            });
            let position = drafts.iter().position(|draft| draft.identity == identity);
            let position = position.unwrap_or_else(|| {
                drafts.push(Draft::of(identity));
                drafts.len() - 1
            });
            if let Some(draft) = drafts.get_mut(position) {
                draft.input = match &draft.identity {
                    Some((namespace, name)) if matches!(part, Part::Resource(_)) => {
                        format!("{label} ({namespace}/{name})")
                    }
                    _ => label.clone(),
                };
                take(part, draft);
            }
        }
        labels.push(label);
    }
    for draft in &mut drafts {
        draft.finish();
    }
    // what nobody named and holds nothing is no instance
    if drafts.len() > 1 {
        let holds = |draft: &Draft| draft.identity.is_some() || !draft.lines.is_empty();
        let rows: Vec<Row> = drafts
            .iter()
            .filter(|draft| !holds(draft))
            .flat_map(|draft| draft.rows.clone())
            .collect();
        drafts.retain(holds);
        if let Some(first) = drafts.first_mut() {
            first.rows.extend(rows);
        }
    }
    let file = File::of(&mut drafts);
    out.write_all(file.yaml(&labels).as_bytes())?;
    let rows: Vec<&Row> = drafts.iter().flat_map(|draft| &draft.rows).collect();
    report::write(
        &rows,
        &file.decisions,
        drafts.len() > 1 || labels.len() > 1,
        err,
    )?;
    let is_bad = |row: &&Row| match row.fate {
        Fate::Unknown(_) => true,
        Fate::NoEffect { is_setting, .. } => *strict && is_setting,
        Fate::Kept | Fate::Mapped(_) => false,
    };
    Ok(if rows.iter().any(is_bad) {
        PARTLY
    } else {
        GOOD
    })
}

fn take(part: Part, draft: &mut Draft) {
    match part {
        Part::Words(words) => flags::of_words(&words, draft),
        Part::Text(text) => flags::of_text(&text, draft),
        Part::Keys(leaves) => flags::of_file(&leaves, draft),
        Part::Resource(document) => resource::translate(&document, draft),
        Part::Second(document, below, others) => {
            second::translate(&document, below, draft);
            for leaf in others {
                draft.note(
                    &leaf.key,
                    Fate::elsewhere("it is for Kubernetes: it says how the configuration is run"),
                );
            }
        }
        Part::Stranger(document) => {
            for leaf in leaves(&document) {
                draft.note(
                    &leaf.key,
                    Fate::elsewhere("it is of a resource that is none of Jaeger's"),
                );
            }
        }
        Part::Unreadable(why) => {
            let key = draft.input.clone();
            draft.note(&key, Fate::Unknown(format!("it cannot be read: {why}")));
        }
    }
}

/// The parts of an input: a stream of YAML holds several.
fn read(input: &From, form: Form) -> Vec<Part> {
    let (ending, text) = match input {
        From::Words(words) => return vec![Part::Words(words.clone())],
        From::StandardInput => (String::new(), text(io::stdin().lock())),
        From::File(path) => (
            ending(path),
            std::fs::File::open(path)
                .map_err(|e| e.to_string())
                .and_then(text),
        ),
    };
    match text {
        Ok(text) => parts(&ending, &text, form),
        Err(why) => vec![Part::Unreadable(why)],
    }
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_ascii_lowercase()
}

fn parts(ending: &str, text: &str, form: Form) -> Vec<Part> {
    let is_yaml = matches!(ending, "yaml" | "yml" | "json");
    match ending {
        "toml" | "hcl" | "properties" | "props" | "prop" => return vec![keys(ending, text)],
        _ if !is_yaml && form == Form::Flags => return vec![Part::Text(text.to_owned())],
        _ => {}
    }
    match documents(text) {
        Ok(all) if all.iter().all(Json::is_object) => all
            .into_iter()
            .flat_map(|one| document(one, form))
            .collect(),
        Ok(_) if is_yaml && form != Form::Flags => {
            vec![Part::Unreadable("it holds no keys at its top".to_owned())]
        }
        Err(why) if is_yaml || matches!(form, Form::Resource | Form::Second) => {
            vec![Part::Unreadable(why)]
        }
        _ => vec![Part::Text(text.to_owned())],
    }
}

/// A document, or the documents of a list of Kubernetes'.
fn document(mut one: Json, form: Form) -> Vec<Part> {
    if one.get("kind").and_then(Json::as_str) == Some("List")
        && let Some(Json::Array(items)) = one.get_mut("items").map(Json::take)
    {
        return items
            .into_iter()
            .flat_map(|item| document(item, form))
            .collect();
    }
    let is_resource = one.get("apiVersion").is_some() && one.get("kind").is_some();
    vec![match form {
        Form::Resource => Part::Resource(one),
        Form::Second if !is_resource => Part::Second(one, "", Vec::new()),
        Form::Flags => Part::Keys(leaves(&one)),
        _ if resource::is_one(&one) => Part::Resource(one),
        _ if is_resource => held(one),
        _ if second::is_one(&one) => Part::Second(one, "", Vec::new()),
        _ => Part::Keys(leaves(&one)),
    }]
}

/// A resource of OpenTelemetry's operator holds a configuration of Jaeger 2, as a group or as a text.
fn held(mut one: Json) -> Part {
    let config = one.pointer_mut("/spec/config").map(Json::take);
    let config = match config {
        Some(Json::String(text)) => documents(&text).ok().and_then(|all| all.into_iter().next()),
        other => other,
    };
    match config {
        Some(config) if second::is_one(&config) => {
            let mut others = leaves(&one);
            others.retain(|leaf| leaf.key != "spec.config");
            Part::Second(config, "spec.config.", others)
        }
        _ => Part::Stranger(one),
    }
}

/// Keys in a format that is no YAML.
fn keys(ending: &str, text: &str) -> Part {
    match parse(ending, text) {
        Ok(contents) => {
            let items = contents.items.into_iter().flat_map(|(index, entries)| {
                entries
                    .into_iter()
                    .map(move |(key, entry)| (format!("instances[{index}].{key}"), entry))
            });
            let all = contents
                .entries
                .into_iter()
                .chain(items)
                .map(|(key, entry)| Leaf {
                    key,
                    given: match entry {
                        Entry::One(text) => Given::Text(text),
                        Entry::List(items) => Given::List(items),
                        Entry::Other => Given::TooDeep,
                    },
                });
            Part::Keys(all.collect())
        }
        Err(why) => Part::Unreadable(why),
    }
}

#[cfg(test)]
mod tests;
