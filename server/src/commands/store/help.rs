//! Help for the commands on the store's folder.
//!
//! In: the table of settings. Out: the commands, their options, and the flags that they read.

use settings::flags;

use crate::commands::help::entry;

const COMMANDS: &str = "\
Look at the folder of the embedded store, check it, write its traces out or take traces in.

Usage: spoor store <command> [options] [--flag=value …]

Commands:
  inspect        print what is in the folder: files, spans, times, bytes; --json for machines
  verify         read every byte of it and name each damage with file and offset; --json
  export         write traces out, whole traces each
  import         take traces in, durable when it ends: spoor store import --format=otlp FILE…

inspect, verify and export change nothing, and may run beside a Spoor that holds the folder. import needs the folder for itself.

Options of export and import:
  --format otlp|jaeger
      otlp: OTLP JSON, a message a line, as the OpenTelemetry Collector's file exporter writes it, without loss.
      jaeger: the JSON of Jaeger's API and UI, as ?raw=true gives it; times in microseconds.
  --instance namespace/name
      whose spans; export: needed when the folder holds several; import: default/jaeger

Options of export:
  --service name
      only traces with a span of this service
  --start time, --end time
      only traces with a span that starts at or after the one and before the other: 2026-11-25T08:00:00Z, or a day, 2026-11-25
  --output FILE
      where to; -, or nothing: standard output

A FILE of import that is - is standard input.
Exit codes: 0 all was well; 1 damage was found, a line was bad, or the command failed.
";

const FLAGS: [&str; 6] = [
    "embedded.directory",
    "embedded.max-age",
    "embedded.max-bytes",
    "embedded.min-free-bytes",
    "memory.max-bytes",
    "config-file",
];

/// The text.
pub(super) fn text() -> String {
    let mut out = COMMANDS.to_owned();
    out.push_str("\nFlags (all but the first and the last for import alone):\n");
    for flag in FLAGS.iter().filter_map(|name| flags::find(name)) {
        entry(flag, &mut out);
    }
    out
}
