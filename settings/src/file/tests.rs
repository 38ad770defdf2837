use super::*;
use proptest::prelude::*;

fn one(key: &str, value: &str) -> (String, Entry) {
    (key.to_owned(), Entry::One(value.to_owned()))
}

#[track_caller]
fn reads(ending: &str, text: &str) {
    let mut entries = parse(ending, text)
        .unwrap_or_else(|e| panic!("{ending}: {e}"))
        .entries;
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        entries,
        [
            one("collector.grpc-server.host-port", ":14250"),
            one("collector.otlp.enabled", "false"),
            one("log-level", "debug"),
            one("query.max-traces", "50"),
        ],
        "{ending}"
    );
}

#[test]
fn every_format_says_the_same() {
    reads(
        "yaml",
        "log-level: debug\ncollector:\n  grpc-server: {host-port: ':14250'}\n  otlp.enabled: false\nquery.max-traces: 50\n",
    );
    reads(
        "json",
        r##"{"#": "a comment", "log-level": "debug", "collector": {"grpc-server": {"host-port": ":14250"}, "otlp.enabled": false}, "query": {"max-traces": 50}}"##,
    );
    reads(
        "toml",
        "log-level = 'debug'\n[collector]\notlp.enabled = false\n[collector.grpc-server]\nhost-port = ':14250'\n[query]\nmax-traces = 50\n",
    );
    reads(
        "hcl",
        "log-level = \"debug\"\ncollector {\n  grpc-server {\n    host-port = \":14250\"\n  }\n}\ncollector {\n  otlp {\n    enabled = false\n  }\n}\nquery {\n  max-traces = 50\n}\n",
    );
    reads(
        "properties",
        "# a comment\n! another\nlog-level=debug\ncollector.grpc-server.host-port = \\:14250\ncollector.otlp.enabled: \\\n    false\nquery.max-traces 50\n",
    );
}

#[test]
fn lists_are_lists_and_groups_in_lists_are_told() {
    assert_eq!(
        parse("yaml", "a: [x, 2]").unwrap().entries,
        [(
            "a".to_owned(),
            Entry::List(vec!["x".to_owned(), "2".to_owned()])
        )]
    );
    assert_eq!(
        parse("yaml", "a: [x, {b: 1}]").unwrap().entries,
        [("a".to_owned(), Entry::Other)]
    );
    assert_eq!(parse("yaml", "a: ~").unwrap().entries, []);
    assert_eq!(parse("yaml", "").unwrap().entries, []);
}

#[test]
fn what_can_not_be_read_says_why() {
    assert!(parse("yaml", "- a").is_err());
    assert!(parse("yaml", "a: [").is_err());
    assert!(
        parse("ini", "")
            .unwrap_err()
            .contains("unknown ending \"ini\"")
    );
    let missing = read(Path::new("/nowhere/spoor.yaml"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.starts_with("config-file /nowhere/spoor.yaml: "),
        "{missing}"
    );
}

#[test]
fn an_error_shows_the_place_and_nothing_that_stands_there() {
    for (ending, text) in [
        ("yaml", "a: 1\npassword: \"canary\nb: c: d"),
        ("yaml", "a: 1\npassword: [canary, {]"),
        ("toml", "a = 1\npassword = \"canary\n"),
        ("toml", "a = 1\npassword = canary"),
        ("hcl", "a = 1\npassword = \"canary\n"),
        ("hcl", "a = 1\npassword = canary canary"),
        ("json", "{\"a\": 1,\n\"password\": \"canary}"),
        ("json", "{\"a\": 1,\n\"password\": canary}"),
    ] {
        let error = parse(ending, text).unwrap_err();
        println!("{ending}: {error}");
        assert!(!error.contains("canary"), "{ending}: {error}");
        assert!(
            error.contains("line 2") || error.contains("line 3"),
            "{ending}: {error}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_an_answer(text in ".*", ending in "json|toml|yaml|hcl|properties") {
        let _answer = parse(&ending, &text);
    }
}
