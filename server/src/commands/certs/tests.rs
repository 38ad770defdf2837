//! What an operator types, what is said, and what lies in the folder then.

use std::fs;
use std::path::Path;

use serde_json::Value;
use settings::Environment;

use crate::cli;
use crate::commands::execute;

fn run(directory: &Path, line: &str) -> (bool, String) {
    let line = format!("spoor certs {line} --directory {}", directory.display());
    let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let command = cli::parse(&args, &Environment::default()).unwrap_or_else(|e| panic!("{e}"));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let good = execute(&command, &mut out, &mut err).unwrap() == 0;
    out.extend(err);
    (good, String::from_utf8(out).unwrap())
}

#[track_caller]
fn good(directory: &Path, line: &str) -> String {
    let (good, said) = run(directory, line);
    assert!(good, "{said}");
    said
}

#[track_caller]
fn bad(directory: &Path, line: &str, parts: &[&str]) {
    let (good, said) = run(directory, line);
    assert!(
        !good && parts.iter().all(|part| said.contains(part)),
        "{said}"
    );
}

#[test]
fn what_is_issued_lies_where_it_is_looked_for_and_a_second_time_nothing_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path();
    let issue = "issue --namespace prod --instance jaeger";
    assert!(good(directory, issue).contains("an authority made"));
    for file in [
        "ca.crt",
        "jaeger/tls.crt",
        "jaeger/tls.key",
        "jaeger/ca.crt",
    ] {
        assert!(directory.join("prod").join(file).is_file(), "{file}");
    }
    assert!(good(directory, issue).contains("kept, all is well"));
    good(
        directory,
        "issue --namespace prod --instance jaeger --kinds node,client",
    );
    assert!(directory.join("prod/jaeger.client/tls.key").is_file());
    good(directory, "issue --namespace staging --instance jaeger");
    assert!(good(directory, "verify").ends_with("6 certificates, 0 faults\n"));
    let said = good(
        directory,
        "renew --namespace prod --instance jaeger --kinds client",
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(good(directory, "renew --namespace prod").lines().count(), 3);
    bad(
        directory,
        "renew --namespace prod --instance other",
        &["spoor certs issue makes it"],
    );
    bad(directory, "renew --namespace nowhere", &["nowhere"]);
}

#[test]
fn each_fault_is_named_and_fails_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path();
    bad(directory, "verify", &["holds no certificates"]);
    bad(
        &directory.join("nowhere"),
        "verify",
        &["cannot read the folder"],
    );
    for namespace in ["prod", "staging"] {
        good(
            directory,
            &format!("issue --namespace {namespace} --instance jaeger"),
        );
    }
    for file in ["tls.crt", "tls.key"] {
        let (from, to) = (
            directory.join("staging/jaeger"),
            directory.join("prod/jaeger"),
        );
        fs::copy(from.join(file), to.join(file)).unwrap();
    }
    bad(
        directory,
        "verify",
        &[
            "prod/jaeger/tls.key: shared-key: it holds the same key as",
            "staging/jaeger/tls.key: shared-key",
            "prod/jaeger/tls.crt: wrong-issuer",
            "prod/jaeger/tls.crt: wrong-san",
        ],
    );
    let (is_good, said) = run(directory, "verify --output json");
    let json: Value = serde_json::from_str(&said).unwrap();
    let words: Vec<&Value> = json["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["problem"])
        .collect();
    assert!(
        !is_good && words.iter().any(|word| *word == "shared-key"),
        "{said}"
    );
    good(directory, "issue --namespace prod --instance jaeger");
    good(directory, "verify");
    fs::remove_file(directory.join("prod/ca.key")).unwrap();
    bad(
        directory,
        "issue --namespace prod --instance jaeger",
        &["it was put there, and stays"],
    );
    bad(
        directory,
        "issue --namespace prod --instance other",
        &["has no ca.key beside it"],
    );
}

#[test]
fn what_is_there_is_shown_for_people_and_for_machines() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path();
    good(
        directory,
        "issue --namespace prod --instance jaeger --certs.names=traces.example.org",
    );
    let said = good(directory, "show");
    assert_eq!(said.lines().count(), 3, "{said}");
    assert!(
        said.contains("CN=jaeger.prod") && said.contains(" traces.example.org"),
        "{said}"
    );
    let json: Value = serde_json::from_str(&good(directory, "show --output json")).unwrap();
    let leaf = &json[1];
    assert_eq!(leaf["subject"], "CN=jaeger.prod");
    assert_eq!(leaf["issuer"], json[0]["subject"]);
    assert_eq!(leaf["fingerprint"].as_str().unwrap().len(), 64);
    assert!(leaf["notAfter"].as_str().unwrap().ends_with('Z'));
    let names = leaf["names"].as_array().unwrap();
    assert!(names.iter().any(|name| name == "::1"), "{names:?}");
}

#[test]
fn an_authority_is_replaced_stage_by_stage() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path();
    good(directory, "issue --namespace prod --instance jaeger");
    bad(
        directory,
        "renew --namespace prod --authority issue",
        &["trust it first"],
    );
    let said = good(directory, "renew --namespace prod --authority trust");
    assert!(said.contains("go on with --authority=issue"), "{said}");
    assert!(good(directory, "verify").contains("note: the next authority"));
    bad(
        directory,
        "renew --namespace prod --authority drop",
        &["let the new one issue first"],
    );
    assert!(good(directory, "renew --namespace prod --authority issue").contains("issued"));
    good(directory, "renew --namespace prod --authority drop");
    let said = good(directory, "verify");
    assert_eq!(said, "2 certificates, 0 faults\n");
}
