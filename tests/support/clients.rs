//! Real clients that nobody here wrote, in pinned versions, installed once into a cache folder outside the checkout.
//!
//! A client that cannot be had is a failure where `CI=true`, else an error that names what to install.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The version of telemetrygen, OpenTelemetry's generator.
pub const TELEMETRYGEN: &str = "v0.161.0";

/// The version of kustomize, which puts manifests together.
pub const KUSTOMIZE: &str = "v5.5.0";

/// The version of grpcurl.
pub const GRPCURL: &str = "v1.9.3";

/// A Python with the packages of `tests/clients/<name>.txt`.
pub fn python(name: &str) -> anyhow::Result<PathBuf> {
    let requirements = pins(&format!("{name}.txt"));
    let pinned = read(&requirements)?;
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
    let package = "github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen";
    go_program("telemetrygen", package, TELEMETRYGEN)
}

/// `kustomize`.
pub fn kustomize() -> anyhow::Result<PathBuf> {
    go_program("kustomize", "sigs.k8s.io/kustomize/kustomize/v5", KUSTOMIZE)
}

/// `grpcurl`, which asks a server what it has before it calls.
pub fn grpcurl() -> anyhow::Result<PathBuf> {
    go_program(
        "grpcurl",
        "github.com/fullstorydev/grpcurl/cmd/grpcurl",
        GRPCURL,
    )
}

/// A program that is a Go package by itself.
fn go_program(name: &str, package: &str, version: &str) -> anyhow::Result<PathBuf> {
    let folder = cache()?.join(format!("{name}-{version}"));
    once(&folder, || {
        run(
            Command::new("go")
                .args(["install", &format!("{package}@{version}")])
                .env("GOBIN", &folder),
            "go 1.25 or newer and its module proxy",
        )
    })?;
    Ok(folder.join(name))
}

/// The folder `node_modules` with the packages that `tests/clients/node` pins.
pub fn node_modules() -> anyhow::Result<PathBuf> {
    npm_modules("node")
}

/// The folder `node_modules` with the packages that a folder of `tests/clients` pins.
pub(crate) fn npm_modules(name: &str) -> anyhow::Result<PathBuf> {
    let pinned = pins(name);
    let lock = read(&pinned.join("package-lock.json"))?;
    let folder = cache()?.join(format!("{name}-{:016x}", fingerprint(&lock)));
    once(&folder, || {
        std::fs::create_dir_all(&folder)?;
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(pinned.join(file), folder.join(file))?;
        }
        npm_ci(&folder)
    })?;
    Ok(folder.join("node_modules"))
}

/// Puts the packages that `package-lock.json` of `folder` pins into `folder/node_modules`, unless they are there.
pub fn packages(folder: &Path) -> anyhow::Result<()> {
    let pinned = format!(
        "{:016x}",
        fingerprint(&read(&folder.join("package-lock.json"))?)
    );
    // npm removes it with the folder that it is in, before it installs
    let done = folder.join("node_modules/.spoor");
    if std::fs::read_to_string(&done).is_ok_and(|of| of == pinned) {
        return Ok(());
    }
    npm_ci(folder)?;
    std::fs::write(&done, pinned).with_context(|| done.display().to_string())
}

fn npm_ci(folder: &Path) -> anyhow::Result<()> {
    run(
        Command::new("npm")
            .args([
                "ci",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
            ])
            .current_dir(folder),
        "node and npm with its package index",
    )
}

/// A program of `tests/clients/go`, by its folder.
pub fn go_client(name: &str) -> anyhow::Result<PathBuf> {
    let sources = pins("go");
    let mut text = String::new();
    for file in [
        "uber/main.go",
        "otel/main.go",
        "sarama/main.go",
        "go.mod",
        "go.sum",
    ] {
        text.push_str(&read(&sources.join(file))?);
    }
    let folder = cache()?.join(format!("go-{:016x}", fingerprint(&text)));
    once(&folder, || {
        std::fs::create_dir_all(&folder)?;
        run(
            Command::new("go")
                .args(["build", "-trimpath", "-o"])
                .arg(&folder)
                .arg("./...")
                .current_dir(&sources),
            "go 1.25 or newer and its module proxy",
        )
    })?;
    Ok(folder.join(name))
}

/// The library that bends a program's clock.
pub fn libfaketime() -> anyhow::Result<PathBuf> {
    let folder = debian("libfaketime")?;
    let libraries = files(&folder.join("usr/lib"))?.map(|machine| machine.join("faketime"));
    libraries
        .map(|folder| folder.join("libfaketimeMT.so.1"))
        .find(|library| library.exists())
        .with_context(|| format!("no libfaketime in {}", folder.display()))
}

/// The folder into which a package of Debian or Ubuntu is unpacked; it is installed nowhere, and what it depends on is not there.
pub(crate) fn debian(package: &str) -> anyhow::Result<PathBuf> {
    let folder = cache()?.join(package);
    once(&folder, || {
        std::fs::create_dir_all(&folder)?;
        let needs = "a Debian or Ubuntu, and `apt-get update`";
        run(
            Command::new("apt-get")
                .args(["download", "-q", package])
                .current_dir(&folder),
            needs,
        )?;
        for package in files(&folder)?.filter(|path| path.extension().is_some_and(|e| e == "deb")) {
            run(
                Command::new("dpkg-deb")
                    .arg("-x")
                    .arg(&package)
                    .arg(&folder),
                needs,
            )?;
        }
        Ok(())
    })?;
    Ok(folder)
}

fn files(folder: &Path) -> anyhow::Result<impl Iterator<Item = PathBuf> + use<>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())))
}

/// Java, about to run `<main>` of `tests/clients/java/<name>`; what it sends is the caller's to add.
pub fn java(name: &str, main: &str) -> anyhow::Result<Command> {
    let sources = pins("java").join(name);
    let (pom, source) = (
        sources.join("pom.xml"),
        sources.join(format!("{main}.java")),
    );
    let text = read(&pom)? + &read(&source)?;
    let folder = cache()?.join(format!("java-{name}-{:016x}", fingerprint(&text)));
    // the wildcard is Java's own: all jars of the folder
    let jars = folder.join("jars/*");
    once(&folder, || {
        copy_jars(&pom, &folder.join("jars"))?;
        run(
            Command::new("javac")
                .arg("-cp")
                .arg(&jars)
                .arg("-d")
                .arg(&folder)
                .arg(&source),
            "a JDK, 17 or newer",
        )
    })?;
    let mut command = Command::new("java");
    // a program that lives for a second: what costs the start is left out
    command
        .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"])
        .arg(format!("{}:{}", folder.display(), jars.display()))
        .arg(main);
    Ok(command)
}

/// The folder with the jars that `tests/servers/<name>.xml` names, a `pom.xml`. No dot in the name: see `once`.
pub(crate) fn server_jars(name: &str) -> anyhow::Result<PathBuf> {
    let pom = servers().join(format!("{name}.xml"));
    let folder = cache()?.join(format!("{name}-{:016x}", fingerprint(&read(&pom)?)));
    once(&folder, || copy_jars(&pom, &folder))?;
    Ok(folder)
}

/// Downloads what a `pom.xml` names; a file that is not what its repository's checksum says is an error.
fn copy_jars(pom: &Path, folder: &Path) -> anyhow::Result<()> {
    run(
        Command::new("mvn")
            .args(["-q", "-B", "-C", "-f"])
            .arg(pom)
            .args(["dependency:copy-dependencies", "-DincludeScope=runtime"])
            .arg(format!("-DoutputDirectory={}", folder.display())),
        "Maven and its repository",
    )
}

/// The version of a package, as a file of `tests/clients` pins it: in all of their forms it follows the name.
pub fn version(file: &str, package: &str) -> anyhow::Result<String> {
    let text = read(&pins(file))?;
    let mut words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_./@+".contains(c)));
    let named = words.any(|word| word == package);
    let mut numbers = words.map(|word| word.trim_start_matches('v'));
    let version = numbers.find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    version
        .filter(|_| named)
        .map(str::to_owned)
        .with_context(|| format!("{file} does not pin {package}"))
}

/// A file or folder of `tests/clients`.
pub(crate) fn pins(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(name)
}

/// What servers are made of, beside their distributions.
pub(crate) fn servers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("servers")
}

fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
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
pub(crate) fn once(
    folder: &Path,
    install: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    std::fs::create_dir_all(cache()?)?;
    let lock = std::fs::File::create(beside(folder, ".lock"))?;
    lock.lock()?;
    let done = beside(folder, ".done");
    if !done.exists() {
        drop(std::fs::remove_dir_all(folder));
        install()?;
        std::fs::write(done, "")?;
    }
    Ok(())
}

/// A file whose name is the folder's and `end`. Versions have dots: what follows the last one is no extension.
fn beside(folder: &Path, end: &str) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// `SPOOR_CACHE`, else `spoor` in the user's cache folder.
#[allow(
    clippy::disallowed_methods,
    reason = "a test asks where its own cache is, no setting of Spoor"
)]
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_version_is_not_taken_for_another() {
        let cache = tempfile::tempdir().unwrap();
        let mut installed = Vec::new();
        for version in ["1.2.3", "1.2.4", "1.2.3"] {
            let folder = cache.path().join(format!("client-{version}"));
            once(&folder, || {
                installed.push(version);
                Ok(())
            })
            .unwrap();
        }
        assert_eq!(installed, ["1.2.3", "1.2.4"]);
    }
}
