//! The table of every setting: all of Jaeger 1.20 to 1.76, and ours.
//!
//! In: a name. Out: its row. One flat table, in files by component, put together here and nowhere else. A test holds it against the contract's list and
//! against itself. It holds no values.

mod access;
mod collector;
mod common;
mod macros;
mod query;
mod storages;
mod store_macros;
mod streams;

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::flag::{Effect, Flag};

/// One component of the table: its title for people, and its rows.
pub type Section = (&'static str, &'static [&'static [Flag]]);

/// The table, in the order of the documentation.
pub const SECTIONS: &[Section] = &[
    ("Every role", &[common::ROWS, common::ADMIN_TLS]),
    (
        "Receiving spans",
        &[
            collector::ROWS,
            collector::OTLP_GRPC_TLS,
            collector::OTLP_HTTP_TLS,
            collector::GRPC_TLS,
            collector::HTTP_TLS,
            collector::ZIPKIN_TLS,
            collector::SAMPLING_HTTP_TLS,
            collector::SAMPLING_GRPC_TLS,
            collector::JAEGER_COMPACT,
            collector::JAEGER_BINARY,
            collector::ZIPKIN_COMPACT,
        ],
    ),
    ("Who may ask and send", &[access::ROWS]),
    (
        "Answering queries",
        &[
            query::ROWS,
            query::HTTP_TLS,
            query::GRPC_TLS,
            query::PROMETHEUS_TLS,
        ],
    ),
    (
        "Stores",
        &[
            storages::ROWS,
            storages::ELASTICSEARCH,
            storages::ELASTICSEARCH_ALONE,
            storages::ELASTICSEARCH_TLS,
            storages::ARCHIVE,
            storages::ARCHIVE_ALONE,
            storages::ARCHIVE_TLS,
            storages::REMOTE,
            storages::REMOTE_TLS,
            storages::REMOTE_ARCHIVE,
            storages::REMOTE_ARCHIVE_TLS,
            storages::REMOTE_SERVER_TLS,
            storages::CASSANDRA_ROWS,
            storages::CASSANDRA_TLS,
            storages::CASSANDRA_ARCHIVE,
            storages::CASSANDRA_ARCHIVE_TLS,
        ],
    ),
    (
        "Kafka, ingester, agent",
        &[
            streams::ROWS,
            streams::PRODUCER,
            streams::PRODUCER_TLS,
            streams::CONSUMER,
            streams::CONSUMER_TLS,
            streams::REPORTER_TLS,
        ],
    ),
];

/// Every row.
pub fn all() -> impl Iterator<Item = &'static Flag> {
    SECTIONS
        .iter()
        .flat_map(|(_, tables)| tables.iter().flat_map(|rows| rows.iter()))
}

/// The row of a name, as on the command line; rows that only a variable sets are left out.
#[must_use]
pub fn find(name: &str) -> Option<&'static Flag> {
    index()
        .get(name)
        .copied()
        .filter(|flag| !flag.variable_only)
}

/// The row of a key in a file, where upper and lower case are one, as in Jaeger.
#[must_use]
pub fn find_key(key: &str) -> Option<&'static Flag> {
    find(key)
        .or_else(|| all().find(|flag| !flag.variable_only && flag.name.eq_ignore_ascii_case(key)))
}

fn index() -> &'static HashMap<&'static str, &'static Flag> {
    static INDEX: OnceLock<HashMap<&'static str, &'static Flag>> = OnceLock::new();
    INDEX.get_or_init(|| all().map(|flag| (flag.name, flag)).collect())
}

/// The known name that an unknown one was meant to be: a typo, a name cut short in any of its parts, or one without its first parts. None when
/// nothing is near enough to have been meant, or when more than one is as near.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    typo(&name, 0.8)
        .or_else(|| only(|known| cut_short(&name, known)))
        .or_else(|| only(|known| is_end(&name, known)))
        // Two strokes in a short name are a lot for its length, and still only two.
        .or_else(|| {
            typo(&name, 0.75).filter(|known| strsim::damerau_levenshtein(&name, known) <= 2)
        })
}

/// The name most like it, of those at least `likeness` (1 is the same).
fn typo(name: &str, likeness: f64) -> Option<&'static str> {
    all()
        .filter(|flag| !flag.variable_only)
        // Names of very different lengths are never that near, and comparing is not free.
        .filter(|flag| flag.name.len().abs_diff(name.len()) <= flag.name.len().max(name.len()) / 4)
        .map(|flag| {
            (
                strsim::normalized_damerau_levenshtein(name, flag.name),
                flag.name,
            )
        })
        .filter(|(found, _)| *found >= likeness)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// The one name that fits. Those that act go before those that change nothing; old and refused ones are never offered.
fn only(fits: impl Fn(&str) -> bool) -> Option<&'static str> {
    let of = |wanted: fn(&Effect) -> bool| {
        let mut found = all().filter(|flag| {
            !flag.variable_only && wanted(&flag.effect) && fits(&flag.name.to_ascii_lowercase())
        });
        (found.next(), found.next())
    };
    match of(|effect| matches!(effect, Effect::Acts)) {
        (None, _) => match of(|effect| matches!(effect, Effect::Accepted(_))) {
            (Some(flag), None) => Some(flag.name),
            _ => None,
        },
        (Some(flag), None) => Some(flag.name),
        _ => None,
    }
}

/// Whether each part of `name` begins that part of `known`: `embedded.dir`, `query.http.host-port`, `plaintext`.
fn cut_short(name: &str, known: &str) -> bool {
    /// Fewer letters begin too many words by chance.
    const LETTERS: usize = 4;
    let mut parts = known.split('.');
    name.len() >= LETTERS
        && name.split('.').all(|part| {
            !part.is_empty() && parts.next().is_some_and(|known| known.starts_with(part))
        })
}

/// Whether `known` ends with `name`, part by part.
fn is_end(name: &str, known: &str) -> bool {
    !name.is_empty()
        && known
            .strip_suffix(name)
            .is_some_and(|start| start.ends_with('.'))
}

/// The one of `words` that a mistyped word was meant to be; none when nothing is within two strokes.
#[must_use]
pub fn nearest_of<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    let strokes = |known: &str| strsim::damerau_levenshtein(word, known);
    words
        .iter()
        .copied()
        .filter(|known| strokes(known) <= 2)
        .min_by_key(|known| strokes(known))
}

#[cfg(test)]
mod tests;
