//! A tree of keys, taken apart.
//!
//! In: a document. Out: its leaves, each with its whole key; none is left out, not even one without a value. It knows nothing of what keys mean.

use serde_json::Value as Json;

const MAX_DEPTH: usize = 32;

/// A key that holds no other keys.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// From the top, nested ones joined by dots; items of lists of groups by their place: `a[0].b`.
    pub(super) key: String,
    /// What it holds.
    pub(super) given: Given,
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Given {
    /// Nothing: the key stands alone, or with an empty group.
    Nothing,
    /// One value.
    Text(String),
    /// A list of values.
    List(Vec<String>),
    /// More groups in one another than anybody writes.
    TooDeep,
}

/// The leaves of a document, in its order.
pub(super) fn leaves(document: &Json) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    walk(String::new(), document, MAX_DEPTH, &mut leaves);
    leaves
}

fn walk(key: String, value: &Json, depth: usize, leaves: &mut Vec<Leaf>) {
    let given = match value {
        Json::Object(members) if !members.is_empty() && depth > 0 => {
            for (name, value) in members {
                let key = if key.is_empty() {
                    name.clone()
                } else {
                    format!("{key}.{name}")
                };
                walk(key, value, depth - 1, leaves);
            }
            return;
        }
        Json::Array(items) if items.iter().any(is_group) && depth > 0 => {
            for (index, value) in items.iter().enumerate() {
                walk(format!("{key}[{index}]"), value, depth - 1, leaves);
            }
            return;
        }
        Json::Array(items) if !items.iter().any(is_group) => {
            Given::List(items.iter().filter_map(scalar).collect())
        }
        Json::Object(members) if members.is_empty() => Given::Nothing,
        Json::Null => Given::Nothing,
        value => scalar(value).map_or(Given::TooDeep, Given::Text),
    };
    // a document without keys has no leaf
    if !key.is_empty() {
        leaves.push(Leaf { key, given });
    }
}

fn is_group(value: &Json) -> bool {
    matches!(value, Json::Object(_) | Json::Array(_))
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Number(number) => Some(number.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

// === impl Given ===

impl Given {
    /// The value as one text, the items of a list with commas between them.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::List(items) => Some(items.join(",")),
            Self::Nothing | Self::TooDeep => None,
        }
    }

    /// Whether a part of it waits for a variable: `${env:NAME:-default}`.
    pub(super) fn waits(&self) -> bool {
        match self {
            Self::Text(text) => text.contains("${"),
            Self::List(items) => items.iter().any(|item| item.contains("${")),
            Self::Nothing | Self::TooDeep => false,
        }
    }
}
