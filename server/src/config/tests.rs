use ::storage::embedded::NamespaceBounds;
use settings::layers;

use super::*;

mod access;
mod again;
mod agent;
mod elasticsearch;
mod instances;
mod kafka;
mod listening;
mod prometheus;
mod remote;

pub(super) fn checked(role: Role, line: &[&str], variables: &[(&str, &str)]) -> Checked {
    let words: Vec<String> = line.iter().map(|&word| word.to_owned()).collect();
    let arguments = settings::args::Arguments::parse(&words, &[]);
    assert_eq!(arguments.problems, []);
    let environment: Environment = variables.iter().copied().collect();
    Config::check(
        role,
        layers::load(&arguments.settings, &environment),
        &environment,
    )
}

#[track_caller]
pub(super) fn config(line: &[&str], variables: &[(&str, &str)]) -> Config {
    let checked = checked(Role::AllInOne, line, variables);
    assert_eq!(checked.problems, []);
    checked.config.unwrap()
}

#[track_caller]
pub(super) fn problems(role: Role, line: &[&str]) -> Vec<String> {
    checked(role, line, &[])
        .problems
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn nothing_set_is_the_documented_default() {
    let config = config(&[], &[]);
    assert_eq!(config.storage.backends, [Backend::Embedded]);
    assert_eq!(
        config.storage.embedded.directory.to_str(),
        Some("spoor-data")
    );
    assert_eq!(
        config.storage.embedded.max_bytes,
        ByteSize::from_mib(10 << 10)
    );
    assert_eq!(
        config.storage.span_max_age,
        Some(Duration::from_secs(720 * 3600))
    );
    assert_eq!(config.storage.span_max_bytes, ByteSize::from_mib(4));
    assert_eq!(config.storage.span_max_attributes, 10_000);
    assert_eq!(config.shutdown_grace, Duration::from_secs(25));
    assert_eq!(
        config.logs,
        Logs {
            level: crate::logs::Level::Info,
            encoding: crate::logs::Encoding::Json
        }
    );
    assert!(config.memory_max_bytes.as_bytes() > 0);
    let listeners: Vec<String> = config
        .listeners
        .iter()
        .map(|l| format!("{} {}", l.name, l.addrs[0]))
        .collect();
    assert_eq!(
        listeners,
        [
            "otlp-grpc 127.0.0.1:4317",
            "otlp-http 127.0.0.1:4318",
            "jaeger-grpc 127.0.0.1:14250",
            "jaeger-thrift 127.0.0.1:14268",
            "zipkin 127.0.0.1:9411",
            "jaeger-compact 127.0.0.1:6831",
            "jaeger-binary 127.0.0.1:6832",
            "zipkin-compact 127.0.0.1:5775",
            "sampling-http 127.0.0.1:5778",
            "sampling-grpc 127.0.0.1:5779",
            "query-http 127.0.0.1:16686",
            "query-grpc 127.0.0.1:16685",
            "admin 127.0.0.1:14269"
        ]
    );
    let query = config.query.unwrap();
    assert_eq!(
        (
            query.base_path.clone(),
            query.max_traces,
            query.tag_expressions
        ),
        (::query::BasePath::default(), 10_000, true)
    );
    let collector = config.collector.unwrap();
    assert_eq!(
        (
            collector.otlp_grpc.max_message,
            collector.otlp_http.max_body
        ),
        (ByteSize::from_mib(4), ByteSize::from_mib(20))
    );
}

#[test]
fn otlp_can_be_off() {
    let config = config(&["--collector.otlp.enabled=false"], &[]);
    assert_eq!(
        (config.listeners.otlp_grpc, config.listeners.otlp_http),
        (None, None)
    );
}

#[test]
fn stores_that_are_not_here_say_how_to_move() {
    for (word, text) in [
        (
            "cassandra",
            "--span-storage.type: Spoor has no store \"cassandra\": use embedded",
        ),
        (
            "badger",
            "--span-storage.type: Spoor has no store \"badger\": use embedded",
        ),
        ("grpc", "grpc-storage.server: it is empty"),
        (
            "blackhole",
            "--span-storage.type: blackhole is not in this version",
        ),
        (
            "memry",
            "--span-storage.type: \"memry\" is no store: embedded, memory, elasticsearch, opensearch, kafka and grpc are known; did you mean memory?",
        ),
        ("memory,memory", "--span-storage.type: memory stands twice"),
        (
            "elasticsearch,opensearch",
            "--span-storage.type: opensearch (which is elasticsearch) stands twice",
        ),
        ("", "--span-storage.type: names no store"),
    ] {
        let told = problems(Role::AllInOne, &[&format!("--span-storage.type={word}")]);
        assert!(told.len() == 1 && told[0].starts_with(text), "{told:?}");
    }
    assert_eq!(
        config(&["--span-storage.type=memory,embedded"], &[])
            .storage
            .backends,
        [Backend::Memory, Backend::Embedded]
    );
    assert_eq!(
        config(&[], &[("SPAN_STORAGE_TYPE", "memory")])
            .storage
            .backends,
        [Backend::Memory]
    );
}

#[test]
fn a_role_alone_needs_a_store_that_two_processes_share() {
    for role in [Role::Collector, Role::Query] {
        let told = problems(role, &[]);
        assert_eq!(
            told,
            [format!(
                "span-storage.type: the role {role} alone can not use embedded: it lies within one process, and no second one can share it; start all-in-one, serve it by the role remote-storage and use grpc here, or use elasticsearch"
            )]
        );
        assert_eq!(problems(role, &["--span-storage.type=opensearch"]), [""; 0]);
        let told = problems(role, &["--span-storage.type=elasticsearch,memory"]);
        assert!(
            told.len() == 1 && told[0].contains(&format!("{role} alone can not use memory:")),
            "{told:?}"
        );
    }
}

#[test]
fn the_query_role_has_its_own_admin_port() {
    let config = checked(Role::Query, &[], &[]).config.unwrap();
    assert_eq!(config.listeners.admin.addrs[0].port, 16687);
    assert_eq!((config.listeners.otlp_grpc, config.collector), (None, None));
}

#[test]
fn every_problem_is_told_at_once() {
    let told = problems(
        Role::AllInOne,
        &[
            "--query.base-path=jaeger/",
            "--query.additional-headers=no header",
            "--log-level=loud",
            "--query.max-traces=0",
            "--embedded.max-age=-1h",
            "--collector.tags=x",
            "--collector.grpc.tls.enabled",
            "--collector.grpc.tls.cert=x",
            "--span-storage.type=badger",
        ],
    );
    assert_eq!(
        told,
        [
            "--collector.grpc.tls.enabled: collector.grpc.tls.cert is set, but collector.grpc.tls.key is not: give the paths of both PEM files, or of neither and they are made",
            "--span-storage.type: Spoor has no store \"badger\": use embedded, send new spans here, and leave Jaeger beside it for reading until its data has aged out",
            "--embedded.max-age: -1h0m0s is negative: give 0s or more",
            "--collector.tags: \"x\" is no tag: give key=value",
            "--query.base-path: invalid base path 'jaeger/'. Must start but not end with a slash '/', e.g. '/jaeger/ui'",
            "--query.additional-headers: \"no header\" begins no header: give \"Key: Value\"",
            "--query.max-traces: give 1 or more",
            "--log-level: \"loud\" is not known: it can be debug, info, warn, error, dpanic, panic or fatal",
        ]
    );
}

#[test]
fn a_namespace_may_have_bounds_of_its_own() {
    let line = [
        "--embedded.namespace-max-age=a=24h,b=0",
        "--embedded.namespace-max-bytes=b=2GiB",
        "--embedded.max-bytes=0",
    ];
    let embedded = config(&line, &[]).storage.embedded;
    assert_eq!(embedded.max_bytes.as_bytes(), 0);
    assert_eq!(embedded.min_free_bytes, None);
    let of = |text: &str| {
        let line = format!("--embedded.min-free-bytes={text}");
        let embedded = config(&[&line], &[]).storage.embedded;
        embedded.min_free_bytes.map(settings::ByteSize::as_bytes)
    };
    assert_eq!(
        (of("0"), of("2GiB"), of("")),
        (Some(0), Some(2 << 30), None)
    );
    let bounds = |hours: u64, max_bytes| NamespaceBounds {
        max_age: Some(Duration::from_secs(hours * 3600)),
        max_bytes,
    };
    let expect = [
        ("a".to_owned(), bounds(24, 0)),
        ("b".to_owned(), bounds(0, 2 << 30)),
    ];
    assert_eq!(embedded.namespaces, expect.into());
    let line = [
        "--embedded.namespace-max-age=a=1d,b=-1h,A=1h,c,d=1h,d=2h",
        "--embedded.namespace-max-bytes=a=lots",
    ];
    assert_eq!(
        problems(Role::AllInOne, &line),
        [
            "--embedded.namespace-max-age: \"A=1h\" is no bound of a namespace: give namespace=value, such as team-a=24h",
            "--embedded.namespace-max-age: \"c\" is no bound of a namespace: give namespace=value, such as team-a=24h",
            "--embedded.namespace-max-age: namespace d stands twice",
            "--embedded.namespace-max-age: time: unknown unit \"d\" in duration \"1d\"",
            "--embedded.namespace-max-age: -1h0m0s is negative: give 0s or more",
            "--embedded.namespace-max-bytes: \"lots\" is no size: give a number of bytes, or one with a unit such as 64KiB, 4MiB, 10GiB",
        ]
    );
}

#[test]
fn query_values_arrive() {
    let query = config(
        &[
            "--query.base-path=/jaeger",
            "--query.additional-headers=X-A: b: c",
            "--query.max-clock-skew-adjustment=1m",
        ],
        &[],
    )
    .query
    .unwrap();
    assert_eq!(
        query.base_path,
        ::query::BasePath::parse("/jaeger").unwrap()
    );
    assert_eq!(
        query.additional_headers,
        [("x-a".parse().unwrap(), "b: c".parse().unwrap())]
    );
    assert_eq!(query.max_clock_skew, Duration::from_secs(60));
}

#[test]
fn status_asks_this_machine() {
    let targets = |role, line: &[&str]| {
        let words: Vec<String> = line.iter().map(|&word| word.to_owned()).collect();
        let given = settings::args::Arguments::parse(&words, &[]).settings;
        let settings = layers::load(&given, &Environment::default()).settings;
        status_targets(role, &settings)
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        targets(Role::Query, &[]),
        ["127.0.0.1:16687", "[::1]:16687"]
    );
    assert_eq!(
        targets(Role::AllInOne, &["--admin.http.host-port=:9"]),
        ["127.0.0.1:9", "[::1]:9"]
    );
    assert_eq!(
        targets(
            Role::AllInOne,
            &["--admin.http.host-port=:9", "--status.http.host-port=h:8"]
        ),
        ["h:8"]
    );
}

#[test]
fn a_version_of_tls_that_is_too_low_is_raised_with_a_warning() {
    let block = [
        "--query.http.tls.enabled",
        "--query.http.tls.cert=a",
        "--query.http.tls.key=b",
        "--query.http.tls.min-version=1.0",
    ];
    let checked = checked(Role::AllInOne, &block, &[]);
    assert_eq!(checked.problems, []);
    let told: Vec<String> = checked.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["--query.http.tls.min-version: TLS below 1.2 is not spoken: 1.2 is the lowest"]
    );
    assert!(
        checked
            .config
            .unwrap()
            .listeners
            .query_http
            .unwrap()
            .tls
            .is_some()
    );
}

#[test]
fn a_setting_of_a_store_that_is_not_in_use_is_told_once() {
    let told = |line: &[&str], variables: &[(&str, &str)]| -> Vec<String> {
        let checked = checked(Role::AllInOne, line, variables);
        assert_eq!(checked.problems, []);
        checked.warnings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        told(&["--memory.max-traces=9"], &[]),
        [
            "--memory.max-traces: the store memory is not in use (span-storage.type names embedded), so this changes nothing"
        ]
    );
    assert_eq!(
        told(
            &["--span-storage.type=memory", "--embedded.directory=/x"],
            &[("EMBEDDED_MAX_AGE", "1h")]
        ),
        [
            "--embedded.directory, EMBEDDED_MAX_AGE (environment): the store embedded is not in use (span-storage.type names memory), so this changes nothing"
        ]
    );
    // the archive has them from the store, and they were written once
    assert_eq!(
        told(
            &[
                "--es.index-prefix=p",
                "--es-archive.enabled",
                "--es.log-level=info"
            ],
            &[("ES_SERVER_URLS", "http://es:9200")]
        ),
        [
            "--es.log-level: the client of Elasticsearch has no log of its own: see log-level",
            "ES_SERVER_URLS (environment), --es.index-prefix, --es-archive.enabled: the store elasticsearch is not in use (span-storage.type names embedded), so this changes nothing"
        ]
    );
    let both = [
        "--span-storage.type=memory,embedded",
        "--embedded.directory=/x",
        "--memory.max-traces=9",
    ];
    assert_eq!(told(&both, &[]), [""; 0]);
}

#[test]
fn memory_has_a_floor() {
    for (value, shown) in [("0", "0"), ("1KiB", "1KiB"), ("16777215", "16777215")] {
        assert_eq!(
            problems(Role::AllInOne, &[&format!("--memory.max-bytes={value}")]),
            [format!(
                "--memory.max-bytes: {shown} is too little: give 16MiB or more"
            )]
        );
    }
    assert_eq!(
        config(&["--memory.max-bytes=16MiB"], &[]).memory_max_bytes,
        ByteSize::from_mib(16)
    );
}

#[test]
fn a_budget_that_no_message_fits_is_told_before_the_start() {
    let line = ["--collector.budget-bytes=8MiB"];
    assert_eq!(
        problems(Role::AllInOne, &line),
        [
            "--collector.budget-bytes: 8MiB is less than the largest message, 20MiB: raise it, or lower the max-message-size or max-body-size"
        ]
    );
    let smaller = [
        line[0],
        "--collector.otlp.enabled=false",
        "--collector.http-server.max-body-size=8MiB",
        "--collector.zipkin.max-body-size=1MiB",
    ];
    assert_eq!(problems(Role::AllInOne, &smaller), [""; 0]);
}

#[test]
fn limits_of_a_span_are_checked_and_zero_is_none() {
    let open = config(&["--span.max-bytes=0", "--span.max-attributes=0"], &[]).storage;
    assert_eq!(
        (open.span_max_bytes.as_bytes(), open.span_max_attributes),
        (0, 0)
    );
    let problems = problems(
        Role::AllInOne,
        &["--span.max-bytes=much", "--span.max-attributes=-1"],
    );
    assert_eq!(problems.len(), 2, "{problems:?}");
    for (problem, setting) in problems
        .iter()
        .zip(["--span.max-bytes", "--span.max-attributes"])
    {
        assert!(problem.starts_with(setting), "{problem}");
    }
}

#[test]
fn a_spool_is_for_stores_that_can_be_away() {
    let spool = |line: &[&str]| {
        let line = [&["--span-storage.type=elasticsearch"], line].concat();
        let checked = checked(Role::Collector, &line, &[]);
        assert_eq!(checked.problems, []);
        let spool = checked.config.unwrap().storage.spool;
        spool.map(|spool| (spool.directory, spool.max_bytes.as_bytes()))
    };
    assert_eq!(spool(&[]), None);
    assert_eq!(
        spool(&["--spool.directory=/var/spool/spoor"]),
        Some(("/var/spool/spoor".into(), 1 << 30))
    );
    let line = ["--spool.directory=x", "--spool.max-bytes=20GiB"];
    assert_eq!(spool(&line), Some(("x".into(), 20 << 30)));
    assert_eq!(
        problems(
            Role::AllInOne,
            &["--spool.directory=x", "--spool.max-bytes=10"]
        ),
        [
            "--spool.directory: a spool is useless in front of the store embedded, which is on this machine itself and never away: leave spool.directory empty, or use elasticsearch",
            "--spool.max-bytes: 10 is too little: give 1MiB or more",
        ]
    );
    let line = ["--span-storage.type=memory", "--spool.directory=x"];
    assert_eq!(problems(Role::AllInOne, &line).len(), 1);
    let unused = checked(Role::AllInOne, &["--spool.max-bytes=2GiB"], &[]);
    let warning = unused.warnings.iter().map(ToString::to_string);
    let warning: Vec<_> = warning.collect();
    assert_eq!(
        warning,
        [
            "--spool.max-bytes: there is no spool (spool.directory is empty), so this changes nothing"
        ]
    );
}
