//! A Spoor of its own process, on free ports, in a temporary folder, stopped by its process id.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

/// The settings of all addresses that all in one listens on.
pub const ADDRESSES: [&str; 14] = [
    "collector.otlp.grpc.host-port",
    "collector.otlp.http.host-port",
    "collector.grpc-server.host-port",
    "collector.http-server.host-port",
    "collector.zipkin.host-port",
    "processor.jaeger-compact.server-host-port",
    "processor.jaeger-binary.server-host-port",
    "processor.zipkin-compact.server-host-port",
    "http-server.host-port",
    "sampling.grpc.host-port",
    "query.http-server.host-port",
    "query.grpc-server.host-port",
    "grpc.host-port",
    "admin.http.host-port",
];

/// How to start one.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The program.
    pub program: PathBuf,
    /// The data folder; kept from start to start.
    pub directory: PathBuf,
    /// Further arguments; the listeners' ports are set already.
    pub args: Vec<String>,
    /// Further variables.
    pub variables: Vec<(String, String)>,
}

/// A running Spoor. Dropping it kills it.
#[derive(Debug)]
pub struct Spoor {
    child: Child,
    addresses: BTreeMap<String, String>,
    log: Arc<Mutex<Vec<String>>>,
    /// From the start of the process until it said that it is ready.
    pub ready_after: Duration,
}

// === impl Setup ===

impl Setup {
    /// All in one, on the embedded store in `directory`.
    pub fn new(program: impl Into<PathBuf>, directory: &Path) -> Self {
        Self {
            program: program.into(),
            directory: directory.to_owned(),
            args: Vec::new(),
            variables: Vec::new(),
        }
    }

    /// With another argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// The command, ready to run.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for setting in ADDRESSES {
            let flag = format!("--{setting}=");
            if !self.args.iter().any(|a| a.starts_with(&flag)) {
                command.arg(format!("{flag}127.0.0.1:0"));
            }
        }
        command.arg(format!("--embedded.directory={}", self.directory.display()));
        if !self
            .args
            .iter()
            .any(|a| a.starts_with("--certs.directory="))
        {
            let certs = self.directory.with_extension("certs");
            command.arg(format!("--certs.directory={}", certs.display()));
        }
        command
            .args(&self.args)
            .envs(self.variables.iter().cloned());
        command
    }

    /// Starts it and waits until it is ready, at most 20 seconds.
    pub fn start(&self) -> anyhow::Result<Spoor> {
        let started = Instant::now();
        let mut child = self
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", self.program.display()))?;
        let stderr = child.stderr.take().context("stderr is piped")?;
        let (lines, said) = mpsc::sync_channel::<String>(1024);
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = log.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Ok(mut kept) = kept.lock() {
                    kept.push(line.clone());
                }
                // nobody reads on after the start
                drop(lines.try_send(line));
            }
        });
        let mut spoor = Spoor {
            child,
            addresses: BTreeMap::new(),
            log,
            ready_after: Duration::ZERO,
        };
        loop {
            let left = Duration::from_secs(20).saturating_sub(started.elapsed());
            let Ok(line) = said.recv_timeout(left) else {
                bail!(
                    "spoor did not get ready; it said:\n{}",
                    spoor.log().join("\n")
                );
            };
            let Ok(event) = serde_json::from_str::<serde_json::Value>(&line) else {
                continue;
            };
            match event["msg"].as_str() {
                Some("listening") => {
                    let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
                    spoor
                        .addresses
                        .entry(text("listener"))
                        .or_insert_with(|| text("address"));
                }
                Some("ready") => {
                    spoor.ready_after = started.elapsed();
                    return Ok(spoor);
                }
                _ => {}
            }
        }
    }
}

// === impl Spoor ===

impl Spoor {
    /// The address of a listener, by its word in `plaintext.listeners`: `otlp-grpc`, `zipkin`, `admin`.
    pub fn address(&self, listener: &str) -> &str {
        self.addresses.get(listener).map_or_else(
            || panic!("no listener {listener} in {:?}", self.addresses),
            String::as_str,
        )
    }

    /// `http://address` of a listener.
    pub fn url(&self, listener: &str) -> String {
        format!("http://{}", self.address(listener))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().map(|l| l.clone()).unwrap_or_default()
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// SIGSTOP: it lives, and does nothing.
    pub fn freeze(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    pub fn thaw(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = Pid::from_raw(self.pid().try_into()?).context("it has a process id")?;
        Ok(kill_process(pid, signal)?)
    }

    /// SIGTERM, and the exit code; an error after 30 seconds.
    pub fn terminate(mut self) -> anyhow::Result<Option<i32>> {
        let killed = Command::new("kill").arg(self.pid().to_string()).status()?;
        anyhow::ensure!(killed.success(), "kill failed");
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code());
            }
            anyhow::ensure!(
                Instant::now() < until,
                "spoor did not end; it said:\n{}",
                self.log().join("\n")
            );
            std::thread::yield_now();
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }
}

impl Drop for Spoor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
