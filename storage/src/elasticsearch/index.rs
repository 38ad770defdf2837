//! Names of indices: where a document goes, and where documents of a span of time are looked for.
//!
//! In: [`Indices`], as they were set. Out: [`Names`], checked once, so that every name made of them is one that a cluster takes: nothing that a
//! user of the API says is ever part of a name. A list of names that would not fit into a request's line becomes a shorter one of patterns.
//!
//! Deliberately absent: whether an index is there.
//!
//! Source: `jaegertracing/jaeger: internal/storage/v1/elasticsearch` v1.76.0, `spanstore/{writer,index_utils,reader}.go`,
//! `samplingstore/storage.go`.

mod period;
mod series;
mod valid;

use super::config::{Indices, Rotation};

use period::Period;

pub(crate) use series::Series;
pub(crate) use valid::InvalidName;

/// The indices of one place.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    prefix: String,
    /// Spans; of an archive, the one index that it is.
    pub(crate) spans: Series,
    /// Services and their operations. An archive has none that is read.
    pub(crate) services: Series,
    /// Calls between services, written by a job of Jaeger's.
    pub(crate) dependencies: Series,
    /// What adaptive sampling keeps. It has no aliases in Jaeger.
    pub(crate) sampling: Series,
}

// === impl Names ===

impl Names {
    /// Names made as `indices` says. `settings` is what stands before the settings' names: `es` or `es-archive`.
    pub(crate) fn new(settings: &str, indices: &Indices) -> Result<Self, InvalidName> {
        valid::check(settings, indices)?;
        let prefix = normalised(&indices.prefix);
        let series = |kind: &str, rotation: Rotation, has_aliases: bool| {
            let base = format!("{prefix}jaeger-{kind}-");
            let series = match (indices.is_archive, has_aliases) {
                (true, true) => Series::fixed(base, "archive-write", "archive-read"),
                (true, false) => Series::fixed(base, "archive", "archive"),
                (false, true) => Series::fixed(base, "write", "read"),
                (false, false) => Series::dated(base, rotation, &indices.date_separator),
            };
            series.with_remote(&indices.remote_read_clusters)
        };
        let aliases = indices.use_aliases;
        Ok(Self {
            spans: series("span", indices.spans, aliases),
            services: series("service", indices.services, aliases),
            dependencies: series("dependencies", Rotation::Day, aliases),
            sampling: series("sampling", indices.sampling, false),
            prefix,
        })
    }

    /// What stands before every name: empty, or with a hyphen at its end.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// The index of what could not be stored.
    pub(crate) fn dead_letters(&self) -> String {
        format!("{}spoor-dead-letter", self.prefix)
    }

    /// The index of what could not be stored at this time: one a day, in the same spelling whatever `index-date-separator` says.
    pub(crate) fn dead_letters_of(&self, time_ns: u64) -> String {
        let mut name = self.dead_letters();
        name.push('-');
        Period::Day.write(&mut name, Period::Day.number(time_ns), "-");
        name
    }

    /// The index of leases.
    pub(crate) fn leases(&self) -> String {
        format!("{}spoor-lease", self.prefix)
    }
}

/// With the hyphen that Jaeger puts behind a prefix.
fn normalised(prefix: &str) -> String {
    if prefix.is_empty() || prefix.ends_with('-') {
        prefix.to_owned()
    } else {
        format!("{prefix}-")
    }
}

#[cfg(test)]
mod tests;
