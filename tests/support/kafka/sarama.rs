//! Clients by the libraries of Jaeger 1.76, in plaintext: members of groups as its ingester was one, and traffic for them.
//!
//! A member joins by `JoinGroup` v0 and commits each second: on Kafka 2.3.0 two of them push each other out for ever (KAFKA-8653).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Command, Stdio};

use super::Broker;
use crate::clients::go_client;
use anyhow::Context as _;
use rustix::process::Signal;

/// A client that runs. Dropping it kills it without a word to its broker; it ends with this process too.
#[derive(Debug)]
pub struct Sarama {
    child: Child,
    output: File,
}

// === impl Sarama ===

impl Sarama {
    /// A member of `group`, which reads `topic`.
    pub fn member(broker: &Broker, topic: &str, group: &str) -> anyhow::Result<Self> {
        Self::start(["member", &broker.address(), topic, group])
    }

    /// Writes so many records a second to `topic`, over all of its partitions.
    pub fn traffic(broker: &Broker, topic: &str, per_second: u32) -> anyhow::Result<Self> {
        Self::start(["traffic", &broker.address(), topic, &per_second.to_string()])
    }

    /// What it has printed: of a member, the partitions that it was given, a line for each time.
    pub fn said(&self) -> anyhow::Result<String> {
        let mut said = vec![0; usize::try_from(self.output.metadata()?.len())?];
        // the place at which it writes is the client's
        self.output.read_exact_at(&mut said, 0)?;
        Ok(String::from_utf8(said)?)
    }

    /// Ends it as an operator does: a member commits and leaves its group.
    pub fn leave(mut self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "{status}: {}", self.said()?);
        Ok(())
    }

    fn start(args: [&str; 4]) -> anyhow::Result<Self> {
        let output = tempfile::tempfile()?;
        let child = Command::new(go_client("sarama")?)
            .args(args)
            // it ends when this does
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output.try_clone()?)
            .spawn()
            .context("sarama")?;
        Ok(Self { child, output })
    }
}

impl Drop for Sarama {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
