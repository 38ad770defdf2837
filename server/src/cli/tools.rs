//! The tools that keep indices in order: Jaeger's `es-index-cleaner`, `es-rollover` and `esmapping-generator`, with its words, options and variables.
//!
//! In: the command line and the environment. Out: a [`Tool`] with everything parsed. A link of Jaeger's name for the program works as its word does. It calls no
//! cluster; files that are named are looked at.
//!
//! Source: `jaegertracing/jaeger: cmd/es-index-cleaner, cmd/es-rollover, internal/storage/v1/elasticsearch/mappings/flags.go` v1.76.0.

mod options;
mod table;

use std::path::Path;
use std::time::Duration;

use settings::args::{Arguments, CommandOption};
use settings::{Environment, Problem, Warning, layers};
use storage::elasticsearch::config::{Indices, Place};
use storage::elasticsearch::housekeeping::{Age, Clean, Conditions, Init, Kinds, Sets, Unit};

use super::{Error, Role};
use crate::config;
use options::Given;

pub use options::{Row, Takes};

/// Deletes relative to now, and not to midnight.
const RELATIVE: &str = "es.index.relativeTimeIndexDeletion";

/// What to do with indices.
#[derive(Debug, Clone)]
pub enum Tool {
    /// Print what a tool takes.
    Help(Word),
    /// Print a template.
    Mapping {
        /// Which.
        kind: String,
        /// How indices are made.
        indices: Box<Indices>,
        /// Of Elasticsearch.
        version: u8,
    },
    /// Ask a cluster to do something.
    Ask {
        /// Which, and whose indices.
        place: Box<Place>,
        /// How long it may work on one request.
        patience: Duration,
        /// What to know.
        warnings: Vec<Warning>,
        /// What to do.
        task: Task,
    },
}

/// What a cluster is asked to do.
#[derive(Debug, Clone)]
pub enum Task {
    /// Delete what is too old.
    Clean(Clean),
    /// Make indices and aliases.
    Init(Init),
    /// Have indices followed by new ones.
    Rollover {
        /// Which.
        sets: Sets,
        /// When.
        conditions: Conditions,
    },
    /// Take out of what is read what is too old.
    Lookback {
        /// Which.
        sets: Sets,
        /// In which time is counted.
        unit: Unit,
        /// How many of it.
        count: u32,
    },
}

/// A tool's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// `es-index-cleaner`
    Cleaner,
    /// `es-rollover`
    Rollover,
    /// `es-mapping`, Jaeger's `esmapping-generator`.
    Mapping,
}

// === impl Word ===

impl Word {
    const ALL: [Self; 3] = [Self::Cleaner, Self::Rollover, Self::Mapping];

    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cleaner => "es-index-cleaner",
            Self::Rollover => "es-rollover",
            Self::Mapping => "es-mapping",
        }
    }

    /// The words that mean it: ours, then Jaeger's.
    const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Cleaner => &["es-index-cleaner"],
            Self::Rollover => &["es-rollover"],
            Self::Mapping => &[
                "es-mapping",
                "esmapping-generator",
                "elasticsearch-mappings",
            ],
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|tool| tool.words().contains(&word))
    }

    /// The one that the program's name stands for, perhaps with the platform that it was built for behind it.
    fn from_program(program: &str) -> Option<Self> {
        let name = Path::new(program)
            .file_stem()?
            .to_string_lossy()
            .to_ascii_lowercase();
        let name = name.strip_prefix("jaeger-").unwrap_or(&name);
        let mut all = Self::ALL.into_iter();
        all.find(|tool| {
            tool.words()
                .iter()
                .any(|word| super::role::is_called(name, word))
        })
    }

    /// Its options.
    #[must_use]
    pub const fn rows(self) -> &'static [Row] {
        match self {
            Self::Cleaner => table::CLEANER,
            Self::Rollover => table::ROLLOVER,
            Self::Mapping => table::MAPPING,
        }
    }

    /// The settings that it reads, by name, or by what stands before a star: those of all, and its own.
    const fn settings(self) -> [&'static [&'static str]; 2] {
        match self {
            Self::Cleaner => [table::SETTINGS, &[]],
            Self::Rollover => [table::SETTINGS, table::ROLLOVER_SETTINGS],
            Self::Mapping => [&[], &[]],
        }
    }

    /// Whether it reads that setting.
    #[must_use]
    pub fn reads(self, setting: &str) -> bool {
        let known = self.settings();
        known
            .iter()
            .flat_map(|some| some.iter())
            .any(|known| match known.strip_suffix('*') {
                Some(start) => setting.starts_with(start),
                None => *known == setting,
            })
    }
}

/// The tool that is meant, when one is: by the first word that is no role, or by the program's name. `first` was taken apart without options of any.
pub(super) fn find(program: &str, first: &Arguments) -> Option<Word> {
    let is_before = |word: &&String| *word == "help" || Role::WORDS.contains(&word.as_str());
    let word = first.words.iter().find(|word| !is_before(word));
    // a word says more than a name
    let by_word = word.and_then(|word| Word::from_word(word));
    by_word.or_else(|| Word::from_program(program))
}

/// Reads the whole command line of a tool.
pub(super) fn parse(tool: Word, args: &[String], environment: &Environment) -> Result<Tool, Error> {
    let help = CommandOption {
        name: "help",
        short: Some('h'),
        takes_value: false,
    };
    let options: Vec<CommandOption> = tool.rows().iter().map(Row::option).chain([help]).collect();
    let mut arguments = Arguments::parse(args, &options);
    let mut words = std::mem::take(&mut arguments.words);
    let helps = words.iter().any(|word| word == "help") || arguments.option("help").is_some();
    if helps {
        return Ok(Tool::Help(tool));
    }
    if words
        .first()
        .is_some_and(|word| Word::from_word(word) == Some(tool))
    {
        words.remove(0);
    }
    let mut given = Given {
        rows: tool.rows(),
        problems: arguments.problems.clone(),
        arguments: &arguments,
        environment,
    };
    for (name, _) in &arguments.settings {
        if !tool.reads(name) {
            let text = format!(
                "--{name}: {} does not read it; {} --help shows what it does",
                tool.as_str(),
                tool.as_str()
            );
            given.problems.push(Problem::Invalid(text));
        }
    }
    let read = match tool {
        Word::Mapping => mapping(&words, &mut given),
        Word::Cleaner => cleaner(&words, &mut given),
        Word::Rollover => rollover(&words, &mut given),
    };
    match read {
        Some(tool) if given.problems.is_empty() => Ok(tool),
        _ => Err(Error {
            problems: given.problems,
        }),
    }
}

fn mapping(words: &[String], given: &mut Given<'_>) -> Option<Tool> {
    if let Some(word) = words.first() {
        given.problems.push(Problem::Invalid(format!(
            "es-mapping takes no word \"{word}\": give --mapping={word}"
        )));
    }
    let kind = given.text("mapping");
    if kind.is_empty() {
        given.wrong("mapping", "it is missing: give --mapping=jaeger-span, jaeger-service, jaeger-dependencies or jaeger-sampling");
    }
    let indices = Indices {
        use_ilm: given.switch("use-ilm"),
        ilm_policy: given.text("ilm-policy-name"),
        ..made(given)
    };
    let version = given.number("es-version", 6, 99);
    Some(Tool::Mapping {
        kind,
        indices: Box::new(indices),
        version: u8::try_from(version).unwrap_or(u8::MAX),
    })
}

/// What tells how indices are made.
fn made(given: &mut Given<'_>) -> Indices {
    Indices {
        prefix: given.text("index-prefix"),
        shards: given.number("shards", 1, 1024),
        replicas: given.number("replicas", 0, 1000),
        ..Indices::default()
    }
}

fn cleaner(words: &[String], given: &mut Given<'_>) -> Option<Tool> {
    let [days, url] = words else {
        let text = "es-index-cleaner: give the number of days and the URL of the cluster, such as: spoor es-index-cleaner 7 http://localhost:9200";
        given.problems.push(Problem::Invalid(text.to_owned()));
        return None;
    };
    let days = days.parse::<u32>().unwrap_or_else(|_| {
        let text = format!("es-index-cleaner: \"{days}\" is no number of days: give 0 or more");
        given.problems.push(Problem::Invalid(text));
        u32::MAX
    });
    let kinds = kinds(given);
    let dry_run = given.switch("dry-run");
    let indices = Indices {
        prefix: given.text("index-prefix"),
        date_separator: given.text("index-date-separator"),
        ..Indices::default()
    };
    let (place, warnings) = place(url, indices, given)?;
    let age = if is_relative(given) {
        Age::DaysAgo(days)
    } else {
        Age::Days(days)
    };
    Some(Tool::Ask {
        place: Box::new(place),
        patience: patience(given),
        warnings,
        task: Task::Clean(Clean {
            kinds,
            age,
            dry_run,
        }),
    })
}

/// One kind a run, as in Jaeger, or those that `--kinds` names.
fn kinds(given: &mut Given<'_>) -> Kinds {
    let (archive, rolled) = (given.switch("archive"), given.switch("rollover"));
    let list = given.text("kinds");
    let mut kinds = Kinds {
        dated: !archive && !rolled,
        rolled: rolled && !archive,
        archive,
    };
    if list.is_empty() {
        return kinds;
    }
    if archive || rolled {
        given.wrong(
            "kinds",
            "it says all that rollover and archive say: give one or the other",
        );
        return kinds;
    }
    kinds.dated = false;
    for word in list.split(',').map(str::trim) {
        match word {
            "daily" => kinds.dated = true,
            "rollover" => kinds.rolled = true,
            "archive" => kinds.archive = true,
            other => given.wrong(
                "kinds",
                format!("\"{other}\" is no kind: daily, rollover and archive are"),
            ),
        }
    }
    kinds
}

/// Jaeger's gate, which it has for this alone.
fn is_relative(given: &mut Given<'_>) -> bool {
    let gates = given.text("feature-gates");
    let mut relative = false;
    for gate in gates
        .split(',')
        .map(str::trim)
        .filter(|gate| !gate.is_empty())
    {
        match gate.strip_prefix('-') {
            Some(RELATIVE) => relative = false,
            None if gate.strip_prefix('+').unwrap_or(gate) == RELATIVE => relative = true,
            _ => given.wrong(
                "feature-gates",
                format!("\"{gate}\" is no gate: {RELATIVE} is"),
            ),
        }
    }
    relative
}

fn patience(given: &mut Given<'_>) -> Duration {
    Duration::from_secs(given.number("timeout", 1, 86_400).into())
}

fn rollover(words: &[String], given: &mut Given<'_>) -> Option<Tool> {
    let [action, url] = words else {
        let text = "es-rollover: give init, rollover or lookback, and the URL of the cluster, such as: spoor es-rollover init http://localhost:9200";
        given.problems.push(Problem::Invalid(text.to_owned()));
        return None;
    };
    let archive = given.switch("archive");
    let sets = Sets {
        archive,
        dependencies: !given.switch("skip-dependencies"),
        sampling: given.switch("adaptive-sampling"),
    };
    let task = match action.as_str() {
        "init" => Task::Init(Init {
            sets,
            sampling_priority: given.number("priority-sampling-template", 0, 1_000_000_000),
            templates: true,
        }),
        "rollover" => Task::Rollover {
            sets,
            conditions: given.parsed("conditions"),
        },
        "lookback" => Task::Lookback {
            sets,
            unit: given.parsed("unit"),
            count: given.number("unit-count", 0, u32::MAX),
        },
        other => {
            let text = format!(
                "unknown command \"es-rollover {other}\": init, rollover and lookback are known"
            );
            given.problems.push(Problem::Invalid(text));
            return None;
        }
    };
    for (name, actions) in table::OF_ACTION {
        if given.arguments.option(name).is_some() && actions != action {
            given.wrong(name, format!("it belongs to es-rollover {actions}"));
        }
    }
    let mut priority = |name| given.number(name, 0, 1_000_000_000);
    let indices = Indices {
        span_priority: priority("priority-span-template"),
        service_priority: priority("priority-service-template"),
        dependencies_priority: priority("priority-dependencies-template"),
        use_aliases: true,
        is_archive: archive,
        ..made(given)
    };
    let (place, warnings) = place(url, indices, given)?;
    Some(Tool::Ask {
        place: Box::new(place),
        patience: patience(given),
        warnings,
        task,
    })
}

/// The cluster at `url`, reached as the settings say; also whether ILM rolls over, which is a setting of Jaeger's servers, too.
fn place(url: &str, indices: Indices, given: &mut Given<'_>) -> Option<(Place, Vec<Warning>)> {
    let mut settings = given.arguments.settings.clone();
    settings.push(("es.server-urls".to_owned(), url.to_owned()));
    let loaded = layers::load(&settings, given.environment);
    match config::of_cluster(loaded) {
        Ok((mut place, warnings)) => {
            place.indices = Indices {
                use_ilm: place.indices.use_ilm,
                ilm_policy: place.indices.ilm_policy,
                ..indices
            };
            Some((place, warnings))
        }
        Err(problems) => {
            given.problems.extend(problems);
            None
        }
    }
}

#[cfg(test)]
mod tests;
