//! A real Prometheus, Debian's or Ubuntu's, a process of its own with its own folder, on a free port of 127.0.0.1, below the path `/prom`.
//!
//! In: samples, as text of OpenMetrics. Out: a server that has them and scrapes nothing. With an authority it speaks TLS, and only to clients that have a certificate of it.
//!
//! Source: `promtool tsdb create-blocks-from openmetrics --help`, and Prometheus' documentation of its flags and of `--web.config.file`.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use crate::clients;
use crate::pki::Authority;
use crate::servers::process::{self, Process};
use crate::servers::{PATIENCE, distribution, ports, put, tail};

/// A server. Dropping it kills it and removes its folder; it dies with this process too.
#[derive(Debug)]
pub struct Prometheus {
    url: String,
    _process: Process,
}

// === impl Prometheus ===

impl Prometheus {
    /// Starts one that has `samples`, and waits until it answers: a second or two. Blocks.
    pub fn start(samples: &str, authority: Option<&Authority>) -> anyhow::Result<Self> {
        ports::on_free(|| Self::on(ports::one()?, samples, authority))
    }

    /// Where it is, with its path.
    pub fn url(&self) -> &str {
        &self.url
    }

    fn on(port: u16, samples: &str, authority: Option<&Authority>) -> anyhow::Result<Self> {
        let programs = clients::debian("prometheus")?.join("usr/bin");
        let folder = tempfile::Builder::new()
            .prefix("spoor-prometheus-")
            .tempdir()?
            .keep();
        let config = [
            ("prometheus.yml", String::new()),
            ("samples.txt", samples.to_owned()),
        ];
        for (name, text) in config.into_iter().chain(web(authority)) {
            put(&folder, name, &text)?;
        }
        clients::run(
            Command::new(programs.join("promtool"))
                .args(["tsdb", "create-blocks-from", "openmetrics"])
                .args([folder.join("samples.txt"), folder.join("data")]),
            "what Debian's package of Prometheus needs",
        )?;
        // the cache may be closed to the user that it runs as
        distribution::link(&programs, &folder.join("bin"))?;
        process::give(&folder)?;
        let mut command = Command::new(folder.join("bin/prometheus"));
        let at = |name: &str, file: &str| format!("--{name}={}", folder.join(file).display());
        command
            .arg(at("config.file", "prometheus.yml"))
            .arg(at("storage.tsdb.path", "data"))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--web.route-prefix=/prom");
        if authority.is_some() {
            command.arg(at("web.config.file", "web.yml"));
        }
        let process = Process::start(&command, &folder)?;
        ready(&process)?;
        let scheme = match authority {
            Some(_) => "https://localhost",
            None => "http://127.0.0.1",
        };
        Ok(Self {
            url: format!("{scheme}:{port}/prom"),
            _process: process,
        })
    }
}

/// The files by which it speaks TLS.
fn web(authority: Option<&Authority>) -> Vec<(&'static str, String)> {
    let Some(authority) = authority else {
        return Vec::new();
    };
    let leaf = authority.server(1);
    let web = "tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\n  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n";
    vec![
        ("cert.pem", leaf.cert),
        ("key.pem", leaf.key),
        ("ca.pem", authority.pem()),
        ("web.yml", web.to_owned()),
    ]
}

/// Waits until it says so.
fn ready(process: &Process) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        let said = process.output();
        if said.contains("Server is ready to receive web requests") {
            return Ok(());
        }
        let said = || format!("Prometheus said:\n{}", tail(&process.output()));
        ensure!(!process.has_ended(), "it ended; {}", said());
        if started.elapsed() > PATIENCE {
            bail!("not ready after {PATIENCE:?}; {}", said());
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
