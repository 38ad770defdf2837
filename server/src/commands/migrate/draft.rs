//! What becomes of one instance's settings.
//!
//! In: keys, one by one, with the name that each has among the settings of Jaeger 1. Out: lines of a file, and for every key what became of it: exactly one [`Row`].
//! A key that cannot be used is told and blocks no other. Secrets are never taken into a line.

mod finish;
mod special;

use std::collections::BTreeMap;

use settings::flag::{AliasRule, Effect, Flag, Kind, variable};
use settings::layers::Setting;
use settings::{Source, Value, flags, print};

use super::leaf::Given;

/// What became of a key.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fate {
    /// It is a setting of the same name.
    Kept,
    /// It is said by something else now.
    Mapped(String),
    /// It is known and changes nothing.
    NoEffect {
        /// Why.
        why: String,
        /// Whether it was a setting of Jaeger's, and not of Kubernetes or of the file.
        is_setting: bool,
    },
    /// It is not known, or its value is none; the text says what may help, or nothing.
    Unknown(String),
}

/// A key, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// Which input it stands in.
    pub(super) input: String,
    /// As written, from the top of the input.
    pub(super) key: String,
    /// What became of it.
    pub(super) fate: Fate,
}

/// A line of the file to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    /// With its value.
    pub(super) setting: Setting,
    /// What it was called, where that is something else.
    pub(super) from: Option<String>,
    /// Rows that said it.
    pub(super) rows: Vec<usize>,
}

/// A line that stands in the file as a comment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Idle {
    /// `name: value`, without secrets.
    pub(super) text: String,
    /// Why it is not in use.
    pub(super) why: String,
}

/// One instance, as far as it has been read.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Namespace and name, when somebody said them.
    pub(super) identity: Option<(String, String)>,
    /// The input that is being read.
    pub(super) input: String,
    /// Every key so far.
    pub(super) rows: Vec<Row>,
    /// Settings by their names.
    pub(super) lines: BTreeMap<&'static str, Line>,
    /// What is only a comment.
    pub(super) idle: Vec<Idle>,
    /// What a person has to say.
    pub(super) decisions: Vec<String>,
    /// How it was and is started.
    pub(super) roles: Vec<String>,
    /// Whether a store was named, be it one that is not here.
    names_store: bool,
}

// === impl Fate ===

impl Fate {
    pub(super) fn elsewhere(why: &str) -> Self {
        Self::NoEffect {
            why: why.to_owned(),
            is_setting: false,
        }
    }

    pub(super) fn idle(why: impl Into<String>) -> Self {
        Self::NoEffect {
            why: why.into(),
            is_setting: true,
        }
    }
}

// === impl Draft ===

impl Draft {
    pub(super) fn of(identity: Option<(String, String)>) -> Self {
        Self {
            identity,
            ..Self::default()
        }
    }

    /// Says what became of a key.
    pub(super) fn note(&mut self, key: &str, fate: Fate) -> usize {
        self.rows.push(Row {
            input: self.input.clone(),
            key: key.to_owned(),
            fate,
        });
        self.rows.len() - 1
    }

    /// Says what a person has to decide, once.
    pub(super) fn decide(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.decisions.contains(&what) {
            self.decisions.push(what);
        }
    }

    pub(super) fn idle(&mut self, text: String, why: impl Into<String>) {
        let idle = Idle {
            text,
            why: why.into(),
        };
        if !self.idle.contains(&idle) {
            self.idle.push(idle);
        }
    }

    /// The text of a setting's value, when it has a line.
    pub(super) fn said(&self, name: &str) -> Option<String> {
        self.lines
            .get(name)
            .map(|line| line.setting.value.to_string())
    }

    /// A setting that follows from what was said. What is there stays.
    pub(super) fn derive(&mut self, name: &str, text: &str, from: &str) {
        let known = flags::find(name).filter(|flag| flag.effect == Effect::Acts);
        let Some(flag) = known.filter(|flag| !self.lines.contains_key(flag.name)) else {
            return;
        };
        if let Ok(value) = Value::parse(flag.kind, text) {
            self.write(flag, value, Some(from.to_owned()), Vec::new());
        }
    }

    /// A key that is the setting `name` of Jaeger 1, by a flag's name, an old one's or a variable's. `written` is that name as it stands in the key.
    pub(super) fn take(&mut self, key: &str, written: &str, name: &str, given: &Given) {
        let mut found = flags::find_key(name);
        if found.is_none() {
            found = flags::all().find(|flag| flag.variable_only && flag.name == name);
        }
        let Some(found) = found else {
            let nearest = flags::nearest(name);
            let hint = nearest.map_or_else(String::new, |name| format!("did you mean {name}?"));
            self.note(key, Fate::Unknown(hint));
            return;
        };
        let (flag, mut given) = match found.effect {
            Effect::Alias { to, rule } => {
                if rule == AliasRule::Port && given.text().as_deref() == Some("0") {
                    self.note(key, Fate::idle("0 meant that it is not set"));
                    return;
                }
                (flags::find(to).unwrap_or(found), given.clone())
            }
            _ => (found, given.clone()),
        };
        let is_empty = matches!(&given, Given::Nothing | Given::List(_))
            && given.text().unwrap_or_default().is_empty();
        if is_empty {
            self.note(key, Fate::idle("it is empty, which sets nothing"));
            return;
        }
        let renamed = written != flag.name;
        let fate = |to: &str| {
            if renamed {
                Fate::Mapped(to.to_owned())
            } else {
                Fate::Kept
            }
        };
        match flag.effect {
            Effect::Acts => {}
            Effect::Refused(why) => {
                self.note(key, Fate::idle(why));
                self.decide(why);
                return;
            }
            Effect::Accepted(why) => {
                let text = idle_text(flag, &given);
                self.idle(text, why);
                self.note(key, Fate::idle(why));
                return;
            }
            Effect::Alias { .. } => {
                self.note(key, Fate::idle("an old name of a setting that is gone"));
                return;
            }
        }
        if given.waits() && !is_template(flag) {
            self.pending(key, flag, &given);
            return;
        }
        if self.take_special(key, flag, &mut given, renamed) {
            return;
        }
        match value(flag, &given) {
            Some(value) => {
                let from = renamed.then(|| key.to_owned());
                self.put(key, flag, value, from, fate(flag.name));
            }
            None => {
                let what = format!("its value is no {}", flag.kind.word());
                self.note(key, Fate::Unknown(what));
            }
        }
    }

    /// What waits for a variable: a comment in the file, and somebody has to say the value.
    fn pending(&mut self, key: &str, flag: &'static Flag, given: &Given) {
        let name = flag.name;
        self.idle(
            idle_text(flag, given),
            format!("{key}: variables are not put in here"),
        );
        self.note(
            key,
            Fate::Mapped(format!("{name}, whose value is to be written")),
        );
        self.decide(format!(
            "{key} takes its value from a variable, which is not put in here: write {name}, or start with {}",
            variable(name)
        ));
        if name == special::STORE {
            self.names_store = true;
        }
    }

    /// A value that is good. What was said before counts.
    fn put(
        &mut self,
        key: &str,
        flag: &'static Flag,
        value: Value,
        from: Option<String>,
        fate: Fate,
    ) {
        let row = self.rows.len();
        let Some(line) = self.lines.get_mut(flag.name) else {
            let row = self.note(key, fate);
            self.write(flag, value, from, vec![row]);
            return;
        };
        match (&mut line.setting.value, value) {
            (before, value) if *before == value => {
                line.rows.push(row);
                self.note(key, fate);
            }
            (Value::List(before), Value::List(more)) if flag.kind == Kind::Lines => {
                before.extend(more);
                line.rows.push(row);
                self.note(key, fate);
            }
            _ => {
                let first = line.rows.first().and_then(|row| self.rows.get(*row));
                let first = first.map_or("what was said before", |row| row.key.as_str());
                let why = format!("{first} says something else for {}, and counts", flag.name);
                let told = format!(
                    "{key} is left out: {why}. A role that needs it takes it as a flag or variable"
                );
                self.note(key, Fate::idle(why));
                self.decide(told);
            }
        }
    }

    fn write(&mut self, flag: &'static Flag, value: Value, from: Option<String>, rows: Vec<usize>) {
        let setting = Setting {
            flag,
            value,
            source: Source::Default,
        };
        let line = Line {
            setting,
            from,
            rows,
        };
        self.lines.insert(flag.name, line);
    }

    /// Makes a comment of a line.
    fn retire(&mut self, name: &str, why: &str) {
        let Some(line) = self.lines.remove(name) else {
            return;
        };
        let text = format!("{name}: {}", print::yaml_value(&line.setting));
        self.idle(text, why);
        for row in line.rows {
            if let Some(row) = self.rows.get_mut(row) {
                row.fate = Fate::idle(why);
            }
        }
    }

    /// Where a secret of this instance is to lie.
    fn secret_path(&self, name: &str) -> String {
        match &self.identity {
            Some((namespace, instance)) => {
                format!("/etc/spoor/secrets/{namespace}/{instance}/{name}")
            }
            None => format!("/etc/spoor/secrets/{name}"),
        }
    }
}

/// The value, when it is one of the setting's kind.
fn value(flag: &Flag, given: &Given) -> Option<Value> {
    match (given, flag.kind) {
        (Given::List(items), Kind::Lines) => Some(Value::List(items.clone())),
        (Given::Text(text), Kind::Lines) => Some(Value::List(vec![text.clone()])),
        (Given::List(items), Kind::List) => Value::parse(flag.kind, &items.join(",")).ok(),
        (Given::List(items), _) if items.len() > 1 => {
            // several values where Jaeger 1 has a text with commas
            (flag.kind == Kind::Text).then(|| Value::Text(items.join(",")))
        }
        (given, kind) => Value::parse(kind, &given.text()?).ok(),
    }
}

/// A line for a comment; what holds no value of the setting's kind shows none.
fn idle_text(flag: &'static Flag, given: &Given) -> String {
    let value = match flag.kind {
        Kind::Secret => None,
        Kind::List | Kind::Lines => value(flag, given),
        // a text with a variable in it is of no kind but this
        _ if given.waits() => given.text().map(Value::Text),
        _ => value(flag, given),
    };
    let name = flag.name;
    match value {
        Some(value) => {
            let setting = Setting {
                flag,
                value,
                source: Source::Default,
            };
            format!("{name}: {}", print::yaml_value(&setting))
        }
        None => format!("{name}:"),
    }
}

/// Settings that take variables themselves: `key=${VARIABLE:default}`.
fn is_template(flag: &Flag) -> bool {
    matches!(flag.name, "collector.tags" | "agent.tags")
}
