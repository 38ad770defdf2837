//! The commands on dead letters: `spoor dead-letter list` and `replay`.
//!
//! In: words and options, and the settings of a role. Out: a [`Letters`], with everything parsed. It opens nothing but what the settings of Elasticsearch name.

use std::time::SystemTime;

use model::Instance;
use settings::args::{Arguments, CommandOption};
use settings::{Environment, GoDuration, Problem, layers};

use super::store::time;
use super::{Error, Role, option};
use crate::config;

/// What to do with dead letters.
#[derive(Debug, Clone)]
pub enum Letters {
    /// Print what these commands take.
    Help,
    /// Print them.
    List {
        /// Where they are.
        config: Box<config::Letters>,
        /// Which.
        wanted: Wanted,
        /// For machines.
        json: bool,
    },
    /// Send them again, and forget those that were stored.
    Replay {
        /// Where they are.
        config: Box<config::Letters>,
        /// Which.
        wanted: Wanted,
        /// Only say what would be sent.
        dry_run: bool,
    },
}

/// Which letters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Whose; none: everybody's.
    pub instance: Option<Instance>,
    /// Buried at this time or later, nanoseconds since the Unix epoch.
    pub since_ns: u64,
    /// Words of the reason.
    pub reason: String,
}

pub(super) const WORD: &str = "dead-letter";

const OPTIONS: [CommandOption; 6] = [
    CommandOption {
        name: "help",
        short: Some('h'),
        takes_value: false,
    },
    option("instance", true),
    option("since", true),
    option("reason", true),
    option("json", false),
    option("dry-run", false),
];

/// Reads the whole command line.
pub(super) fn parse(args: &[String], environment: &Environment) -> Result<Letters, Error> {
    let mut arguments = Arguments::parse(args, &OPTIONS);
    let given = |name: &str| arguments.option(name).is_some();
    let is_help = |word: &String| word == "help";
    if given("help") || arguments.words.iter().any(is_help) {
        return Ok(Letters::Help);
    }
    let mut wrong = Vec::new();
    let words: Vec<&str> = arguments
        .words
        .iter()
        .map(String::as_str)
        .filter(|word| *word != WORD && !Role::WORDS.contains(word))
        .collect();
    let replays = match words[..] {
        ["list"] => false,
        ["replay"] => true,
        [] => return Err(Error::one("dead-letter: give list or replay".to_owned())),
        [word, ..] => {
            return Err(Error::one(format!(
                "unknown command \"dead-letter {word}\": list and replay are known"
            )));
        }
    };
    for (name, of_replay) in [("json", false), ("dry-run", true)] {
        if given(name) && of_replay != replays {
            let command = if of_replay { "replay" } else { "list" };
            wrong.push(format!("--{name} belongs to dead-letter {command}"));
        }
    }
    let (json, dry_run) = (given("json"), given("dry-run"));
    let mut wanted = Wanted {
        reason: arguments.option("reason").unwrap_or_default().to_owned(),
        ..Wanted::default()
    };
    if let Some(text) = arguments.option("instance") {
        match Instance::parse(text) {
            Ok(instance) => wanted.instance = Some(instance),
            Err(error) => wrong.push(format!("--instance: {error}")),
        }
    }
    if let Some(text) = arguments.option("since") {
        match since(text) {
            Ok(ns) => wanted.since_ns = ns,
            Err(error) => wrong.push(format!("--since: {error}")),
        }
    }
    let mut loaded = layers::load(&arguments.settings, environment);
    arguments.problems.append(&mut loaded.problems);
    let told = wrong.into_iter().map(Problem::Invalid);
    loaded.problems = arguments.problems.into_iter().chain(told).collect();
    let config = config::of_letters(loaded).map_err(|problems| Error { problems })?;
    if let Some(instance) = &wanted.instance
        && !config.instances.contains(instance)
    {
        let known: Vec<&str> = config.instances.iter().map(Instance::as_str).collect();
        return Err(Error::one(format!(
            "--instance: the settings lead to no {instance}, but to {}",
            known.join(", ")
        )));
    }
    let config = Box::new(config);
    Ok(if replays {
        Letters::Replay {
            config,
            wanted,
            dry_run,
        }
    } else {
        Letters::List {
            config,
            wanted,
            json,
        }
    })
}

/// A moment, or so long ago.
fn since(text: &str) -> Result<u64, String> {
    let Ok(age) = text.parse::<GoDuration>() else {
        return time(text).map_err(|error| format!("{error}; or how long ago, such as 24h"));
    };
    let age = age
        .to_std()
        .ok_or_else(|| format!("{age} is negative: give 0s or more"))?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let since = now.unwrap_or_default().saturating_sub(age);
    Ok(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Letters, Error> {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        parse(&args, &Environment::default())
    }

    #[track_caller]
    fn fails(line: &str, part: &str) {
        let told = parsed(line).expect_err(line).to_string();
        assert!(told.contains(part), "{told}");
    }

    #[test]
    fn letters_are_chosen_by_instance_time_and_reason() {
        let line = "dead-letter list --since 2026-11-20 --reason=span.max --instance default/jaeger --json";
        match parsed(line).unwrap() {
            Letters::List { wanted, json, .. } => {
                let expect = Wanted {
                    instance: Some(Instance::default()),
                    since_ns: 1_795_132_800_000_000_000,
                    reason: "span.max".to_owned(),
                };
                assert_eq!((wanted, json), (expect, true));
            }
            other => panic!("{other:?}"),
        }
        match parsed("all-in-one dead-letter replay --dry-run --span.max-bytes=8MiB").unwrap() {
            Letters::Replay {
                wanted,
                dry_run,
                config,
            } => {
                assert_eq!((wanted, dry_run), (Wanted::default(), true));
                assert_eq!(config.storage.span_max_bytes.as_bytes(), 8 << 20);
            }
            other => panic!("{other:?}"),
        }
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.unwrap().as_nanos() as u64;
        let hours = |ago: u64| now - ago * 3_600_000_000_000;
        match parsed("dead-letter list --since=2h").unwrap() {
            Letters::List { wanted, .. } => {
                assert!((hours(2)..hours(1)).contains(&wanted.since_ns));
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            parsed("dead-letter list --help"),
            Ok(Letters::Help)
        ));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_give() {
        fails("dead-letter", "give list or replay");
        fails("dead-letter lits", "list and replay are known");
        fails(
            "dead-letter list --dry-run",
            "--dry-run belongs to dead-letter replay",
        );
        fails(
            "dead-letter replay --json",
            "--json belongs to dead-letter list",
        );
        fails(
            "dead-letter list --since=yesterday",
            "or how long ago, such as 24h",
        );
        fails(
            "dead-letter list --instance=prod/jaeger",
            "the settings lead to no prod/jaeger, but to default/jaeger",
        );
        fails("dead-letter list --span-storage.type=other", "is no store");
    }
}
