use std::io::Write as _;

use super::*;

pub(super) fn given(line: &str) -> Vec<(String, String)> {
    let words: Vec<String> = line
        .split(' ')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let parsed = crate::args::Arguments::parse(&words, &[]);
    assert_eq!(parsed.problems, []);
    parsed.settings
}

pub(super) fn loaded(line: &str, variables: &[(&str, &str)]) -> Loaded {
    load(&given(line), &variables.iter().copied().collect())
}

pub(super) fn file(ending: &str, text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(ending).tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

pub(super) fn told(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(ToString::to_string).collect()
}

pub(super) fn warned(loaded: &Loaded) -> Vec<String> {
    loaded.warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file_over_the_default() {
    let file = file(
        ".yaml",
        "log-level: error\nlog-encoding: console\nquery: {max-traces: 7}\n",
    );
    let path = file.path().to_string_lossy().into_owned();
    let got = loaded(
        &format!("--config-file={path} --log-level=debug"),
        &[("LOG_LEVEL", "warn"), ("LOG_ENCODING", "json")],
    );
    assert_eq!(told(&got), [""; 0]);
    let source = |name: &str| got.settings.get(name).unwrap().source.to_string();
    assert_eq!(
        (got.settings.text("log-level"), source("log-level").as_str()),
        ("debug", "--log-level")
    );
    assert_eq!(
        (
            got.settings.text("log-encoding"),
            source("log-encoding").as_str()
        ),
        ("json", "LOG_ENCODING (environment)")
    );
    assert_eq!(
        (
            got.settings.int("query.max-traces"),
            source("query.max-traces")
        ),
        (7, format!("query.max-traces in {path}"))
    );
    assert_eq!(
        (
            got.settings.text("metrics-http-route"),
            source("metrics-http-route").as_str()
        ),
        ("/metrics", "default")
    );
}

#[test]
fn the_file_may_be_named_by_a_variable() {
    let file = file(".json", "{\"log-level\": \"warn\"}");
    let got = loaded("", &[("CONFIG_FILE", &file.path().to_string_lossy())]);
    assert_eq!(
        (told(&got), got.settings.text("log-level")),
        (vec![], "warn")
    );
}

#[test]
fn repeated_flags_add_up_only_where_they_may() {
    let got = load(
        &[
            ("query.additional-headers", "A: 1"),
            ("log-level", "info"),
            ("query.additional-headers", "B: 2, 3"),
            ("log-level", "debug"),
        ]
        .map(|(n, v)| (n.to_owned(), v.to_owned())),
        &Environment::default(),
    );
    assert_eq!(
        got.settings.list("query.additional-headers"),
        ["A: 1", "B: 2, 3"]
    );
    assert_eq!(got.settings.text("log-level"), "debug");
    let got = loaded("", &[("QUERY_ADDITIONAL_HEADERS", "A: 1\nB: 2, 3")]);
    assert_eq!(
        got.settings.list("query.additional-headers"),
        ["A: 1", "B: 2, 3"]
    );
}

#[test]
fn old_names_become_todays_with_a_warning() {
    let got = loaded(
        "--query.port=9000 --admin-http-port 0",
        &[
            ("COLLECTOR_GRPC_PORT", "14251"),
            ("COLLECTOR_OTLP_GRPC_TLS", "true"),
        ],
    );
    assert_eq!(
        got.settings
            .host_port("query.http-server.host-port")
            .map(ToString::to_string)
            .as_deref(),
        Some(":9000")
    );
    assert_eq!(
        got.settings
            .host_port("collector.grpc-server.host-port")
            .map(ToString::to_string)
            .as_deref(),
        Some(":14251")
    );
    assert_eq!(got.settings.host_port("admin.http.host-port"), None);
    assert!(got.settings.bool("collector.otlp.grpc.tls.enabled"));
    assert_eq!(
        warned(&got),
        [
            "--query.port: an old name: use query.http-server.host-port",
            "COLLECTOR_GRPC_PORT (environment): an old name: use collector.grpc-server.host-port",
            "COLLECTOR_OTLP_GRPC_TLS (environment): an old name: use collector.otlp.grpc.tls.enabled",
        ]
    );
}

#[test]
fn within_a_layer_todays_name_wins_and_between_layers_the_higher() {
    let got = loaded("--query.host-port=:1 --query.http-server.host-port=:2", &[]);
    assert_eq!(
        got.settings
            .host_port("query.http-server.host-port")
            .map(|at| at.port),
        Some(2)
    );
    assert_eq!(
        warned(&got),
        [
            "--query.host-port: an old name of query.http-server.host-port, which --query.http-server.host-port sets: it is not used"
        ]
    );
    let got = loaded(
        "--query.host-port=:1",
        &[("QUERY_HTTP_SERVER_HOST_PORT", ":2")],
    );
    assert_eq!(
        got.settings
            .host_port("query.http-server.host-port")
            .map(|at| at.port),
        Some(1)
    );
}

#[test]
fn what_changes_nothing_is_warned_of_once_a_reason() {
    let got = loaded(
        "--grpc-storage-plugin.binary=t --grpc-storage-plugin.log-level=info",
        &[
            ("COLLECTOR_QUEUE_SIZE", "99"),
            ("DEPENDENCY_STORAGE_TYPE", "elasticsearch"),
        ],
    );
    assert_eq!(told(&got), [""; 0]);
    let warnings = warned(&got);
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings.contains(&"--grpc-storage-plugin.binary, --grpc-storage-plugin.log-level: plugins as programs ended with Jaeger 1.58: start it as a server, and give its address to grpc-storage.server".to_owned()), "{warnings:?}");
}

#[test]
fn unknown_variables_are_ignored_and_unknown_keys_are_not() {
    assert_eq!(
        loaded(
            "",
            &[
                ("COLLECTOR_OTLP_GRPC_HOSTPORT", ":1"),
                ("JAEGER_DISABLED", "true")
            ]
        ),
        loaded("", &[])
    );
    let file = file(".toml", "[collector.otlp.grpc]\nhostport = ':1'\n");
    let path = file.path().to_string_lossy().into_owned();
    let got = loaded(&format!("--config-file={path}"), &[]);
    assert_eq!(
        told(&got),
        [format!(
            "unknown key collector.otlp.grpc.hostport in {path}: did you mean collector.otlp.grpc.host-port?"
        )]
    );
}

#[test]
fn keys_in_a_file_may_be_in_either_case() {
    let file = file(
        ".yaml",
        "Log-Level: warn\ningester: {deadlockinterval: 1m}\n",
    );
    let got = loaded(&format!("--config-file={}", file.path().display()), &[]);
    assert_eq!(
        (told(&got), got.settings.text("log-level")),
        (vec![], "warn")
    );
}

#[test]
fn every_bad_value_is_told_with_its_place() {
    let file = file(
        ".yaml",
        "query: {max-traces: many, base-path: [a, b]}\nes-archive: {max-span-age: many}\n",
    );
    let path = file.path().to_string_lossy().into_owned();
    let got = loaded(
        &format!("--config-file={path} --embedded.max-age=7d --es.version=seven"),
        &[("EMBEDDED_MAX_BYTES", "lots")],
    );
    let mut problems = told(&got);
    problems.sort();
    assert_eq!(
        problems,
        [
            "--embedded.max-age: time: unknown unit \"d\" in duration \"7d\"".to_owned(),
            "--es.version: \"seven\" is no whole number".to_owned(),
            "EMBEDDED_MAX_BYTES (environment): \"lots\" is no size: give a number of bytes, or one with a unit such as 64KiB, 4MiB, 10GiB".to_owned(),
            format!("query.base-path in {path}: one value belongs here, not a list or a group of keys"),
            format!("query.max-traces in {path}: \"many\" is no whole number"),
        ]
    );
    assert_eq!(got.settings.int("query.max-traces"), 10_000);
}

#[test]
fn a_service_link_of_kubernetes_is_no_setting() {
    let got = loaded(
        "",
        &[
            ("QUERY_PORT", "tcp://10.0.0.1:16686"),
            ("COLLECTOR_PORT", "tcp://10.0.0.2:14250"),
        ],
    );
    assert_eq!(got, loaded("", &[]));
}

#[test]
fn what_would_lose_data_is_refused_with_the_way_out() {
    let got = loaded(
        "--cassandra.servers=a --cassandra.keyspace=b",
        &[("BADGER_EPHEMERAL", "false")],
    );
    let problems = told(&got);
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0].starts_with("BADGER_EPHEMERAL (environment): Spoor has no Badger store"),
        "{problems:?}"
    );
    assert!(problems[1].starts_with("--cassandra.servers, --cassandra.keyspace: Spoor has no Cassandra store: use span-storage.type=embedded"), "{problems:?}");
}

#[test]
fn what_is_refused_is_refused_whatever_its_value() {
    for flag in flags::all().filter(|flag| matches!(flag.effect, Effect::Refused(_))) {
        for value in [flag.default, other_than_default(flag)] {
            let got = load(
                &[(flag.name.to_owned(), value.to_owned())],
                &Environment::default(),
            );
            assert!(
                got.problems
                    .iter()
                    .any(|p| matches!(p, Problem::Refused { .. })),
                "{}={value}",
                flag.name
            );
        }
    }
}

#[test]
fn a_tls_block_is_never_half_on() {
    let got = loaded(
        "--collector.grpc.tls.cert=a.pem --es.tls.skip-host-verify --query.http.tls.reload-interval=0s",
        &[],
    );
    assert_eq!(
        told(&got),
        [
            "collector.grpc.tls.* options cannot be used when collector.grpc.tls.enabled is false",
            "es.tls.* options cannot be used when es.tls.enabled is false",
        ]
    );
    let got = loaded(
        "--collector.grpc.tls.enabled --collector.grpc.tls.cert=a.pem --collector.grpc.tls.key=a.key",
        &[],
    );
    assert_eq!(told(&got), [""; 0]);
    let tls = got
        .settings
        .server_tls("collector.grpc.tls")
        .unwrap()
        .unwrap();
    assert_eq!(
        (tls.cert, tls.key),
        (Some("a.pem".into()), Some("a.key".into()))
    );
    assert_eq!(got.settings.server_tls("query.http.tls"), Ok(None));
}

#[test]
fn no_problem_or_warning_shows_a_secret() {
    let got = loaded(
        "--es.password=canary --kafka.producer.plaintext.password canary --es.server-urls=http://u:canary@es",
        &[("ES_ARCHIVE_PASSWORD", "canary")],
    );
    let everything = format!("{got:?} {:?} {:?}", told(&got), warned(&got));
    assert!(!everything.contains("canary"), "{everything}");
}

/// A value of the flag's kind that is not its default.
fn other_than_default(flag: &Flag) -> &'static str {
    match flag.kind {
        Kind::Bool if flag.default == "true" => "false",
        Kind::Bool => "true",
        Kind::Int | Kind::Float => "7",
        Kind::Duration => "11s",
        Kind::Bytes => "7KiB",
        Kind::HostPort => "127.0.0.1:7",
        _ if matches!(
            flag.effect,
            Effect::Alias {
                rule: AliasRule::Port,
                ..
            }
        ) =>
        {
            "7"
        }
        _ => "seven",
    }
}

#[test]
fn every_setting_of_jaeger_acts_or_is_warned_of_or_refused_from_every_source() {
    for flag in flags::all().filter(|flag| flag.name != "config-file") {
        let value = other_than_default(flag);
        let file = file(".properties", &format!("{} = {value}\n", flag.name));
        let path = file.path().to_string_lossy().into_owned();
        let mut loads = vec![load(
            &[],
            &[(crate::flag::variable(flag.name), value)]
                .into_iter()
                .collect(),
        )];
        if !flag.variable_only {
            loads.push(load(
                &[(flag.name.to_owned(), value.to_owned())],
                &Environment::default(),
            ));
            loads.push(load(
                &[("config-file".to_owned(), path)],
                &Environment::default(),
            ));
        }
        for got in loads {
            let unknown = got.problems.iter().any(|p| {
                matches!(
                    p,
                    Problem::UnknownFlag { .. }
                        | Problem::UnknownKey { .. }
                        | Problem::Value { .. }
                        | Problem::Shape(_)
                )
            });
            assert!(!unknown, "{}: {:?}", flag.name, got.problems);
            let refused = got
                .problems
                .iter()
                .any(|p| matches!(p, Problem::Refused { .. }));
            let target = match flag.effect {
                Effect::Acts => flag,
                Effect::Accepted(note) => {
                    assert!(got.warnings.iter().any(|w| w.note == note), "{}", flag.name);
                    flag
                }
                Effect::Refused(_) => {
                    assert!(refused, "{}", flag.name);
                    flag
                }
                Effect::Alias { to, .. } => {
                    // The old spelling in a variable may be the variable of today's name, and then there is nothing old about it.
                    let same = crate::flag::variable(to) == crate::flag::variable(flag.name);
                    assert!(
                        same || got.warnings.iter().any(|w| w.note.contains(to)),
                        "{}",
                        flag.name
                    );
                    flags::find(to).unwrap()
                }
            };
            let setting = got.settings.get(target.name).unwrap();
            assert_ne!(setting.source, Source::Default, "{}", flag.name);
            assert_ne!(setting.value, default(target), "{}", flag.name);
        }
    }
}

#[test]
fn a_letter_left_out_is_told_with_the_name_that_was_meant() {
    for flag in flags::all().filter(|flag| !flag.variable_only) {
        let mut typo = flag.name.to_owned();
        typo.remove(typo.len() / 2);
        if flags::find(&typo).is_none() {
            let near = flags::nearest(&typo)
                .is_some_and(|name| strsim::damerau_levenshtein(&typo, name) == 1);
            // Capitals in a name count as strokes here, because what is typed is compared in small letters.
            assert!(
                near || flag.name.chars().any(|c| c.is_ascii_uppercase()),
                "{typo}"
            );
        }
    }
}
