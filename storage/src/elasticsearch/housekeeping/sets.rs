//! Indices that go through rollover, and the aliases in front of them.
//!
//! In: which kinds, and a place's names. Out: for each kind the alias that is written to, the alias that is read, and the first index.
//!
//! Source: `jaegertracing/jaeger: cmd/es-rollover/app/index_options.go` v1.76.0.

use super::super::index::Names;

/// Which kinds of indices are meant beside spans and services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sets {
    /// The archive's spans, and nothing else.
    pub archive: bool,
    /// Dependencies.
    pub dependencies: bool,
    /// What adaptive sampling keeps. Neither Spoor nor Jaeger reads it by an alias.
    pub sampling: bool,
}

/// The indices of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// `{prefix}jaeger-span`
    pub(super) name: String,
}

// === impl Sets ===

impl Sets {
    pub(super) fn of(self, names: &Names) -> Vec<Set> {
        let of = |base: &str, end: &str| Set {
            name: format!("{}{end}", base.trim_end_matches('-')),
        };
        if self.archive {
            return vec![of(names.spans.base(), "-archive")];
        }
        let mut sets = vec![of(names.spans.base(), ""), of(names.services.base(), "")];
        if self.dependencies {
            sets.push(of(names.dependencies.base(), ""));
        }
        if self.sampling {
            sets.push(of(names.sampling.base(), ""));
        }
        sets
    }
}

// === impl Set ===

impl Set {
    pub(super) fn write_alias(&self) -> String {
        format!("{}-write", self.name)
    }

    pub(super) fn read_alias(&self) -> String {
        format!("{}-read", self.name)
    }

    /// The index with this number.
    pub(super) fn index(&self, number: u32) -> String {
        format!("{}-{number:06}", self.name)
    }

    /// The number of an index of this set.
    pub(super) fn number(&self, index: &str) -> Option<u32> {
        let digits = index.strip_prefix(&self.name)?.strip_prefix('-')?;
        let is_number = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elasticsearch::config::Indices;

    fn sets(prefix: &str, archive: bool, dependencies: bool, sampling: bool) -> Vec<String> {
        let indices = Indices {
            prefix: prefix.to_owned(),
            is_archive: archive,
            use_aliases: true,
            ..Indices::default()
        };
        let names = Names::new("es", &indices).unwrap();
        let sets = Sets {
            archive,
            dependencies,
            sampling,
        };
        sets.of(&names).into_iter().map(|set| set.name).collect()
    }

    #[test]
    fn kinds_are_jaegers() {
        assert_eq!(
            sets("", false, false, false),
            ["jaeger-span", "jaeger-service"]
        );
        assert_eq!(
            sets("p", false, true, true),
            [
                "p-jaeger-span",
                "p-jaeger-service",
                "p-jaeger-dependencies",
                "p-jaeger-sampling"
            ]
        );
        assert_eq!(sets("p", true, true, true), ["p-jaeger-span-archive"]);
    }

    #[test]
    fn names_are_what_readers_and_writers_use() {
        let indices = Indices {
            prefix: "p".to_owned(),
            use_aliases: true,
            ..Indices::default()
        };
        let names = Names::new("es", &indices).unwrap();
        let span = Set {
            name: "p-jaeger-span".to_owned(),
        };
        assert_eq!(names.spans.write(0), span.write_alias());
        assert_eq!(names.spans.read(0, 1), [span.read_alias()]);
        assert_eq!(span.index(12), "p-jaeger-span-000012");
        assert_eq!(span.number("p-jaeger-span-000012"), Some(12));
        for other in [
            "p-jaeger-span-12",
            "p-jaeger-span-archive-000012",
            "p-jaeger-span-+00012",
        ] {
            assert_eq!(span.number(other), None, "{other}");
        }
    }
}
