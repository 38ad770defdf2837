//! Indices behind aliases: made, and followed by a new one when they are full or old.
//!
//! In: kinds of indices, conditions. Out: what was done. Making them twice changes nothing. A rollover that was not confirmed is not tried again by itself: it may have been done.
//!
//! Source: `jaegertracing/jaeger: cmd/es-rollover/app/{init,rollover}` v1.76.0; Elasticsearch's and OpenSearch's "Rollover API".

use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::super::template::{self, Template};
use super::listing::Index;
use super::sets::Set;
use super::templates::State;
use super::{Housekeeper, Sets};
use crate::http_client::{Flavour, Product, Request};

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// In lines for a person.
    pub lines: Vec<String>,
    /// Indices that were followed by a new one.
    pub rolled: usize,
    /// What could not be done, and what mends it.
    pub failed: Vec<String>,
}

/// When an index is followed by a new one: any one of them suffices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions(Map<String, Value>);

/// What is made beside indices and aliases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Init {
    /// Of which kinds.
    pub sets: Sets,
    /// The template of what adaptive sampling keeps.
    pub sampling_priority: u32,
    /// Templates are put that are missing or differ.
    pub templates: bool,
}

// === impl Conditions ===

impl Conditions {
    /// Whether an index is followed by a new one always.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Conditions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let wrong = |why: &str| {
            format!(
                "\"{text}\" {why}: give a JSON object such as {{\"max_age\": \"2d\", \"max_docs\": 100000000}}"
            )
        };
        let value: Value =
            serde_json::from_str(text).map_err(|error| wrong(&format!("is no JSON ({error})")))?;
        let Value::Object(conditions) = value else {
            return Err(wrong("is no object"));
        };
        let is_plain = |value: &Value| value.is_string() || value.is_number();
        match conditions.iter().find(|(_, value)| !is_plain(value)) {
            Some((name, _)) => Err(wrong(&format!(
                "has a condition \"{name}\" that is neither text nor a number"
            ))),
            None => Ok(Self(conditions)),
        }
    }
}

// === impl Done ===

impl Done {
    fn add(&mut self, done: Result<Vec<String>, String>) {
        match done {
            Ok(lines) => self.lines.extend(lines),
            Err(failed) => self.failed.push(failed),
        }
    }
}

// === impl Housekeeper ===

impl Housekeeper {
    /// Makes the first index of each kind with its aliases, where they are missing.
    ///
    /// # Errors
    /// When the cluster cannot do what was asked for any kind.
    pub async fn init(&self, init: &Init) -> Result<Done, String> {
        let flavour = self
            .client
            .flavour()
            .await
            .map_err(|error| error.to_string())?;
        if self.indices.use_ilm {
            self.check_policy(flavour).await?;
        }
        let mut done = Done::default();
        let sets = init.sets.of(&self.names);
        if init.templates {
            for template in self.templates(&sets, init.sampling_priority, flavour) {
                done.add(self.put_template(&template).await);
            }
            if !done.failed.is_empty() {
                // an index that is made without them has other mappings for ever
                return Ok(done);
            }
        }
        for set in &sets {
            done.add(self.init_set(set).await);
        }
        Ok(done)
    }

    /// Has the index that is written to followed by a new one, where a condition is met, and sees to it that all that is written to is read.
    pub async fn rollover(&self, sets: Sets, conditions: &Conditions) -> Done {
        let mut done = Done::default();
        for set in sets.of(&self.names) {
            match self.rollover_set(&set, conditions).await {
                Ok((lines, rolled)) => {
                    done.lines.extend(lines);
                    done.rolled += usize::from(rolled);
                }
                Err(failed) => done.failed.push(failed),
            }
        }
        done
    }

    /// Whether the policy that the settings name is there.
    pub(in crate::elasticsearch) async fn check_policy(
        &self,
        flavour: Flavour,
    ) -> Result<(), String> {
        let name = self.indices.ilm_policy.as_str();
        let path: &[&str] = match flavour.product {
            Product::OpenSearch => &["_plugins", "_ism", "policies", name],
            Product::Elasticsearch if flavour.major < 7 => {
                return Err(format!(
                    "{} is version {}, which has no index life cycle management: it is supported from Elasticsearch 7 on",
                    self.client.shown(),
                    flavour.major
                ));
            }
            Product::Elasticsearch => &["_ilm", "policy", name],
        };
        let answer = self
            .send(Request::get(path))
            .await
            .map_err(|error| error.to_string())?;
        if answer.status == 404 {
            return Err(format!(
                "{} has no policy \"{name}\" (ilm-policy-name): make it with PUT /{}, and run this again",
                self.client.shown(),
                path.join("/")
            ));
        }
        let found = answer.succeeded(self.client.shown());
        found
            .map(drop)
            .map_err(|error| format!("the policy \"{name}\" cannot be looked for: {error}"))
    }

    /// Those of the kinds, and those of indices that are Spoor's alone.
    fn templates(&self, sets: &[Set], sampling_priority: u32, flavour: Flavour) -> Vec<Template> {
        let mut templates = template::all(&self.indices, &self.names, flavour);
        let own = format!("{}spoor-", self.names.prefix());
        templates.retain(|template| {
            let [_, name] = &template.path;
            name.starts_with(&own) || sets.iter().any(|set| set.name == *name)
        });
        let sampling = self.names.sampling.base();
        for template in &mut templates {
            let [_, name] = &template.path;
            if sampling.strip_suffix('-') == Some(name)
                && let Some(priority) = template.body.get_mut("priority")
            {
                *priority = json!(sampling_priority);
            }
        }
        templates
    }

    async fn put_template(&self, template: &Template) -> Result<Vec<String>, String> {
        let [api, name] = template.path.each_ref().map(String::as_str);
        let failed = |error| format!("the template {name} cannot be put: {error}");
        if self.template_state(template).await.map_err(failed)? == State::Same {
            return Ok(Vec::new());
        }
        let put = Request::put(&[api, name]).json(&template.body);
        self.ask(put).await.map_err(failed)?;
        Ok(vec![format!("put the template {name}")])
    }

    async fn init_set(&self, set: &Set) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let mut indices = self.list().await.map_err(|error| error.to_string())?;
        let (write, read) = (set.write_alias(), set.read_alias());
        for alias in [&write, &read] {
            if indices.iter().any(|index| index.name == *alias) {
                return Err(is_an_index(set, alias));
            }
        }
        let newest = |indices: &[Index]| {
            indices
                .iter()
                .filter_map(|index| set.number(&index.name))
                .max()
        };
        if carriers(&indices, &write).is_empty() && newest(&indices).is_none() {
            let index = set.index(1);
            match self.create(&index, &write, &read).await {
                Ok(()) => {
                    lines.push(format!("made {index} with the aliases {write} and {read}"));
                    return Ok(lines);
                }
                Err(error) => {
                    // somebody else may have made it meanwhile, and perhaps without aliases
                    indices = self.list().await.map_err(|error| error.to_string())?;
                    if newest(&indices).is_none() {
                        return Err(format!("{index} cannot be made: {error}"));
                    }
                }
            }
        }
        let written = carriers(&indices, &write);
        let last = newest(&indices).map(|number| set.index(number));
        let target: Vec<&str> = match (&last, written.is_empty()) {
            (Some(last), true) => vec![last],
            _ => written.clone(),
        };
        let mut actions = Vec::new();
        if written.is_empty() {
            for index in &target {
                lines.push(format!("put the alias {write} before {index}"));
                actions.push(self.write_action(index, &write));
            }
        }
        let is_read = |index: &str| carriers(&indices, &read).contains(&index);
        if written.is_empty() || carriers(&indices, &read).is_empty() {
            for index in target.iter().filter(|index| !is_read(index)) {
                lines.push(format!("put the alias {read} before {index}"));
                actions.push(add(index, &read));
            }
        }
        self.update_aliases(actions).await?;
        Ok(lines)
    }

    /// An index together with its aliases, so that no writer meets one without the other.
    async fn create(&self, index: &str, write: &str, read: &str) -> Result<(), super::Error> {
        let mut aliases = Map::new();
        let for_writes = if self.indices.use_ilm {
            json!({"is_write_index": true})
        } else {
            json!({})
        };
        aliases.insert(write.to_owned(), for_writes);
        aliases.insert(read.to_owned(), json!({}));
        let put = Request::put(&[index]).json(&json!({"aliases": aliases}));
        self.ask(put).await.map(drop)
    }

    fn write_action(&self, index: &str, alias: &str) -> Value {
        if self.indices.use_ilm {
            return json!({"add": {"index": index, "alias": alias, "is_write_index": true}});
        }
        add(index, alias)
    }

    pub(super) async fn update_aliases(&self, actions: Vec<Value>) -> Result<(), String> {
        if actions.is_empty() {
            return Ok(());
        }
        let update = Request::post(&["_aliases"]).json(&json!({"actions": actions}));
        let done = self.ask(update).await;
        done.map(drop)
            .map_err(|error| format!("aliases cannot be changed: {error}"))
    }

    async fn rollover_set(
        &self,
        set: &Set,
        conditions: &Conditions,
    ) -> Result<(Vec<String>, bool), String> {
        let (write, read) = (set.write_alias(), set.read_alias());
        let mut request = Request::post(&[&write, "_rollover"]).once();
        if !conditions.is_empty() {
            request = request.json(&json!({"conditions": conditions.0}));
        }
        let answer = match self.ask(request).await {
            // what was to be done is done
            Err(error) if is_by_another(&error.to_string()) => Value::Null,
            answer => answer.map_err(|error| {
                format!(
                    "{write} cannot be rolled over: {error}; if it is missing, run es-rollover init"
                )
            })?,
        };
        let text = |name: &str| {
            answer
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or("an index")
        };
        let rolled = answer.get("rolled_over").and_then(Value::as_bool) == Some(true);
        let mut lines = vec![if answer.is_null() {
            format!("{write} is rolled over by another at this moment")
        } else if rolled {
            format!(
                "{write} went over from {} to {}",
                text("old_index"),
                text("new_index")
            )
        } else {
            format!(
                "{write} stays with {}: no condition is met",
                text("old_index")
            )
        }];
        let indices = self.list().await.map_err(|error| error.to_string())?;
        let readable = carriers(&indices, &read);
        let mut actions = Vec::new();
        for index in carriers(&indices, &write) {
            if !readable.contains(&index) {
                lines.push(format!("put the alias {read} before {index}"));
                actions.push(add(index, &read));
            }
        }
        self.update_aliases(actions).await?;
        Ok((lines, rolled))
    }
}

/// The indices that an alias leads to.
pub(super) fn carriers<'a>(indices: &'a [Index], alias: &str) -> Vec<&'a str> {
    let carries = indices.iter().filter(|index| index.aliases.contains(alias));
    carries.map(|index| index.name.as_str()).collect()
}

fn add(index: &str, alias: &str) -> Value {
    json!({"add": {"index": index, "alias": alias}})
}

pub(super) fn is_an_index(set: &Set, alias: &str) -> String {
    format!(
        "{alias} is an index and has to be an alias: something was written there before there was one. Stop what writes, copy what is needed to {} (_reindex), delete it (DELETE /{alias}), and run this again",
        set.index(1)
    )
}

/// Whether a rollover failed because another process did it at the same moment.
fn is_by_another(error: &str) -> bool {
    [
        "Concurrent modification of alias",
        "resource_already_exists_exception",
    ]
    .iter()
    .any(|said| error.contains(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<Value, &str>) {
        match (text.parse::<Conditions>(), expect) {
            (Ok(conditions), Ok(expect)) => assert_eq!(Value::Object(conditions.0), expect),
            (Err(said), Err(part)) => {
                assert!(said.contains(part) && said.contains("max_age"), "{said}");
            }
            (parsed, expect) => panic!("{text}: {parsed:?}, {expect:?}"),
        }
    }

    #[test]
    fn conditions_are_an_object_of_json() {
        check(r#"{"max_age": "2d"}"#, Ok(json!({"max_age": "2d"})));
        check(
            r#"{"max_docs":1,"max_size":"5gb"}"#,
            Ok(json!({"max_docs": 1, "max_size": "5gb"})),
        );
        for nothing in ["", " ", "{}"] {
            check(nothing, Ok(json!({})));
        }
        // what Python read before Jaeger 1.23
        check("{'max_age': '2d'}", Err("is no JSON"));
        check(r#"{"max_age": "2d""#, Err("is no JSON"));
        check(r#"["max_age"]"#, Err("is no object"));
        check("2d", Err("is no JSON"));
        check(
            r#"{"max_age": {"days": 2}}"#,
            Err("\"max_age\" that is neither"),
        );
    }
}
