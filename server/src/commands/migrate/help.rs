//! Help for `migrate-config`.
//!
//! Text only.

/// The text.
pub(super) const TEXT: &str = "\
Make a file of settings of what Jaeger was told: flags, variables and files of Jaeger 1, a Jaeger resource of
its operator, or a configuration of Jaeger 2.

Usage: spoor migrate-config [options] FILE…
       spoor migrate-config [options] -- --es.server-urls=… …

A FILE that is - is standard input. The file is printed on standard output; on standard error stands of every
key what became of it: kept, mapped, without effect or unknown, and what somebody has to decide. Secrets are
never printed: a reference takes their place. Several resources become instances of one file.

Options:
  --from auto|flags|cr|v2 (default auto)
      what the inputs are. flags: a command line, lines NAME=value, or a file that --config-file named;
      cr: resources of kind Jaeger; v2: a configuration of Jaeger 2
  --namespace text, --name text
      whose the settings are, where an input does not say it
  --strict
      fail for settings without effect too

Exit codes: 0 every key is understood; 1 the command line is wrong; 2 a key is unknown, or an input cannot be
read.
";
