//! Settings of Kafka, the ingester and the agent.
//!
//! Rows only. Source: `jaegertracing/jaeger: internal/storage/v1/kafka`, `cmd/ingester/app` at v1.76.0, `cmd/agent/app` at v1.20.0 and v1.67.0.

use super::macros::{client_tls, kafka_common};
use crate::flag::{Flag, Kind, Reader};

const KAFKA: &str = "Kafka arrives in a later version";
const INGESTER: &str = "the role ingester arrives in a later version";

pub(super) const ROWS: &[Flag] = &[
    Flag::accepted("kafka.producer.required-acks", Kind::Text, "local", KAFKA),
    Flag::accepted("kafka.producer.compression", Kind::Text, "none", KAFKA),
    Flag::accepted("kafka.producer.compression-level", Kind::Int, "0", KAFKA),
    Flag::accepted("kafka.producer.batch-linger", Kind::Duration, "0s", KAFKA),
    Flag::accepted("kafka.producer.batch-size", Kind::Int, "0", KAFKA),
    Flag::accepted("kafka.producer.batch-min-messages", Kind::Int, "0", KAFKA),
    Flag::accepted("kafka.producer.batch-max-messages", Kind::Int, "0", KAFKA),
    Flag::accepted(
        "kafka.producer.max-message-bytes",
        Kind::Int,
        "1000000",
        KAFKA,
    ),
    Flag::accepted(
        "kafka.consumer.group-id",
        Kind::Text,
        "jaeger-ingester",
        KAFKA,
    ),
    Flag::accepted(
        "kafka.consumer.client-id",
        Kind::Text,
        "jaeger-ingester",
        KAFKA,
    ),
    Flag::accepted("kafka.consumer.rack-id", Kind::Text, "", KAFKA),
    Flag::accepted(
        "kafka.consumer.fetch-max-message-bytes",
        Kind::Int,
        "1048576",
        KAFKA,
    ),
    Flag::accepted("ingester.parallelism", Kind::Text, "1000", INGESTER),
    Flag::accepted("ingester.deadlockInterval", Kind::Duration, "0s", INGESTER),
    // Until 1.12 one name served the collector and the ingester; the producer is the one that the collector means.
    Flag::alias("kafka.brokers", Kind::List, "kafka.producer.brokers"),
    Flag::alias("kafka.topic", Kind::Text, "kafka.producer.topic"),
    Flag::alias("kafka.encoding", Kind::Text, "kafka.producer.encoding"),
    Flag::alias("ingester.brokers", Kind::List, "kafka.consumer.brokers"),
    Flag::alias("ingester.topic", Kind::Text, "kafka.consumer.topic"),
    Flag::alias("ingester.group-id", Kind::Text, "kafka.consumer.group-id"),
    Flag::alias("ingester.encoding", Kind::Text, "kafka.consumer.encoding"),
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

pub(super) const PRODUCER: &[Flag] = &kafka_common!("kafka.producer", KAFKA);
pub(super) const PRODUCER_TLS: &[Flag] = &client_tls!("kafka.producer", Flag::accepted, KAFKA);
pub(super) const CONSUMER: &[Flag] = &kafka_common!("kafka.consumer", KAFKA);
pub(super) const CONSUMER_TLS: &[Flag] = &client_tls!("kafka.consumer", Flag::accepted, KAFKA);
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
        "path of the authorities that may have signed the collector's certificate, PEM; empty: the system's, and certs.directory's for the namespace of instance.default",
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
