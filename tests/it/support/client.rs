//! Running real clients, and finding again what they sent.

use std::process::Command;

use serde_json::Value;
use tests::clients;
use tests::spoor::Spoor;

use super::{eventually, get, root};

/// Runs a client; what it printed last.
pub(crate) fn said(command: &mut Command) -> String {
    let said = printed(command);
    said.trim().lines().last().unwrap_or_default().to_owned()
}

/// Runs a client; all that it printed.
pub(crate) fn printed(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{command:?} said {said}{complaints}"
    );
    // some end well though their spans were refused: a test that fails shows what they said
    print!("{complaints}");
    said
}

/// Runs a client of `tests/clients` with the packages of that name.
pub(crate) fn python(packages: &str, script: &str, args: &[&str]) -> String {
    let script = root().join("tests/clients").join(script);
    said(
        Command::new(clients::python(packages).unwrap())
            .arg(script)
            .args(args),
    )
}

/// The trace once both of its spans are there: datagrams are answered by nothing.
pub(crate) async fn both_spans(spoor: &Spoor, id: &str) -> Value {
    let url = format!("{}/api/traces/{id}", spoor.url("query-http"));
    eventually(
        "both spans",
        || async {
            let (_, _, text) = get(&url).await;
            serde_json::from_str::<Value>(&text).unwrap_or_default()
        },
        |answer| {
            answer["data"][0]["spans"]
                .as_array()
                .is_some_and(|s| s.len() == 2)
        },
    )
    .await["data"][0]
        .take()
}

/// The span of that operation.
pub(crate) fn span<'a>(trace: &'a Value, name: &str) -> &'a Value {
    let spans = trace["spans"].as_array().unwrap();
    let found = spans.iter().find(|s| s["operationName"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {trace}"))
}

/// The value of a tag of a span or of a process.
pub(crate) fn tag(span: &Value, key: &str) -> Value {
    let tags = span["tags"].as_array().unwrap();
    let found = tags.iter().find(|t| t["key"] == key);
    found.map_or(Value::Null, |t| t["value"].clone())
}
