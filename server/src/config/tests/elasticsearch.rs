//! What the stores on Elasticsearch are told.

use std::path::{Path, PathBuf};

use ::storage::elasticsearch::config::{
    Connection, Graph, Indices, Limits, Rotation, TagValues, TagsAsFields, Upkeep,
};
use ::storage::elasticsearch::{self, config::Place};

use super::*;

mod apart;
mod instances;
mod secrets;
mod setup;
mod wrong;

use setup::Folder;

const TYPE: &str = "--span-storage.type=elasticsearch";

/// The stores, and what is warned of.
#[track_caller]
fn stores(line: &[&str]) -> (Vec<elasticsearch::Config>, Vec<String>) {
    let checked = checked(Role::Collector, &[&[TYPE], line].concat(), &[]);
    assert_eq!(checked.problems, []);
    let warnings = checked.warnings.iter().map(ToString::to_string).collect();
    (checked.config.unwrap().storage.elasticsearch, warnings)
}

#[track_caller]
fn store(line: &[&str]) -> elasticsearch::Config {
    let (mut stores, warnings) = stores(line);
    assert_eq!((stores.len(), warnings), (1, vec![]));
    stores.remove(0)
}

#[track_caller]
fn check(line: &[&str], expect: &[&str]) {
    let told = problems(Role::Collector, &[&[TYPE], line].concat());
    assert_eq!(told, expect);
}

#[track_caller]
fn warns(line: &[&str], expect: &[&str]) {
    assert_eq!(stores(line).1, expect);
}

#[test]
fn nothing_set_is_jaegers_default() {
    let store = store(&[]);
    assert_eq!(store.instance, model::Instance::default());
    assert!(store.archive.is_none());
    let Place {
        connection,
        indices,
        documents,
        limits,
        upkeep,
        graph,
    } = &store.main;
    let authority = PathBuf::from("spoor-certs/default/ca.crt");
    let default = Connection {
        trust: trust::Store::default().with_authority(authority),
        ..Connection::default()
    };
    assert_eq!(format!("{connection:?}"), format!("{default:?}"));
    assert_eq!(format!("{indices:?}"), format!("{:?}", Indices::default()));
    assert_eq!(*documents, Default::default());
    assert_eq!(*limits, Limits::default());
    // nothing is deleted, as in Jaeger
    assert_eq!(*upkeep, Upkeep::default());
    assert!(upkeep.max_age.is_zero() && upkeep.rollover_interval.is_zero());
    let is_on = true;
    assert_eq!(
        *graph,
        Graph {
            is_on,
            ..Graph::default()
        }
    );
}

#[test]
fn the_graph_of_calls_is_kept_as_its_settings_say() {
    let line = [
        "--es.dependencies.enabled=false",
        "--es.dependencies.interval=1m",
        "--es.dependencies.late-after=0s",
        "--es.dependencies.settle=3s",
        "--es-archive.enabled",
    ];
    let store = stores(&line).0.remove(0);
    let expect = Graph {
        is_on: false,
        interval: Duration::from_secs(60),
        late_after: Duration::ZERO,
        settle: Duration::from_secs(3),
    };
    assert_eq!(store.main.graph, expect);
    assert!(!store.archive.unwrap().graph.is_on, "it is in the store's");
    check(
        &["--es.dependencies.interval=0s"],
        &["--es.dependencies.interval: 0s is no time at all: give more than 0s"],
    );
}

#[test]
fn every_setting_arrives() {
    let folder = Folder::new();
    folder.pair("es");
    let at = |name: &str| folder.path().join(name);
    let keys = folder.write("keys", "# ours\nuser.id\n\n  http.route \r\n#x\n");
    let key = folder.write("api", "k");
    let line = [
        "--es.server-urls= https://a:9200/ , https://b/es/".to_owned(),
        format!("--es.api-key-file={key}"),
        "--es.api-key-reload-interval=3s".to_owned(),
        "--es.password-reload-interval=1s".to_owned(),
        "--es.bearer-token-propagation".to_owned(),
        "--es.api-key-allow-from-context".to_owned(),
        "--es.sniffer".to_owned(),
        "--es.sniffer-tls-enabled".to_owned(),
        "--es.disable-health-check".to_owned(),
        "--es.timeout=7s".to_owned(),
        "--es.version=10".to_owned(),
        "--es.send-get-body-as=post".to_owned(),
        "--es.http-compression=false".to_owned(),
        "--es.compression-level=9".to_owned(),
        "--es.max-doc-count=99".to_owned(),
        "--es.max-span-age=1h".to_owned(),
        "--es.num-shards=2".to_owned(),
        "--es.num-replicas=0".to_owned(),
        "--es.prioirity-span-template=500".to_owned(),
        "--es.prioirity-service-template=501".to_owned(),
        "--es.prioirity-dependencies-template=502".to_owned(),
        "--es.create-index-templates=false".to_owned(),
        "--es.index-prefix=prod".to_owned(),
        "--es.index-date-separator=.".to_owned(),
        "--es.index-rollover-frequency-spans=Hour".to_owned(),
        "--es.index-rollover-frequency-services=day".to_owned(),
        "--es.index-rollover-frequency-adaptive-sampling=hour".to_owned(),
        "--es.use-aliases".to_owned(),
        "--es.use-ilm".to_owned(),
        "--es.ilm-policy-name=keep".to_owned(),
        "--es.remote-read-clusters=east, west".to_owned(),
        "--es.tags-as-fields.all".to_owned(),
        "--es.tags-as-fields.include=error, user.id".to_owned(),
        format!("--es.tags-as-fields.config-file={keys}"),
        "--es.tags-as-fields.dot-replacement=_".to_owned(),
        "--es.tags-as-fields.max-keys=0".to_owned(),
        "--es.tag-values=string".to_owned(),
        "--es.service-cache-ttl=1m".to_owned(),
        "--es.adaptive-sampling.lookback=2h".to_owned(),
        "--es.bulk.size=1MiB".to_owned(),
        "--es.bulk.actions=-1".to_owned(),
        "--es.bulk.workers=4".to_owned(),
        "--es.tls.enabled".to_owned(),
        format!("--es.tls.ca={}", at("es/tls.crt").display()),
        format!("--es.tls.cert={}", at("es/tls.crt").display()),
        format!("--es.tls.key={}", at("es/tls.key").display()),
        "--es.tls.server-name=es.prod".to_owned(),
        "--instance.default=prod/traces".to_owned(),
    ];
    let line: Vec<&str> = line.iter().map(String::as_str).collect();
    let store = store(&line);
    assert_eq!(store.instance.as_str(), "prod/traces");
    let Place {
        connection,
        indices,
        documents,
        limits,
        upkeep: _,
        graph: _,
    } = store.main;
    let tls = settings::tls::ClientTls {
        prefix: "es.tls".to_owned(),
        ca: Some(at("es/tls.crt")),
        cert: Some(at("es/tls.crt")),
        key: Some(at("es/tls.key")),
        server_name: Some("es.prod".to_owned()),
        skip_host_verify: false,
    };
    assert_eq!(connection.tls, Some(tls));
    let expect = Connection {
        settings: "es".to_owned(),
        urls: vec!["https://a:9200".to_owned(), "https://b/es".to_owned()],
        tls: connection.tls.clone(),
        trust: trust::Store::default().with_authority("spoor-certs/prod/ca.crt".into()),
        api_key_file: Some(key.into()),
        propagate_bearer_token: true,
        propagate_api_key: true,
        // of the file that is there
        reload_interval: Duration::from_secs(3),
        timeout: Duration::from_secs(7),
        version: 10,
        compression: false,
        compression_level: 9,
        sniffer: true,
        sniffer_tls: true,
        disable_health_check: true,
        send_get_body_as: "POST".to_owned(),
        ..Connection::default()
    };
    assert_eq!(format!("{connection:#?}"), format!("{expect:#?}"));
    let expect = Indices {
        prefix: "prod".to_owned(),
        date_separator: ".".to_owned(),
        spans: Rotation::Hour,
        services: Rotation::Day,
        sampling: Rotation::Hour,
        use_aliases: true,
        use_ilm: true,
        ilm_policy: "keep".to_owned(),
        remote_read_clusters: vec!["east".to_owned(), "west".to_owned()],
        create_templates: false,
        shards: 2,
        replicas: 0,
        span_priority: 500,
        service_priority: 501,
        dependencies_priority: 502,
        is_archive: false,
    };
    assert_eq!(format!("{indices:#?}"), format!("{expect:#?}"));
    assert_eq!(documents.tag_values, TagValues::String);
    assert_eq!(
        documents.tags_as_fields,
        TagsAsFields {
            all: true,
            include: ["error", "http.route", "user.id"].map(str::to_owned).into(),
            dot_replacement: "_".to_owned(),
            max_keys: 0,
        }
    );
    assert_eq!(
        limits,
        Limits {
            max_doc_count: 99,
            max_span_age: Duration::from_secs(3600),
            service_cache_ttl: Duration::from_secs(60),
            sampling_lookback: Duration::from_secs(7200),
            bulk_bytes: 1 << 20,
            bulk_actions: 0,
            bulk_workers: 4,
            scroll: Limits::default().scroll,
        }
    );
}

#[test]
fn the_archive_has_what_it_shares_and_its_own() {
    let store = store(&[
        "--es.server-urls=https://es:9200",
        "--es.index-prefix=p",
        "--es.num-shards=2",
        "--es-archive.enabled",
        "--es-archive.use-aliases",
        "--es-archive.num-replicas=3",
    ]);
    let archive = store.archive.unwrap();
    assert_eq!(archive.connection.settings, "es-archive");
    assert_eq!(archive.connection.urls, store.main.connection.urls);
    let indices = &archive.indices;
    assert!(indices.is_archive && indices.use_aliases && !store.main.indices.is_archive);
    assert_eq!(
        (indices.prefix.as_str(), indices.shards, indices.replicas),
        ("p", 5, 3)
    );
    assert!(archive.limits.max_span_age > Duration::from_secs(40 * 365 * 24 * 3600));
}

#[test]
fn an_empty_file_of_keys_and_jaegers_empty_dot_are_none() {
    let folder = Folder::new();
    let keys = folder.write("keys", "");
    let store = store(&[
        &format!("--es.tags-as-fields.config-file={keys}"),
        "--es.tags-as-fields.dot-replacement=",
    ]);
    assert_eq!(store.main.documents.tags_as_fields, TagsAsFields::default());
}

#[test]
fn upkeep_is_switched_on_by_its_settings() {
    let line = [
        "--es.use-aliases",
        "--es.cleaner.max-age=168h",
        "--es.cleaner.interval=2h",
        "--es.rollover.interval=10m",
        "--es.rollover.conditions={\"max_docs\": 5}",
        "--es.rollover.lookback=72h",
        "--es-archive.enabled",
    ];
    let store = stores(&line).0.remove(0);
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let expect = Upkeep {
        max_age: hours(168),
        clean_interval: hours(2),
        rollover_interval: Duration::from_secs(600),
        conditions: "{\"max_docs\": 5}".parse().unwrap(),
        lookback: hours(72),
    };
    assert_eq!(store.main.upkeep, expect);
    // what somebody archived is kept
    assert_eq!(store.archive.unwrap().upkeep, Upkeep::default());
    warns(
        &["--es.rollover.lookback=1h"],
        &["--es.rollover.lookback: es.rollover.interval is 0, so this changes nothing"],
    );
}

#[test]
fn upkeep_that_cannot_be_is_told() {
    let on = ["--es.use-aliases", "--es.rollover.interval=10m"];
    check(
        &on[1..],
        &[
            "--es.rollover.interval: it needs es.use-aliases=true: only indices behind aliases are rolled over",
        ],
    );
    let ilm = ["--es.use-ilm", "--es.create-index-templates=false"];
    check(
        &[on, ilm].concat(),
        &[
            "--es.rollover.interval: es.use-ilm is true, and then the cluster rolls over by its policy: set one or the other",
        ],
    );
    for (conditions, said) in [
        ("{ }", "--es.rollover.conditions: it has none"),
        ("", "--es.rollover.conditions: it has none"),
        ("2d", "--es.rollover.conditions: \"2d\" is no JSON"),
    ] {
        let conditions = format!("--es.rollover.conditions={conditions}");
        let told = problems(Role::Collector, &[TYPE, on[0], on[1], &conditions]);
        assert!(told.len() == 1 && told[0].starts_with(said), "{told:?}");
    }
    check(
        &["--es.cleaner.max-age=-1s", "--es.cleaner.interval=0s"],
        &[
            "--es.cleaner.max-age: -1s is negative: give 0s or more",
            "--es.cleaner.interval: 0s is no time at all: give more than 0s",
        ],
    );
}
