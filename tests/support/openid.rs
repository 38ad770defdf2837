//! A real OpenID provider, npm's `oidc-provider`, a process of its own behind TLS, on a free port of 127.0.0.1.
//!
//! In: a certificate with its chain. Out: a provider that knows three clients, lets in whoever says a name, and rolls its keys over or signs what it is told to. It may be
//! stopped, and started again at the same address with other keys.
//!
//! Source: `tests/clients/openid/provider.js`.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use serde_json::json;

use crate::clients;
use crate::pki::Leaf;
use crate::servers::process::{self, Process};
use crate::servers::{PATIENCE, distribution, ports, put, tail};

/// A provider. Dropping it kills it and removes its folder; it dies with this process too.
#[derive(Debug)]
pub struct OpenId {
    port: u16,
    folder: PathBuf,
    process: Option<Process>,
}

// === impl OpenId ===

impl OpenId {
    /// One that is not started yet, at an address that is fixed. Its tokens last for `seconds`; browsers come back to `redirect_uri`.
    pub fn new(leaf: &Leaf, seconds: u32, redirect_uri: &str) -> anyhow::Result<Self> {
        let port = ports::one()?;
        let folder = tempfile::Builder::new()
            .prefix("spoor-openid-")
            .tempdir()?
            .keep();
        // the cache may be closed to the user that it runs as
        let modules = clients::npm_modules("openid")?;
        distribution::link(&modules, &folder.join("node_modules"))?;
        let script = std::fs::read_to_string(clients::pins("openid").join("provider.js"))?;
        let settings = json!({
            "issuer": format!("https://localhost:{port}"), "port": port, "cert": "cert.pem", "key": "key.pem", "pid": "pid",
            "seconds": seconds, "redirect_uris": [redirect_uri],
        });
        for (name, text) in [
            ("provider.js", script.as_str()),
            ("settings.json", &settings.to_string()),
            ("cert.pem", &leaf.cert),
            ("key.pem", &leaf.key),
        ] {
            put(&folder, name, text)?;
        }
        process::give(&folder)?;
        Ok(Self {
            port,
            folder,
            process: None,
        })
    }

    /// What it calls itself.
    pub fn issuer(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Starts it, and waits until it listens: about a second. Blocks.
    pub fn start(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new("node");
        command.args(["provider.js", "settings.json"]);
        let process = Process::start(&command, &self.folder)?;
        let started = Instant::now();
        while !process.output().lines().any(|line| line == "ready") {
            let said = || format!("the provider said:\n{}", tail(&process.output()));
            ensure!(!process.has_ended(), "it ended; {}", said());
            if started.elapsed() > PATIENCE {
                bail!("not ready after {PATIENCE:?}; {}", said());
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
        self.process = Some(process);
        Ok(())
    }

    /// `kill -9`. Nothing listens at its address then. Blocks.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        match self.process.take() {
            Some(process) => process.kill(),
            None => Ok(()),
        }
    }
}

impl Drop for OpenId {
    fn drop(&mut self) {
        if self.process.is_none() {
            drop(std::fs::remove_dir_all(&self.folder));
        }
    }
}
