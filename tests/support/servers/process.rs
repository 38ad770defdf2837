//! The process of a server. It can't outlive the one that started it, however that ends.
//!
//! A shell of our own stands between: it starts the server in a process group and waits for the end of its input, which we hold. When we
//! are gone, by `kill -9` too, it kills the group and removes the folder. The server's own process id is in a file that it writes.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, getuid, kill_process};

/// Job control gives the server its own process group; its scripts want this shell anyway. A word on its input keeps the folder.
const KEEPER: &str = r#"
set -m
# what ends the whole group of the tests, as Ctrl-C does, must not end the one who cleans up
trap : INT TERM HUP
{ "$@"; echo "$?" > "$FOLDER/ended"; } < /dev/null >> "$FOLDER/out" 2>&1 &
server=$!
until read -r keep || [ "$?" -le 128 ]; do :; done
kill -9 -- "-$server"
wait
[ -n "$keep" ] || rm -rf "$FOLDER"
"#;

/// Whom a server runs as when we are root, which it refuses to be: `nobody`.
const NOBODY: u32 = 65534;

/// What an orderly end may take.
const STOPPING: Duration = Duration::from_secs(30);

/// What the kernel may take to end a process.
const PATIENCE: Duration = Duration::from_secs(10);

/// A process that runs, with all that it started.
#[derive(Debug)]
pub(crate) struct Process {
    keeper: Child,
    folder: PathBuf,
}

/// What runs `command` as the user that servers run as: us, or `nobody` if we are root.
pub(crate) fn as_user(command: &mut Command) -> &mut Command {
    if getuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    command
}

/// Gives `path` and what is in it to the user that servers run as. A file that has other names, as those that are links into the cache,
/// stays whose it is.
pub(crate) fn give(path: &Path) -> anyhow::Result<()> {
    if !getuid().is_root() {
        return Ok(());
    }
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path())?;
        }
    } else if metadata.nlink() > 1 {
        return Ok(());
    }
    std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY))
        .with_context(|| path.display().to_string())
}

/// Ended, or waits for nothing but to be asked how, which not every machine's first process does.
fn is_gone(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

// === impl Process ===

impl Process {
    /// Starts `command`, whose arguments and variables are set, in `folder`.
    pub(crate) fn start(command: &Command, folder: &Path) -> anyhow::Result<Self> {
        for file in ["ended", "out", "pid"] {
            drop(fs::remove_file(folder.join(file)));
        }
        let mut keeper = Command::new("bash");
        keeper
            .args(["-c", KEEPER, "keeper"])
            .arg(command.get_program())
            .args(command.get_args())
            .envs(command.get_envs().filter_map(|(k, v)| Some((k, v?))))
            .env("FOLDER", folder)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let keeper = as_user(&mut keeper)
            .spawn()
            .context("bash, which the servers' own scripts need too")?;
        Ok(Self {
            keeper,
            folder: folder.to_owned(),
        })
    }

    /// What it has printed.
    pub(crate) fn output(&self) -> String {
        let out = fs::read(self.folder.join("out")).unwrap_or_default();
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&self) -> bool {
        self.folder.join("ended").exists()
    }

    /// The id that it wrote down; a launcher may be its parent.
    pub(crate) fn pid(&self) -> anyhow::Result<Pid> {
        let file = self.folder.join("pid");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let pid = text.trim().parse().ok().and_then(Pid::from_raw);
        pid.with_context(|| format!("{} is no process id", text.trim()))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        Ok(kill_process(self.pid()?, signal)?)
    }

    /// Asks it to end in an orderly way and waits for that.
    pub(crate) fn end(&self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        let until = Instant::now() + STOPPING;
        while !self.has_ended() {
            if Instant::now() > until {
                bail!("it did not end within {STOPPING:?}");
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        Ok(())
    }

    /// `kill -9` to all of it, and waits until it is gone; the folder stays.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        let pid = self.pid();
        let mut input = self.keeper.stdin.take().context("stdin is piped")?;
        input.write_all(b"keep\n")?;
        drop(input);
        ensure!(self.keeper.wait()?.success(), "the folder is not kept");
        // the keeper waits for its own children only, and the server may be a launcher's
        let until = Instant::now() + PATIENCE;
        while pid.as_ref().is_ok_and(|pid| !is_gone(*pid)) {
            ensure!(Instant::now() < until, "it lives on after kill -9");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // the end of its input tells the keeper; after `kill` it is gone already
        drop(self.keeper.stdin.take());
        drop(self.keeper.wait());
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::kill_process_group;

    use super::*;
    use std::io::{BufRead as _, BufReader};

    /// The line in which the child says where its server is.
    const RUNS: &str = "runs: ";

    fn sleeper(folder: &Path) -> Process {
        let mut command = Command::new("bash");
        // the second one has a parent that is not the keeper, as the servers that have a launcher
        command.args(["-c", "sleep 600 & echo $! > \"$0\"; wait"]);
        command.arg(folder.join("pid"));
        give(folder).unwrap();
        Process::start(&command, folder).unwrap()
    }

    #[track_caller]
    fn wait_until(what: &str, done: impl Fn() -> bool) {
        let until = Instant::now() + Duration::from_secs(10);
        while !done() {
            assert!(Instant::now() < until, "{what}");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    #[test]
    #[ignore = "the child of the next test"]
    fn starts_a_server_and_waits() {
        let folder = tempfile::tempdir().unwrap().keep();
        let process = sleeper(&folder);
        wait_until("no process id", || process.pid().is_ok());
        let pid = process.pid().unwrap().as_raw_nonzero();
        println!("{RUNS}{pid} {}", folder.display());
        std::thread::park();
    }

    /// Starts a test that starts a server, ends it by `end`, and waits until both are gone.
    fn ends_by(end: impl FnOnce(Pid)) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--nocapture", "starts_a_server_and_waits"])
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = said
            .map_while(Result::ok)
            .find_map(|line| Some(line.split_once(RUNS)?.1.to_owned()))
            .unwrap();
        let (pid, folder) = line.split_once(' ').unwrap();
        let pid = Pid::from_raw(pid.parse().unwrap()).unwrap();
        assert!(!is_gone(pid));
        end(Pid::from_child(&child));
        child.wait().unwrap();
        wait_until("the server goes on", || is_gone(pid));
        wait_until("the folder is there", || !Path::new(folder).exists());
    }

    #[test]
    fn a_server_and_its_folder_end_with_the_test_that_is_killed() {
        ends_by(|test| kill_process(test, Signal::KILL).unwrap());
    }

    #[test]
    fn they_end_with_it_when_its_whole_group_is_told_to_end() {
        for signal in [Signal::TERM, Signal::INT] {
            ends_by(|test| kill_process_group(test, signal).unwrap());
        }
    }

    #[test]
    fn a_killed_server_keeps_its_folder_and_a_dropped_one_does_not() {
        let folder = tempfile::tempdir().unwrap().keep();
        let process = sleeper(&folder);
        wait_until("no process id", || process.pid().is_ok());
        let pid = process.pid().unwrap();
        process.signal(Signal::STOP).unwrap();
        process.kill().unwrap();
        wait_until("it goes on", || is_gone(pid));
        assert!(folder.exists());
        let process = sleeper(&folder);
        drop(process);
        assert!(!folder.exists());
    }
}
