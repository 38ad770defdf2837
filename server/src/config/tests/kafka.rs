//! What is told of Kafka.

use ::ingester::{GroupProtocol, Start, Topic};
use ::storage::kafka::{Acks, Mechanism};
use model::Instance;
use wire::encoding::{Encoding, Expected};

use super::*;

const TO_KAFKA: &str = "--span-storage.type=kafka";
const TO_ELASTICSEARCH: &str = "--span-storage.type=elasticsearch";

/// What is written to, and what is warned of.
#[track_caller]
fn topics(line: &[&str]) -> (Vec<::storage::kafka::Config>, Vec<String>) {
    let checked = checked(Role::Collector, &[&[TO_KAFKA], line].concat(), &[]);
    assert_eq!(checked.problems, []);
    let warnings = checked.warnings.iter().map(ToString::to_string).collect();
    (checked.config.unwrap().storage.kafka, warnings)
}

/// What an ingester reads, and what is warned of.
#[track_caller]
fn ingester(line: &[&str]) -> (::ingester::Config, Vec<String>) {
    let checked = checked(Role::Ingester, &[&[TO_ELASTICSEARCH], line].concat(), &[]);
    assert_eq!(checked.problems, []);
    let warnings = checked.warnings.iter().map(ToString::to_string).collect();
    (checked.config.unwrap().ingester.unwrap(), warnings)
}

#[track_caller]
fn fails(role: Role, line: &[&str], expect: &[&str]) {
    let told = problems(role, line);
    assert_eq!(told.len(), expect.len(), "{told:#?}");
    for (told, expect) in told.iter().zip(expect) {
        assert!(told.contains(expect), "{told}");
    }
}

fn file(text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spoor.yaml");
    std::fs::write(&path, text).unwrap();
    let line = format!("--config-file={}", path.display());
    (folder, line)
}

#[test]
fn nothing_set_is_jaegers_default_but_for_what_would_lose_spans() {
    let (mut topics, warnings) = topics(&[]);
    assert_eq!((topics.len(), warnings), (1, vec![]));
    let found = topics.remove(0);
    assert_eq!(found.instance, Instance::default());
    assert_eq!(found.connection.brokers, ["127.0.0.1:9092"]);
    assert_eq!(
        (found.topic.as_str(), found.dead_letter_topic.as_str()),
        ("jaeger-spans", "jaeger-spans-dead-letters")
    );
    assert_eq!(found.encoding, Encoding::JaegerProto);
    assert_eq!(found.tuning, ::storage::kafka::Tuning::default());
    assert_eq!(found.tuning.acks, Acks::All);
    assert!(found.connection.tls.is_none() && found.connection.login.is_none());
    let (found, warnings) = ingester(&[]);
    assert_eq!(warnings, [""; 0]);
    let names: Vec<&str> = found.topics.names().collect();
    assert_eq!(names, ["jaeger-spans"]);
    assert_eq!(found.encoding, Expected::One(Encoding::JaegerProto));
    assert_eq!(
        (found.group_id.as_str(), found.connection.client_id.as_str()),
        ("jaeger-ingester", "jaeger-ingester")
    );
    assert_eq!(
        (found.protocol, found.start),
        (GroupProtocol::Classic, Start::Earliest)
    );
    assert_eq!(
        (found.session_timeout, found.stall),
        (Duration::from_secs(6), Duration::from_secs(60))
    );
    assert_eq!(
        (found.parallelism, found.fetch_bytes, found.budget_bytes),
        (1_000, 1 << 20, 0)
    );
}

#[test]
fn every_setting_of_the_producer_arrives() {
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "canary\n").unwrap();
    let file = format!(
        "--kafka.producer.plaintext.password-file={}",
        password.display()
    );
    let (topics, warnings) = topics(&[
        "--kafka.producer.brokers=a:9092, [::1]:9093",
        "--kafka.producer.topic=t",
        "--kafka.producer.dead-letter-topic=l",
        "--kafka.producer.encoding=otlp_proto",
        "--kafka.producer.required-acks=local",
        "--kafka.producer.compression=zstd",
        "--kafka.producer.compression-level=19",
        "--kafka.producer.batch-linger=0s",
        "--kafka.producer.batch-size=7",
        "--kafka.producer.batch-max-messages=8",
        "--kafka.producer.batch-min-messages=9",
        "--kafka.producer.max-message-bytes=2MiB",
        "--kafka.producer.protocol-version=2.3.0",
        "--kafka.producer.authentication=plaintext",
        "--kafka.producer.plaintext.username=u",
        "--kafka.producer.plaintext.mechanism=scram-sha-256",
        &file,
    ]);
    let found = &topics[0];
    assert_eq!(found.connection.brokers, ["a:9092", "[::1]:9093"]);
    assert_eq!(
        (found.topic.as_str(), found.dead_letter_topic.as_str()),
        ("t", "l")
    );
    assert_eq!(found.encoding, Encoding::OtlpProto);
    let tuning = &found.tuning;
    assert_eq!(
        (
            tuning.acks,
            tuning.compression.as_str(),
            tuning.compression_level
        ),
        (Acks::Local, "zstd", 12)
    );
    assert_eq!(
        (tuning.linger, tuning.batch_bytes, tuning.batch_records),
        (Duration::ZERO, 7, 8)
    );
    assert_eq!(tuning.max_message_bytes, 2 << 20);
    let login = found.connection.login.as_ref().unwrap();
    assert_eq!(
        (login.mechanism, login.username.as_str()),
        (Mechanism::ScramSha256, "u")
    );
    assert_eq!(login.password_file, Some(password));
    for expect in [
        "batch-min-messages: a batch goes out after batch-linger",
        "protocol-version: client and broker agree",
        "authentication: a:9092 is called in plaintext",
        "required-acks: a sender is answered when the leader alone has its spans",
        "compression-level: 19 is beyond",
    ] {
        assert!(
            warnings.iter().any(|told| told.contains(expect)),
            "{warnings:#?}"
        );
    }
    assert_eq!(warnings.len(), 5, "{warnings:#?}");
}

#[test]
fn what_cannot_be_is_told() {
    let producer = |line: &[&str], expect: &[&str]| {
        fails(Role::Collector, &[&[TO_KAFKA], line].concat(), expect);
    };
    producer(
        &["--kafka.producer.authentication=kerberos"],
        &["--kafka.producer.authentication: Spoor does not speak Kerberos"],
    );
    producer(
        &["--kafka.producer.authentication=plaintext"],
        &[
            "kafka.producer.plaintext.username: it is empty",
            "kafka.producer.plaintext.password: it is empty",
        ],
    );
    producer(
        &[
            "--kafka.producer.authentication=tls",
            "--kafka.producer.tls.server-name=b",
        ],
        &["kafka.producer.tls.server-name: brokers are called by their own names"],
    );
    producer(
        &["--kafka.producer.tls.ca=/nowhere/ca.crt"],
        &["kafka.producer.tls.* options cannot be used when kafka.producer.tls.enabled is false"],
    );
    producer(
        &[
            "--kafka.producer.tls.enabled",
            "--kafka.producer.tls.ca=/nowhere/ca.crt",
        ],
        &["/nowhere/ca.crt"],
    );
    producer(
        &["--kafka.producer.brokers=", "--kafka.producer.topic=a/b"],
        &[
            "--kafka.producer.brokers: it is empty",
            "\"a/b\" is no topic",
        ],
    );
    producer(
        &["--kafka.producer.brokers=kafka"],
        &["\"kafka\" has no port"],
    );
    producer(
        &[
            "--kafka.producer.encoding=zipkin-thrift",
            "--kafka.producer.compression=brotli",
        ],
        &[
            "\"brotli\" is none of none, gzip, snappy, lz4, zstd",
            "zipkin_thrift is read only",
        ],
    );
    producer(
        &["--kafka.producer.dead-letter-topic=jaeger-spans"],
        &["give it a topic of its own"],
    );
    producer(
        &[
            "--kafka.producer.batch-linger=11s",
            "--kafka.producer.max-message-bytes=9",
        ],
        &[
            "batch-linger: give 10s or less",
            "9 is too little: give 1000 or more",
        ],
    );
    producer(
        &[
            "--kafka.producer.batch-linger=5s",
            "--collector.write-timeout=5s",
        ],
        &["batch-linger: give less than collector.write-timeout=5s"],
    );
    let consumer = |line: &[&str], expect: &[&str]| {
        fails(
            Role::Ingester,
            &[&[TO_ELASTICSEARCH], line].concat(),
            expect,
        );
    };
    consumer(
        &[
            "--kafka.consumer.encoding=xml",
            "--kafka.consumer.group-id=",
        ],
        &["encoding \"xml\" is none of", "group-id: it is empty"],
    );
    consumer(
        &[
            "--kafka.consumer.session-timeout=2m",
            "--ingester.max-bytes=1MiB",
        ],
        &[
            "session-timeout: give 1s to 60s",
            "1MiB is too little: give 10MiB or more",
        ],
    );
    consumer(
        &[
            "--kafka.consumer.group-protocol=new",
            "--kafka.consumer.initial-offset=newest",
        ],
        &[
            "\"new\" is none of classic, consumer",
            "\"newest\" is none of earliest, latest",
        ],
    );
    consumer(
        &["--kafka.consumer.trusted-topics=others"],
        &["others is no topic that is read, which are jaeger-spans"],
    );
}

#[test]
fn kafka_is_never_read_from() {
    fails(
        Role::Query,
        &[TO_KAFKA],
        &["the role query has nothing to answer from: name the store that ingesters write to"],
    );
    fails(
        Role::AllInOne,
        &[TO_KAFKA],
        &["the role all-in-one has nothing to answer from: name a store beside it"],
    );
    fails(
        Role::Ingester,
        &[TO_KAFKA],
        &["an ingester takes spans from kafka: name the store that it writes them to"],
    );
    fails(
        Role::Ingester,
        &["--span-storage.type=memory"],
        &["the role ingester alone can not use memory"],
    );
    let both = "--span-storage.type=kafka,elasticsearch";
    let backends = |role| checked(role, &[both], &[]).config.unwrap().storage.backends;
    assert_eq!(
        backends(Role::Collector),
        [Backend::Elasticsearch, Backend::Kafka]
    );
    assert_eq!(backends(Role::Query), [Backend::Elasticsearch]);
    let beside = config(&["--span-storage.type=kafka,embedded"], &[]);
    assert_eq!(beside.storage.backends, [Backend::Embedded, Backend::Kafka]);
}

#[test]
fn an_ingester_listens_for_its_health_alone() {
    let checked = checked(Role::Ingester, &[], &[]);
    assert_eq!(checked.problems, []);
    let warnings: Vec<String> = checked.warnings.iter().map(ToString::to_string).collect();
    assert!(
        warnings.len() == 1 && warnings[0].contains("no other process can read the embedded store"),
        "{warnings:?}"
    );
    let config = checked.config.unwrap();
    let listeners: Vec<String> = config
        .listeners
        .iter()
        .map(|l| format!("{} {}", l.name, l.addrs[0]))
        .collect();
    assert_eq!(listeners, ["admin 127.0.0.1:14270"]);
    assert!(config.collector.is_none() && config.query.is_none());
}

#[test]
fn an_item_names_a_topic_of_its_own_to_write_to() {
    let (_folder, file) = file(
        "
kafka: {producer: {brokers: 'k:9092'}}
instance: {by-listener: [zipkin=prod/jaeger, otlp-grpc=staging/jaeger]}
instances:
  - {namespace: prod, kafka: {producer: {topic: prod-spans, brokers: 'p:9092'}}}
  - {namespace: staging}
",
    );
    let (topics, warnings) = topics(&[&file]);
    assert_eq!(warnings, [""; 0]);
    let found: Vec<(&str, &str, String, &str)> = topics
        .iter()
        .map(|one| {
            (
                one.instance.as_str(),
                one.topic.as_str(),
                one.connection.shown(),
                one.connection.settings.as_str(),
            )
        })
        .collect();
    let at = |text: &str| text.to_owned();
    assert_eq!(
        found,
        [
            (
                "default/jaeger",
                "jaeger-spans",
                at("k:9092"),
                "kafka.producer"
            ),
            (
                "prod/jaeger",
                "prod-spans",
                at("p:9092"),
                "instances[0].kafka.producer"
            ),
            (
                "staging/jaeger",
                "jaeger-spans",
                at("k:9092"),
                "instances[1].kafka.producer"
            ),
        ]
    );
}

#[test]
fn a_topic_leads_to_one_instance() {
    let (_folder, line) = file(
        "
kafka: {consumer: {topic: shared, trusted-topics: shared}}
instances:
  - {namespace: default, es: {index-prefix: d}}
  - {namespace: prod, kafka: {consumer: {topic: prod-spans}}, es: {index-prefix: p}}
  - {namespace: staging, es: {index-prefix: s}}
",
    );
    let (found, warnings) = ingester(&[&line]);
    assert_eq!(warnings, [""; 0]);
    let topic = |name: &str, of: &str, is_trusted| Topic {
        name: name.to_owned(),
        instance: Instance::parse(of).unwrap(),
        is_trusted,
    };
    let instances = ["default/jaeger", "prod/jaeger", "staging/jaeger"];
    let expect = ::ingester::Topics::new(
        vec![
            topic("shared", "default/jaeger", true),
            topic("prod-spans", "prod/jaeger", false),
        ],
        instances.map(|one| Instance::parse(one).unwrap()),
    );
    assert_eq!(found.topics, expect);

    let wrong = |text: &str, expect: &[&str]| {
        let (_folder, line) = file(text);
        fails(Role::Ingester, &[TO_ELASTICSEARCH, &line], expect);
    };
    wrong(
        "
instances:
  - {namespace: default, es: {index-prefix: d}}
  - {namespace: prod, kafka: {consumer: {topic: jaeger-spans}}, es: {index-prefix: p}}
",
        &[
            "jaeger-spans is the topic of default/jaeger already (kafka.consumer.topic), and its records belong to one instance: give prod/jaeger a topic of its own",
        ],
    );
    wrong(
        "
instances:
  - {namespace: default, es: {index-prefix: d}}
  - {namespace: prod, kafka: {consumer: {topic: p, brokers: 'other:9092'}}, es: {index-prefix: p}}
",
        &["instances[1].kafka.consumer.brokers"],
    );
}

#[test]
fn an_instance_that_no_topic_leads_to_is_told_of() {
    let (_folder, line) = file(
        "
instances:
  - {namespace: default, es: {index-prefix: d}}
  - {namespace: prod, es: {index-prefix: p}}
",
    );
    let (_, warnings) = ingester(&[&line]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0].contains("no topic leads to prod/jaeger"),
        "{warnings:?}"
    );
}

#[test]
fn a_session_of_our_own_is_told_to_change_nothing_where_the_broker_decides() {
    let by_broker = "--kafka.consumer.group-protocol=consumer";
    let (_, warnings) = ingester(&[by_broker]);
    assert_eq!(warnings, [""; 0]);
    let (_, warnings) = ingester(&[by_broker, "--kafka.consumer.session-timeout=9s"]);
    assert!(
        matches!(&warnings[..], [one] if one.contains("session-timeout") && one.contains("changes nothing")),
        "{warnings:#?}"
    );
}
