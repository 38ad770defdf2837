//! Who asks and who sends: grants over every endpoint and every protocol, passwords, a proxy's headers.

mod matrix;
mod people;

use std::path::Path;

use serde_json::{Value, json};
use tests::spoor::Setup;

/// How many namespaces there are, each with people of its own.
const TEAMS: usize = 5;

/// Five namespaces, and a file of users: `user-1` with the password `password-1`, who may read and write `team-1`, and so on; `stranger` may nothing.
fn five_teams(setup: Setup, folder: &Path) -> Setup {
    let teams = 1..=TEAMS;
    let item = |n| json!({"namespace": format!("team-{n}"), "span-storage": {"type": "embedded"}});
    let instances: Vec<Value> = teams.clone().map(item).collect();
    let grant = |n| format!("user:user-{n} read+write team-{n}");
    let grants: Vec<String> = teams.clone().map(grant).collect();
    let file = json!({"instances": instances, "access": {"grants": grants}});
    let settings = folder.join("spoor.yaml");
    std::fs::write(&settings, file.to_string()).unwrap();
    let mut users: Vec<String> = teams
        .map(|n| user(&format!("user-{n}"), &password(n)))
        .collect();
    users.push(user("stranger", "password-0"));
    let passwords = folder.join("htpasswd");
    std::fs::write(&passwords, users.join("\n")).unwrap();
    setup
        .arg(format!("--config-file={}", settings.display()))
        .arg(format!("--access.htpasswd={}", passwords.display()))
}

/// A Spoor that believes a proxy which is somewhere else.
fn setup_elsewhere() -> (tempfile::TempDir, Setup) {
    let (folder, setup) = crate::support::setup();
    (
        folder,
        setup.arg("--access.proxy.peers=10.1.2.3,certificate:proxy.mesh.svc"),
    )
}

fn password(n: usize) -> String {
    format!("password-{n}")
}

/// A line of the file of users, as `htpasswd -s` writes it.
fn user(name: &str, password: &str) -> String {
    use base64::Engine as _;
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    let encoded = base64::engine::general_purpose::STANDARD.encode(digest);
    format!("{name}:{{SHA}}{encoded}")
}

/// `Authorization` of a user.
fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let pair = format!("{user}:{password}");
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    format!("Basic {encoded}")
}
