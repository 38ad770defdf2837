//! Help about environment variables.
//!
//! In: the table of settings. Out: the variables that set something, with the flag each stands for. Variables that are read and change nothing are in
//! `docs/settings.md`.

use std::fmt::Write as _;

use settings::flag::Effect;
use settings::flags;

/// The text.
#[must_use]
pub fn text() -> String {
    let mut out = String::from(
        "Every setting can be an environment variable: its name in capitals, with _ for . and -.\n\
         A flag wins over a variable, a variable over the file. An empty variable counts as not set, an unknown one is ignored.\n\n",
    );
    let rows: Vec<(&str, String)> = flags::all()
        .filter(|flag| flag.effect == Effect::Acts)
        .flat_map(|flag| {
            flag.variables()
                .into_iter()
                .map(move |variable| (flag.name, variable))
        })
        .collect();
    let width = rows
        .iter()
        .map(|(name, _)| name.len() + 2)
        .max()
        .unwrap_or_default();
    let _infallible = writeln!(
        out,
        "{:width$}  environment variable",
        "command line option"
    );
    let _infallible = writeln!(out, "{}", "-".repeat(width + 24));
    for (name, variable) in rows {
        let _infallible = writeln!(out, "{:width$}  {variable}", format!("--{name}"));
    }
    out.push_str(
        "\nSPAN_STORAGE_TYPE chooses where spans are kept: embedded (the default), memory, or elasticsearch (opensearch is the same); a comma-separated list writes to all of them and reads from the first.\n",
    );
    out
}
