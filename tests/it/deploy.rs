//! What Spoor is deployed with: compose, manifests, the image, scripts. Each is read by its own tool, and what they say of Spoor is asked of Spoor.
//!
//! In: the files of the repository, and tools in pinned versions. Nothing is deployed: that takes a container engine, or `deploy/run-local.sh`.

mod certificates;
mod compose;
mod container;
mod files;
mod images;
mod kubernetes;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use tests::clients;

use crate::support::root;

/// The strategies of deployment, and the examples, by their folder below `deploy/kubernetes`.
const STRATEGIES: [&str; 3] = ["all-in-one", "production", "streaming"];
const EXAMPLES: [&str; 7] = [
    "examples/elasticsearch-password",
    "examples/namespaces/prod",
    "examples/namespaces/staging",
    "examples/istio/tracing",
    "examples/istio/mesh",
    "examples/kiali",
    "examples/cert-manager",
];

/// The oldest Kubernetes whose schemas manifests are held against, and the newest.
const VERSIONS: [&str; 2] = ["1.25", "1.37"];

/// A file of the repository.
fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// A tool that is a Python package.
fn tool(name: &str) -> PathBuf {
    clients::python("deploy").unwrap().with_file_name(name)
}

/// What a command prints; it has to succeed.
#[track_caller]
fn output(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?} said:\n{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    said
}

/// The documents of a YAML text, held against the schemas of Kubernetes.
#[track_caller]
fn yaml(text: &str) -> Vec<Value> {
    let mut child = Command::new(tool("python"))
        .arg(root().join("tests/clients/deploy.py"))
        .args(VERSIONS)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What kustomize makes of a folder below `deploy/kubernetes`. Made once.
#[track_caller]
fn manifests(folder: &str) -> Vec<Value> {
    static MADE: Mutex<BTreeMap<String, Vec<Value>>> = Mutex::new(BTreeMap::new());
    // what another test broke is made again
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    let documents = made.entry(folder.to_owned()).or_insert_with(|| {
        let mut command = Command::new(clients::kustomize().unwrap());
        command
            .arg("build")
            .arg(root().join("deploy/kubernetes").join(folder));
        yaml(&output(&mut command))
    });
    documents.clone()
}

/// What compose makes of `docker-compose.yml`, with these variables and no others.
fn composed(variables: &[(&str, &str)]) -> Value {
    let mut command = Command::new(tool("docker-compose"));
    command
        .args(["config", "--format", "json"])
        .current_dir(root())
        .env_clear()
        .envs(variables.iter().copied());
    serde_json::from_str(&output(&mut command)).unwrap()
}

/// All files below a folder of the repository.
fn files_below(folder: &str) -> Vec<PathBuf> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    collect(&root().join(folder), &mut files);
    files.sort();
    files
}

/// The items of a list; none where there is no list.
fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The text at a place; empty where there is none.
fn word<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
