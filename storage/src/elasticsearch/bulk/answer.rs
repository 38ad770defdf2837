//! The answer to a bulk request, read strictly: what does not look like one confirms nothing.
//!
//! In: a body, and how many documents were sent. Out: an entry for each, in their order.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::http_client::shortened;

pub(super) type Entries = Vec<Entry>;

/// What became of one document.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Entry {
    pub(super) status: u16,
    /// `created`, `updated`; `noop` when a pipeline of the cluster dropped it.
    #[serde(default)]
    result: Option<String>,
    #[serde(default)]
    error: Option<Value>,
    /// Whether it was to be created: then one that is there already is what was wanted.
    #[serde(skip)]
    pub(super) created: bool,
}

#[derive(Deserialize)]
struct Answer {
    items: Vec<BTreeMap<String, Entry>>,
}

/// The entries, one for each of `sent` documents.
pub(super) fn read(body: &[u8], sent: usize) -> Result<Entries, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        let text = String::from_utf8_lossy(body.get(..200.min(body.len())).unwrap_or_default());
        format!(
            "its answer is none to a bulk ({error}): {}",
            shortened(&text)
        )
    })?;
    if answer.items.len() != sent {
        let items = answer.items.len();
        return Err(format!(
            "its answer has {items} entries for {sent} documents"
        ));
    }
    let entry = |mut item: BTreeMap<String, Entry>| match (item.pop_first(), item.is_empty()) {
        (Some((action, entry)), true) if matches!(action.as_str(), "create" | "index") => {
            Ok(Entry {
                created: action == "create",
                ..entry
            })
        }
        _ => Err("an entry of its answer has not one action".to_owned()),
    };
    answer.items.into_iter().map(entry).collect()
}

// === impl Entry ===

impl Entry {
    /// Whether the cluster says that it wrote it, and nothing against that.
    pub(super) fn is_written(&self) -> bool {
        let result = self.result.as_deref();
        self.error.as_ref().is_none_or(Value::is_null)
            && matches!(result, Some("created" | "updated"))
    }

    /// The kind of error: `mapper_parsing_exception` and the like.
    pub(super) fn kind(&self) -> &str {
        let kind = self.error.as_ref().and_then(|error| error.get("type"));
        kind.and_then(Value::as_str).unwrap_or_default()
    }

    /// In the server's words, with what lies behind them.
    pub(super) fn reason(&self) -> String {
        let text = |value: &Value| {
            let kind = value.get("type").and_then(Value::as_str).unwrap_or("error");
            let reason = value.get("reason").and_then(Value::as_str);
            format!("{kind}: {}", reason.unwrap_or("nothing more"))
        };
        let Some(error) = self.error.as_ref().filter(|error| error.is_object()) else {
            return format!("status {}", self.status);
        };
        let mut said = text(error);
        let mut cause = error.get("caused_by");
        // some nest for ever
        for _ in 0..4 {
            let Some(inner) = cause.filter(|inner| inner.is_object()) else {
                break;
            };
            said.push_str(", because ");
            said.push_str(&text(inner));
            cause = inner.get("caused_by");
        }
        shortened(&said)
    }

    #[cfg(test)]
    pub(super) fn new(action: &str, status: u16, error: Option<&str>) -> Self {
        Self {
            status,
            result: error.is_none().then(|| "created".to_owned()),
            error: error.map(|kind| serde_json::json!({"type": kind, "reason": "why"})),
            created: action == "create",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_stand_in_the_order_of_the_documents() {
        let body = br#"{"errors":true,"items":[{"create":{"status":201,"result":"created"}},{"index":{"status":400,"error":{"type":"t","reason":"r","caused_by":{"type":"c","reason":"d"}}}}]}"#;
        let entries = read(body, 2).unwrap();
        assert!(entries[0].created && entries[0].is_written());
        assert_eq!(entries[1].reason(), "t: r, because c: d");
    }

    #[test]
    fn what_is_no_answer_to_this_bulk_confirms_nothing() {
        for (body, said) in [
            ("<html>fine</html>", "<html>"),
            ("", "none to a bulk"),
            ("{}", "items"),
            (r#"{"items":[{"create":{"status":201}}"#, "none to a bulk"),
            (
                r#"{"items":[{"create":{"status":201}}]}"#,
                "1 entries for 2",
            ),
            (
                r#"{"items":[{"create":{"status":201}},{}]}"#,
                "not one action",
            ),
            (
                r#"{"items":[{"create":{"status":201}},{"create":{"status":201},"index":{"status":201}}]}"#,
                "not one action",
            ),
            (
                r#"{"items":[{"create":{"status":201}},{"delete":{"status":200}}]}"#,
                "not one action",
            ),
            (
                r#"{"items":[{"create":{}},{"create":{"status":201}}]}"#,
                "status",
            ),
        ] {
            let problem = read(body.as_bytes(), 2).unwrap_err();
            assert!(problem.contains(said), "{body}: {problem}");
        }
    }
}
