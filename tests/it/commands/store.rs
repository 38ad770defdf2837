//! `spoor store …`: what is in a folder, whether it is whole, out of it and into another one.

mod generator;
mod round_trip;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tests::corpus::Corpus;
use tests::spoor::Spoor;

use super::said;
use crate::support::{get_json, root, setup};

/// Stores in a temporary folder.
struct Folder(tempfile::TempDir);

// === impl Folder ===

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A file with this text.
    fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn command(&self, store: &str, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spoor-under-test"));
        let directory = format!("--embedded.directory={}", self.path(store).display());
        command.args(["store"]).args(args).arg(directory);
        command
    }

    fn run(&self, store: &str, args: &[&str]) -> Output {
        self.command(store, args).output().unwrap()
    }

    /// What it prints, when it succeeds.
    #[track_caller]
    fn prints(&self, store: &str, args: &[&str]) -> String {
        let output = self.run(store, args);
        assert!(output.status.success(), "{args:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The lines of an export, sorted: the order of traces is not promised.
    #[track_caller]
    fn exported(&self, store: &str, args: &[&str]) -> Vec<String> {
        let args = [&["export"], args].concat();
        let text = self.prints(store, &args);
        let mut lines: Vec<String> = text
            .lines()
            .map(|line| line.trim_end_matches(',').to_owned())
            .collect();
        lines.sort();
        lines
    }

    #[track_caller]
    fn import(&self, store: &str, format: &str, files: &[&str]) {
        let format = format!("--format={format}");
        self.prints(store, &[&["import", &format], files].concat());
    }
}

const OTLP: &[&str] = &["--format=otlp"];
const JAEGER: &[&str] = &["--format=jaeger"];

fn golden(kind: &str) -> Vec<PathBuf> {
    let corpus = Corpus::open(&root().join("tests/fixtures/golden"), &[kind]);
    corpus.cases.into_iter().map(|case| case.input).collect()
}

/// Spans of export lines by trace and span id: the span, who made it, and with what.
fn spans<'a>(lines: impl IntoIterator<Item = &'a str>) -> BTreeMap<(String, String), Vec<Value>> {
    let mut found: BTreeMap<_, Vec<Value>> = BTreeMap::new();
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    for line in lines {
        let message: Value = serde_json::from_str(line).unwrap();
        for of_resource in list(&message, "resourceSpans") {
            for of_scope in list(&of_resource, "scopeSpans") {
                for span in list(&of_scope, "spans") {
                    let id = |name: &str| span[name].as_str().unwrap().to_owned();
                    let key = (id("traceId"), id("spanId"));
                    let whole = json!([
                        span,
                        of_resource["resource"],
                        of_resource["schemaUrl"],
                        of_scope["scope"],
                        of_scope["schemaUrl"],
                    ]);
                    found.entry(key).or_default().push(whole);
                }
            }
        }
    }
    found
}

async fn send(spoor: &Spoor, input: Vec<u8>) {
    let url = format!("{}/v1/traces", spoor.url("otlp-http"));
    let request = reqwest::Client::new().post(url);
    let request = request
        .header("content-type", "application/json")
        .body(input);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

/// The golden corpus, as a running Spoor took it, seen beside it.
#[tokio::test]
async fn beside_a_running_spoor_everything_is_seen_and_nothing_is_changed() {
    let (folder, mut setup) = setup();
    for (name, value) in [("SPAN_MAX_AGE", "0"), ("EMBEDDED_MAX_AGE", "0")] {
        setup.variables.push((name.into(), value.into()));
    }
    let spoor = setup.start().unwrap();
    let inputs = golden("otlp-json");
    for input in &inputs {
        send(&spoor, std::fs::read(input).unwrap()).await;
    }
    for input in golden("jaeger-grpc") {
        let body = std::fs::read(input).unwrap().into();
        let url = spoor.url("jaeger-grpc");
        bench::carrier::post_spans(&url, body).await.unwrap();
    }
    let folder = Folder(folder);
    let beside = folder.exported("data", OTLP);
    let report: Value =
        serde_json::from_str(&folder.prints("data", &["inspect", "--json"])).unwrap();
    assert_eq!(report["format"], 1);
    assert_eq!(report["damage"], json!([]));
    assert!(
        report["instances"][0]["spans"].as_u64().unwrap() > 30,
        "{report}"
    );
    let text = folder.prints("data", &["inspect"]);
    assert!(
        text.contains("default/jaeger") && text.contains("journal"),
        "{text}"
    );
    let text = folder.prints("data", &["verify"]);
    assert!(text.contains("all is as it was written"), "{text}");
    // and what Jaeger's form has is what the API answers
    let url = spoor.url("query-http");
    let text = folder.prints("data", &["export", "--format=jaeger"]);
    let dump: Value = serde_json::from_str(&text).unwrap();
    let traces = dump["data"].as_array().unwrap();
    assert!(traces.len() > 15);
    for trace in traces {
        let id = trace["traceID"].as_str().unwrap();
        let answer = get_json(&format!("{url}/api/traces/{id}?raw=true")).await;
        let sorted = |trace: &Value| {
            let mut spans: Vec<_> = trace["spans"].as_array().unwrap().clone();
            let process = |s: &Value| trace["processes"][s["processID"].as_str().unwrap()].clone();
            for span in &mut spans {
                span["processID"] = process(span);
            }
            spans.sort_by_key(ToString::to_string);
            spans
        };
        assert_eq!(sorted(&answer["data"][0]), sorted(trace), "{id}");
    }
    assert_eq!(spoor.terminate().unwrap(), Some(0));
    assert_eq!(folder.exported("data", OTLP), beside);
    // the same files, imported: they hold what was sent, but for what came over Jaeger's protocol
    let inputs: Vec<_> = inputs.iter().map(|path| path.to_str().unwrap()).collect();
    folder.import("imported", "otlp", &inputs);
    let imported = folder.exported("imported", OTLP);
    assert!(imported.len() > 10 && imported.iter().all(|line| beside.contains(line)));
}

fn span(trace: u64, id: u64, service: &str, second: u64) -> String {
    let start = 1_795_420_469 + second;
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": [{
            "traceId": format!("{trace:032x}"), "spanId": format!("{id:016x}"), "name": "op",
            "startTimeUnixNano": format!("{start}000000000"), "endTimeUnixNano": format!("{start}000000001"),
        }]}],
    }]})
    .to_string()
}

#[test]
fn an_export_is_of_whole_traces_by_service_and_time() {
    let folder = Folder::new();
    let lines = [
        span(1, 1, "a", 0),
        span(1, 2, "b", 10),
        span(2, 3, "a", 20),
        span(3, 4, "c", 3600),
    ];
    let input = folder.file("input.jsonl", &lines.join("\n"));
    folder.import("s", "otlp", &[&input]);
    let traces = |args: &[&str]| {
        let lines = folder.exported("s", &[OTLP, args].concat());
        let all = spans(lines.iter().map(String::as_str));
        all.into_keys()
            .map(|(_, span)| u64::from_str_radix(&span, 16).unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(traces(&[]), [1, 2, 3, 4]);
    assert_eq!(traces(&["--service=b"]), [1, 2]);
    assert_eq!(traces(&["--service", "nobody"]), [0_u64; 0]);
    // 1,795,420,469 is 08:34:29
    assert_eq!(
        traces(&["--start=2026-11-23T07:54:49Z", "--end=2026-11-23T08:00:00Z"]),
        [3]
    );
    assert_eq!(traces(&["--start=2026-11-24"]), [0_u64; 0]);
    assert_eq!(traces(&["--end=2026-11-23T07:54:30Z"]), [1, 2]);
    let file = folder.path("out.jsonl");
    let output = folder.run(
        "s",
        &[
            "export",
            "--format=otlp",
            "--output",
            file.to_str().unwrap(),
        ],
    );
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{}",
        said(&output)
    );
    assert_eq!(std::fs::read_to_string(file).unwrap().lines().count(), 3);
    let output = folder.run("s", &["export", "--format=otlp", "--output=/dev/null/x"]);
    assert!(!output.status.success() && said(&output).contains("could not write /dev/null/x"));
}

#[test]
fn instances_are_kept_apart() {
    let folder = Folder::new();
    let one = folder.file("one.jsonl", &span(1, 1, "a", 0));
    let two = folder.file("two.jsonl", &span(2, 2, "a", 0));
    folder.import("s", "otlp", &["--instance=team/one", &one]);
    assert_eq!(folder.exported("s", OTLP).len(), 1);
    folder.import("s", "otlp", &["--instance=team/two", &two]);
    let output = folder.run("s", &["export", "--format=otlp"]);
    let told = said(&output);
    assert!(
        !output.status.success()
            && told.contains("team/one, team/two")
            && told.contains("--instance"),
        "{told}"
    );
    let lines = folder.exported("s", &["--format=otlp", "--instance=team/two"]);
    assert!(
        lines.len() == 1 && lines[0].contains("\"0000000000000002\""),
        "{lines:?}"
    );
    let output = folder.run("s", &["export", "--format=otlp", "--instance=team/three"]);
    assert!(
        said(&output).contains("nothing of team/three"),
        "{}",
        said(&output)
    );
}

#[test]
fn bad_lines_are_named_and_the_others_are_imported() {
    let folder = Folder::new();
    let bad_field = span(2, 2, "a", 0).replace("\"op\"", "{}");
    let lines = [
        &span(1, 1, "a", 0),
        "{\"resourceSpans\":",
        "",
        &bad_field,
        "{\"data\":[]}",
        &span(3, 3, "a", 0),
    ];
    let input = folder.file("mixed.jsonl", &lines.join("\n"));
    let output = folder.run("s", &["import", "--format=otlp", &input]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for word in [
        format!("{input}:2: JSON lacks a value"),
        format!("{input}:4: name is an object, not text"),
        format!("{input}:5: there is no resourceSpans"),
        "imported 2 spans into default/jaeger of".to_owned(),
        "; 3 bad, left out".to_owned(),
    ] {
        assert!(told.contains(&word), "{word:?} is not in: {told}");
    }
    assert_eq!(folder.exported("s", OTLP).len(), 2);

    let span = |id: &str, start: &str| {
        format!(
            r#"{{"spanID":"{id}","operationName":"o","startTime":{start},"duration":1,"processID":"p1"}}"#
        )
    };
    let trace = |id: &str, spans: &str| {
        format!(
            r#"{{"traceID":"{id}","spans":[{spans}],"processes":{{"p1":{{"serviceName":"s"}}}}}}"#
        )
    };
    let both = format!("{},{}", span("1", "\"soon\""), span("2", "5"));
    let text = format!(
        "{{\"data\":[\n{},\n7,\n{}\n]",
        trace("a", &both),
        trace("b", &span("3", "5"))
    );
    let input = folder.file("bad.json", &text);
    let output = folder.run("j", &["import", "--format=jaeger", &input]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for word in [
        format!("{input}:2: spans[0].startTime \"soon\" is not a whole number"),
        format!("{input}:3: trace 7 is not an object"),
        format!("{input}:5: the file ends"),
        "imported 2 spans".to_owned(),
    ] {
        assert!(told.contains(&word), "{word:?} is not in: {told}");
    }
    let output = folder.run("s", &["import", "--format=otlp", "/nowhere/x.jsonl"]);
    assert!(!output.status.success() && said(&output).contains("could not read /nowhere/x.jsonl"));
}

#[test]
fn standard_input_is_a_file_and_a_pipe_sees_no_bar() {
    let folder = Folder::new();
    let mut child = folder
        .command("s", &["import", "--format=otlp", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(span(1, 1, "a", 0).as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let expect = format!(
        "imported 1 span into default/jaeger of {}\n",
        folder.path("s").display()
    );
    assert_eq!(told, expect);
    let output = folder.run("s", &["export", "--format=otlp"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(told, "exported 1 span in 1 trace of default/jaeger\n");
}

#[test]
fn a_folder_that_a_running_spoor_holds_takes_no_import() {
    let (folder, setup) = setup();
    let _spoor = setup.start().unwrap();
    let folder = Folder(folder);
    let input = folder.file("input.jsonl", &span(1, 1, "a", 0));
    let output = folder.run("data", &["import", "--format=otlp", &input]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for word in [
        "in use by another process",
        "stop it",
        "embedded.directory",
        "4318",
    ] {
        assert!(told.contains(word), "{word:?} is not in: {told}");
    }
}

#[test]
fn damage_is_named_by_file_and_offset() {
    let folder = Folder::new();
    let input = folder.file("input.jsonl", &span(1, 1, "a", 0));
    folder.import("s", "otlp", &[&input]);
    let text = folder.prints("s", &["verify"]);
    assert!(
        text.contains("1 span and 0 dead letters decoded: all is as it was written"),
        "{text}"
    );
    let journal = folder.path("s/journal");
    let file = std::fs::read_dir(&journal)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = std::fs::read(&file).unwrap();
    // in the payload of the first record, which the end of the file says was durable
    bytes[64 + 48 + 10] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let output = folder.run("s", &["verify"]);
    assert_eq!(output.status.code(), Some(1));
    let line = format!("damaged: {} at byte 64: ", file.display());
    assert!(said(&output).contains(&line), "{}", said(&output));
    let output = folder.run("s", &["verify", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["damage"][0]["offset"], 64);
    assert_eq!(report["damage"][0]["file"], file.display().to_string());
    // what is not there is left out of an export, which says so
    let output = folder.run("s", &["export", "--format=otlp"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains(&line) && output.stdout.is_empty());
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn where_there_is_no_store_it_is_said() {
    let folder = Folder::new();
    for command in ["inspect", "verify"] {
        let output = folder.run("nothing", &[command]);
        let told = said(&output);
        assert!(
            !output.status.success() && told.contains("there is no store in"),
            "{told}"
        );
        assert!(told.contains("embedded.directory") && !folder.path("nothing").exists());
    }
}

#[test]
fn help_names_every_command_and_option() {
    let folder = Folder::new();
    let text = folder.prints("s", &["--help"]);
    for word in [
        "inspect",
        "verify",
        "export",
        "import",
        "--format otlp|jaeger",
        "--instance",
        "--service",
        "--start",
        "--output",
        "--json",
        "--embedded.directory",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    assert!(
        text.lines().all(|line| line.chars().count() <= 130),
        "{text}"
    );
}

/// The examples of `docs/store.md` run as they stand there, one after the other.
#[test]
fn the_examples_of_the_page_run() {
    let page = std::fs::read_to_string(root().join("docs/store.md")).unwrap();
    let folder = Folder::new();
    let bin = folder.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let link = |from: &Path, to: PathBuf| std::os::unix::fs::symlink(from, to).unwrap();
    link(
        Path::new(env!("CARGO_BIN_EXE_spoor-under-test")),
        bin.join("spoor"),
    );
    link(&root().join("docs"), folder.path("docs"));
    let scripts: Vec<_> = page
        .split("```sh\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(scripts.len() >= 5, "{} examples", scripts.len());
    for script in scripts {
        let path = format!("export PATH={}:$PATH; set -eu\n{script}", bin.display());
        let output = Command::new("sh")
            .args(["-c", &path])
            .current_dir(folder.0.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{script}: {}", said(&output));
    }
}
