//! The command line: which command, in which role, with which configuration.
//!
//! In: the program's arguments and the environment. Out: a [`Command`] with everything parsed and validated, or every problem at once. It binds nothing, prints
//! nothing and starts nothing. Source: the commands of Jaeger's v1 binaries (`jaegertracing/jaeger: cmd/*/main.go` at v1.76.0).

mod certs;
pub mod letters;
pub mod migrate;
mod role;
mod store;
pub mod tools;

use std::fmt;

use settings::args::{Arguments, CommandOption};
use settings::layers::Item;
use settings::{Environment, Problem, Settings, Warning, flags, layers};

pub use certs::Certs;
pub use letters::Letters;
pub use migrate::Migrate;
pub use role::Role;
pub use store::{Dump, Export, Import, Store};
pub use tools::Tool;

use crate::config::{self, Again, Config};

/// What to do.
#[derive(Debug, Clone)]
pub enum Command {
    /// Start a role.
    Run {
        /// How.
        config: Box<Config>,
        /// To be written to the log once.
        warnings: Vec<Warning>,
        /// How its file is read again.
        again: Box<Again>,
    },
    /// Print the flags of a role.
    Help {
        /// Whose flags.
        role: Role,
    },
    /// Print Jaeger's line of JSON.
    Version,
    /// Print the version for people.
    VersionLine,
    /// Print the variables of the environment.
    Env,
    /// Print the settings as they are in effect.
    PrintConfig {
        /// All of them, computed defaults filled in.
        settings: Box<Settings>,
        /// What single instances have of their own.
        instances: Vec<Item>,
        /// The listeners that these settings open, one a line, for people.
        listeners: Vec<String>,
        /// As what.
        format: Format,
    },
    /// Say whether the configuration is good.
    Validate {
        /// It, unless there are problems.
        config: Option<Box<Config>>,
        /// What to know.
        warnings: Vec<Warning>,
        /// What keeps Spoor from starting.
        problems: Vec<Problem>,
    },
    /// Say whether the stores would work.
    Check {
        /// The configuration, unless a part of it could not be made.
        config: Option<Box<Config>>,
        /// What to know.
        warnings: Vec<Warning>,
        /// What keeps Spoor from starting.
        problems: Vec<Problem>,
        /// As what.
        output: Output,
    },
    /// Ask a running Spoor for its health.
    Status {
        /// `host:port` candidates, tried in order.
        targets: Vec<settings::HostPort>,
    },
    /// Look at, check, write out or fill the folder of the embedded store.
    Store(Store),
    /// Make certificates, or look at them.
    Certs(Certs),
    /// Show dead letters, or send them again.
    Letters(Letters),
    /// Keep indices of Elasticsearch in order.
    Tool(Tool),
    /// Make a file of what Jaeger was told.
    Migrate(Migrate),
}

/// The form of `print-config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// With the sources as comments.
    Yaml,
    /// With the sources under `#sources`.
    Json,
}

/// The form of what `check` found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Lines for a person.
    Text,
    /// A list.
    Json,
}

/// Everything that keeps Spoor from doing what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// One by one, each naming what to mend.
    pub problems: Vec<Problem>,
}

const OPTIONS: &[CommandOption] = &[
    CommandOption {
        name: "help",
        short: Some('h'),
        takes_value: false,
    },
    option("version", false),
    option("format", true),
    // of the commands on a store's folder
    option("json", false),
    option("instance", true),
    option("service", true),
    option("start", true),
    option("end", true),
    option("output", true),
];

const fn option(name: &'static str, takes_value: bool) -> CommandOption {
    CommandOption {
        name,
        short: None,
        takes_value,
    }
}

const COMMANDS: [&str; 14] = [
    "version",
    "print-config",
    "validate",
    "check",
    "env",
    "status",
    "store",
    "certs",
    "dead-letter",
    "es-index-cleaner",
    "es-rollover",
    "es-mapping",
    "migrate-config",
    "help",
];

/// Reads the command line; `args` begins with the program's own name.
///
/// # Errors
/// Every problem of the command line, the environment and the file, at once.
pub fn parse(args: &[String], environment: &Environment) -> Result<Command, Error> {
    let (program, rest) = match args.split_first() {
        Some((program, rest)) => (program.as_str(), rest),
        None => ("spoor", args),
    };
    let mut arguments = Arguments::parse(rest, OPTIONS);
    if let Some(tool) = tools::find(program, &arguments) {
        return tools::parse(tool, rest, environment).map(Command::Tool);
    }
    if is_meant(migrate::WORD, &arguments) {
        return migrate::parse(rest).map(Command::Migrate);
    }
    if is_meant(certs::WORD, &arguments) {
        return certs::parse(rest, environment).map(Command::Certs);
    }
    if is_meant(letters::WORD, &arguments) {
        return letters::parse(rest, environment).map(Command::Letters);
    }
    if let Some(words) = store::words(&arguments.words) {
        if arguments.option("version").is_some() {
            return Ok(Command::VersionLine);
        }
        return store::parse(&words, arguments, environment).map(Command::Store);
    }
    store::refuse_options(&arguments).map_err(Error::one)?;
    let words = Words::read(program, &arguments.words).map_err(Error::one)?;
    if arguments.option("help").is_some() || words.command == Some("help") {
        return Ok(Command::Help { role: words.role });
    }
    if arguments.option("version").is_some() {
        return Ok(Command::VersionLine);
    }
    let format = match arguments.option("format") {
        None | Some("yaml") => Format::Yaml,
        Some("json") => Format::Json,
        Some(other) => {
            return Err(Error::one(format!(
                "--format: \"{other}\" is neither yaml nor json"
            )));
        }
    };
    if arguments.option("format").is_some() && words.command != Some("print-config") {
        return Err(Error::one("--format belongs to print-config".to_owned()));
    }
    let output = match arguments.option("output").map(Output::parse) {
        None => Output::Text,
        Some(Ok(output)) => output,
        Some(Err(error)) => return Err(Error::one(format!("--output: {error}"))),
    };
    if arguments.option("output").is_some() && words.command != Some("check") {
        return Err(Error::one(
            "--output belongs to check and store export".to_owned(),
        ));
    }
    match words.command {
        Some("version") => return none_wrong(arguments.problems, Command::Version),
        Some("env") => return none_wrong(arguments.problems, Command::Env),
        _ => {}
    }

    let mut loaded = layers::load(&arguments.settings, environment);
    arguments.problems.append(&mut loaded.problems);
    loaded.problems = arguments.problems;
    loaded
        .warnings
        .extend(misplaced(words.role, &arguments.settings));
    if words.command == Some("status") {
        let targets = config::status_targets(words.role, &loaded.settings);
        return none_wrong(loaded.problems, Command::Status { targets });
    }
    let written = loaded.written.clone();
    let checked = Config::check(words.role, loaded, environment);
    match words.command {
        Some("check") => Ok(Command::Check {
            config: checked.config.map(Box::new),
            warnings: checked.warnings,
            problems: checked.problems,
            output,
        }),
        Some("validate") => Ok(Command::Validate {
            config: checked.config.map(Box::new),
            warnings: checked.warnings,
            problems: checked.problems,
        }),
        command => {
            let config = match checked.config {
                Some(config) if checked.problems.is_empty() => config,
                _ => {
                    return Err(Error {
                        problems: checked.problems,
                    });
                }
            };
            Ok(match command {
                Some(_) => Command::PrintConfig {
                    listeners: config.listeners.iter().map(ToString::to_string).collect(),
                    settings: Box::new(config.settings),
                    instances: config.items,
                    format,
                },
                None => Command::Run {
                    again: Box::new(Again::new(
                        &config,
                        written,
                        &arguments.settings,
                        environment,
                    )),
                    config: Box::new(config),
                    warnings: checked.warnings,
                },
            })
        }
    }
}

/// Whether the commands below `command` are meant: by the first word that is no role.
fn is_meant(command: &str, first: &Arguments) -> bool {
    let is_before = |word: &&String| *word == "help" || Role::WORDS.contains(&word.as_str());
    let word = first.words.iter().find(|word| !is_before(word));
    word.is_some_and(|word| word == command)
}

fn none_wrong(problems: Vec<Problem>, command: Command) -> Result<Command, Error> {
    if problems.is_empty() {
        Ok(command)
    } else {
        Err(Error { problems })
    }
}

/// Flags of the other role: known, and without a reader here. Variables and files are shared by roles, so they are not told.
fn misplaced(role: Role, given: &[(String, String)]) -> Option<Warning> {
    let settings: Vec<String> = given
        .iter()
        .filter(|(name, _)| flags::find(name).is_some_and(|flag| !flag.is_for(role.readers())))
        .map(|(name, _)| format!("--{name}"))
        .collect();
    Some(Warning {
        settings,
        note: format!("the role {role} does not read it"),
    })
    .filter(|warning| !warning.settings.is_empty())
}

/// The words of the command line that are no flags.
struct Words {
    role: Role,
    command: Option<&'static str>,
}

// === impl Words ===

impl Words {
    /// One role and one command at most, in either order; the program's name gives the role when no word does.
    fn read(program: &str, words: &[String]) -> Result<Self, String> {
        let (mut role, mut command) = (None, None);
        for word in words {
            if let Some(known) = COMMANDS
                .iter()
                .find(|known| *known == word)
                .filter(|_| command.is_none())
            {
                command = Some(*known);
            } else if let Some(known) = Role::from_word(word).filter(|_| role.is_none()) {
                role = Some(known);
            } else {
                return Err(unknown(word));
            }
        }
        let role = match role {
            Some(role) => role,
            None => Role::from_program(program)?,
        };
        Ok(Self { role, command })
    }
}

fn unknown(word: &str) -> String {
    match word {
        "completion" | "docs" | "featuregate" => {
            format!("command \"{word}\": Spoor has none; docs/settings.md lists every setting")
        }
        _ => format!(
            "unknown command \"{word}\": {}, {} are known",
            Role::WORDS.join(", "),
            COMMANDS.join(", ")
        ),
    }
}

// === impl Output ===

impl Output {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(format!("\"{other}\" is neither text nor json")),
        }
    }
}

// === impl Error ===

impl Error {
    fn one(text: String) -> Self {
        Self {
            problems: vec![Problem::Invalid(text)],
        }
    }
}

impl fmt::Display for Error {
    /// One problem a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests;
