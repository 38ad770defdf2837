//! The golden corpus: known input, and what real Jaeger made of it. See `tests/fixtures/golden/README.md`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Cases of some kinds of input, and the requests over the whole corpus.
#[derive(Debug)]
pub struct Corpus {
    folder: PathBuf,
    /// The cases, by name.
    pub cases: Vec<Case>,
}

/// One input.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its folder's name.
    pub name: String,
    /// `otlp-json`, `jaeger-grpc`, …
    pub kind: String,
    /// The file with the bytes that were sent.
    pub input: PathBuf,
    folder: PathBuf,
}

// === impl Corpus ===

impl Corpus {
    /// The cases in `folder` whose input is of one of `kinds`.
    pub fn open(folder: &Path, kinds: &[&str]) -> Self {
        let mut cases: Vec<Case> = files(folder)
            .into_iter()
            .filter_map(|f| Case::open(&f))
            .collect();
        cases.retain(|case| kinds.contains(&case.kind.as_str()));
        Self {
            folder: folder.to_owned(),
            cases,
        }
    }

    /// Requests over the whole corpus: name and file.
    pub fn recorded_requests(&self, version: &str) -> Vec<(String, PathBuf)> {
        self.recorded_in("_api", version)
    }

    /// The same over gRPC.
    pub fn recorded_calls(&self, version: &str) -> Vec<(String, PathBuf)> {
        self.recorded_in("_grpc", version)
    }

    fn recorded_in(&self, folder: &str, version: &str) -> Vec<(String, PathBuf)> {
        let prefix = format!("{version}.");
        let name = |file: &PathBuf| {
            file_name(file)
                .strip_prefix(&prefix)
                .and_then(|n| n.strip_suffix(".json"))
                .map(str::to_owned)
        };
        files(&self.folder.join(folder))
            .into_iter()
            .filter_map(|file| name(&file).map(|n| (n, file)))
            .collect()
    }

    /// What a recorded answer over the whole corpus would have been over these cases alone: traces and services of other cases left out.
    pub fn restrict(&self, body: &Value) -> Value {
        let (ids, services) = self.known();
        let mut body = body.clone();
        let Some(data) = body.get_mut("data").and_then(Value::as_array_mut) else {
            return body;
        };
        let before = data.len();
        data.retain(|item| match item {
            Value::Object(trace) => trace
                .get("traceID")
                .and_then(Value::as_str)
                .is_none_or(|id| ids.contains(id)),
            // a list of names is one of services where it names one of ours; operations of ours are not restricted
            _ => true,
        });
        if data
            .iter()
            .any(|item| item.as_str().is_some_and(|name| services.contains(name)))
        {
            data.retain(|item| item.as_str().is_some_and(|name| services.contains(name)));
        }
        let left_out = before - data.len();
        if let Some(total) = body.get("total").and_then(Value::as_u64)
            && total > 0
        {
            body["total"] = (total - left_out as u64).into();
        }
        body
    }

    /// The same of an answer of api_v3: services of other cases left out.
    pub fn restrict_v3(&self, body: &Value) -> Value {
        let (_, services) = self.known();
        let mut body = body.clone();
        if let Some(list) = body.get_mut("services").and_then(Value::as_array_mut) {
            list.retain(|item| item.as_str().is_some_and(|name| services.contains(name)));
        }
        body
    }

    /// Ids and services of these cases, as their recorded documents name them.
    pub fn known(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut ids, mut services) = (BTreeSet::new(), BTreeSet::new());
        for case in &self.cases {
            for (id, _, file) in case.recorded_traces("v1.76.0") {
                ids.insert(id);
                for process in read(&file)["data"][0]["processes"]
                    .as_object()
                    .into_iter()
                    .flatten()
                {
                    services.extend(process.1["serviceName"].as_str().map(str::to_owned));
                }
            }
        }
        (ids, services)
    }
}

// === impl Case ===

impl Case {
    fn open(folder: &Path) -> Option<Self> {
        let input = files(folder)
            .into_iter()
            .find(|f| file_name(f).starts_with("input."))?;
        let kind = file_name(&input).split('.').nth(1)?.to_owned();
        Some(Self {
            name: file_name(folder).to_owned(),
            kind,
            input,
            folder: folder.to_owned(),
        })
    }

    /// A file beside its input: `v1.76.0.es-span.json`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The traces that Jaeger's API gave for it: id, whether unadjusted, file.
    pub fn recorded_traces(&self, version: &str) -> Vec<(String, bool, PathBuf)> {
        let prefix = format!("{version}.api-trace.");
        let of_file = |file: PathBuf| {
            let rest = file_name(&file)
                .strip_prefix(&prefix)?
                .strip_suffix(".json")?
                .to_owned();
            Some(match rest.strip_prefix("raw.") {
                Some(id) => (id.to_owned(), true, file),
                None => (rest, false, file),
            })
        };
        files(&self.folder)
            .into_iter()
            .filter_map(of_file)
            .collect()
    }

    /// The traces that api_v3 gave for it: id and file.
    pub fn recorded_v3(&self, version: &str) -> Vec<(String, PathBuf)> {
        let prefix = format!("{version}.api-v3-trace.");
        let of_file = |file: PathBuf| {
            let id = file_name(&file).strip_prefix(&prefix)?;
            Some((id.strip_suffix(".json")?.to_owned(), file))
        };
        let files = files(&self.folder).into_iter();
        files.filter_map(of_file).collect()
    }
}

/// A recorded file.
pub fn read(file: &Path) -> Value {
    let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder)
        .map(|list| list.filter_map(|e| e.ok().map(|e| e.path())).collect());
    let mut files: Vec<PathBuf> = entries.unwrap_or_default();
    files.sort();
    files
}

fn file_name(path: &Path) -> &str {
    path.file_name()
        .and_then(|n| n.to_str())
        .unwrap_or_default()
}
