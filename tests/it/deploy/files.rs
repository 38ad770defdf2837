//! Scripts and the Dockerfile, by their own tools; no secret in any file; the image has all that the program is linked to.

use std::collections::BTreeSet;
use std::process::Command;

use super::{files_below, output, root, text, tool};

/// All that says how Spoor is deployed.
fn all() -> Vec<(String, String)> {
    let mut paths = files_below("deploy");
    paths.extend(["docker-compose.yml", "Dockerfile", ".dockerignore"].map(|f| root().join(f)));
    let named = |path: std::path::PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        (name, text)
    };
    paths.into_iter().map(named).collect()
}

/// Whether a line holds a secret itself, and not where one lies.
fn tells_a_secret(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().to_lowercase();
    if line.contains("private key-----") {
        return true;
    }
    let Some((key, value)) = line.split_once([':', '=']) else {
        return false;
    };
    let value = value.trim().trim_matches(['"', '\'']);
    let is_secret = ["password", "passwd", "token", "apikey", "api-key"]
        .iter()
        .any(|word| key.trim_end().ends_with(word));
    let is_place = value.is_empty() || value.starts_with(['/', '$', '{']);
    is_secret && !is_place && !["true", "false"].contains(&value)
}

#[test]
fn no_file_holds_a_secret() {
    for line in [
        "es.password: hunter2",
        "ES_PASSWORD=hunter2",
        "-----BEGIN EC PRIVATE KEY-----",
    ] {
        assert!(tells_a_secret(line), "{line}");
    }
    let mut broken = Vec::new();
    for (file, text) in all() {
        for (number, line) in text.lines().enumerate() {
            if tells_a_secret(line) || line.trim() == "kind: Secret" {
                broken.push(format!("{file}:{}: {line}", number + 1));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn scripts_are_sound() {
    let scripts: Vec<_> = files_below("deploy")
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "sh"))
        .collect();
    assert!(scripts.len() >= 5, "{scripts:?}");
    output(Command::new(tool("shellcheck")).args(&scripts));
    for script in scripts {
        let first = std::fs::read_to_string(&script).unwrap();
        let shell = if first.starts_with("#!/usr/bin/env bash") {
            "bash"
        } else {
            "sh"
        };
        output(Command::new(shell).arg("-n").arg(script));
    }
}

#[test]
fn the_dockerfile_is_sound_and_builds_with_the_toolchain_of_the_repository() {
    output(Command::new(tool("hadolint")).arg(root().join("Dockerfile")));
    let toolchain: toml::Table = text("rust-toolchain.toml").parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    let dockerfile = text("Dockerfile");
    assert!(
        dockerfile.contains(&format!("/library/rust:{channel}-")),
        "the image of Rust {channel}"
    );
    // a number that is not root's, and the group that any other number gets
    assert!(dockerfile.contains("\nUSER 10001:0\n"));
}

/// What `deploy/rootfs.sh` copies is what `ldd` names; more than glibc and the compiler's own library would be a surprise on another machine.
#[test]
fn the_program_is_linked_to_nothing_but_the_parts_of_glibc() {
    let program = env!("CARGO_BIN_EXE_spoor-under-test");
    let said = output(Command::new("ldd").arg(program));
    let linked: BTreeSet<&str> = said
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter_map(|path| path.rsplit('/').next())
        .map(|file| file.split(".so").next().unwrap_or(file))
        .collect();
    let expected = ["libc", "libgcc_s", "libm", "libpthread", "libdl", "librt"];
    let strange: Vec<_> = linked
        .iter()
        .filter(|name| {
            !expected.contains(name)
                && !name.starts_with("ld-linux")
                && !name.starts_with("linux-vdso")
        })
        .collect();
    assert!(strange.is_empty(), "{strange:?} in {said}");
    let folder = tempfile::tempdir().unwrap();
    let root_of_image = folder.path().join("rootfs");
    output(
        Command::new(root().join("deploy/rootfs.sh"))
            .arg(program)
            .arg(&root_of_image),
    );
    for library in said.split_whitespace().filter(|w| w.starts_with('/')) {
        let place = root_of_image.join(library.trim_start_matches('/'));
        assert!(place.is_file(), "{library} is not in the image");
    }
    assert!(root_of_image.join("usr/bin/spoor").is_file());
}
