//! The commands on the folder of the embedded store: `spoor store inspect`, `verify`, `export`, `import`.
//!
//! In: words and options. Out: a [`Store`], with everything parsed. It opens no file.

use std::path::PathBuf;

use model::Instance;
use settings::args::Arguments;
use settings::{ByteSize, Environment, Problem, layers};
use storage::embedded::inspect::Selection;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Error, Role};
use crate::config;

/// What to do with the folder of a store.
#[derive(Debug, Clone, PartialEq)]
pub enum Store {
    /// Print what these commands take.
    Help,
    /// Say what is in it.
    Inspect {
        /// The folder.
        directory: PathBuf,
        /// For machines.
        json: bool,
    },
    /// Read all of it, and say what is damaged.
    Verify {
        /// The folder.
        directory: PathBuf,
        /// For machines.
        json: bool,
    },
    /// Write its traces out.
    Export(Export),
    /// Take traces in.
    Import(Box<Import>),
}

/// A form of traces in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dump {
    /// OTLP JSON, a message a line.
    Otlp,
    /// The JSON of Jaeger's API and UI.
    Jaeger,
}

/// What to write out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Export {
    /// The folder.
    pub directory: PathBuf,
    /// As what.
    pub format: Dump,
    /// Whose; `None`: that of the only one there is.
    pub instance: Option<Instance>,
    /// Which traces.
    pub selection: Selection,
    /// Where to; `None`: standard output.
    pub output: Option<PathBuf>,
}

/// What to take in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The store.
    pub embedded: config::Embedded,
    /// The memory that there is.
    pub memory_max_bytes: ByteSize,
    /// As what.
    pub format: Dump,
    /// Whose spans they become.
    pub instance: Instance,
    /// Files; `-`: standard input.
    pub files: Vec<String>,
}

const COMMANDS: [&str; 4] = ["inspect", "verify", "export", "import"];

/// The commands that take an option.
fn takers(option: &str) -> &'static [&'static str] {
    match option {
        "json" => &["inspect", "verify"],
        "format" | "instance" => &["export", "import"],
        "service" | "start" | "end" | "output" => &["export"],
        _ => &[],
    }
}

/// The words behind `store`, when that is the command; `help` is one of them.
pub(super) fn words(words: &[String]) -> Option<Vec<String>> {
    let at = words.iter().position(|word| word == "store")?;
    let (before, rest) = words.split_at_checked(at)?;
    let is_first = before
        .iter()
        .all(|word| word == "help" || Role::WORDS.contains(&word.as_str()));
    let helps = before.iter().filter(|word| *word == "help").cloned();
    is_first.then(|| helps.chain(rest.iter().skip(1).cloned()).collect())
}

/// These options stand with no other command.
pub(super) fn refuse_options(arguments: &Arguments) -> Result<(), String> {
    let mut given = arguments.options.iter().map(|(name, _)| *name);
    // the forms of print-config and check are options of the same names
    let checks = arguments.words.iter().any(|word| word == "check");
    let is_other = |name: &&str| *name == "format" || (*name == "output" && checks);
    match given.find(|name| !is_other(name) && !takers(name).is_empty()) {
        Some(name) => Err(belongs(name)),
        None => Ok(()),
    }
}

fn belongs(option: &str) -> String {
    format!(
        "--{option} belongs to store {}",
        takers(option).join(" and ")
    )
}

/// Reads what stands behind `store`.
pub(super) fn parse(
    words: &[String],
    mut arguments: Arguments,
    environment: &Environment,
) -> Result<Store, Error> {
    if arguments.option("help").is_some() || words.iter().any(|word| word == "help") {
        return Ok(Store::Help);
    }
    let (command, files) = command(words).map_err(Error::one)?;
    let mut wrong = Vec::new();
    for (name, _) in &arguments.options {
        if !takers(name).contains(&command) {
            wrong.push(belongs(name));
        }
    }
    let mut loaded = layers::load(&arguments.settings, environment);
    arguments.problems.append(&mut loaded.problems);
    loaded.problems = arguments.problems.clone();
    let (embedded, memory_max_bytes) = match config::of_store(loaded) {
        Ok(store) => store,
        Err(problems) => return Err(Error { problems }),
    };
    let mut taken = |result: Result<(), String>| wrong.extend(result.err());
    let mut selection = Selection {
        service: arguments.option("service").map(str::to_owned),
        ..Selection::default()
    };
    for (name, to) in [
        ("start", &mut selection.start_ns),
        ("end", &mut selection.end_ns),
    ] {
        if let Some(text) = arguments.option(name) {
            taken(
                time(text)
                    .map(|ns| *to = Some(ns))
                    .map_err(|e| format!("--{name}: {e}")),
            );
        }
    }
    let mut instance = None;
    if let Some(text) = arguments.option("instance") {
        let parsed = Instance::parse(text).map(|i| instance = Some(i));
        taken(parsed.map_err(|error| format!("--instance: {error}")));
    }
    let mut format = Dump::Otlp;
    if takers("format").contains(&command) {
        taken(dump(arguments.option("format"), command).map(|f| format = f));
    }
    if !wrong.is_empty() {
        let problems = wrong.into_iter().map(Problem::Invalid).collect();
        return Err(Error { problems });
    }
    let directory = embedded.directory.clone();
    let json = arguments.option("json").is_some();
    Ok(match command {
        "inspect" => Store::Inspect { directory, json },
        "verify" => Store::Verify { directory, json },
        "export" => {
            let output = arguments.option("output").filter(|path| *path != "-");
            Store::Export(Export {
                directory,
                format,
                instance,
                selection,
                output: output.map(PathBuf::from),
            })
        }
        _ => Store::Import(Box::new(Import {
            embedded,
            memory_max_bytes,
            format,
            instance: instance.unwrap_or_default(),
            files: files.to_vec(),
        })),
    })
}

/// Which of the commands, and its files.
fn command(words: &[String]) -> Result<(&'static str, &[String]), String> {
    let known = COMMANDS.join(", ");
    let Some((word, rest)) = words.split_first() else {
        return Err(format!("store: give one of {known}; spoor store --help"));
    };
    let Some(command) = COMMANDS.iter().find(|command| *command == word) else {
        let nearest = settings::flags::nearest_of(word, &COMMANDS);
        let meant =
            nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"));
        return Err(format!(
            "unknown command \"store {word}\": {known} are known{meant}"
        ));
    };
    match (*command, rest) {
        ("import", []) => Err("store import: give files, or - for standard input".to_owned()),
        ("import", _) | (_, []) => Ok((command, rest)),
        (_, [word, ..]) => Err(format!(
            "store {command} takes no word \"{word}\": the folder is --embedded.directory={word}"
        )),
    }
}

fn dump(word: Option<&str>, command: &str) -> Result<Dump, String> {
    match word {
        Some("otlp") => Ok(Dump::Otlp),
        Some("jaeger") => Ok(Dump::Jaeger),
        Some(other) => Err(format!("--format: \"{other}\" is neither otlp nor jaeger")),
        None => Err(format!(
            "store {command}: give --format=otlp or --format=jaeger"
        )),
    }
}

/// A moment, or the start of a day, in nanoseconds since the Unix epoch.
pub(super) fn time(text: &str) -> Result<u64, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&format!("{text}T00:00:00Z"), &Rfc3339));
    moment
        .ok()
        .and_then(|moment| u64::try_from(moment.unix_timestamp_nanos()).ok())
        .ok_or_else(|| {
            format!("\"{text}\" is no time: give one such as 2026-11-25T08:00:00Z, or a day such as 2026-11-25")
        })
}

#[cfg(test)]
mod tests;
