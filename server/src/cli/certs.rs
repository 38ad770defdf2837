//! The commands on the folder of certificates: `spoor certs issue`, `renew`, `verify`, `show`.
//!
//! In: words and options, and the settings `certs.*` and `instance.default`. Out: a [`Certs`], with everything parsed. It opens no certificate.

use std::collections::BTreeSet;
use std::path::PathBuf;

use model::Instance;
use settings::args::{Arguments, CommandOption};
use settings::{Environment, Problem, flags, layers};
use trust::{Kind, Stage};

use super::{Error, Output, Role, option};
use crate::config::{self, Certificates};

/// What to do with certificates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certs {
    /// Print what these commands take.
    Help,
    /// See to it that an instance has what it is to have.
    Issue {
        /// Where, under which names, for how long; whose.
        certificates: Certificates,
        /// Which.
        kinds: BTreeSet<Kind>,
    },
    /// Issue again what is there.
    Renew {
        /// Where, for how long.
        certificates: Certificates,
        /// In which namespace.
        namespace: String,
        /// Whose; none: everybody's.
        instance: Option<Instance>,
        /// Which; none: all.
        kinds: BTreeSet<Kind>,
    },
    /// Put another authority in the place of a namespace's.
    Roll {
        /// Where, for how long.
        certificates: Certificates,
        /// Whose authority.
        namespace: String,
        /// How far.
        stage: Stage,
    },
    /// Name all that is wrong.
    Verify {
        /// Where, and which names an operator added.
        certificates: Certificates,
        /// As what.
        output: Output,
    },
    /// Say what is there.
    Show {
        /// Where.
        certificates: Certificates,
        /// As what.
        output: Output,
    },
}

pub(super) const WORD: &str = "certs";

const COMMANDS: [&str; 4] = ["issue", "renew", "verify", "show"];

const OPTIONS: [CommandOption; 7] = [
    CommandOption {
        name: "help",
        short: Some('h'),
        takes_value: false,
    },
    option("directory", true),
    option("namespace", true),
    option("instance", true),
    option("kinds", true),
    option("authority", true),
    option("output", true),
];

/// The commands that take an option.
fn takers(option: &str) -> &'static [&'static str] {
    match option {
        "namespace" | "instance" | "kinds" => &["issue", "renew"],
        "authority" => &["renew"],
        "output" => &["verify", "show"],
        _ => &COMMANDS,
    }
}

/// Reads the whole command line.
pub(super) fn parse(args: &[String], environment: &Environment) -> Result<Certs, Error> {
    let mut arguments = Arguments::parse(args, &OPTIONS);
    if arguments.option("help").is_some() || arguments.words.iter().any(|word| word == "help") {
        return Ok(Certs::Help);
    }
    let command = command(&arguments.words).map_err(Error::one)?;
    let mut wrong: Vec<String> = Vec::new();
    for (name, _) in &arguments.options {
        if !takers(name).contains(&command) {
            wrong.push(format!(
                "--{name} belongs to certs {}",
                takers(name).join(" and ")
            ));
        }
    }
    let mut loaded = layers::load(&arguments.settings, environment);
    arguments.problems.append(&mut loaded.problems);
    loaded.problems = arguments.problems.clone();
    let mut certificates = config::of_certs(loaded).map_err(|problems| Error { problems })?;
    match arguments.option("directory") {
        Some("") => wrong.push("--directory: it is empty: give the path of a folder".to_owned()),
        Some(directory) => certificates.directory = PathBuf::from(directory),
        None => {}
    }
    let mut take = |name: &str, parsed: Result<(), String>| {
        wrong.extend(parsed.err().map(|error| format!("--{name}: {error}")));
    };
    let mut output = Output::Text;
    if let Some(text) = arguments.option("output") {
        take("output", Output::parse(text).map(|form| output = form));
    }
    let mut kinds = BTreeSet::new();
    for word in arguments
        .option("kinds")
        .into_iter()
        .flat_map(|all| all.split(','))
    {
        let kind = word
            .trim()
            .parse::<Kind>()
            .map_err(|error| error.to_string());
        take("kinds", kind.map(|kind| kinds.extend([kind])));
    }
    let mut stage = None;
    if let Some(text) = arguments.option("authority") {
        let parsed = text.parse::<Stage>().map_err(|error| error.to_string());
        take("authority", parsed.map(|parsed| stage = Some(parsed)));
        if arguments.option("instance").is_some() || arguments.option("kinds").is_some() {
            take(
                "authority",
                Err("it is the whole namespace's: leave --instance and --kinds out".to_owned()),
            );
        }
    }
    let default = certificates.instance.clone();
    let namespace = arguments.option("namespace").unwrap_or(default.namespace());
    let name = arguments.option("instance");
    // each is looked at alone, so that the one at fault is named
    let mut instance = None;
    if let Err(error) = Instance::new(namespace, default.name()) {
        take("namespace", Err(error.to_string()));
    } else {
        match Instance::new(namespace, name.unwrap_or(default.name())) {
            Ok(parsed) => instance = Some(parsed),
            Err(error) => take("instance", Err(error.to_string())),
        }
    }
    let (Some(instance), true) = (instance, wrong.is_empty()) else {
        let problems = wrong.into_iter().map(Problem::Invalid).collect();
        return Err(Error { problems });
    };
    let namespace = namespace.to_owned();
    Ok(match (command, stage) {
        ("issue", _) => {
            if kinds.is_empty() {
                kinds.insert(Kind::Server);
            }
            certificates.instance = instance;
            Certs::Issue {
                certificates,
                kinds,
            }
        }
        ("renew", Some(stage)) => Certs::Roll {
            certificates,
            namespace,
            stage,
        },
        ("renew", None) => Certs::Renew {
            certificates,
            namespace,
            instance: name.map(|_| instance),
            kinds,
        },
        ("verify", _) => Certs::Verify {
            certificates,
            output,
        },
        _ => Certs::Show {
            certificates,
            output,
        },
    })
}

fn command(words: &[String]) -> Result<&'static str, String> {
    let known = COMMANDS.join(", ");
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .filter(|word| *word != WORD && !Role::WORDS.contains(word))
        .collect();
    match words[..] {
        [] => Err(format!("certs: give one of {known}; spoor certs --help")),
        [word] => COMMANDS.into_iter().find(|c| *c == word).ok_or_else(|| {
            let near = flags::nearest_of(word, &COMMANDS);
            let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
            format!("unknown command \"certs {word}\": {known} are known{near}")
        }),
        [command, word, ..] => Err(format!(
            "certs {command} takes no word \"{word}\": the folder is --directory={word}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Certs, Error> {
        let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
        parse(&args, &Environment::default())
    }

    #[track_caller]
    fn fails(line: &str, part: &str) {
        let told = parsed(line).expect_err(line).to_string();
        assert!(told.contains(part), "{told}");
    }

    #[test]
    fn what_is_asked_for_is_taken_from_options_and_settings() {
        let line = "certs issue --directory D --namespace prod --instance=web --kinds=node,client --certs.validity=24h --certs.names=a.example.org";
        match parsed(line).unwrap() {
            Certs::Issue {
                certificates,
                kinds,
            } => {
                assert_eq!(certificates.instance.as_str(), "prod/web");
                assert_eq!(certificates.directory, PathBuf::from("D"));
                assert_eq!(certificates.validity.as_secs(), 24 * 3600);
                assert_eq!(certificates.names.len(), 1);
                assert_eq!(kinds, BTreeSet::from([Kind::Node, Kind::Client]));
            }
            other => panic!("{other:?}"),
        }
        match parsed("certs issue --instance.default=prod/jaeger").unwrap() {
            Certs::Issue {
                certificates,
                kinds,
            } => {
                assert_eq!(certificates.instance.as_str(), "prod/jaeger");
                assert_eq!(certificates.directory, PathBuf::from("spoor-certs"));
                assert_eq!(kinds, BTreeSet::from([Kind::Server]));
            }
            other => panic!("{other:?}"),
        }
        match parsed("certs renew --namespace prod --authority issue").unwrap() {
            Certs::Roll {
                namespace, stage, ..
            } => assert_eq!((namespace.as_str(), stage), ("prod", Stage::Issue)),
            other => panic!("{other:?}"),
        }
        match parsed("certs renew --namespace prod").unwrap() {
            Certs::Renew {
                namespace,
                instance: None,
                kinds,
                ..
            } => assert!(namespace == "prod" && kinds.is_empty()),
            other => panic!("{other:?}"),
        }
        match parsed("certs verify --directory D --output=json").unwrap() {
            Certs::Verify { output, .. } => assert_eq!(output, Output::Json),
            other => panic!("{other:?}"),
        }
        assert_eq!(parsed("certs renew --help").unwrap(), Certs::Help);
    }

    #[test]
    fn what_is_wrong_is_told_with_what_to_give() {
        fails("certs", "give one of issue, renew, verify, show");
        fails("certs isue", "did you mean issue?");
        fails("certs show D", "the folder is --directory=D");
        fails(
            "certs show --kinds=node",
            "--kinds belongs to certs issue and renew",
        );
        fails(
            "certs issue --output=json",
            "--output belongs to certs verify and show",
        );
        fails("certs issue --kinds=all", "none of server, node, client");
        fails("certs issue --namespace=Prod", "--namespace: ");
        fails("certs issue --instance=a/b", "--instance: ");
        fails("certs issue --directory=", "--directory: it is empty");
        fails("certs renew --authority=swap", "none of trust, issue, drop");
        fails(
            "certs renew --authority=drop --instance=jaeger",
            "leave --instance and --kinds out",
        );
        fails("certs show --output=xml", "neither text nor json");
        fails("certs issue --certs.validity=1s", "certs.validity");
        fails("certs issue --certs.names=a..b", "certs.names");
    }
}
