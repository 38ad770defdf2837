//! Settings of Kafka, the ingester and the agent.
//!
//! Rows only. Source: `jaegertracing/jaeger: internal/storage/v1/kafka`, `cmd/ingester/app` at v1.76.0, `cmd/agent/app` at v1.20.0 and v1.67.0.

use super::macros::{kafka_common, kafka_tls};
use crate::flag::{Flag, Kind, Reader};

pub(super) const ROWS: &[Flag] = &[
    Flag::acts(
        "kafka.producer.required-acks",
        Kind::Text,
        "all",
        "who has to have a record before its spans count as stored: all (every replica in step), local (the leader: lost with it) or noack (nobody)",
    )
    .by(Reader::Collector),
    Flag::acts(
        "kafka.producer.compression",
        Kind::Text,
        "none",
        "how batches of records are compressed: none, gzip, snappy, lz4 or zstd",
    )
    .by(Reader::Collector),
    Flag::acts(
        "kafka.producer.compression-level",
        Kind::Int,
        "0",
        "level of that compression, 1 to 12 (gzip: to 9); 0: the usual one",
    )
    .by(Reader::Collector),
    Flag::acts(
        "kafka.producer.batch-linger",
        Kind::Duration,
        "5ms",
        "how long a record waits for others to share a batch with, at most 10s; in Jaeger 0s",
    )
    .by(Reader::Collector),
    Flag::acts(
        "kafka.producer.batch-size",
        Kind::Int,
        "0",
        "most bytes of a batch, before compression; 0: 1000000",
    )
    .by(Reader::Collector),
    Flag::accepted(
        "kafka.producer.batch-min-messages",
        Kind::Int,
        "0",
        "a batch goes out after batch-linger at the latest, however few records it has",
    )
    .by(Reader::Collector),
    Flag::acts(
        "kafka.producer.batch-max-messages",
        Kind::Int,
        "0",
        "most records of a batch, at most 1000000; 0: 10000",
    )
    .by(Reader::Collector),
    Flag::acts(
        "kafka.producer.max-message-bytes",
        Kind::Bytes,
        "1000000",
        "most bytes of a record, before compression; a span that is larger becomes a dead letter. The topic has to take as much (max.message.bytes)",
    )
    .by(Reader::Collector),
    Flag::acts(
        "kafka.producer.dead-letter-topic",
        Kind::Text,
        "jaeger-spans-dead-letters",
        "topic for spans that can never be stored, unless span-storage.type names another store that keeps them",
    )
    .by(Reader::Collector),
    Flag::acts(
        "kafka.consumer.group-id",
        Kind::Text,
        "jaeger-ingester",
        "group whose members share the partitions, and whose offsets are committed",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "kafka.consumer.client-id",
        Kind::Text,
        "jaeger-ingester",
        "what brokers log and count the ingester as",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "kafka.consumer.group-instance-id",
        Kind::Text,
        "",
        "lasting name of this member, so that its restart moves no partitions; each member needs its own; empty: the host's name where it ends in a number, as the pods of a StatefulSet are called, else none; none: none",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "kafka.consumer.group-protocol",
        Kind::Text,
        "classic",
        "how members share partitions out: classic, or consumer (KIP-848) for brokers from 4.0 on",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "kafka.consumer.session-timeout",
        Kind::Duration,
        "6s",
        "a member that is silent for so long loses its partitions: 1s to 1m, within the broker's group.min.session.timeout.ms (6s) and group.max.session.timeout.ms; of group-protocol=classic",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "kafka.consumer.initial-offset",
        Kind::Text,
        "earliest",
        "where a group begins that has committed nothing: earliest, or latest as Jaeger's, which skips what lies there",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "kafka.consumer.trusted-topics",
        Kind::List,
        "",
        "topics whose records may say in their header spoor-instance whose they are; elsewhere a header that names another instance than the topic's makes a dead letter",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "kafka.consumer.rack-id",
        Kind::Text,
        "",
        "rack of this member, so that it reads from a replica near by (brokers from 2.4 on)",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "kafka.consumer.fetch-max-message-bytes",
        Kind::Bytes,
        "1048576",
        "bytes of one partition in one answer; a larger record comes all the same",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "ingester.parallelism",
        Kind::Int,
        "1000",
        "writes of one partition that are under way at once, each of up to 512 records",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "ingester.deadlockInterval",
        Kind::Duration,
        "0s",
        "how long there may be records and none be read before the consumer is made anew and /ready says so; a quiet topic is no fault, and the process never ends for it; 0: 60s",
    )
    .by(Reader::Ingester),
    Flag::acts(
        "ingester.max-bytes",
        Kind::Bytes,
        "",
        "bytes of records that are under way to the store; above it partitions are paused; at least 10MiB; empty: a quarter of memory.max-bytes",
    )
    .by(Reader::Ingester),
    // Until 1.12 one name served the collector and the ingester; the producer is the one that the collector means.
    Flag::alias("kafka.brokers", Kind::List, "kafka.producer.brokers").by(Reader::Collector),
    Flag::alias("kafka.topic", Kind::Text, "kafka.producer.topic").by(Reader::Collector),
    Flag::alias("kafka.encoding", Kind::Text, "kafka.producer.encoding").by(Reader::Collector),
    Flag::alias("ingester.brokers", Kind::List, "kafka.consumer.brokers").by(Reader::Ingester),
    Flag::alias("ingester.topic", Kind::Text, "kafka.consumer.topic").by(Reader::Ingester),
    Flag::alias("ingester.group-id", Kind::Text, "kafka.consumer.group-id").by(Reader::Ingester),
    Flag::alias("ingester.encoding", Kind::Text, "kafka.consumer.encoding").by(Reader::Ingester),
    Flag::acts(
        "agent.tags",
        Kind::Text,
        "",
        "tags for the process of every span, key=value,…; ${VARIABLE:default} takes a variable's value",
    )
    .by(Reader::Agent),
    Flag::alias("jaeger.tags", Kind::Text, "agent.tags").by(Reader::Agent),
    Flag::accepted(
        "reporter.type",
        Kind::Text,
        "grpc",
        "an agent forwards over gRPC; TChannel ended with Jaeger 1.18",
    )
    .by(Reader::Agent),
    Flag::acts(
        "reporter.grpc.host-port",
        Kind::Text,
        "",
        "collectors that an agent forwards to: host:port,…; of a name, every address in turn, as of dns:///jaeger-collector-headless.prod.svc:14250",
    )
    .by(Reader::Agent),
    Flag::acts(
        "reporter.grpc.retry.max",
        Kind::Int,
        "3",
        "how often spans are sent again that a collector did not take",
    )
    .by(Reader::Agent),
    Flag::accepted(
        "reporter.grpc.discovery.min-peers",
        Kind::Int,
        "3",
        "an agent uses every address that the collector's name has",
    )
    .by(Reader::Agent),
];

pub(super) const PRODUCER: &[Flag] = &kafka_common!(
    "kafka.producer",
    Reader::Collector,
    "topic that spans are written to; it has to be there",
    "how a record is written: protobuf (jaeger_proto) or json (jaeger_json), a record a span, with the trace's id as its key; otlp_proto or otlp_json, a record a batch"
);
pub(super) const PRODUCER_TLS: &[Flag] = &kafka_tls!("kafka.producer", Reader::Collector);
pub(super) const CONSUMER: &[Flag] = &kafka_common!(
    "kafka.consumer",
    Reader::Ingester,
    "topic that is read; its records are instance.default's where they say nothing else. An item of instances may name one of its own",
    "how records are written: protobuf (jaeger_proto), json (jaeger_json), otlp_proto, otlp_json, zipkin-thrift, zipkin_proto or zipkin_json; auto looks at each, and tells all but zipkin_proto"
);
pub(super) const CONSUMER_TLS: &[Flag] = &kafka_tls!("kafka.consumer", Reader::Ingester);
pub(super) const REPORTER_TLS: &[Flag] = &[
    Flag::acts(
        "reporter.grpc.tls.enabled",
        Kind::Bool,
        "false",
        "speak TLS to the collector; not set: yes, unless it is on this machine. false, written out, is plaintext",
    )
    .by(Reader::Agent),
    Flag::acts(
        "reporter.grpc.tls.ca",
        Kind::Text,
        "",
        "path of the authorities that may have signed the collector's certificate, PEM; empty: the system's, those of trust.bundles, and certs.directory's for the namespace of instance.default",
    )
    .by(Reader::Agent),
    Flag::acts(
        "reporter.grpc.tls.cert",
        Kind::Text,
        "",
        "path of the certificate chain that is shown to the collector, PEM; read again at each connection",
    )
    .by(Reader::Agent),
    Flag::acts(
        "reporter.grpc.tls.key",
        Kind::Text,
        "",
        "path of its private key, PEM",
    )
    .by(Reader::Agent),
    Flag::acts(
        "reporter.grpc.tls.server-name",
        Kind::Text,
        "",
        "name that the collector's certificate must hold; empty: the host that is called",
    )
    .by(Reader::Agent),
    Flag::acts(
        "reporter.grpc.tls.skip-host-verify",
        Kind::Bool,
        "false",
        "take any certificate: whoever stands in between reads everything; for tests alone",
    )
    .by(Reader::Agent),
    Flag::alias("reporter.grpc.tls", Kind::Bool, "reporter.grpc.tls.enabled").by(Reader::Agent),
];
