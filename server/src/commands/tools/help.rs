//! Help for the tools that keep indices in order.
//!
//! In: a tool. Out: what it does, and its options and settings with their defaults, from the tables that they are read by.

use std::fmt::Write as _;

use settings::flag::{Effect, variable};
use settings::flags;

use crate::cli::tools::{Row, Takes, Word};
use crate::commands::help::{default, entry, wrapped};

const CLEANER: &str = "\
Delete indices of Elasticsearch or OpenSearch that are too old, as Jaeger's es-index-cleaner does.

Usage: spoor es-index-cleaner [options] DAYS URL

Deletes what began more than DAYS days before the next midnight (UTC): 1 keeps what began today. The later of
two moments is when an index began: when it was made, and the day in its name. Indices that a write alias
leads to stay, and those of other prefixes. Dead letters (spoor-dead-letter-…) go with the indices of their
days.
";

const ROLLOVER: &str = "\
Make indices behind aliases, have them followed by new ones, and take old ones out of what is read, as
Jaeger's es-rollover does.

Usage: spoor es-rollover init|rollover|lookback [options] URL

init puts templates and makes …-000001 with the aliases …-write and …-read; doing it twice changes nothing.
rollover has …-write go over to a new index where a condition is met. lookback takes the alias …-read off
indices that are too old. For servers with es.use-aliases=true.
";

const MAPPING: &str = "\
Print an index template, as Jaeger's esmapping-generator does.

Usage: spoor es-mapping --mapping=jaeger-span [options]

For whoever puts templates there by other means, with es.create-index-templates=false. Up to version 7 it is
for PUT _template, from 8 on for PUT _index_template.
";

/// The text.
pub(super) fn text(word: Word) -> String {
    let about = match word {
        Word::Cleaner => CLEANER,
        Word::Rollover => ROLLOVER,
        Word::Mapping => MAPPING,
    };
    let mut out = about.to_owned();
    out.push_str("\nOptions:\n");
    for row in word.rows() {
        option(row, &mut out);
    }
    let settings: Vec<_> = flags::all()
        .filter(|flag| flag.effect == Effect::Acts && word.reads(flag.name))
        .collect();
    if !settings.is_empty() {
        out.push_str("\nSettings, also by their variables and in a file:\n");
    }
    for flag in settings {
        entry(flag, &mut out);
    }
    out.push_str("\nExit codes: 0 all was done; 1 something could not be.\n");
    out
}

fn option(row: &Row, out: &mut String) {
    let takes = match row.takes {
        Takes::Switch | Takes::Truth => "bool",
        Takes::Number => "int",
        Takes::Text => "text",
    };
    let default = default(row.default);
    let variable = if row.has_variable {
        format!(" [{}]", variable(row.name))
    } else {
        String::new()
    };
    let _infallible = write!(
        out,
        "  --{} {takes}{default}{variable}\n{}",
        row.name,
        wrapped(row.help)
    );
}
