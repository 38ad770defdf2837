//! The file that is made.
//!
//! In: the drafts of one or several instances. Out: YAML, with what was called otherwise in a comment above its key, what a person has to decide at the top, and what changes nothing at the end.
//! It holds no secret. With several instances, what cannot be an instance's own is taken for all; where they disagree the first counts, and that is told.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value as Json;
use settings::layers::may_say;
use settings::print::{comment, yaml, yaml_value};

use super::draft::{Draft, Fate, Line};

/// Whose an instance is that nobody named.
const UNNAMED: (&str, &str) = ("default", "jaeger");

/// What is written, in parts.
pub(super) struct File {
    /// Settings of the process.
    common: BTreeMap<&'static str, Line>,
    /// Settings of single instances.
    items: Vec<(String, String, BTreeMap<&'static str, Line>)>,
    /// What a person has to decide.
    pub(super) decisions: Vec<String>,
    roles: Vec<String>,
    idle: Vec<(String, String)>,
}

// === impl File ===

impl File {
    /// Puts the drafts together; their rows may change, where one has to give way.
    pub(super) fn of(drafts: &mut [Draft]) -> Self {
        let mut file = Self {
            common: BTreeMap::new(),
            items: Vec::new(),
            decisions: Vec::new(),
            roles: Vec::new(),
            idle: Vec::new(),
        };
        let several = drafts.len() > 1;
        for draft in drafts.iter_mut() {
            let (namespace, name) = draft
                .identity
                .clone()
                .unwrap_or_else(|| (UNNAMED.0.to_owned(), UNNAMED.1.to_owned()));
            let instance = format!("{namespace}/{name}");
            let whose = if several {
                format!("{instance}: ")
            } else {
                String::new()
            };
            if several {
                file.hoist(&instance, draft);
                file.items
                    .push((namespace, name, std::mem::take(&mut draft.lines)));
            } else {
                if draft.identity.is_some() {
                    draft.derive("instance.default", &instance, "namespace and name");
                }
                file.common = std::mem::take(&mut draft.lines);
            }
            for what in &draft.decisions {
                // what holds for all is told once
                let told = if what.starts_with("listeners: ") {
                    what.clone()
                } else {
                    format!("{whose}{what}")
                };
                if !file.decisions.contains(&told) {
                    file.decisions.push(told);
                }
            }
            for idle in &draft.idle {
                file.idle
                    .push((format!("{whose}{}", idle.text), idle.why.clone()));
            }
            for role in &draft.roles {
                if !file.roles.contains(role) {
                    file.roles.push(role.clone());
                }
            }
        }
        if several {
            file.tell_apart();
        }
        file
    }

    /// What cannot be said of an instance becomes a setting of all.
    fn hoist(&mut self, instance: &str, draft: &mut Draft) {
        let names: Vec<&'static str> = draft
            .lines
            .keys()
            .copied()
            .filter(|name| !may_say(name))
            .collect();
        for name in names {
            let Some(line) = draft.lines.remove(name) else {
                continue;
            };
            match self.common.get(name) {
                Some(known) if known.setting.value == line.setting.value => {}
                Some(_) => {
                    let why = format!(
                        "{name} is of the whole process, and another instance said something else before"
                    );
                    self.decisions.push(format!(
                        "{instance}: {why}: start one Spoor for each, or write what holds for all"
                    ));
                    for row in &line.rows {
                        if let Some(row) = draft.rows.get_mut(*row) {
                            row.fate = Fate::idle(why.clone());
                        }
                    }
                }
                None => {
                    self.decisions.push(format!("{name}, which {instance} says, is of the whole process: it now holds for all instances"));
                    self.common.insert(name, line);
                }
            }
        }
    }

    /// What several instances must not share, and who leads to them.
    fn tell_apart(&mut self) {
        self.decisions.push("instances: say which requests belong to which, with instance.by-certificate, instance.by-listener or multi-tenancy.enabled; until then all spans belong to default/jaeger, and questions name theirs in the path".to_owned());
        let text = |lines: &BTreeMap<&'static str, Line>, name: &str| {
            lines.get(name).map(|line| line.setting.value.to_string())
        };
        let mut told = Vec::new();
        for (index, (namespace, name, lines)) in self.items.iter().enumerate() {
            let kept = text(lines, "span-storage.type").unwrap_or_default();
            let is_cluster =
                |kept: &str| kept.contains("elasticsearch") || kept.contains("opensearch");
            if is_cluster(&kept) && !lines.contains_key("es.num-shards") {
                told.push(format!("{namespace}/{name}: indices of an instance have one shard unless it says es.num-shards; Jaeger's had five"));
            }
            for (space, other, theirs) in self.items.iter().skip(index + 1) {
                let other_kept = text(theirs, "span-storage.type").unwrap_or_default();
                let same = |part: &str| text(lines, part) == text(theirs, part);
                if is_cluster(&kept)
                    && is_cluster(&other_kept)
                    && same("es.server-urls")
                    && same("es.index-prefix")
                {
                    told.push(format!("{namespace}/{name} and {space}/{other} would share their indices: give each an es.index-prefix of its own, or its own cluster"));
                }
                if lines.contains_key("es.tls.key") && same("es.tls.key") {
                    told.push(format!("{namespace}/{name} and {space}/{other} have the same es.tls.key: in one process each needs a path of its own"));
                }
            }
        }
        self.decisions.extend(told);
    }

    /// The text; `inputs` are what it was made of.
    pub(super) fn yaml(&self, inputs: &[String]) -> String {
        let mut out = String::new();
        let mut say = |text: &str| {
            let _infallible = writeln!(out, "{}", comment(text).trim_end());
        };
        say(&format!(
            "# Made by spoor migrate-config of {}",
            inputs.join(", ")
        ));
        if !self.roles.is_empty() {
            say(&format!(
                "# Start it as: {}, each with --config-file and this file",
                self.roles.join(", ")
            ));
        }
        if !self.decisions.is_empty() {
            say("#");
            say("# To decide:");
            for what in &self.decisions {
                say(&format!("# - {what}"));
            }
        }
        say("");
        nested(&mut out, 0, &self.common);
        if !self.items.is_empty() {
            out.push_str("instances:\n");
        }
        for (namespace, name, lines) in &self.items {
            for (dash, word, value) in [("- ", "namespace", namespace), ("  ", "name", name)] {
                let value = yaml(&Json::String(value.clone()));
                let _infallible = writeln!(out, "  {dash}{word}: {value}");
            }
            nested(&mut out, 4, lines);
        }
        if !self.idle.is_empty() {
            out.push_str("\n# Without effect, or without a value yet:\n");
        }
        for (text, why) in &self.idle {
            let _infallible = writeln!(out, "# {}\n#   {}", comment(text), comment(why));
        }
        out
    }
}

/// Settings, nested on the dots.
fn nested(out: &mut String, indent: usize, lines: &BTreeMap<&'static str, Line>) {
    let mut lines: Vec<(&&str, &Line)> = lines.iter().collect();
    lines.sort_by(|(a, _), (b, _)| a.split('.').cmp(b.split('.')));
    let mut open: Vec<&str> = Vec::new();
    for (name, line) in lines {
        let mut path: Vec<&str> = name.split('.').collect();
        let Some(leaf) = path.pop() else { continue };
        let common = open.iter().zip(&path).take_while(|(a, b)| a == b).count();
        for (depth, part) in path.iter().enumerate().skip(common) {
            let _infallible = writeln!(out, "{}{part}:", " ".repeat(indent + 2 * depth));
        }
        let pad = " ".repeat(indent + 2 * path.len());
        if let Some(from) = &line.from {
            let _infallible = writeln!(out, "{pad}# {}", comment(from));
        }
        let _infallible = writeln!(out, "{pad}{leaf}: {}", yaml_value(&line.setting));
        open = path;
    }
}
