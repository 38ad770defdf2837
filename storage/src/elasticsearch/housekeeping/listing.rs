//! The indices that are there.
//!
//! In: a place. Out: its indices, each with its aliases and when it was made. Those of others that the same request finds are among them: see `name`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{Error, Housekeeper, Request};

/// An index that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) name: String,
    pub(super) aliases: BTreeSet<String>,
    /// Aliases that lead to several indices, and say that it is this one that is written to.
    pub(super) written_by: BTreeSet<String>,
    /// Milliseconds since the Unix epoch; none: the cluster does not say.
    pub(super) created_ms: Option<u64>,
}

#[derive(Default, Deserialize)]
struct Told {
    #[serde(default)]
    aliases: BTreeMap<String, Value>,
    #[serde(default)]
    settings: BTreeMap<String, Value>,
}

impl Housekeeper {
    /// Everything that begins as this place's indices do, by name.
    pub(super) async fn list(&self) -> Result<Vec<Index>, Error> {
        let prefix = self.names.prefix();
        let patterns = format!("{prefix}jaeger-*,{}-*", self.names.dead_letters());
        let request = Request::get(&[&patterns])
            .query("flat_settings", "true")
            .query("filter_path", "*.aliases,*.settings");
        let answer = self.ask(request).await?;
        read(answer).map_err(|error| {
            let shown = self.client.shown();
            Error::Busy(format!("{shown} did not list its indices: {error}"))
        })
    }
}

fn read(answer: Value) -> Result<Vec<Index>, serde_json::Error> {
    let told: BTreeMap<String, Told> = serde_json::from_value(answer)?;
    let is_written =
        |told: &Value| told.get("is_write_index").and_then(Value::as_bool) == Some(true);
    let index = |(name, told): (String, Told)| Index {
        name,
        written_by: (told.aliases.iter())
            .filter(|(_, told)| is_written(told))
            .map(|(alias, _)| alias.clone())
            .collect(),
        aliases: told.aliases.into_keys().collect(),
        created_ms: told.settings.get("index.creation_date").and_then(number),
    };
    Ok(told.into_iter().map(index).collect())
}

/// A number, which settings hold as text.
fn number(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn indices_are_read_with_aliases_and_age() {
        let answer = json!({
            "jaeger-span-000002": {
                "aliases": {"jaeger-span-write": {"is_write_index": true}, "jaeger-span-read": {}},
                "settings": {"index.creation_date": "1795132800000", "index.blocks": {"write": "true"}},
            },
            "jaeger-span-2026-11-20": {},
        });
        let found = read(answer).unwrap();
        let aliases = ["jaeger-span-read", "jaeger-span-write"];
        let expect = [
            Index {
                name: "jaeger-span-000002".to_owned(),
                aliases: aliases.map(str::to_owned).into(),
                written_by: ["jaeger-span-write".to_owned()].into(),
                created_ms: Some(1_795_132_800_000),
            },
            Index {
                name: "jaeger-span-2026-11-20".to_owned(),
                ..Index::default()
            },
        ];
        assert_eq!(found, expect);
        assert_eq!(read(json!({})).unwrap(), []);
        assert!(read(Value::Null).is_err());
        assert!(read(json!({"error": "no"})).is_err());
    }
}
