//! A grant as an operator writes it: `WHO WHAT WHERE…`.
//!
//! In: text. Out: a grant, or what of it cannot be read. `WHO` is `anyone`, `signed-in`, `user:NAME`, `group:NAME` or `certificate:PATTERN`; a name may hold spaces, for
//! it ends where `WHAT` begins: `read`, `write` or `read+write`. `WHERE` is a namespace, `namespace/name`, or `*`, and there may be several.

use model::Instance;

use super::{Grant, Place, Who};

/// Why a line grants nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{line}\" is no grant: {problem}")]
pub struct InvalidGrant {
    line: String,
    problem: String,
}

/// Reads one line.
pub(super) fn parse(line: &str) -> Result<Grant, InvalidGrant> {
    read(line).map_err(|problem| InvalidGrant {
        line: line.to_owned(),
        problem,
    })
}

fn read(line: &str) -> Result<Grant, String> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let what = words.iter().position(|word| verbs(word).is_some());
    let Some((what, (reads, writes))) =
        what.and_then(|at| Some((at, verbs(words.get(at).copied()?)?)))
    else {
        return Err(
            "it says neither read nor write: give WHO, what, where, such as group:shop-devs read shop"
                .to_owned(),
        );
    };
    let (who, places) = words.split_at(what);
    let places = places.get(1..).unwrap_or_default();
    if places.is_empty() {
        return Err("it does not say where: give a namespace, namespace/name, or *".to_owned());
    }
    Ok(Grant {
        who: whom(&who.join(" "))?,
        reads,
        writes,
        places: places
            .iter()
            .map(|word| place(word))
            .collect::<Result<_, _>>()?,
    })
}

fn verbs(word: &str) -> Option<(bool, bool)> {
    match word {
        "read" => Some((true, false)),
        "write" => Some((false, true)),
        "read+write" | "write+read" => Some((true, true)),
        _ => None,
    }
}

fn whom(text: &str) -> Result<Who, String> {
    let (kind, name) = text.split_once(':').unwrap_or((text, ""));
    match (kind, name) {
        ("anyone", "") => Ok(Who::Anyone),
        ("signed-in", "") => Ok(Who::SignedIn),
        ("user" | "group" | "certificate", "") => Err(format!("{kind}: is followed by no name")),
        ("user", name) => Ok(Who::User(name.to_owned())),
        ("group", name) => Ok(Who::Group(name.to_owned())),
        ("certificate", name) => match name.parse() {
            Ok(pattern) => Ok(Who::Certificate(pattern)),
            Err(error) => Err(format!("{error}")),
        },
        _ => Err(format!(
            "nobody is \"{text}\": give anyone, signed-in, user:NAME, group:NAME, or certificate:NAME"
        )),
    }
}

fn place(word: &str) -> Result<Place, String> {
    if word == "*" {
        return Ok(Place::Everywhere);
    }
    if word.contains('/') {
        return match Instance::parse(word) {
            Ok(instance) => Ok(Place::Instance(instance)),
            Err(error) => Err(error.to_string()),
        };
    }
    // a namespace is what may stand before a name
    match Instance::new(word, "x") {
        Ok(instance) => Ok(Place::Namespace(instance.namespace().to_owned())),
        Err(_) => Err(format!(
            "\"{word}\" is no namespace: give lower-case letters, digits and inner hyphens, at most 63, or *"
        )),
    }
}
