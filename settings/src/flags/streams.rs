//! Settings of Kafka, the ingester and the agent.
//!
//! Rows only. Source: `jaegertracing/jaeger: internal/storage/v1/kafka`, `cmd/ingester/app` at v1.76.0, `cmd/agent/app` at v1.20.0 and v1.67.0.

use super::macros::{client_tls, kafka_common};
use crate::flag::{Flag, Kind};

const KAFKA: &str = "Kafka arrives in a later version";
const INGESTER: &str = "the role ingester arrives in a later version";
const AGENT: &str = "the agent ended with Jaeger 1.63: SDKs send straight to the collector";

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
    Flag::accepted(
        "agent.tags",
        Kind::Text,
        "",
        "the agent ended with Jaeger 1.63; collector.tags gives tags to every span",
    ),
    Flag::alias("jaeger.tags", Kind::Text, "agent.tags"),
    Flag::accepted("reporter.type", Kind::Text, "grpc", AGENT),
    Flag::accepted("reporter.grpc.host-port", Kind::Text, "", AGENT),
    Flag::accepted("reporter.grpc.retry.max", Kind::Int, "3", AGENT),
    Flag::accepted("reporter.grpc.discovery.min-peers", Kind::Int, "3", AGENT),
];

pub(super) const PRODUCER: &[Flag] = &kafka_common!("kafka.producer", KAFKA);
pub(super) const PRODUCER_TLS: &[Flag] = &client_tls!("kafka.producer", Flag::accepted, KAFKA);
pub(super) const CONSUMER: &[Flag] = &kafka_common!("kafka.consumer", KAFKA);
pub(super) const CONSUMER_TLS: &[Flag] = &client_tls!("kafka.consumer", Flag::accepted, KAFKA);
pub(super) const REPORTER_TLS: &[Flag] = &client_tls!("reporter.grpc", Flag::accepted, AGENT);
