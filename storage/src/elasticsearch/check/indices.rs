//! Whether templates, aliases and a policy are there, where they have to be.
//!
//! In: a place whose cluster answers. Out: findings.

use serde_json::Value;

use super::super::housekeeping::{Housekeeper, Sets, State};
use super::super::template;
use super::{Look, Verdict};
use crate::http_client::{Flavour, Product, Request};

/// Differences of a template in a line.
const SHOWN: usize = 3;

pub(super) async fn check(look: &mut Look<'_>, housekeeper: &Housekeeper, flavour: Flavour) {
    templates(look, housekeeper, flavour).await;
    if look.place.indices.use_ilm {
        match housekeeper.check_policy(flavour).await {
            Ok(()) => look.good(
                "policy",
                format!("the policy \"{}\" is there", look.place.indices.ilm_policy),
            ),
            Err(problem) => look.problem("policy", problem),
        }
    }
    aliases(look, housekeeper).await;
}

async fn templates(look: &mut Look<'_>, housekeeper: &Housekeeper, flavour: Flavour) {
    let is_put = look.place.indices.create_templates;
    let setting = look.setting("create-index-templates");
    let mut same = 0;
    for template in template::all(&look.place.indices, housekeeper.names(), flavour) {
        let [_, name] = &template.path;
        let is_own = name.contains("spoor-");
        let state = match housekeeper.template_state(&template).await {
            Ok(state) => state,
            Err(error) => {
                return look.problem(
                    "templates",
                    format!("the template {name} cannot be read: {error}"),
                );
            }
        };
        match (state, is_put) {
            (State::Same, _) => same += 1,
            (State::Missing, true) => {
                look.find(
                    "templates",
                    Verdict::Note,
                    format!("{name} is not there, and is put before the first document"),
                );
            }
            (State::Missing, false) if is_own => {
                look.find(
                    "templates",
                    Verdict::Note,
                    format!("{name} is not there ({setting}=false): es-rollover init puts it"),
                );
            }
            (State::Missing, false) if name.ends_with("jaeger-sampling") => {
                look.find(
                    "templates",
                    Verdict::Note,
                    format!("{name} is not there ({setting}=false): adaptive sampling alone needs it, and es-rollover init --adaptive-sampling puts it"),
                );
            }
            (State::Missing, false) => {
                look.problem("templates", format!("{name} is not there, and {setting} is false: put it with spoor es-rollover init, or what spoor es-mapping prints"));
            }
            (State::Differs { wrong, more }, is_put) => {
                let difference = difference(&wrong, &more);
                let then = if is_put {
                    "ours is put before the first document".to_owned()
                } else {
                    format!("it stays, for {setting} is false")
                };
                let verdict = if is_put || wrong.is_empty() {
                    Verdict::Note
                } else {
                    Verdict::Warning
                };
                look.find(
                    "templates",
                    verdict,
                    format!("{name} is another than ours: {difference}; {then}"),
                );
            }
        }
    }
    if same > 0 {
        look.good("templates", format!("{same} are as they should be"));
    }
    overridden(look, housekeeper, flavour).await;
}

fn difference(wrong: &[(String, String, Option<String>)], more: &[String]) -> String {
    let mut said: Vec<String> = wrong
        .iter()
        .map(|(path, ours, theirs)| match theirs {
            Some(theirs) => format!("{path} is {theirs} and not {ours}"),
            None => format!("{path} is missing and not {ours}"),
        })
        .chain(more.iter().map(|path| format!("{path} is there, too")))
        .collect();
    let rest = said.len().saturating_sub(SHOWN);
    said.truncate(SHOWN);
    if rest > 0 {
        said.push(format!("and {rest} more"));
    }
    said.join(", ")
}

/// Whether a template of somebody else's makes ours mean nothing: a newer kind goes before all older ones, and a higher priority before a lower.
async fn overridden(look: &mut Look<'_>, housekeeper: &Housekeeper, flavour: Flavour) {
    let series = housekeeper.names().spans.base();
    let index = format!("{series}2026-01-31");
    let request = Request::post(&["_index_template", "_simulate_index", &index]);
    let Ok(answer) = housekeeper.send(request).await else {
        return;
    };
    // older servers do not know the question
    if !answer.is_success() {
        return;
    }
    let answer = answer.json();
    let effective = answer.pointer("/template/mappings/properties");
    let Some(effective) = effective
        .and_then(Value::as_object)
        .filter(|members| !members.is_empty())
    else {
        return;
    };
    let is_newer = flavour.product == Product::Elasticsearch && flavour.major >= 8;
    let kind = |name: &str| {
        effective
            .get(name)
            .and_then(|member| member.get("type")?.as_str())
    };
    let is_ours = kind("logs") == Some("nested") && kind("startTimeMillis") == Some("date");
    if is_newer && is_ours {
        return;
    }
    let prefix = look.setting("prioirity-span-template");
    let mend = if is_newer {
        format!("give ours a higher priority with {prefix}, or narrow the pattern of the other")
    } else {
        "narrow its pattern, or put ours as a composable one of a higher priority and set create-index-templates=false".to_owned()
    };
    let verdict = if is_ours {
        Verdict::Note
    } else {
        Verdict::Problem
    };
    look.find("templates", verdict, format!("an index such as {index} is made by a composable template of somebody else's, which goes before ours: {mend}"));
}

async fn aliases(look: &mut Look<'_>, housekeeper: &Housekeeper) {
    let (indices, upkeep) = (&look.place.indices, &look.place.upkeep);
    let sets = Sets {
        archive: indices.is_archive,
        dependencies: true,
        sampling: false,
    };
    let states = match housekeeper.alias_states(sets).await {
        Ok(states) => states,
        Err(error) if indices.use_aliases => return look.problem("aliases", error),
        // nobody has to see them
        Err(_) => return,
    };
    if !indices.use_aliases {
        let setting = look.setting("use-aliases");
        for state in states.iter().filter(|state| !state.written.is_empty()) {
            look.find("aliases", Verdict::Warning, format!("{} leads to {}, and {setting} is false: what is written goes to indices of days", state.write, state.written.join(", ")));
        }
        return;
    }
    let (is_made, archive) = (
        !upkeep.rollover_interval.is_zero(),
        if indices.is_archive { " --archive" } else { "" },
    );
    let made = if is_made {
        format!(
            "it is made by the first turn of {}",
            look.setting("rollover.interval")
        )
    } else {
        format!("make it with spoor es-rollover init{archive}")
    };
    for state in states {
        let (write, read) = (&state.write, &state.read);
        if let Some(alias) = &state.is_index {
            look.problem("aliases", alias.clone());
            continue;
        }
        let missing = if is_made {
            Verdict::Note
        } else {
            Verdict::Problem
        };
        match state.written.as_slice() {
            [] => look.find("aliases", missing, format!("the alias {write} is not there, and nothing can be written: {made}")),
            [_] => {}
            _ if state.has_write_index => {}
            several => look.problem("aliases", format!("{write} leads to {} and says of none that it is written to: take it off all but the last", several.join(", "))),
        }
        let unread: Vec<&String> = state
            .written
            .iter()
            .filter(|index| !state.readable.contains(index))
            .collect();
        if state.readable.is_empty() {
            look.find(
                "aliases",
                missing,
                format!("the alias {read} is not there, and nothing is found: {made}"),
            );
        } else if let Some(index) = unread.first() {
            look.problem("aliases", format!("{index} is written to and not read: put the alias {read} before it, as es-rollover rollover does"));
        } else if !state.written.is_empty() {
            look.good(
                "aliases",
                format!(
                    "{write} leads to {}, and {read} to {}",
                    state.written.join(", "),
                    count(state.readable.len())
                ),
            );
        }
    }
}

fn count(indices: usize) -> String {
    match indices {
        1 => "1 index".to_owned(),
        many => format!("{many} indices"),
    }
}
