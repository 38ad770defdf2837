//! The unpacked distribution of a server: downloaded by Maven and unpacked once into the cache folder, then only read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::kind::{MAVEN_DEPENDENCY, SECURITY_PLUGIN};
use super::{Kind, java};
use crate::clients::{cache, once, run};

/// The folder of `kind` in the cache.
pub(super) fn unpacked(kind: Kind) -> anyhow::Result<PathBuf> {
    let folder = folder_of(kind, "")?;
    once(&folder, || unpack(kind, &folder))?;
    inside(&folder)
}

/// The same with OpenSearch's security plugin, which is installed into a copy.
pub(super) fn with_security_plugin(kind: Kind) -> anyhow::Result<PathBuf> {
    let folder = folder_of(kind, "-security")?;
    once(&folder, || {
        unpack(kind, &folder)?;
        let home = inside(&folder)?;
        maven(&folder, "copy", SECURITY_PLUGIN)?;
        let mut words = SECURITY_PLUGIN.split(':').skip(1);
        let (name, version) = (words.next(), words.next());
        let (name, version) = (name.unwrap_or_default(), version.unwrap_or_default());
        let zip = folder.join(format!("{name}-{version}.zip"));
        run(
            Command::new(home.join("bin/opensearch-plugin"))
                .args(["install", "--batch"])
                .arg(format!("file://{}", zip.display()))
                .env("OPENSEARCH_JAVA_HOME", java::home(kind, &kind.java())?),
            "a Java for OpenSearch",
        )?;
        fs::remove_file(&zip)?;
        readable(&home)
    })?;
    inside(&folder)
}

/// A copy of `from` whose files are hard links where the file system allows it, so that it costs no room.
pub(crate) fn link(from: &Path, to: &Path) -> anyhow::Result<()> {
    copy_by(from, to, &|path, place| {
        fs::hard_link(path, place).or_else(|_| fs::copy(path, place).map(drop))
    })
}

/// A copy of `from` that may be changed.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    copy_by(from, to, &|path, place| fs::copy(path, place).map(drop))
}

fn copy_by(
    from: &Path,
    to: &Path,
    copy: &dyn Fn(&Path, &Path) -> std::io::Result<()>,
) -> anyhow::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, place) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_by(&path, &place, copy)?;
        } else {
            copy(&path, &place).with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// Whether every user may go to `folder`: a cache in the home of root is often closed to others.
pub(crate) fn is_open(folder: &Path) -> bool {
    folder
        .ancestors()
        .all(|f| fs::metadata(f).is_ok_and(|m| m.permissions().mode() & 0o001 != 0))
}

fn folder_of(kind: Kind, variant: &str) -> anyhow::Result<PathBuf> {
    let name = format!("{}-{}{variant}", kind.product(), kind.version());
    Ok(cache()?.join(name))
}

/// The one folder that a distribution's archive holds.
fn inside(folder: &Path) -> anyhow::Result<PathBuf> {
    let entries: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    let home = entries.iter().find(|e| e.path().join("bin").is_dir());
    let home = home.with_context(|| format!("no distribution in {}", folder.display()))?;
    Ok(home.path())
}

fn unpack(kind: Kind, folder: &Path) -> anyhow::Result<()> {
    maven(folder, "unpack", &kind.artifact())?;
    readable(&inside(folder)?)
}

/// `unpack`s or `copy`s an artifact into `folder`.
fn maven(folder: &Path, goal: &str, artifact: &str) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    // where Maven leaves marks of what it unpacked
    let marks = tempfile::tempdir()?;
    run(
        Command::new("mvn")
            .args(["-q", "-B"])
            .arg(format!("{MAVEN_DEPENDENCY}:{goal}"))
            .arg(format!("-Dartifact={artifact}"))
            .arg(format!("-DoutputDirectory={}", folder.display()))
            .current_dir(marks.path()),
        "Maven and its repository",
    )
}

/// Lets other users read: a server doesn't run as root.
fn readable(path: &Path) -> anyhow::Result<()> {
    let metadata = fs::symlink_metadata(path)?;
    let mode = metadata.permissions().mode();
    // who may run it may be read from the owner's bit
    let execute = (mode & 0o100) >> 6 | (mode & 0o100) >> 3;
    fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o044 | execute))?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            readable(&entry?.path())?;
        }
    }
    Ok(())
}
