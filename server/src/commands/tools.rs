//! The tools that keep indices in order.
//!
//! In: a parsed [`Tool`]. Out: what was done, a line each, and whether all of it was. What they do is in `storage::elasticsearch::housekeeping`.

mod help;

use std::io::{self, Write};
use std::time::Duration;

use settings::Warning;
use storage::elasticsearch::config::Place;
use storage::elasticsearch::housekeeping::{self, Clean, Cleaned, Done, Housekeeper};

use crate::cli::Tool;
use crate::cli::tools::Task;
use crate::logs;

/// Carries `tool` out; true means that all was done.
///
/// # Errors
/// When `out` or `err` can not be written.
pub fn run(tool: &Tool, out: &mut impl Write, err: &mut impl Write) -> io::Result<bool> {
    let done = match tool {
        Tool::Help(word) => {
            out.write_all(help::text(*word).as_bytes())?;
            Ok(true)
        }
        Tool::Mapping {
            kind,
            indices,
            version,
        } => match housekeeping::mapping(kind, indices, *version) {
            Ok(body) => {
                writeln!(out, "{body:#}")?;
                Ok(true)
            }
            Err(problem) => Err(problem),
        },
        Tool::Ask {
            place,
            patience,
            warnings,
            task,
        } => {
            say_warnings(warnings, err)?;
            match ask(place, *patience, task) {
                Ok(told) => told.say(out, err).map(Ok)?,
                Err(problem) => Err(problem),
            }
        }
    };
    done.or_else(|problem| writeln!(err, "spoor: {problem}").map(|()| false))
}

/// What there is to say.
#[derive(Default)]
struct Told {
    lines: Vec<String>,
    failed: Vec<String>,
    /// Said when there is nothing else to say.
    nothing: &'static str,
}

// === impl Told ===

impl Told {
    fn say(&self, out: &mut impl Write, err: &mut impl Write) -> io::Result<bool> {
        for line in &self.lines {
            writeln!(out, "{line}")?;
        }
        for failed in &self.failed {
            writeln!(err, "spoor: {failed}")?;
        }
        if self.lines.is_empty() && self.failed.is_empty() {
            writeln!(out, "{}", self.nothing)?;
        }
        Ok(self.failed.is_empty())
    }

    fn of(done: Done) -> Self {
        Self {
            lines: done.lines,
            failed: done.failed,
            nothing: "everything is as it should be: nothing to do",
        }
    }

    fn of_cleaned(cleaned: Cleaned, clean: &Clean) -> Self {
        let word = if clean.dry_run {
            "would delete"
        } else {
            "deleted"
        };
        let line = |name: String| format!("{word} {name}");
        Self {
            lines: cleaned.deleted.into_iter().map(line).collect(),
            failed: cleaned.failed.into_iter().collect(),
            nothing: "no index is as old: nothing to delete",
        }
    }
}

fn ask(place: &Place, patience: Duration, task: &Task) -> Result<Told, String> {
    // what the client has to say is said in lines for a person
    let encoding = "console".parse().unwrap_or(logs::Encoding::Json);
    logs::start(logs::Level::Warn, encoding);
    let housekeeper = Housekeeper::open(place.clone(), patience)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        match task {
            Task::Clean(clean) => {
                let cleaned = housekeeper.clean(clean).await?;
                Ok(Told::of_cleaned(cleaned, clean))
            }
            Task::Init(init) => housekeeper.init(init).await.map(Told::of),
            Task::Rollover { sets, conditions } => {
                Ok(Told::of(housekeeper.rollover(*sets, conditions).await))
            }
            Task::Lookback { sets, unit, count } => {
                Ok(Told::of(housekeeper.lookback(*sets, *unit, *count).await))
            }
        }
    })
}

fn say_warnings(warnings: &[Warning], err: &mut impl Write) -> io::Result<()> {
    for warning in warnings {
        writeln!(err, "warning: {warning}")?;
    }
    Ok(())
}
