//! The rooms of the workspace, and the rules of the house: read from the manifests and from the source.
//!
//! In: every `Cargo.toml` and every `.rs` file of the repository. Out: a list of what breaks a rule, each with the file to mend.
//!
//! Source: ARCHITECTURE.md, "Rooms". Deliberately absent: what clippy and the compiler already see.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Each room, and the rooms it may name: those to its left.
const MAY_NAME: [(&str, &[&str]); 13] = [
    ("model", &[]),
    ("settings", &[]),
    ("wire", &["model"]),
    ("listen", &["settings"]),
    ("trust", &["model", "settings"]),
    ("access", &["model", "settings", "trust"]),
    ("storage", &["model", "wire", "settings", "trust"]),
    (
        "collector",
        &[
            "model", "wire", "settings", "trust", "access", "storage", "listen",
        ],
    ),
    (
        "ingester",
        &["model", "wire", "settings", "trust", "storage"],
    ),
    (
        "query",
        &[
            "model", "wire", "settings", "trust", "access", "storage", "listen",
        ],
    ),
    (
        "server",
        &[
            "model",
            "wire",
            "settings",
            "storage",
            "listen",
            "trust",
            "access",
            "collector",
            "ingester",
            "query",
        ],
    ),
    // what it measures may be another product: it knows none from the inside
    ("bench", &["wire"]),
    (
        "tests",
        &[
            "bench",
            "model",
            "wire",
            "settings",
            "storage",
            "listen",
            "trust",
            "access",
            "collector",
            "ingester",
            "query",
            "server",
        ],
    ),
];

/// Libraries that few rooms may use, so that what they bring in stays there. Tests may use all of them.
const KEPT_IN: [(&str, &[&str]); 23] = [
    ("rdkafka", &["storage", "ingester"]),
    (
        "tonic",
        &["wire", "storage", "collector", "query", "server", "bench"],
    ),
    ("tonic-prost", &["wire", "collector", "query"]),
    ("tonic-health", &["listen", "collector", "query"]),
    ("tonic-reflection", &["listen"]),
    ("prost", &["wire", "storage", "collector", "query"]),
    ("prost-types", &["wire", "collector", "query"]),
    ("opentelemetry-proto", &["wire", "collector"]),
    ("axum", &["listen", "collector", "query", "server"]),
    (
        "hyper",
        &["listen", "access", "storage", "collector", "server"],
    ),
    (
        "hyper-util",
        &["listen", "access", "storage", "collector", "server"],
    ),
    ("rustls", &["listen", "trust", "server"]),
    ("tokio-rustls", &["listen", "trust"]),
    // signatures and seals; elsewhere cryptography is the TLS library's business
    ("ring", &["access"]),
    ("clap", &["settings", "server"]),
    ("anyhow", &["server", "bench"]),
    ("tracing-subscriber", &["server"]),
    ("mimalloc", &["server", "bench"]),
    ("libmimalloc-sys", &["server"]),
    ("indicatif", &["server"]),
    ("redb", &[]),
    // we read Thrift by ourselves: this is what others write with
    ("thrift", &["bench"]),
    ("rcgen", &["trust"]),
];

/// Libraries that `model` may not have: it does no I/O, is not async, and promises nothing to strangers.
const NOT_IN_MODEL: [&str; 6] = ["tokio", "serde", "futures-util", "prost", "http", "tracing"];

/// A file with more lines than this has two subjects.
const MAX_LINES: usize = 500;

#[test]
fn no_room_names_one_that_stands_right_of_it() {
    let mut broken = Vec::new();
    for (room, may_name) in MAY_NAME {
        for (section, dependency) in dependencies(room) {
            let is_room = MAY_NAME.iter().any(|(other, _)| *other == dependency);
            // a room's tests may name the room itself, to turn a feature on
            let itself = dependency == room && section == "dev-dependencies";
            if is_room && !itself && !may_name.contains(&dependency.as_str()) {
                broken.push(format!("{room}/Cargo.toml [{section}] names {dependency}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_picture_has_no_circle() {
    // rooms that name nothing new can be taken away, until none is left
    let mut left: BTreeMap<_, _> = MAY_NAME.into_iter().collect();
    while let Some(room) = left
        .iter()
        .find(|(_, names)| names.iter().all(|n| !left.contains_key(n)))
        .map(|(room, _)| *room)
    {
        left.remove(room);
    }
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn members_are_the_folders_and_the_rooms_of_the_picture() {
    let manifest = manifest(&root().join("Cargo.toml"));
    let members: BTreeSet<_> = manifest["workspace"]["members"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| m.as_str().unwrap().to_owned())
        .collect();
    let folders: BTreeSet<_> = fs::read_dir(root())
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    let rooms: BTreeSet<_> = MAY_NAME
        .iter()
        .map(|(room, _)| (*room).to_owned())
        .collect();
    assert_eq!(members, folders, "members of Cargo.toml and folders");
    assert_eq!(
        members, rooms,
        "members of Cargo.toml and this test's rooms"
    );
    for room in rooms {
        let name = &room_manifest(&room)["package"]["name"];
        assert_eq!(name.as_str(), Some(room.as_str()), "the folder is the name");
    }
}

#[test]
fn a_library_stays_in_its_rooms() {
    let mut broken = Vec::new();
    for (room, _) in MAY_NAME.iter().filter(|(room, _)| *room != "tests") {
        for (section, dependency) in dependencies(room) {
            if section == "dev-dependencies" {
                continue;
            }
            let kept_in = KEPT_IN.iter().find(|(library, _)| *library == dependency);
            if kept_in.is_some_and(|(_, rooms)| !rooms.contains(room)) {
                broken.push(format!("{room}/Cargo.toml [{section}] uses {dependency}"));
            }
            if *room == "model" && NOT_IN_MODEL.contains(&dependency.as_str()) {
                broken.push(format!("model uses {dependency}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn versions_stand_in_the_workspace_only() {
    let mut broken = Vec::new();
    for (room, _) in MAY_NAME {
        for (section, name, spec) in specs(&room_manifest(room)) {
            let inherits = spec.get("workspace").and_then(Value::as_bool) == Some(true);
            if !inherits {
                broken.push(format!("{room}/Cargo.toml [{section}] {name} = {spec}"));
            }
        }
        let package = &room_manifest(room)["package"];
        for key in ["version", "edition", "license", "publish", "rust-version"] {
            if package[key].get("workspace").and_then(Value::as_bool) != Some(true) {
                broken.push(format!("{room}/Cargo.toml [package] {key} is its own"));
            }
        }
        let lints = room_manifest(room);
        if lints["lints"].get("workspace").and_then(Value::as_bool) != Some(true) {
            broken.push(format!("{room}/Cargo.toml has lints of its own"));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_dependency_of_the_workspace_is_used() {
    let used: BTreeSet<String> = MAY_NAME
        .iter()
        .flat_map(|(room, _)| dependencies(room))
        .map(|(_, name)| name)
        .collect();
    let manifest = manifest(&root().join("Cargo.toml"));
    let unused: Vec<_> = manifest["workspace"]["dependencies"]
        .as_table()
        .unwrap()
        .keys()
        .filter(|name| !used.contains(*name))
        .collect();
    assert!(
        unused.is_empty(),
        "{unused:?} in Cargo.toml, used by no room"
    );
}

/// `foo/tests.rs` excepted: `foo.rs` says what it is.
#[test]
fn every_file_opens_with_what_it_is() {
    let broken: Vec<_> = sources()
        .filter(|(path, text)| !path.ends_with("tests.rs") && !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(
        broken.is_empty(),
        "these do not open with `//!`: {broken:#?}"
    );
}

#[test]
fn no_file_is_unfinished_or_too_long() {
    let unfinished = ["todo", "unimplemented"].map(|word| format!("{word}!("));
    let mut broken = Vec::new();
    for (path, text) in sources() {
        if unfinished.iter().any(|word| text.contains(word)) {
            broken.push(format!("{} is unfinished", path.display()));
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            broken.push(format!("{} has {lines} lines", path.display()));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn modules_are_named_by_their_file() {
    let broken: Vec<_> = sources()
        .map(|(path, _)| path)
        .filter(|path| path.ends_with("mod.rs"))
        .collect();
    assert!(broken.is_empty(), "`foo.rs` beside `foo/`, not {broken:#?}");
}

#[test]
fn only_settings_reads_the_environment() {
    // `env::args` and `env!` are others' business
    let reading = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os("];
    let broken: Vec<_> = sources()
        .filter(|(path, _)| !is_test(path) && !path.starts_with("settings"))
        .filter(|(_, text)| {
            let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
            code.take_while(|l| !l.starts_with("#[cfg(test)]"))
                .any(|line| reading.iter().any(|word| line.contains(word)))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the workspace").to_owned()
}

fn manifest(path: &Path) -> Table {
    let text = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.parse()
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn room_manifest(room: &str) -> Table {
    manifest(&root().join(room).join("Cargo.toml"))
}

/// Section and name of everything that a room depends on.
fn dependencies(room: &str) -> Vec<(String, String)> {
    let specs = specs(&room_manifest(room));
    specs
        .into_iter()
        .map(|(section, name, _)| (section, name))
        .collect()
}

/// Section, name and specification of every dependency, those of one platform only too.
fn specs(manifest: &Table) -> Vec<(String, String, Value)> {
    let mut tables = vec![manifest];
    if let Some(targets) = manifest.get("target").and_then(Value::as_table) {
        tables.extend(targets.values().filter_map(Value::as_table));
    }
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    tables
        .into_iter()
        .flat_map(|table| sections.map(|section| (section, table.get(section))))
        .filter_map(|(section, table)| Some((section, table?.as_table()?)))
        .flat_map(|(section, table)| {
            table
                .iter()
                .map(move |(name, spec)| (section.to_owned(), name.clone(), spec.clone()))
        })
        .collect()
}

/// Every `.rs` file of the rooms that is written by hand: its path from the root, and its text.
fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    let root = root();
    let mut files = Vec::new();
    for (room, _) in MAY_NAME {
        collect(&root.join(room), &mut files);
    }
    assert!(files.len() > 100, "only {} files were found", files.len());
    files.into_iter().map(move |path| {
        let text = fs::read_to_string(&path).unwrap();
        (path.strip_prefix(&root).unwrap().to_owned(), text)
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        // `gen` is generated; `target` and hidden folders are no source
        if path.is_dir() && !["gen", "target", "fixtures"].contains(&name) && !name.starts_with('.')
        {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Whether a file is compiled for tests or benchmarks only.
fn is_test(path: &Path) -> bool {
    let parts: Vec<_> = path.iter().filter_map(|p| p.to_str()).collect();
    parts.first() == Some(&"tests")
        || ["tests", "benches", "fuzz"]
            .iter()
            .any(|f| parts.contains(f))
        || path.ends_with("tests.rs")
}
