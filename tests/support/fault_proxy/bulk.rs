//! The body of a `_bulk` and its answer, as items.
//!
//! In: NDJSON, and which items are taken away. Out: the NDJSON of the others, and an answer that has an entry for each at its place. A body that
//! isn't a bulk has no items; nothing is mended.

use anyhow::Context as _;
use bytes::Bytes;
use serde_json::{Value, json};

/// A bulk that came.
#[derive(Debug)]
pub(super) struct Bulk {
    items: Vec<Item>,
}

/// An action, and its document unless it deletes one.
#[derive(Debug)]
struct Item {
    operation: String,
    target: Value,
    lines: Vec<u8>,
    /// What it is answered with instead of being sent on.
    rejected: Option<(u16, &'static str)>,
}

// === impl Bulk ===

impl Bulk {
    /// `None` if `body` is not lines of actions and documents.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut lines = body
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty());
        let mut items = Vec::new();
        while let Some(action) = lines.next() {
            let Value::Object(parsed) = serde_json::from_slice(action).ok()? else {
                return None;
            };
            let (operation, target) = parsed.into_iter().next()?;
            let mut text = action.to_vec();
            if operation != "delete" {
                text.extend_from_slice(lines.next()?);
            }
            items.push(Item {
                operation,
                target,
                lines: text,
                rejected: None,
            });
        }
        Some(Self { items })
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// Items that are sent on.
    pub(super) fn kept(&self) -> usize {
        self.items.iter().filter(|i| i.rejected.is_none()).count()
    }

    /// Takes those away that are true; one that is away already stays what it was.
    pub(super) fn reject(&mut self, which: &[bool], status: u16, error: &'static str) {
        for (item, _) in self.items.iter_mut().zip(which).filter(|(_, w)| **w) {
            item.rejected.get_or_insert((status, error));
        }
    }

    /// What is sent on.
    pub(super) fn body(&self) -> Bytes {
        let kept = self.items.iter().filter(|i| i.rejected.is_none());
        kept.flat_map(|item| item.lines.iter().copied()).collect()
    }

    /// The store's answer to what was sent on, with an entry for each item that wasn't. `None`: nothing was sent on.
    pub(super) fn answer(&self, answer: Option<&[u8]>) -> anyhow::Result<Bytes> {
        let mut answer = match answer {
            Some(answer) => serde_json::from_slice(answer)?,
            None => json!({"took": 0, "errors": true, "items": []}),
        };
        let items = answer["items"].as_array_mut().context("no items")?;
        anyhow::ensure!(
            items.len() == self.kept(),
            "{} items sent on, {} answered: a filtered answer can't be mended",
            self.kept(),
            items.len()
        );
        let mut answered = std::mem::take(items).into_iter();
        *items = self
            .items
            .iter()
            .map(|item| match item.rejected {
                Some((status, error)) => Ok(item.entry(status, error)),
                None => answered.next().context("as many as were sent on"),
            })
            .collect::<anyhow::Result<_>>()?;
        answer["errors"] = true.into();
        Ok(serde_json::to_vec(&answer)?.into())
    }
}

// === impl Item ===

impl Item {
    fn entry(&self, status: u16, error: &str) -> Value {
        let reason = "rejected by a test";
        let mut entry = json!({"status": status, "error": {"type": error, "reason": reason}});
        for field in ["_index", "_id"] {
            if let Some(value) = self.target.get(field) {
                entry[field] = value.clone();
            }
        }
        json!({ self.operation.as_str(): entry })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "{\"create\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"n\":1}\n{\"delete\":{\"_index\":\"a\",\"_id\":\"2\"}}\n{\"index\":{\"_index\":\"b\"}}\n{\"n\":3}\n";

    #[test]
    fn items_are_taken_away_and_answered_at_their_places() {
        let mut bulk = Bulk::parse(BODY.as_bytes()).unwrap();
        assert_eq!(bulk.len(), 3);
        assert_eq!(bulk.body(), BODY);
        bulk.reject(&[true, false, true], 429, "busy");
        assert_eq!(
            bulk.body(),
            "{\"delete\":{\"_index\":\"a\",\"_id\":\"2\"}}\n"
        );
        let store = r#"{"took":3,"errors":false,"items":[{"delete":{"_id":"2","status":200}}]}"#;
        let answer = bulk.answer(Some(store.as_bytes())).unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["errors"], true);
        assert_eq!(answer["items"][0]["create"]["status"], 429);
        assert_eq!(answer["items"][0]["create"]["_id"], "1");
        assert_eq!(answer["items"][1]["delete"]["status"], 200);
        assert_eq!(answer["items"][2]["index"]["error"]["type"], "busy");
        assert!(bulk.answer(None).is_err(), "one item was sent on");
    }

    #[test]
    fn what_is_no_bulk_has_no_items() {
        for body in ["{\"query\":{}}", "[1]\n", "{\"index\":{}}\n", "word"] {
            assert!(Bulk::parse(body.as_bytes()).is_none(), "{body}");
        }
        assert_eq!(Bulk::parse(b"").unwrap().len(), 0);
    }
}
