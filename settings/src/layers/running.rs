//! What a process that runs takes up of its file, and what only a restart does.
//!
//! In: the settings as they are written now, and as they were when the process started. Out: those that may change while it runs as they are now, all others as they
//! were, and the names of those that differ.

use super::Settings;
use crate::flag::Effect;

/// What may change beside the list `instances`: whose a request is, who may send and ask, and what is read with it.
const TAKEN_UP: [&str; 8] = [
    "access.grants",
    "instance.by-certificate",
    "instance.by-listener",
    "multi-tenancy.enabled",
    "multi-tenancy.header",
    "multi-tenancy.listeners",
    "multi-tenancy.tenants",
    "query.union",
];

/// Puts back what a restart alone takes up; what that was, as it was written.
pub(super) fn keep(settings: &mut Settings, running: &Settings) -> Vec<String> {
    let mut waiting = Vec::new();
    for before in running.iter() {
        let name = before.flag.name;
        if TAKEN_UP.contains(&name) {
            continue;
        }
        let is_same = settings
            .get(name)
            .is_some_and(|now| now.value == before.value);
        if !is_same && before.flag.effect == Effect::Acts {
            waiting.push(settings.at(name));
        }
        settings.put(before.clone());
    }
    waiting
}

#[cfg(test)]
mod tests;
