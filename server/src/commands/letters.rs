//! The commands on dead letters.
//!
//! In: a parsed [`Letters`]. Out: what is there, or what became of it, and whether all was well. Listing changes nothing, and may go on beside a running Spoor.

mod list;
mod replay;

use std::io::{self, Write};
use std::sync::Arc;

use model::Instance;
use storage::disk::RealDisk;
use storage::elasticsearch::Elasticsearch;
use storage::embedded::inspect;
use storage::{Backend as _, DeadLetterReader, LetterQuery};

use crate::cli::Letters;
use crate::cli::letters::Wanted;
use crate::config::{self, Backend};
use crate::logs;

const HELP: &str = "\
Show spans that could not be stored and were kept as dead letters, or send them again.

Usage: spoor dead-letter list|replay [options] [--flag=value …]

Commands:
  list           print a line for each: when, whose, where from, trace, span, service, why; --json for machines
  replay         store them as the settings are now, such as with a larger span.max-bytes, and forget those
                 that were stored; --dry-run

Settings are those of the role that writes, by flag, variable or file: span-storage.type, es.*, span.max-age,
span.max-future, span.max-bytes, span.max-attributes …
What can still not be stored stays. The embedded store's replay needs the folder for itself; what is forgotten
there is not shown again, and gives its room back by embedded.max-age.

Options:
  --instance namespace/name
      whose letters; without it everybody's
  --since time
      buried since then: 24h for so long ago, 2026-11-25T08:00:00Z, or a day, 2026-11-25
  --reason text
      with these words in the reason, in whatever case

Exit codes: 0 all was well; 1 some stayed that could still not be stored, or the command failed.
";

/// Carries `letters` out; true means that all was well.
///
/// # Errors
/// When `out` or `err` can not be written.
pub fn run(letters: &Letters, out: &mut impl Write, err: &mut impl Write) -> io::Result<bool> {
    if let Letters::Help = letters {
        return out.write_all(HELP.as_bytes()).map(|()| true);
    }
    // what a store has to say is said in lines for a person
    let encoding = "console".parse().unwrap_or(logs::Encoding::Json);
    logs::start(logs::Level::Error, encoding);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let done = match letters {
        Letters::Help => return Ok(true),
        Letters::List {
            config,
            wanted,
            json,
        } => runtime.block_on(list::run(config, wanted, *json, out)),
        Letters::Replay {
            config,
            wanted,
            dry_run,
        } => runtime.block_on(replay::run(config, wanted, *dry_run, out)),
    };
    match done {
        Ok(is_well) => Ok(is_well),
        Err(Failed::Told(io)) => Err(io),
        Err(Failed::Store(problem)) => writeln!(err, "spoor: {problem}").map(|()| false),
    }
}

/// Why a command ends early.
#[derive(Debug, thiserror::Error)]
enum Failed {
    /// Nobody can be told.
    #[error(transparent)]
    Told(#[from] io::Error),
    /// A store does not do what it was asked.
    #[error("{0}")]
    Store(String),
}

/// Reads the letters of the first store that keeps any, and is that one's.
fn reader(config: &config::Letters) -> Result<Arc<dyn DeadLetterReader>, Failed> {
    for backend in &config.storage.backends {
        match backend {
            Backend::Elasticsearch => {
                let opened = Elasticsearch::new(config.storage.elasticsearch.clone());
                let opened = opened.map_err(Failed::Store)?;
                if let Some(reader) = opened.dead_letter_reader() {
                    return Ok(reader);
                }
            }
            Backend::Embedded => {
                let directory = &config.storage.embedded.directory;
                return Ok(Arc::new(inspect::Letters::new(
                    directory,
                    Arc::new(RealDisk),
                )));
            }
            // letters in a topic are for whoever reads it: see docs/kafka.md; those of a store elsewhere are kept there
            Backend::Memory | Backend::Collector | Backend::Kafka | Backend::Grpc => {}
        }
    }
    let none =
        "no store that span-storage.type names keeps dead letters: embedded and elasticsearch do";
    Err(Failed::Store(none.to_owned()))
}

/// A question for each instance whose letters are wanted.
fn queries(config: &config::Letters, wanted: &Wanted) -> Vec<LetterQuery> {
    let is_wanted = |instance: &&Instance| {
        wanted
            .instance
            .as_ref()
            .is_none_or(|only| only == *instance)
    };
    let query = |instance: &Instance| LetterQuery {
        instance: instance.clone(),
        since_ns: wanted.since_ns,
        reason: wanted.reason.clone(),
    };
    config
        .instances
        .iter()
        .filter(is_wanted)
        .map(query)
        .collect()
}
