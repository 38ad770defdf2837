//! Checking a configuration without starting anything.
//!
//! In: what parsing found. Out: warnings and problems, one a line, and whether Spoor would start. The files of TLS blocks are
//! loaded by the very code that a start loads them with. It does not look whether ports are free.

use std::io::{self, Write};

use settings::{Problem, Warning};

use crate::config::Config;

/// Prints what there is to say; true means that Spoor would start.
///
/// # Errors
/// When it can not be written.
pub fn run(
    config: Option<&Config>,
    warnings: &[Warning],
    problems: &[Problem],
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<bool> {
    for warning in warnings {
        writeln!(err, "warning: {warning}")?;
    }
    for problem in problems {
        writeln!(err, "problem: {problem}")?;
    }
    let files = config.map(unusable).unwrap_or_default();
    for problem in &files {
        writeln!(err, "problem: {problem}")?;
    }
    let count = problems.len() + files.len();
    if count == 0 {
        writeln!(out, "the configuration is good")?;
    } else {
        writeln!(
            err,
            "{count} problem{}: Spoor would not start",
            if count == 1 { "" } else { "s" }
        )?;
    }
    Ok(count == 0)
}

/// Files of listeners that cannot be used.
pub(super) fn unusable(config: &Config) -> Vec<listen::tls::Error> {
    config
        .listeners
        .iter()
        .filter_map(|listener| listener.tls.as_ref())
        // made at the start
        .filter(|tls| !tls.own)
        .filter_map(|tls| listen::tls::check(tls).err())
        .collect()
}
