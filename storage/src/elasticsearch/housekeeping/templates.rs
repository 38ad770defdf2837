//! Whether the templates that are there are the ones that we would put.
//!
//! In: a template. Out: that it is missing, the same, or in what it differs. What a cluster shows is not what it was told, word for word: numbers are text, names are nested. So what is compared is
//! each value with the path to it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::template::Template;
use super::Housekeeper;
use crate::http_client::{Error, Request};

/// How the one that is there compares with ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::elasticsearch) enum State {
    Missing,
    Same,
    Differs {
        /// What we would put and is not there, or is there with another value: path, ours, theirs.
        wrong: Vec<(String, String, Option<String>)>,
        /// What is there beside it.
        more: Vec<String>,
    },
}

impl Housekeeper {
    pub(in crate::elasticsearch) async fn template_state(
        &self,
        ours: &Template,
    ) -> Result<State, Error> {
        let path = ours.path.each_ref().map(String::as_str);
        let answer = self.send(Request::get(&path)).await?;
        if answer.status == 404 {
            return Ok(State::Missing);
        }
        let answer = answer.succeeded(self.client.shown())?.json();
        let [api, name] = path;
        let theirs = match api {
            "_index_template" => answer.pointer("/index_templates/0/index_template"),
            _ => answer.get(name),
        };
        Ok(theirs.map_or(State::Missing, |theirs| compare(&ours.body, theirs)))
    }
}

fn compare(ours: &Value, theirs: &Value) -> State {
    let (ours, mut theirs) = (flat(ours), flat(theirs));
    let mut wrong = Vec::new();
    for (path, value) in ours {
        let other = theirs.remove(&path);
        if other.as_ref() != Some(&value) {
            wrong.push((path, value, other));
        }
    }
    if wrong.is_empty() && theirs.is_empty() {
        return State::Same;
    }
    let more = theirs.into_keys().collect();
    State::Differs { wrong, more }
}

/// Values by their paths. What holds nothing is the same as what is not there.
fn flat(value: &Value) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    add(String::new(), value, &mut found);
    found
}

/// What was parsed is bounded in depth.
fn add(path: String, value: &Value, found: &mut BTreeMap<String, String>) {
    let below = |name: &str| match path.as_str() {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                add(below(name), value, found);
            }
        }
        Value::Array(items) => {
            for (nth, value) in items.iter().enumerate() {
                add(below(&nth.to_string()), value, found);
            }
        }
        Value::Null => {}
        Value::String(text) => drop(found.insert(path, text.clone())),
        other => drop(found.insert(path, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        let ours = json!({
            "order": 1,
            "index_patterns": ["jaeger-span-*"],
            "settings": {"index": {"number_of_shards": 5, "requests": {"cache": {"enable": true}}}},
        });
        let theirs = json!({
            "order": 1,
            "index_patterns": ["jaeger-span-*"],
            "settings": {"index": {"requests": {"cache": {"enable": "true"}}, "number_of_shards": "5"}},
            "aliases": {},
            "composed_of": [],
        });
        assert_eq!(compare(&ours, &theirs), State::Same);
    }

    #[test]
    fn differences_are_named() {
        let ours = json!({"order": 1, "settings": {"index": {"number_of_shards": 5}}});
        let theirs = json!({"order": 0, "settings": {"index": {"refresh_interval": "30s"}}});
        let expect = State::Differs {
            wrong: vec![
                ("order".to_owned(), "1".to_owned(), Some("0".to_owned())),
                (
                    "settings.index.number_of_shards".to_owned(),
                    "5".to_owned(),
                    None,
                ),
            ],
            more: vec!["settings.index.refresh_interval".to_owned()],
        };
        assert_eq!(compare(&ours, &theirs), expect);
    }
}
