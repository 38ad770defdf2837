//! The web UI's own configuration: JSON, or a script with a function that gives it.
//!
//! In: a file. Out: its JSON in Go's spelling with sorted keys, so that it may stand in a page, or the script's text as it is: that is the operator's
//! own code.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/static_handler.go` v1.76.0, `loadUIConfig`.

use std::path::Path;

use serde_json::{Map, Value};
use wire::go_json;

use super::{SiteError, files};

/// What is put into the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UiConfig {
    /// One JSON object.
    Json(String),
    /// A script that defines `UIConfig`.
    Script(String),
}

// === impl UiConfig ===

impl UiConfig {
    /// Reads a file; `None` when it says nothing.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, SiteError> {
        let bytes = files::read(path, "UI config file", "query.ui-config")?;
        let text = String::from_utf8_lossy(&bytes);
        let shown = path.display().to_string();
        let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
        match extension.to_str() {
            Some("json") => {
                let no_json = |why: String| SiteError::NoJson {
                    path: shown.clone(),
                    why,
                };
                match serde_json::from_str(&text) {
                    Ok(Value::Null) => Ok(None),
                    Ok(Value::Object(object)) => {
                        let value = sorted(Value::Object(object));
                        Ok(Some(Self::Json(go_json::to_string(&value))))
                    }
                    Ok(_) => Err(no_json("it holds no object".to_owned())),
                    Err(error) => Err(no_json(error.to_string())),
                }
            }
            Some("js") if defines_ui_config(&text) => {
                Ok(Some(Self::Script(text.trim().to_owned())))
            }
            Some("js") => Err(SiteError::NoFunction(shown)),
            _ => Err(SiteError::Unrecognized(shown)),
        }
    }
}

/// Keys in order, as Go writes a map.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Object(object) => {
            let mut members: Vec<(String, Value)> = object.into_iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            let members = members.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// Whether a script holds `function UIConfig() {`.
fn defines_ui_config(script: &str) -> bool {
    script.match_indices("function").any(|(at, word)| {
        let rest = script.get(at + word.len()..).unwrap_or_default();
        let mut left = rest.trim_start();
        if left.len() == rest.len() {
            return false;
        }
        for word in ["UIConfig", "(", ")", "{"] {
            match left.strip_prefix(word) {
                Some(rest) => left = rest.trim_start(),
                None => return false,
            }
        }
        true
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_defines_the_function_that_the_ui_calls() {
        for good in [
            "function UIConfig(){ return {}; }",
            "// ours\nfunction UIConfig ( ) {",
            "function other() {} function\tUIConfig()\n{",
        ] {
            assert!(defines_ui_config(good), "{good}");
        }
        for bad in [
            "",
            "functionUIConfig(){",
            "function UIConfigs(){",
            "function UIConfig(a){",
            "const UIConfig = () => {",
        ] {
            assert!(!defines_ui_config(bad), "{bad}");
        }
    }

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = serde_json::json!({"b": [{"d": 1, "c": 2}], "a": 1.0});
        assert_eq!(
            go_json::to_string(&sorted(value)),
            r#"{"a":1,"b":[{"c":2,"d":1}]}"#
        );
    }
}
