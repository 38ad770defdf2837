//! A program of a Kafka distribution, which is no more than jars: its folder, its process while it runs, and what it said.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::Version;
use crate::clients::run;
use crate::servers::process::{self, Process};
use crate::servers::{PATIENCE, QUICK, distribution, java, put, tail};

/// What a server's own start scripts do for it: the process id is on record before the program begins.
const RECORDED: &str = "echo \"$$\" > \"$FOLDER/pid\" && exec \"$@\"";

/// What is logged: little, but all about groups. A line begins with the milliseconds since the program began.
const LOGGED: [&str; 3] = [
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.coordinator.group=info",
];

/// A program. Dropping it kills it and removes its folder; it dies with this process too.
#[derive(Debug)]
pub(super) struct Jvm {
    name: String,
    java: PathBuf,
    jars: PathBuf,
    folder: PathBuf,
    process: Option<Process>,
    /// What the processes before this one said.
    said: String,
}

// === impl Jvm ===

impl Jvm {
    /// With a folder and without a process.
    pub(super) fn new(version: Version, name: &str) -> anyhow::Result<Self> {
        let java = java::home(version, &version.java())?.join("bin/java");
        let folder = tempfile::Builder::new()
            .prefix("spoor-kafka-")
            .tempdir()?
            .keep();
        let mut made = Self {
            name: format!("{name} of {version}"),
            java,
            folder,
            process: None,
            said: String::new(),
            jars: version.jars()?,
        };
        for part in ["data", "tmp"] {
            fs::create_dir(made.folder.join(part))?;
        }
        if !distribution::is_open(&made.jars) {
            let linked = made.folder.join("jars");
            distribution::link(&made.jars, &linked)?;
            made.jars = linked;
        }
        process::give(&made.folder)?;
        Ok(made)
    }

    /// Its folder, in which `data` is for what it keeps.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts a file of lines into its folder.
    pub(super) fn put(&self, name: &str, lines: &[String]) -> anyhow::Result<()> {
        put(&self.folder, name, &(lines.join("\n") + "\n"))
    }

    /// Runs another program of the distribution to its end, in the same folder.
    pub(super) fn run(&self, main: &str, args: &[&str]) -> anyhow::Result<()> {
        let mut command = self.command(&[main]);
        command.args(args).current_dir(&self.folder);
        run(process::as_user(&mut command), &self.name)
    }

    /// Java with options of its own, as [`Self::run`].
    pub(super) fn java(&self, args: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(&self.java);
        command.args(args).current_dir(&self.folder);
        run(process::as_user(&mut command), &self.name)
    }

    /// Starts it and waits until it is ready, which an error of `ready` says that it is not yet.
    pub(super) fn begin(
        &mut self,
        main: &str,
        config: &str,
        ready: impl Fn() -> anyhow::Result<()>,
    ) -> anyhow::Result<Duration> {
        ensure!(self.process.is_none(), "{} is running", self.name);
        let started = Instant::now();
        let mut command = Command::new("bash");
        let program = self.command(&[main, config]);
        command
            .args(["-c", RECORDED, "recorded"])
            .arg(program.get_program())
            .args(program.get_args());
        self.process = Some(Process::start(&command, &self.folder)?);
        let began = self.wait(started, ready);
        began.with_context(|| format!("{} said:\n{}", self.name, tail(&self.log())))?;
        Ok(started.elapsed())
    }

    fn wait(&self, started: Instant, ready: impl Fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
        while let Err(error) = ready() {
            ensure!(!self.running()?.has_ended(), "it ended");
            if started.elapsed() > PATIENCE {
                return Err(error.context(format!("not ready after {PATIENCE:?}")));
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Ok(())
    }

    /// Stops it in an orderly way and waits for that.
    pub(super) fn stop(&mut self) -> anyhow::Result<()> {
        let ended = self.running()?.end();
        ended.with_context(|| format!("{} said:\n{}", self.name, tail(&self.log())))?;
        self.kill()
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) -> anyhow::Result<()> {
        self.said = self.log();
        let process = self.process.take();
        let process = process.with_context(|| format!("{} is not running", self.name))?;
        process.kill()
    }

    /// All that it said, before it was stopped and started again too.
    pub(super) fn log(&self) -> String {
        let now = self.process.as_ref().map(Process::output);
        self.said.clone() + &now.unwrap_or_default()
    }

    fn running(&self) -> anyhow::Result<&Process> {
        let process = self.process.as_ref();
        process.with_context(|| format!("{} is not running", self.name))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.java);
        command
            .arg("-Xmx256m")
            .args(QUICK.split(' '))
            .args(LOGGED)
            .arg(format!("-Djava.io.tmpdir={}/tmp", self.folder.display()))
            .arg("-cp")
            // the wildcard is Java's own: all jars of the folder
            .arg(self.jars.join("*"))
            .args(args);
        command
    }
}

impl Drop for Jvm {
    fn drop(&mut self) {
        drop(self.process.take());
        drop(fs::remove_dir_all(&self.folder));
    }
}
