//! The attributes of a trace's spans: which there are, and one of them as a column.
//!
//! In: a trace. Out: keys with the number of spans that have them, of their own or of their resource; or, for one key, each different value once and, in the order of the
//! skeleton, which of them a span has. The span's own attribute goes before its resource's, and the first before others of its key.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use wire::go_json;
use wire::jaeger::{Tag, TagValue};

use crate::whole::Whole;

/// So many keys are told.
const KEYS: usize = 1000;

/// The keys, most frequent first.
#[derive(Debug, Serialize)]
pub(super) struct Keys {
    keys: Vec<KeyJson>,
    #[serde(skip)]
    all: usize,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct KeyJson {
    key: String,
    spans: usize,
}

/// One attribute of all spans.
#[derive(Debug, Serialize)]
pub(super) struct Column {
    values: Vec<String>,
    spans: Vec<i64>,
}

// === impl Keys ===

impl Keys {
    /// Why some are missing.
    pub(super) fn cut(&self) -> Option<String> {
        let (told, all) = (self.keys.len(), self.all);
        (told < all).then(|| format!("{told} of {all} keys are all that are told"))
    }
}

/// Which keys there are.
pub(super) fn keys(whole: &Whole) -> Keys {
    // the last span that had it, so that one which has it twice counts once
    let mut counts: HashMap<&str, (usize, usize)> = HashMap::new();
    for (at, span) in whole.spans().iter().enumerate() {
        for tag in span.tags.iter().chain(&span.process.tags) {
            let (count, last) = counts.entry(&tag.key).or_insert((0, usize::MAX));
            if *last != at {
                (*count, *last) = (*count + 1, at);
            }
        }
    }
    let all = counts.len();
    let mut keys: Vec<(&str, usize)> = counts
        .into_iter()
        .map(|(key, (count, _))| (key, count))
        .collect();
    keys.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    keys.truncate(KEYS);
    let keys = keys.into_iter().map(|(key, spans)| KeyJson {
        key: key.to_owned(),
        spans,
    });
    Keys {
        keys: keys.collect(),
        all,
    }
}

/// The values of one key.
pub(super) fn column(whole: &Whole, key: &str) -> Column {
    let of = |tags: &[Tag]| -> Option<String> {
        let tag = tags.iter().find(|tag| tag.key == key)?;
        let mut text = String::new();
        show(&tag.value, &mut text);
        Some(text)
    };
    let of_processes: Vec<Option<String>> = whole
        .processes
        .iter()
        .map(|process| of(&process.tags))
        .collect();
    let mut numbers: HashMap<String, i64> = HashMap::new();
    let mut values = Vec::new();
    let spans = whole.spans().iter().zip(&whole.places);
    let spans = spans.map(|(span, place)| {
        let of_process = || of_processes.get(*place as usize).cloned().flatten();
        let Some(value) = of(&span.tags).or_else(of_process) else {
            return -1;
        };
        if let Some(number) = numbers.get(&value) {
            return *number;
        }
        let number = i64::try_from(values.len()).unwrap_or(i64::MAX);
        values.push(value.clone());
        numbers.insert(value, number);
        number
    });
    let spans = spans.collect();
    Column { values, spans }
}

/// Adds a value as people read it.
pub(super) fn show(value: &TagValue, to: &mut String) {
    match value {
        TagValue::String(text) => to.push_str(text),
        TagValue::Bool(value) => to.push_str(&value.to_string()),
        TagValue::Int(value) => to.push_str(&value.to_string()),
        TagValue::Double(value) => to.push_str(&go_json::float_text(*value)),
        TagValue::Binary(bytes) => to.push_str(&BASE64.encode(bytes.as_bytes())),
    }
}
