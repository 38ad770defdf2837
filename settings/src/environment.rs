//! The process's surroundings: its variables and its arguments, and the memory that its control group leaves it.
//!
//! In: the operating system. Out: plain maps and numbers, so that everything else is a function of its arguments. The one place that reads them. A text that
//! is not UTF-8 is read with replacement characters. An empty variable counts as not set, as in Jaeger.

use std::collections::BTreeMap;
use std::path::Path;

use crate::ByteSize;

/// Environment variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<String, String>);

// === impl Environment ===

impl Environment {
    /// What the process was started with.
    #[must_use]
    pub fn of_process() -> Self {
        std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .collect()
    }

    /// A variable that holds something.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

/// The command line, the program's own name first.
#[must_use]
pub fn arguments() -> Vec<String> {
    std::env::args_os()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect()
}

/// The name of this machine, for labels; empty when the system does not say.
#[must_use]
pub fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

/// What `memory.max-bytes` is when nothing sets it: 192 MiB, or half of what the memory control group allows if that is less.
#[must_use]
pub fn default_memory() -> ByteSize {
    default_memory_under(Path::new("/sys/fs/cgroup"))
}

/// Version 2 has one file, version 1 another; "max" and the huge number of version 1 both mean no limit.
fn default_memory_under(root: &Path) -> ByteSize {
    let most = ByteSize::from_mib(192);
    ["memory.max", "memory/memory.limit_in_bytes"]
        .iter()
        .filter_map(|file| {
            std::fs::read_to_string(root.join(file))
                .ok()?
                .trim()
                .parse::<u64>()
                .ok()
        })
        .map(|limit| ByteSize::from_bytes(limit / 2))
        .fold(most, ByteSize::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_not_set() {
        let environment: Environment = [("A", ""), ("B", "x")].into_iter().collect();
        assert_eq!(
            (
                environment.get("A"),
                environment.get("B"),
                environment.get("C")
            ),
            (None, Some("x"), None)
        );
    }

    #[test]
    fn half_the_control_group_is_the_default_when_it_is_small() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(default_memory_under(root.path()), ByteSize::from_mib(192));
        for (text, expect) in [
            ("max\n", 192),
            ("268435456\n", 128),
            ("9223372036854771712\n", 192),
        ] {
            std::fs::write(root.path().join("memory.max"), text).unwrap();
            assert_eq!(
                default_memory_under(root.path()),
                ByteSize::from_mib(expect)
            );
        }
    }
}
