//! Command lines, variables and files of Jaeger 1.
//!
//! In: words, lines of text, or the keys of a file. Out: each of them in a draft. A flag wins over a variable, as in Jaeger, whatever stands first. A word that cannot be understood is not shown:
//! it may be a secret.

mod words;

use settings::args::Arguments;
use settings::flag::{Effect, Kind, variable};
use settings::{Problem, flags};

use super::draft::{Draft, Fate};
use super::leaf::{Given, Leaf};
use words::Words;

/// Variables that Jaeger's programs know and that are no settings of theirs.
const OTHERS: [(&str, &str); 5] = [
    (
        "JAEGER_",
        "it is of Jaeger's client libraries, or of Jaeger's tracing of itself",
    ),
    (
        "OTEL_",
        "it is of OpenTelemetry's client libraries, or of Jaeger's tracing of itself",
    ),
    ("GO", "it is of the Go runtime"),
    ("HTTP_PROXY", "Spoor calls its stores without a proxy"),
    ("HTTPS_PROXY", "Spoor calls its stores without a proxy"),
];

/// Programs of Jaeger's, with the role that each is.
const PROGRAMS: [(&str, &str); 6] = [
    ("all-in-one", "all-in-one"),
    ("collector", "collector"),
    ("query", "query"),
    ("ingester", "ingester"),
    ("agent", "agent"),
    ("remote-storage", "remote-storage"),
];

/// A text with command lines and `NAME=value`.
pub(super) fn of_text(text: &str, draft: &mut Draft) {
    of(&Words::of_text(text), draft);
}

/// The words of one command line.
pub(super) fn of_words(words: &[String], draft: &mut Draft) {
    of(&Words::of_arguments(words), draft);
}

/// The keys of a file, which `--config-file` named.
pub(super) fn of_file(leaves: &[Leaf], draft: &mut Draft) {
    for leaf in leaves {
        draft.take(&leaf.key, &leaf.key, &leaf.key, &leaf.given);
    }
}

fn of(words: &Words, draft: &mut Draft) {
    let arguments = Arguments::parse(&words.arguments, &[]);
    for (index, word) in arguments.words.iter().enumerate() {
        if word == "-" {
            // as in a list of YAML
            continue;
        }
        match program(word) {
            Some(role) => {
                draft.note(word, Fate::elsewhere("it is the program"));
                let start = format!("spoor {role}");
                if !draft.roles.contains(&start) {
                    draft.roles.push(start);
                }
            }
            None => {
                let key = format!("word {} that is no flag", index + 1);
                draft.note(
                    &key,
                    Fate::Unknown("it is not shown: it may be a secret".to_owned()),
                );
            }
        }
    }
    for (index, (name, value)) in arguments.settings.iter().enumerate() {
        let key = format!("--{name}");
        let mut later = arguments.settings.iter().skip(index + 1);
        if is_one(name) && later.any(|(other, _)| today(other) == today(name)) {
            draft.note(
                &key,
                Fate::idle("it is given again, and the last one counts"),
            );
        } else {
            draft.take(&key, name, name, &Given::Text(value.clone()));
        }
    }
    for problem in &arguments.problems {
        let (key, hint) = unknown(problem);
        draft.note(&key, Fate::Unknown(hint));
    }
    for (name, value) in &words.variables {
        of_variable(name, value, draft);
    }
}

fn of_variable(name: &str, value: &str, draft: &mut Draft) {
    let is_alias = |effect: &Effect| matches!(effect, Effect::Alias { .. });
    let has = |flag: &&settings::flag::Flag| flag.variables().iter().any(|known| known == name);
    let found = flags::all()
        .filter(|flag| !is_alias(&flag.effect))
        .find(has)
        .or_else(|| flags::all().find(has));
    if value.is_empty() {
        draft.note(name, Fate::idle("it is empty, which sets nothing"));
    } else if value.starts_with("tcp://") || value.starts_with("udp://") {
        draft.note(
            name,
            Fate::elsewhere("Kubernetes sets it for a service of that name"),
        );
    } else if let Some(flag) = found {
        let given = match flag.kind {
            Kind::Lines => Given::List(value.lines().map(str::to_owned).collect()),
            _ => Given::Text(value.to_owned()),
        };
        draft.take(name, name, flag.name, &given);
    } else if let Some((_, why)) = OTHERS.iter().find(|(start, _)| name.starts_with(start)) {
        draft.note(name, Fate::elsewhere(why));
    } else {
        let nearest = flags::nearest(&name.to_ascii_lowercase().replace('_', "."));
        let hint = nearest.map_or_else(
            || "Jaeger ignores it too".to_owned(),
            |near| format!("did you mean {}?", variable(near)),
        );
        draft.note(name, Fate::Unknown(hint));
    }
}

/// What could not be understood, without what may be a value.
fn unknown(problem: &Problem) -> (String, String) {
    match problem {
        Problem::UnknownFlag { name, nearest } => {
            let hint = nearest.map_or_else(String::new, |name| format!("did you mean --{name}?"));
            (format!("--{}", shown(name)), hint)
        }
        Problem::NoValue(name) => (format!("--{}", shown(name)), "it has no value".to_owned()),
        Problem::OneDash(word) => {
            let name = shown(word.trim_start_matches('-'));
            match flags::find(name) {
                Some(_) => (
                    format!("-{name}"),
                    format!("flags begin with two dashes: --{name}"),
                ),
                None => ("-…".to_owned(), "flags begin with two dashes".to_owned()),
            }
        }
        _ => ("a word".to_owned(), String::new()),
    }
}

/// As much as can be a name.
fn shown(name: &str) -> &str {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let end = name.find(|c| !is_of_name(c)).unwrap_or(name.len());
    name.get(..end).unwrap_or_default()
}

/// Whether the last one counts.
fn is_one(name: &str) -> bool {
    flags::find(name).is_some_and(|flag| flag.kind != Kind::Lines)
}

fn today(name: &str) -> Option<&'static str> {
    flags::find(name).map(|flag| match flag.effect {
        Effect::Alias { to, .. } => to,
        _ => flag.name,
    })
}

/// The role of a program's path, or of an image.
fn program(word: &str) -> Option<&'static str> {
    let name = word.rsplit('/').next()?;
    let name = name.split(':').next()?;
    let bare = name.strip_prefix("jaeger-").unwrap_or(name);
    let found = PROGRAMS.iter().find(|(program, _)| {
        bare.strip_prefix(program)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("-linux"))
    });
    found.map(|(_, role)| *role)
}
