//! The ZooKeeper of one broker.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::Version;
use super::jvm::Jvm;
use crate::servers::PATIENCE;

/// A ZooKeeper that runs.
#[derive(Debug)]
pub(super) struct ZooKeeper {
    _jvm: Jvm,
    port: u16,
}

// === impl ZooKeeper ===

impl ZooKeeper {
    /// Starts one and waits until it answers.
    pub(super) fn start(version: Version, port: u16) -> anyhow::Result<Self> {
        let mut jvm = Jvm::new(version, "ZooKeeper")?;
        let config = jvm.folder().join("zookeeper.properties");
        jvm.put(
            "zookeeper.properties",
            &[
                format!("dataDir={}/data", jvm.folder().display()),
                "clientPortAddress=127.0.0.1".to_owned(),
                format!("clientPort={port}"),
                "admin.enableServer=false".to_owned(),
                "4lw.commands.whitelist=ruok,dump".to_owned(),
            ],
        )?;
        let main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
        jvm.begin(main, &config.display().to_string(), || {
            ensure!(ask(port, "ruok")? == "imok", "ZooKeeper is not well");
            Ok(())
        })?;
        Ok(Self { _jvm: jvm, port })
    }

    /// `127.0.0.1:port`.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Waits until it has forgotten a broker that was killed: till then another one of that id is turned away.
    pub(super) fn forgets_broker(&self, id: u32) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        while ask(self.port, "dump")?.contains(&format!("/brokers/ids/{id}")) {
            ensure!(Instant::now() < until, "ZooKeeper still knows the broker");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// One of ZooKeeper's words of four letters.
fn ask(port: u16, word: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(word.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
