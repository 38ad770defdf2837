//! Real clients that nobody here wrote, in pinned versions, installed once into a cache folder outside the checkout.
//!
//! A client that cannot be had is a failure where `CI=true`, else an error that names what to install.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The version of telemetrygen, OpenTelemetry's generator.
const TELEMETRYGEN: &str = "v0.161.0";

/// A Python with the packages of `tests/clients/<name>.txt`.
pub fn python(name: &str) -> anyhow::Result<PathBuf> {
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(format!("{name}.txt"));
    let pinned = std::fs::read_to_string(&requirements)
        .with_context(|| requirements.display().to_string())?;
    let folder = cache()?.join(format!("python-{name}-{:016x}", fingerprint(&pinned)));
    let python = folder.join("bin/python");
    once(&folder, || {
        run(
            Command::new("python3").args(["-m", "venv"]).arg(&folder),
            "python3 with its venv module",
        )?;
        run(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--no-deps", "-r"])
                .arg(&requirements),
            "pip and its package index",
        )
    })?;
    Ok(python)
}

/// OpenTelemetry's `telemetrygen`.
pub fn telemetrygen() -> anyhow::Result<PathBuf> {
    let folder = cache()?.join(format!("telemetrygen-{TELEMETRYGEN}"));
    once(&folder, || {
        let package = format!(
            "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen@{TELEMETRYGEN}"
        );
        run(
            Command::new("go")
                .args(["install", &package])
                .env("GOBIN", &folder),
            "go 1.25 or newer and its module proxy",
        )
    })?;
    Ok(folder.join("telemetrygen"))
}

/// The folder `node_modules` with the packages that `tests/clients/node` pins.
pub fn node_modules() -> anyhow::Result<PathBuf> {
    let pinned = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/node");
    let lock = std::fs::read_to_string(pinned.join("package-lock.json"))?;
    let folder = cache()?.join(format!("node-{:016x}", fingerprint(&lock)));
    once(&folder, || {
        std::fs::create_dir_all(&folder)?;
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(pinned.join(file), folder.join(file))?;
        }
        run(
            Command::new("npm")
                .args([
                    "ci",
                    "--silent",
                    "--no-audit",
                    "--no-fund",
                    "--ignore-scripts",
                ])
                .current_dir(&folder),
            "node and npm with its package index",
        )
    })?;
    Ok(folder.join("node_modules"))
}

/// The program of `tests/clients/go`.
pub fn go_client() -> anyhow::Result<PathBuf> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/go");
    let mut text = String::new();
    for file in ["main.go", "go.mod", "go.sum"] {
        text.push_str(&std::fs::read_to_string(sources.join(file))?);
    }
    let folder = cache()?.join(format!("go-{:016x}", fingerprint(&text)));
    let program = folder.join("uber");
    once(&folder, || {
        std::fs::create_dir_all(&folder)?;
        run(
            Command::new("go")
                .args(["build", "-trimpath", "-o"])
                .arg(&program)
                .arg(".")
                .current_dir(&sources),
            "go 1.25 or newer and its module proxy",
        )
    })?;
    Ok(program)
}

/// Runs a client and gives what it printed.
pub fn run(command: &mut Command, needs: &str) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let output = command
        .output()
        .with_context(|| format!("{shown}: install {needs}"))?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(
        output.status.success(),
        "{shown} (needs {needs}) said:\n{}",
        String::from_utf8_lossy(&said)
    );
    Ok(())
}

/// Runs `install` unless it once succeeded for `folder`. Two runs at one time wait for each other.
fn once(folder: &Path, install: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    std::fs::create_dir_all(cache()?)?;
    let lock = std::fs::File::create(folder.with_extension("lock"))?;
    lock.lock()?;
    let done = folder.with_extension("done");
    if !done.exists() {
        drop(std::fs::remove_dir_all(folder));
        install()?;
        std::fs::write(done, "")?;
    }
    Ok(())
}

/// `SPOOR_CACHE`, else `spoor` in the user's cache folder.
#[allow(
    clippy::disallowed_methods,
    reason = "a test asks where its own cache is, no setting of Spoor"
)]
fn cache() -> anyhow::Result<PathBuf> {
    let variable = |name: &str| {
        std::env::var(name)
            .ok()
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let folder = variable("SPOOR_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|c| c.join("spoor")))
        .or_else(|| variable("HOME").map(|h| h.join(".cache/spoor")));
    folder.context("neither SPOOR_CACHE nor HOME is set: no place for the clients that tests need")
}

fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
