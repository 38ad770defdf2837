//! The command line: what an operator types, what the program says, how it exits.

mod store;

use std::process::Output;

use tests::spoor::Setup;

use crate::support::{get, setup};

fn run(setup: &Setup, args: &[&str]) -> Output {
    let mut command = std::process::Command::new(&setup.program);
    command
        .args(args)
        .envs(setup.variables.iter().cloned())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Starting must fail, and what is said must hold all of `words`.
#[track_caller]
fn check_refusal(setup: &Setup, words: &[&str]) {
    // it would run for ever if it started
    let output = std::process::Command::new("timeout")
        .arg("20")
        .arg(&setup.program)
        .args(setup.command().get_args())
        .envs(setup.variables.iter().cloned())
        .output()
        .unwrap();
    let said = said(&output);
    assert!(
        !output.status.success() && !said.contains("\"ready\""),
        "it started: {said}"
    );
    for word in words {
        assert!(said.contains(word), "{word:?} is not in: {said}");
    }
}

#[test]
fn version_is_jaegers_line_of_json() {
    let (_folder, setup) = setup();
    let output = run(&setup, &["version"]);
    assert!(output.status.success());
    let version: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    for member in ["gitCommit", "gitVersion", "buildDate"] {
        assert!(version[member].is_string(), "{version}");
    }
}

#[test]
fn an_unknown_flag_is_refused_with_the_nearest_name() {
    let (_folder, setup) = setup();
    check_refusal(
        &setup.arg("--collector.otlp.grpc.host-prot=:1"),
        &[
            "collector.otlp.grpc.host-prot",
            "collector.otlp.grpc.host-port",
        ],
    );
}

#[test]
fn storages_that_were_jaegers_say_how_to_move() {
    for (storage, word) in [("cassandra", "cassandra"), ("badger", "embedded")] {
        let (_folder, mut setup) = setup();
        setup
            .variables
            .push(("SPAN_STORAGE_TYPE".into(), storage.into()));
        check_refusal(&setup, &[storage, word]);
    }
}

#[test]
fn roles_of_their_own_refuse_stores_of_one_process() {
    for role in ["collector", "query"] {
        let (_folder, setup) = setup();
        let output = run(&setup, &[role]);
        assert!(!output.status.success());
        assert!(said(&output).contains("embedded"), "{}", said(&output));
    }
}

#[test]
fn a_listener_beyond_loopback_whose_tls_is_off_wants_the_operators_word() {
    let (_folder, setup) = setup();
    let open = setup.clone().arg("--collector.grpc-server.host-port=:0");
    let off = open.clone().arg("--collector.grpc.tls.enabled=false");
    check_refusal(
        &off,
        &[
            "jaeger-grpc",
            "collector.grpc.tls.enabled",
            "plaintext.listeners",
        ],
    );
    let named = open.arg("--plaintext.listeners=jaeger-grpc");
    let spoor = named.start().unwrap();
    assert!(
        spoor
            .log()
            .iter()
            .any(|l| l.contains("plaintext") && l.contains("jaeger-grpc")),
        "{:?}",
        spoor.log()
    );
}

#[test]
fn a_data_folder_in_use_is_named() {
    let (_folder, setup) = setup();
    let _spoor = setup.start().unwrap();
    check_refusal(&setup, &["data", "in use"]);
}

#[test]
fn a_data_folder_that_is_not_spoors_or_no_folder_is_named() {
    let (folder, setup) = setup();
    let own = Setup {
        directory: folder.path().join("somebody-else"),
        ..setup.clone()
    };
    std::fs::create_dir(&own.directory).unwrap();
    std::fs::write(own.directory.join("notes.txt"), "not a store").unwrap();
    check_refusal(&own, &["somebody-else", "embedded.directory"]);
    let file = Setup {
        directory: "/dev/null/data".into(),
        ..setup
    };
    check_refusal(&file, &["/dev/null/data"]);
}

#[tokio::test]
async fn the_admin_port_tells_health_version_and_metrics() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    let url = spoor.url("admin");
    let (status, kind, text) = get(&format!("{url}/")).await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    let health: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(health["status"], "Server available");
    assert_eq!(get(&format!("{url}/ready")).await.0, 200);
    let (status, _, text) = get(&format!("{url}/metrics")).await;
    assert_eq!(status, 200);
    let zero = r#"spoor_spans_received_total{namespace="default",instance="jaeger"} 0"#;
    assert!(
        text.contains(zero) && text.contains("jaeger_build_info{"),
        "{text}"
    );
    let port = spoor.address("admin").to_owned();
    let output = run(
        &setup,
        &["status", &format!("--status.http.host-port={port}")],
    );
    assert!(
        output.status.success() && said(&output).contains("Server available"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_term_signal_ends_it_cleanly() {
    let (_folder, setup) = setup();
    let spoor = setup.start().unwrap();
    assert_eq!(spoor.terminate().unwrap(), Some(0));
    // and the folder is free again
    drop(setup.start().unwrap());
}

#[test]
fn what_print_config_prints_is_read_back_as_itself() {
    let (folder, setup) = setup();
    let first = run(
        &setup,
        &[
            "print-config",
            "--query.base-path=/jaeger",
            "--log-level=debug",
        ],
    );
    assert!(first.status.success(), "{}", said(&first));
    let file = folder.path().join("config.yaml");
    std::fs::write(&file, &first.stdout).unwrap();
    let second = run(
        &setup,
        &["print-config", &format!("--config-file={}", file.display())],
    );
    assert!(second.status.success(), "{}", said(&second));
    let settings = |output: &Output| -> Vec<String> {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // a comment beside a value says where it came from, which differs
        text.lines()
            .map(|l| {
                l.split(" #")
                    .next()
                    .unwrap_or_default()
                    .trim_end()
                    .to_owned()
            })
            .filter(|l| !l.contains("config-file"))
            .collect()
    };
    assert_eq!(settings(&first), settings(&second));
}
