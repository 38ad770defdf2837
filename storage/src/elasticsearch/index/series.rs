//! Indices of one kind: one a day or an hour, or one name that is always the same.
//!
//! In: points in time. Out: the name to write to, and names and patterns to read from, newest first.
//!
//! A pattern always has a digit before its `*`, so that no alias, no archive and no index of rollover is among what it matches. It may match
//! more of the kind than was asked for, never less.

use super::super::config::Rotation;
use super::period::Period;

/// Names of one search, commas included, that fit into a request's line beside what else stands there; the line may have 4096 bytes.
const MAX_LIST: usize = 3_000;

/// Indices of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    /// What names begin with: `{prefix}jaeger-span-`.
    base: String,
    shape: Shape,
    /// Clusters that are read, too.
    remote: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Dated { period: Period, separator: String },
    Fixed { write: String, read: String },
}

// === impl Series ===

impl Series {
    /// A new index each day or hour.
    pub(super) fn dated(base: String, rotation: Rotation, separator: &str) -> Self {
        let period = match rotation {
            Rotation::Day => Period::Day,
            Rotation::Hour => Period::Hour,
        };
        let separator = separator.to_owned();
        Self {
            base,
            shape: Shape::Dated { period, separator },
            remote: Vec::new(),
        }
    }

    /// One name to write to and one to read from, each with `base` before it.
    pub(super) fn fixed(base: String, write: &str, read: &str) -> Self {
        Self {
            shape: Shape::Fixed {
                write: format!("{base}{write}"),
                read: format!("{base}{read}"),
            },
            base,
            remote: Vec::new(),
        }
    }

    /// Read from these clusters, too.
    pub(super) fn with_remote(self, remote: &[String]) -> Self {
        Self {
            remote: remote.to_vec(),
            ..self
        }
    }

    /// What all names begin with, and nothing of another kind does: `{prefix}jaeger-span-`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A number that two points in time share exactly when their documents go to one index.
    pub(crate) fn period(&self, time_ns: u64) -> u64 {
        match &self.shape {
            Shape::Dated { period, .. } => period.number(time_ns),
            Shape::Fixed { .. } => 0,
        }
    }

    /// Where a document of this time goes.
    pub(crate) fn write(&self, time_ns: u64) -> String {
        match &self.shape {
            Shape::Dated { period, separator } => {
                self.name(*period, period.number(time_ns), separator, "")
            }
            Shape::Fixed { write, .. } => write.clone(),
        }
    }

    /// Where documents of `[from_ns, until_ns]` lie: never nothing. What ends before it begins is the index of its beginning, as in Jaeger.
    pub(crate) fn read(&self, from_ns: u64, until_ns: u64) -> Vec<String> {
        let local = self.read_here(from_ns, until_ns);
        let remote = local.iter().flat_map(|name| {
            let clusters = self.remote.iter();
            clusters.map(move |cluster| format!("{cluster}:{name}"))
        });
        let remote: Vec<String> = remote.collect();
        [local, remote].concat()
    }

    /// The same without those of other clusters.
    pub(crate) fn read_here(&self, from_ns: u64, until_ns: u64) -> Vec<String> {
        match &self.shape {
            Shape::Dated { period, separator } => {
                self.dated_names(*period, separator, from_ns, until_ns.max(from_ns))
            }
            Shape::Fixed { read, .. } => vec![read.clone()],
        }
    }

    /// The first of `names`, which are an index and its aliases, by which [`Series::read`] of the same times finds that index here.
    pub(crate) fn finds<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
        from_ns: u64,
        until_ns: u64,
    ) -> Option<&'a String> {
        let mut names = names.into_iter();
        let Shape::Dated { period, separator } = &self.shape else {
            let read = self.read(from_ns, until_ns);
            return names.find(|name| read.contains(name));
        };
        let until_ns = until_ns.max(from_ns);
        let (first, last) = (self.write(from_ns), self.write(until_ns));
        let read = self.dated_names(*period, separator, from_ns, until_ns);
        names.find(|name| {
            if name.len() == first.len() {
                // such names are in the order of their times, and a pattern may match more than was asked for
                return first <= **name && **name <= last;
            }
            let patterns = read.iter().filter_map(|name| name.strip_suffix('*'));
            patterns.into_iter().any(|start| name.starts_with(start))
        })
    }

    fn dated_names(
        &self,
        shortest: Period,
        separator: &str,
        from_ns: u64,
        until_ns: u64,
    ) -> Vec<String> {
        let mut kind = Some(shortest);
        while let Some(period) = kind {
            let numbers = period.number(from_ns)..=period.number(until_ns);
            let pattern = if period == shortest {
                None
            } else {
                Some(separator)
            };
            let name = |number| {
                let mut name = self.name(period, number, separator, pattern.unwrap_or_default());
                name.extend(pattern.map(|_| '*'));
                name
            };
            // all are of one length
            let count = numbers.end() - numbers.start() + 1;
            if self.list_len(name(*numbers.start()).len(), count) <= MAX_LIST as u64 {
                return numbers.rev().map(name).collect();
            }
            kind = period.longer();
        }
        ["2*", "1*"]
            .map(|digit| format!("{}{digit}", self.base))
            .into()
    }

    /// Bytes of `count` names of this length, there and in each cluster, with commas.
    fn list_len(&self, name: usize, count: u64) -> u64 {
        // in a request's line each byte of other letters has three, and a colon too
        let others = self.base.bytes().filter(|byte| !byte.is_ascii()).count();
        let name = name + 2 * others;
        let remote = self
            .remote
            .iter()
            .map(|cluster| cluster.len() + 3 + name + 1);
        let each = name + 1 + remote.sum::<usize>();
        count.saturating_mul(each as u64)
    }

    fn name(&self, period: Period, number: u64, separator: &str, end: &str) -> String {
        let mut name = String::with_capacity(self.base.len() + 16 + 4 * separator.len());
        name.push_str(&self.base);
        period.write(&mut name, number, separator);
        name.push_str(end);
        name
    }
}
