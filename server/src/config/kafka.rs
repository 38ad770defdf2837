//! What is told of Kafka: to the store that writes to it, and to the ingester that reads from it.
//!
//! In: `kafka.*` and `ingester.*` of the process, and the items of `instances`. Out: a topic for each instance that is written to, or all topics that are read, with whose their records are.
//! Files with keys and secrets are looked at, so that a start fails here and not later. It calls no broker.

mod connection;
pub(super) mod consumer;
pub(super) mod producer;

use super::check::Check;

/// Letters of a topic's name.
const MAX_TOPIC: usize = 249;

/// A topic that can be.
fn topic(name: &str, check: &mut Check<'_>) -> String {
    let topic = check.settings.text(name).trim().to_owned();
    if let Some(what) = wrong_topic(&topic) {
        check.wrong(name, what);
    }
    topic
}

/// What is wrong with a topic's name.
fn wrong_topic(topic: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_one =
        !matches!(topic, "" | "." | "..") && topic.len() <= MAX_TOPIC && topic.chars().all(fits);
    (!is_one).then(|| {
        format!("\"{topic}\" is no topic: give letters, digits, dots, underscores and hyphens, at most {MAX_TOPIC}")
    })
}

/// The one of `words` that a setting says, in whatever case, with what it means.
fn one_of<T: Copy>(name: &str, words: &[(&str, T)], check: &mut Check<'_>) -> Option<T> {
    let text = check.settings.text(name).trim();
    let found = words
        .iter()
        .find(|(word, _)| word.eq_ignore_ascii_case(text));
    if found.is_none() {
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let what = format!("\"{text}\" is none of {}", words.join(", "));
        check.wrong(name, what);
    }
    found.map(|(_, meaning)| *meaning)
}
