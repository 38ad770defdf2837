//! Help for a role.
//!
//! In: the role. Out: the commands and the flags that do something in it, grouped, each with its default. Flags that are only accepted are in `docs/settings.md`.

use std::fmt::Write as _;

use settings::flag::{Effect, Flag};
use settings::flags;

use crate::cli::Role;

const COMMANDS: &str = "\
Commands (without one, all-in-one starts; a link named jaeger-collector, jaeger-query and so on chooses too):
  all-in-one     receive spans, keep them and answer queries, in one process
  collector      receive spans
  query          answer queries
  agent          take datagrams on this machine and forward them to a collector
  ingester       take spans from Kafka to a store
  remote-storage serve a store to other processes over gRPC
  print-config   print every setting in effect with where it came from; --format json
  validate       check flags, variables and file, tell every problem, start nothing
  check          the same, and ask stores that are elsewhere: certificates, rights, topics, room, lag; --output json
  env            list the environment variables
  store          look at the embedded store's folder, verify, export, import: spoor store --help
  certs          make certificates, verify and show them, renew them and their authority: spoor certs --help
  dead-letter    show spans that could not be stored, send them again: spoor dead-letter --help
  es-index-cleaner, es-rollover, es-mapping
                 keep indices of Elasticsearch and OpenSearch in order: spoor es-rollover --help
  migrate-config make a file of settings of what Jaeger was told: flags, a resource, Jaeger 2's YAML: spoor migrate-config --help
  status         ask a running Spoor for its health; fails unless it is well
  version        print the version as Jaeger does; --version is for people
  help           print this for a role: spoor help query
";

const TLS: &str = "TLS from PEM files, read again when they change; with client-ca clients must show a certificate; also cipher-suites, min-version, max-version, reload-interval";

const CLIENT_TLS: &str = "TLS to a server, with PEM files that are read again when they change; with cert and key we show a certificate; also skip-host-verify";

/// The text.
#[must_use]
pub fn text(role: Role) -> String {
    let mut out = format!(
        "Spoor keeps distributed traces: Jaeger's clients and OpenTelemetry send them in, Jaeger's API hands them out.\n\nUsage: spoor [command] [--flag=value …]\n\n{COMMANDS}"
    );
    let _infallible = write!(
        out,
        "\nFlags of {role}. Each is also an environment variable (--log-level is LOG_LEVEL) and a key in --config-file.\n"
    );
    for (title, tables) in flags::SECTIONS {
        let rows: Vec<&Flag> = tables
            .iter()
            .flat_map(|rows| rows.iter())
            .filter(|flag| flag.effect == Effect::Acts && flag.is_for(role.readers()))
            .collect();
        if !rows.is_empty() {
            let _infallible = write!(out, "\n{title}:\n");
        }
        for flag in rows {
            match flag.name.split_once(".tls.") {
                None => entry(flag, &mut out),
                // A block has many flags, alike for every listener and for every server that is called: one entry says them all.
                Some((prefix, "enabled")) => {
                    let is_listener = flags::find(&format!("{prefix}.tls.client-ca")).is_some();
                    let (parts, help) = if is_listener {
                        (".cert, .key, .client-ca …", TLS)
                    } else {
                        (".ca, .cert, .key, .server-name …", CLIENT_TLS)
                    };
                    let _infallible =
                        write!(out, "  --{prefix}.tls.enabled, {parts}\n{}", wrapped(help));
                }
                Some(_) => {}
            }
        }
    }
    out.push_str("\nEvery other flag of Jaeger 1.20 to 1.76 is known too and says what became of it; docs/settings.md lists them all.\n");
    out
}

/// What is said of a flag.
pub(super) fn entry(flag: &Flag, out: &mut String) {
    let _infallible = write!(
        out,
        "  --{} {}{}\n{}",
        flag.name,
        flag.kind.word(),
        default(flag.default),
        wrapped(flag.help)
    );
}

/// A default behind what it is of.
pub(super) fn default(value: &str) -> String {
    match value {
        "" => String::new(),
        value => format!(" (default {value})"),
    }
}

/// Lines of at most 100 characters, indented.
pub(super) fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + word.chars().count() > 93 {
            let _infallible = writeln!(out, "      {line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _infallible = writeln!(out, "      {line}");
    out
}
