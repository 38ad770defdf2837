//! A Java of the right version, found where machines and CI keep them. Nothing is installed.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

/// The folder of the oldest Java of a version that `fits`, for `what`.
pub(crate) fn home(what: impl Display, fits: &RangeInclusive<u32>) -> anyhow::Result<PathBuf> {
    let found: Vec<_> = candidates()
        .into_iter()
        .filter_map(|home| Some((version(&home)?, home)))
        .collect();
    let oldest = found
        .iter()
        .filter(|(version, _)| fits.contains(version))
        .min();
    let (_, home) = oldest.with_context(|| {
        let versions: BTreeSet<_> = found.iter().map(|(version, _)| version).collect();
        let wanted = match (fits.start(), fits.end()) {
            (first, &u32::MAX) => format!("Java {first} or newer"),
            (first, last) => format!("Java {first} (up to {last})"),
        };
        format!(
            "{what} needs {wanted}, found {versions:?}: install one under /usr/lib/jvm or set JAVA_HOME"
        )
    })?;
    Ok(home.clone())
}

/// Folders that may hold a `bin/java`.
#[allow(
    clippy::disallowed_methods,
    reason = "a test asks where a Java is, no setting of Spoor"
)]
fn candidates() -> BTreeSet<PathBuf> {
    let named = ["JAVA_HOME", "ES_JAVA_HOME", "OPENSEARCH_JAVA_HOME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .map(PathBuf::from);
    let installed = ["/usr/lib/jvm", "/opt/java"]
        .into_iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()));
    // GitHub's and others' machines name those that they have: JAVA_HOME_21_X64
    let numbered = std::env::vars()
        .filter(|(name, _)| name.starts_with("JAVA_HOME_"))
        .map(|(_, home)| PathBuf::from(home));
    let path = std::env::var("PATH").unwrap_or_default();
    let on_path = path
        .split(':')
        .map(|folder| Path::new(folder).join("java"))
        .filter_map(|java| Some(java.canonicalize().ok()?.parent()?.parent()?.to_owned()));
    named
        .chain(installed)
        .chain(numbered)
        .chain(on_path)
        .filter_map(|home| home.canonicalize().ok())
        .collect()
}

/// 17 for 17.0.15, 8 for 1.8.0.
fn version(home: &Path) -> Option<u32> {
    let output = Command::new(home.join("bin/java"))
        .arg("-version")
        .output()
        .ok()?;
    major(&String::from_utf8_lossy(&output.stderr))
}

fn major(said: &str) -> Option<u32> {
    let quoted = said.split('"').nth(1)?;
    let mut parts = quoted.split(|c: char| !c.is_ascii_digit());
    match parts.next()?.parse().ok()? {
        1 => parts.next()?.parse().ok(),
        version => Some(version),
    }
}

#[cfg(test)]
mod tests {
    use super::major;

    #[track_caller]
    fn check(said: &str, expect: Option<u32>) {
        assert_eq!(major(said), expect, "{said}");
    }

    #[test]
    fn a_java_says_its_version_in_quotes() {
        check("openjdk version \"17.0.15\" 2025-04-15", Some(17));
        check("openjdk version \"25\" 2025-09-16 LTS", Some(25));
        check("java version \"1.8.0_202\"", Some(8));
        check("openjdk version \"24-ea\" 2025-03-18", Some(24));
        check("bash: java: not found", None);
    }
}
