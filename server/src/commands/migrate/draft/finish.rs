//! What is looked at when all keys of an instance have been read.
//!
//! In: the lines. Out: the same without those that a start refuses in their company, and what a person has to decide about the whole.

use settings::flag::Effect;
use settings::{Value, flags};

use super::Draft;
use super::special::STORE;

/// What everything depends on that reaches further than this machine.
const LISTENERS: &str = "listeners: what other machines reach speaks TLS here, with a certificate that Spoor makes unless it is given one, where Jaeger spoke plaintext; a listener without a host-port is reached from this machine alone. Write listen.host: \"::\" for every address, and plaintext.listeners for those that may go on in plaintext (all: as in Jaeger)";

impl Draft {
    /// Looks at the whole.
    pub(in crate::commands::migrate) fn finish(&mut self) {
        self.tls_blocks();
        self.life_cycle();
        self.store_of_old();
        self.verified();
        self.decide(LISTENERS);
    }

    /// A part of a block without its switch is an error.
    fn tls_blocks(&mut self) {
        let switches = flags::all().filter(|flag| flag.effect == Effect::Acts);
        for switch in switches.filter(|flag| flag.name.ends_with(".tls.enabled")) {
            let Some(prefix) = switch.name.strip_suffix("enabled") else {
                continue;
            };
            let said = self.lines.get(switch.name).map(|line| &line.setting.value);
            let shares = prefix == "es-archive.tls."
                && said.is_none()
                && !self.lines.contains_key("es-archive.server-urls")
                && self.said("es.tls.enabled").as_deref() == Some("true");
            let is_on = match said {
                Some(value) => *value == Value::Bool(true),
                // an agent speaks TLS unless that is switched off
                None => prefix == "reporter.grpc.tls." || shares,
            };
            if is_on {
                continue;
            }
            let parts = self.lines.iter().filter(|(name, line)| {
                name.starts_with(prefix) && **name != switch.name && !line.setting.value.is_empty()
            });
            let parts: Vec<&'static str> = parts.map(|(name, _)| *name).collect();
            for part in &parts {
                let why = format!(
                    "{} is not true, and a part of the block without it is an error, as in Jaeger",
                    switch.name
                );
                self.retire(part, &why);
            }
            if !parts.is_empty() {
                self.decide(format!(
                    "{} is not true, so {} left out: say whether it is TLS",
                    switch.name,
                    several(&parts)
                ));
            }
        }
    }

    /// What a policy of the cluster needs beside it.
    fn life_cycle(&mut self) {
        for prefix in ["es", "es-archive"] {
            let ilm = format!("{prefix}.use-ilm");
            let is = |draft: &Self, part: &str| {
                draft.said(&format!("{prefix}.{part}")).as_deref() == Some("true")
            };
            if !is(self, "use-ilm") {
                continue;
            }
            if !is(self, "use-aliases") {
                self.retire(&ilm, &format!("{prefix}.use-aliases is not true, and without aliases nothing is rolled over: an error, as in Jaeger"));
            } else if !self
                .lines
                .contains_key(format!("{prefix}.create-index-templates").as_str())
            {
                let templates = format!("{prefix}.create-index-templates");
                self.derive(&templates, "false", &format!("{ilm}, which needs it"));
                self.decide(format!("{ilm} needs {templates}=false: the templates are put by spoor es-rollover init --es.use-ilm"));
            }
        }
    }

    /// What Jaeger took when nobody named a store.
    fn store_of_old(&mut self) {
        if self.names_store {
            return;
        }
        if self.lines.contains_key("memory.max-traces") {
            self.derive(
                STORE,
                "memory",
                "memory.max-traces, which only this store has",
            );
            return;
        }
        let is_cluster = |name: &&'static str| name.starts_with("es.");
        if self.lines.keys().any(is_cluster) {
            self.decide(format!("no store is named, though es.* is set: write {STORE}: elasticsearch if spans are to go there"));
        }
        self.decide(format!("no store is named: Jaeger's all-in-one then kept traces in memory, its collector and query took Cassandra; Spoor keeps them in files below embedded.directory, unless {STORE} says otherwise"));
    }

    /// A URL of https is always verified here.
    fn verified(&mut self) {
        for prefix in ["es", "es-archive"] {
            let calls = self
                .said(&format!("{prefix}.server-urls"))
                .unwrap_or_default();
            let on = self.said(&format!("{prefix}.tls.enabled"));
            if calls.contains("https://") && on.as_deref() != Some("true") {
                self.decide(format!("{prefix}.server-urls has https without {prefix}.tls.enabled: Jaeger then verified nothing, Spoor verifies against the system's authorities. Write {prefix}.tls.enabled with {prefix}.tls.ca"));
            }
        }
    }
}

fn several(names: &[&str]) -> String {
    match names {
        [one] => format!("{one} is"),
        names => format!("{} are", names.join(", ")),
    }
}
