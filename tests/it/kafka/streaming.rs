//! The whole way: collector, Kafka, ingester, store, query; and Jaeger's records in the place of ours, and ours beside Jaeger's.
//!
//! Every process is the real program. What lies in topics is read by a client that is not ours; what is found in the end is compared with what real Jaeger answered.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::Span;
use serde_json::Value;
use tests::corpus::{self, Corpus};
use tests::kafka::records::{self, Login};
use tests::kafka::{Broker, Record, Version, shared};
use tests::servers::{self, Kind};
use tests::spoor::{Setup, Spoor};
use wire::encoding::Encoding;

use super::wait_for;
use crate::golden::{self, AT_ITS_TIME};
use crate::support::{get, setup};

const OWNER: &str = "default/jaeger";
const RECEIVED_NS: u64 = 0;

/// A topic and what belongs to it, each of its own name.
struct Stream {
    broker: &'static Broker,
    topic: &'static str,
}

// === impl Stream ===

impl Stream {
    /// The topic, with three partitions, and its dead letters' with one.
    fn new(topic: &'static str) -> Self {
        let broker = tokio::task::block_in_place(|| shared(Version::V3_9));
        let stream = Self { broker, topic };
        let admin = broker.admin();
        admin.create_topic(topic, 3).unwrap();
        admin.create_topic(&stream.letters(), 1).unwrap();
        stream
    }

    fn letters(&self) -> String {
        format!("{}-letters", self.topic)
    }

    /// Writes to the topic.
    fn collector(&self) -> (tempfile::TempDir, Setup) {
        let (folder, setup) = at_its_time();
        let setup = setup
            .arg("collector")
            .arg("--span-storage.type=kafka")
            .arg(format!(
                "--kafka.producer.brokers={}",
                self.broker.address()
            ))
            .arg(format!("--kafka.producer.topic={}", self.topic))
            .arg(format!(
                "--kafka.producer.dead-letter-topic={}",
                self.letters()
            ));
        (folder, setup)
    }

    /// Reads the topic as a group of the topic's name, and writes to the embedded store unless something else is said.
    fn ingester(&self, setup: Setup) -> Setup {
        setup
            .arg("ingester")
            .arg(format!(
                "--kafka.consumer.brokers={}",
                self.broker.address()
            ))
            .arg(format!("--kafka.consumer.topic={}", self.topic))
            .arg(format!("--kafka.consumer.group-id={}", self.topic))
    }

    /// All that lies in the topic, by the client that is not ours.
    fn records(&self) -> Vec<Record> {
        records::read(self.broker, &Login::default(), self.topic).unwrap()
    }

    /// Waits until the group has committed the end of each partition that has records.
    fn wait_until_committed(&self) {
        let admin = self.broker.admin();
        let mut ends = admin.ends(self.topic).unwrap();
        ends.retain(|_, end| *end > 0);
        assert!(!ends.is_empty());
        wait_for("the ends are not committed", || {
            let committed = admin.committed(self.topic, self.topic).unwrap();
            (committed == ends).then_some(())
        });
    }

    /// No letter lies there.
    fn check_letters(&self) {
        let ends = self.broker.admin().ends(&self.letters()).unwrap();
        assert_eq!(ends, BTreeMap::from([(0, 0)]));
    }
}

/// A setup under which the corpus is neither too old nor too far away.
fn at_its_time() -> (tempfile::TempDir, Setup) {
    let (folder, mut setup) = setup();
    let variables = AT_ITS_TIME.map(|(name, value)| (name.to_owned(), value.to_owned()));
    setup.variables.extend(variables);
    (folder, setup)
}

/// Ends it in an orderly way.
#[track_caller]
fn end(spoor: Spoor) {
    assert_eq!(spoor.terminate().unwrap(), Some(0));
}

async fn ready(spoor: &Spoor) {
    let (status, _, text) = get(&(spoor.url("admin") + "/ready")).await;
    assert_eq!(status, 200, "{text}");
}

/// Whose each record is, and its key, which is its trace's.
fn check_keys(records: &[Record]) {
    for record in records {
        let owner = ("spoor-instance".to_owned(), Some(OWNER.as_bytes().to_vec()));
        assert_eq!(record.headers, [owner]);
        let span = decoded(record.value.as_deref().unwrap());
        let key = record.key.as_deref().map(String::from_utf8_lossy);
        assert_eq!(key.as_deref(), Some(span.trace_id.to_string().as_str()));
    }
    let by_key: BTreeMap<_, _> = records.iter().map(|r| (&r.key, r.partition)).collect();
    for record in records {
        assert_eq!(
            by_key[&record.key], record.partition,
            "a trace has one partition"
        );
    }
}

fn decoded(value: &[u8]) -> Span {
    let value = Bytes::copy_from_slice(value);
    let mut found = Encoding::JaegerProto.decode(value, RECEIVED_NS).unwrap();
    assert_eq!(found.spans.len(), 1);
    found.spans.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_corpus_by_way_of_kafka_is_answered_from_the_embedded_store_as_jaeger_answered() {
    let stream = Stream::new("streaming-embedded");
    let corpus = golden::corpus();
    let (_collectors, collector) = stream.collector();
    let collector = collector.start().unwrap();
    golden::send_all(&collector, &corpus).await;
    ready(&collector).await;
    end(collector);
    let records = stream.records();
    check_keys(&records);
    stream.check_letters();

    let (_folder, store) = at_its_time();
    let ingester = stream.ingester(store.clone()).start().unwrap();
    stream.wait_until_committed();
    ready(&ingester).await;
    let (_, _, metrics) = get(&(ingester.url("admin") + "/metrics")).await;
    let read = metrics
        .lines()
        .filter(|line| line.starts_with("jaeger_ingester_sarama_consumer_messages_total{"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok());
    assert_eq!(read.sum::<usize>(), records.len(), "{metrics}");
    end(ingester);

    let all = store.start().unwrap();
    golden::compare_all(&all, &corpus).await.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_corpus_by_way_of_kafka_is_answered_from_elasticsearch_as_jaeger_answered() {
    let server = tokio::task::block_in_place(|| servers::shared(Kind::Elasticsearch7));
    let stream = Stream::new("streaming-elasticsearch");
    let corpus = golden::corpus();
    let on = |setup: Setup| {
        setup
            .arg("--span-storage.type=elasticsearch")
            .arg(format!("--es.server-urls={}", server.url()))
            .arg("--es.index-prefix=streaming")
            .arg("--es.num-shards=1")
            .arg("--es.num-replicas=0")
    };
    let (_ingesters, ingester) = at_its_time();
    let ingester = on(stream.ingester(ingester)).start().unwrap();
    let (_collectors, collector) = stream.collector();
    let collector = collector.start().unwrap();
    golden::send_all(&collector, &corpus).await;
    stream.wait_until_committed();
    end(collector);
    end(ingester);
    let path = "/streaming-jaeger-*/_refresh";
    server
        .client()
        .send(http::Method::POST, path, String::new())
        .await
        .unwrap();
    let (_queries, query) = at_its_time();
    let query = on(query.arg("query")).start().unwrap();
    golden::compare_all(&query, &corpus).await.check();
}

/// The cases of which Jaeger's records are there, in protobuf and in JSON.
fn recorded() -> Corpus {
    let mut corpus = golden::corpus();
    corpus
        .cases
        .retain(|case| record_file(case, "json").is_file());
    corpus
}

fn record_file(case: &corpus::Case, form: &str) -> std::path::PathBuf {
    case.file(&format!("v1.76.0.kafka-{form}.json"))
}

/// Key and value of each record of Jaeger's.
fn jaegers(file: &Path) -> Vec<(String, Vec<u8>)> {
    let records = corpus::read(file);
    let record = |record: &Value| {
        let value = record["value_base64"].as_str().unwrap();
        let key = record["key"].as_str().unwrap().to_owned();
        (key, STANDARD.decode(value).unwrap())
    };
    records.as_array().unwrap().iter().map(record).collect()
}

/// Jaeger's collector wrote, our ingester reads.
async fn check_takeover(topic: &'static str, form: &str, encoding: &str) {
    let stream = Stream::new(topic);
    let corpus = recorded();
    let files = corpus.cases.iter().map(|case| record_file(case, form));
    let record = |(at, (key, value)): (usize, (String, Vec<u8>))| Record {
        partition: i32::try_from(at % 3).unwrap(),
        key: Some(key.into_bytes()),
        value: Some(value),
        timestamp_ms: 1_700_000_000_000,
        ..Record::default()
    };
    let written = files
        .flat_map(|file| jaegers(&file))
        .enumerate()
        .map(record);
    let written: Vec<Record> = written.collect();
    assert_eq!(written.len(), 16);
    records::write(stream.broker, &Login::default(), topic, &written).unwrap();
    let (_folder, store) = at_its_time();
    let ingester = stream.ingester(store.clone());
    let ingester = ingester.arg(format!("--kafka.consumer.encoding={encoding}"));
    let ingester = ingester.start().unwrap();
    stream.wait_until_committed();
    end(ingester);
    let all = store.start().unwrap();
    let (cases, traces) = golden::compare_traces(&all, &corpus).await.same();
    assert!(
        cases >= 8 && traces >= 2 * cases,
        "{cases} cases, {traces} traces"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_jaegers_collector_wrote_in_protobuf_is_read() {
    check_takeover("streaming-proto", "protobuf", "protobuf").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_jaegers_collector_wrote_in_json_is_read_and_told_by_itself() {
    check_takeover("streaming-json", "json", "auto").await;
}

/// What is permitted to differ between a span of ours and of Jaeger's.
fn reduced(mut span: Span) -> Span {
    // quirk 14: a duration of zero is left alone
    span.attributes.retain(|tag| {
        !["@jaeger@format", model::sanitize::NEGATIVE_DURATION_TAG].contains(&tag.key.as_str())
    });
    if span.duration_ns() <= 1_000 {
        span.end_ns = span.start_ns;
    }
    span
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_records_are_jaegers_by_key_and_span() {
    let stream = Stream::new("streaming-records");
    let corpus = recorded();
    let (_collectors, collector) = stream.collector();
    let collector = collector.start().unwrap();
    golden::send_all(&collector, &corpus).await;
    end(collector);
    let sort = |mut records: Vec<(String, Span)>| {
        records.sort_by_key(|(_, span)| (span.trace_id, span.span_id, span.name.to_string()));
        records
    };
    let ours = stream.records().into_iter().map(|record| {
        let key = String::from_utf8(record.key.unwrap()).unwrap();
        (key, reduced(decoded(&record.value.unwrap())))
    });
    let theirs = corpus.cases.iter().flat_map(|case| {
        let records = jaegers(&record_file(case, "protobuf")).into_iter();
        records.map(|(key, value)| (key, reduced(decoded(&value))))
    });
    let (ours, theirs) = (sort(ours.collect()), sort(theirs.collect()));
    assert_eq!(ours.len(), 16);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
}

/// Runs `spoor check` with these arguments: whether all is well, and what it said.
fn check(args: &[String]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spoor-under-test"))
        .arg("check")
        .args(args)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    println!("{said}");
    (output.status.success(), said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_says_what_is_there_and_how_far_the_group_is() {
    let stream = Stream::new("streaming-check");
    let brokers = stream.broker.address();
    let producer = |topic: &str| {
        check(&[
            "collector".to_owned(),
            "--span-storage.type=kafka".to_owned(),
            format!("--kafka.producer.brokers={brokers}"),
            format!("--kafka.producer.topic={topic}"),
            format!("--kafka.producer.dead-letter-topic={}", stream.letters()),
        ])
    };
    let (is_well, said) = producer(stream.topic);
    assert!(is_well, "{said}");
    assert!(said.contains("brokers answer, in plaintext"), "{said}");
    let partitions = format!("{} (kafka.producer.topic) has 3 partitions", stream.topic);
    assert!(said.contains(&partitions), "{said}");
    let (is_well, said) = producer("streaming-missing");
    assert!(!is_well, "{said}");
    assert!(
        said.contains("streaming-missing (kafka.producer.topic) is not there"),
        "{said}"
    );

    let written = [0, 1, 1].map(|partition| Record {
        partition,
        value: Some(b"x".to_vec()),
        ..Record::default()
    });
    records::write(stream.broker, &Login::default(), stream.topic, &written).unwrap();
    let consumer = |brokers: &str| {
        check(&[
            "ingester".to_owned(),
            format!("--kafka.consumer.brokers={brokers}"),
            format!("--kafka.consumer.topic={}", stream.topic),
            format!("--kafka.consumer.group-id={}", stream.topic),
        ])
    };
    let (is_well, said) = consumer(&brokers);
    assert!(is_well, "{said}");
    for expect in [
        "has committed nothing of 3 of 3 partitions",
        "3 records lie in",
        "records of streaming-check can be read",
    ] {
        assert!(said.contains(expect), "{said}");
    }
    let (is_well, said) = consumer("127.0.0.1:1");
    assert!(!is_well, "{said}");
    assert!(
        said.contains("nobody answers") && said.contains("kafka.consumer.brokers"),
        "{said}"
    );
}
