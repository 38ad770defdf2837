//! Every setting with its value.
//!
//! In: settings, one by one. Out: their values by name, in the type that a reader wants, and how each was written. A name that is no setting is a mistake of
//! ours: it answers the empty value, and a debug build stops.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Position, Setting};
use crate::source::Source;
use crate::value::Value;
use crate::{ByteSize, GoDuration, HostPort, Secret};

/// Every setting.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    by_name: BTreeMap<&'static str, Setting>,
    /// Where what is not in `by_name` stands, of an item: there may be a thousand, and each has few of its own.
    process: Option<Arc<Settings>>,
    /// Of which item of the list `instances` they are; none: of the process.
    position: Option<Position>,
}

// === impl Settings ===

impl Settings {
    /// Those of `process`, as they are for one item of the list `instances` that says nothing yet.
    pub(super) fn of_item(process: Arc<Self>, position: Position) -> Self {
        Self {
            by_name: BTreeMap::new(),
            process: Some(process),
            position: Some(position),
        }
    }

    pub(super) fn put(&mut self, setting: Setting) {
        self.by_name.insert(setting.flag.name, setting);
    }

    /// Every setting of today's names, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        let all = self.process.as_deref().unwrap_or(self).by_name.iter();
        all.map(|(name, setting)| self.by_name.get(name).unwrap_or(setting))
    }

    /// The setting of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Setting> {
        let process = || self.process.as_deref()?.by_name.get(name);
        let found = self.by_name.get(name).or_else(process);
        debug_assert!(
            found.is_some() || self.iter().next().is_none(),
            "no setting {name}"
        );
        found
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.get(name).map(|setting| &setting.value)
    }

    /// How the setting was written, for messages: `--name`, `NAME (environment)`, or, when it is the default, the place where it would be written: the bare
    /// name, or a key of the item whose settings these are.
    #[must_use]
    pub fn at(&self, name: &str) -> String {
        match (
            self.get(name).map(|setting| &setting.source),
            &self.position,
        ) {
            (None | Some(Source::Default), Some(position)) if super::instances::may_say(name) => {
                position.at(name)
            }
            (None | Some(Source::Default), _) => name.to_owned(),
            (Some(source), _) => source.to_string(),
        }
    }

    /// What messages call the setting, or the group of settings, whoever wrote it: its name, or `instances[1].` and its name.
    #[must_use]
    pub fn called(&self, name: &str) -> String {
        match &self.position {
            Some(position) => position.key(name),
            None => name.to_owned(),
        }
    }

    /// Whether somebody wrote it, were it to what it is anyway.
    #[must_use]
    pub fn is_written(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|setting| setting.source != Source::Default)
    }

    /// A boolean; false when `name` is none.
    #[must_use]
    pub fn bool(&self, name: &str) -> bool {
        matches!(self.value(name), Some(Value::Bool(true)))
    }

    /// A whole number; 0 when `name` is none.
    #[must_use]
    pub fn int(&self, name: &str) -> i64 {
        if let Some(Value::Int(value)) = self.value(name) {
            *value
        } else {
            0
        }
    }

    /// A number; 0 when `name` is none.
    #[must_use]
    pub fn float(&self, name: &str) -> f64 {
        if let Some(Value::Float(value)) = self.value(name) {
            *value
        } else {
            0.0
        }
    }

    /// A duration; zero when `name` is none.
    #[must_use]
    pub fn duration(&self, name: &str) -> GoDuration {
        if let Some(Value::Duration(value)) = self.value(name) {
            *value
        } else {
            GoDuration::ZERO
        }
    }

    /// A size; none when nothing sets it and its default is computed.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Option<ByteSize> {
        if let Some(Value::Bytes(value)) = self.value(name) {
            *value
        } else {
            None
        }
    }

    /// A text; empty when `name` is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        if let Some(Value::Text(value)) = self.value(name) {
            value
        } else {
            ""
        }
    }

    /// A secret; none when empty.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&Secret> {
        match self.value(name) {
            Some(Value::Secret(secret)) => Some(secret).filter(|secret| !secret.is_empty()),
            _ => None,
        }
    }

    /// A list; empty when `name` is none.
    #[must_use]
    pub fn list(&self, name: &str) -> &[String] {
        if let Some(Value::List(value)) = self.value(name) {
            value
        } else {
            &[]
        }
    }

    /// An address; none when nothing sets it.
    #[must_use]
    pub fn host_port(&self, name: &str) -> Option<&HostPort> {
        if let Some(Value::HostPort(value)) = self.value(name) {
            value.as_ref()
        } else {
            None
        }
    }

    /// A path; none when empty.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        Some(self.text(name))
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)
    }

    /// Puts a computed value where nothing set one, so that it is shown as what runs.
    pub fn fill(&mut self, name: &str, value: Value) {
        if let Some(setting) = self.get(name).cloned() {
            self.put(Setting { value, ..setting });
        }
    }
}
