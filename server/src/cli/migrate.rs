//! The command line of `spoor migrate-config`.
//!
//! In: words and options. Out: a [`Migrate`]. It opens no file: what cannot be read is part of the answer.

use std::fmt;
use std::path::PathBuf;

use settings::args::{Arguments, CommandOption};
use settings::{Problem, flags};

use super::{Error, option};

/// What to make a file of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Migrate {
    /// Print what the command takes.
    Help,
    /// Print the file.
    Convert {
        /// What to read, in order; never empty.
        inputs: Vec<From>,
        /// What it is.
        form: Form,
        /// Whose it is, where an input does not say it.
        namespace: Option<String>,
        /// The same of its name.
        name: Option<String>,
        /// Whether settings without effect are a failure.
        strict: bool,
    },
}

/// Where to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// A file.
    File(PathBuf),
    /// Standard input.
    StandardInput,
    /// The words behind `--`.
    Words(Vec<String>),
}

/// What an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What it looks like.
    Auto,
    /// Flags, variables or a file of Jaeger 1.
    Flags,
    /// A resource of the operator.
    Resource,
    /// A configuration of Jaeger 2.
    Second,
}

pub(super) const WORD: &str = "migrate-config";

const OPTIONS: [CommandOption; 5] = [
    CommandOption {
        name: "help",
        short: Some('h'),
        takes_value: false,
    },
    option("from", true),
    option("namespace", true),
    option("name", true),
    option("strict", false),
];

/// Reads the whole command line.
pub(super) fn parse(args: &[String]) -> Result<Migrate, Error> {
    let end = args.iter().position(|arg| arg == "--");
    let (own, rest) = args.split_at(end.unwrap_or(args.len()));
    let arguments = Arguments::parse(own, &OPTIONS);
    let mut words = arguments.words.iter();
    let before: Vec<&String> = words.by_ref().take_while(|word| *word != WORD).collect();
    if arguments.option("help").is_some() || before.iter().any(|word| *word == "help") {
        return Ok(Migrate::Help);
    }
    let mut problems = arguments.problems.clone();
    let mut wrong = |text: String| problems.push(Problem::Invalid(text));
    for (name, _) in &arguments.settings {
        wrong(format!(
            "--{name} is no option of {WORD}: give Jaeger's flags behind --"
        ));
    }
    let form = match arguments.option("from") {
        None | Some("auto") => Form::Auto,
        Some("flags") => Form::Flags,
        Some("cr") => Form::Resource,
        Some("v2") => Form::Second,
        Some(other) => {
            let near = flags::nearest_of(other, &["auto", "flags", "cr", "v2"]);
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            wrong(format!(
                "--from: \"{other}\" is none of auto, flags, cr, v2{near}"
            ));
            Form::Auto
        }
    };
    for part in ["namespace", "name"] {
        let given = arguments.option(part);
        if given.is_some_and(|given| model::Instance::new(given, given).is_err()) {
            wrong(format!(
                "--{part}: give lower-case letters, digits and inner hyphens, at most 63"
            ));
        }
    }
    let mut inputs: Vec<From> = words
        .map(|word| match word.as_str() {
            "-" => From::StandardInput,
            path => From::File(PathBuf::from(path)),
        })
        .collect();
    if rest.len() > 1 {
        inputs.push(From::Words(rest.iter().skip(1).cloned().collect()));
    }
    if inputs.is_empty() {
        wrong(format!(
            "{WORD}: give files, - for standard input, or Jaeger's flags behind --"
        ));
    }
    let own = |part: &str| arguments.option(part).map(str::to_owned);
    let (namespace, name) = (own("namespace"), own("name"));
    let strict = arguments.option("strict").is_some();
    if problems.is_empty() {
        Ok(Migrate::Convert {
            inputs,
            form,
            namespace,
            name,
            strict,
        })
    } else {
        Err(Error { problems })
    }
}

impl fmt::Display for From {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::StandardInput => f.write_str("standard input"),
            Self::Words(_) => f.write_str("the command line"),
        }
    }
}
