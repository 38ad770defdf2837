//! What Jaeger's agent counted of its datagrams, under its names: dashboards and alerts on them go on working.
//!
//! In: what becomes of datagrams and of the batches in them. Out: the metrics `jaeger_agent_…`. A batch is *submitted* once it is durable,
//! where the agent meant that a collector had answered. A counter of each label is there at 0 from the start.
//!
//! Deliberately absent: what is about the agent's connection to a collector, which is the same process here.
//!
//! Source: `jaegertracing/jaeger: cmd/agent/app/{servers,processors,reporter}` v1.60.0.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::registry::Registry;
use wire::thrift::{Batch, Protocol};

use crate::clients::Clients;

/// The tag of a process by which a client is known.
const CLIENT: &str = "client-uuid";
const FULL_QUEUE: Cause = Cause {
    cause: "full-queue",
};
const TOO_LARGE: Cause = Cause { cause: "too-large" };
const SEND_FAILURE: Cause = Cause {
    cause: "send-failure",
};

/// All of them. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Agent {
    packets_processed: Family<Server, Counter>,
    packets_dropped: Family<Server, Counter>,
    packet_size: Family<Server, Gauge>,
    queue_size: Family<Server, Gauge>,
    read_errors: Family<Server, Counter>,
    handler_errors: Family<Server, Counter>,
    batches_submitted: Family<Model, Counter>,
    batches_failures: Family<Model, Counter>,
    batch_size: Family<Model, Gauge>,
    spans_submitted: Family<Model, Counter>,
    spans_failures: Family<Model, Counter>,
    batches_received: Counter,
    batches_sent: Counter,
    spans_dropped: Family<Cause, Counter>,
    clients: Arc<Mutex<Clients>>,
}

/// Those of one port.
#[derive(Clone, Debug)]
pub(crate) struct Port {
    /// Datagrams that were taken.
    pub(crate) processed: Counter,
    /// Datagrams that there was no room for.
    pub(crate) dropped: Counter,
    /// Bytes of the latest datagram.
    pub(crate) size: Gauge,
    /// Datagrams under way.
    pub(crate) queue: Gauge,
    /// Times that the socket gave none.
    pub(crate) read_errors: Counter,
    /// Datagrams that were taken and whose spans were not stored.
    pub(crate) handler_errors: Counter,
    pub(crate) agent: Agent,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Server {
    model: &'static str,
    protocol: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Model {
    format: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

/// `jaeger_agent_client_stats_connected_clients`, counted when asked for.
#[derive(Debug)]
struct Connected(Arc<Mutex<Clients>>);

// === impl Agent ===

impl Agent {
    /// Puts them into `registry`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let all = Self::default();
        for format in ["jaeger", "zipkin"] {
            let model = Model { format };
            for family in [
                &all.batches_submitted,
                &all.batches_failures,
                &all.spans_submitted,
                &all.spans_failures,
            ] {
                drop(family.get_or_create(&model));
            }
            drop(all.batch_size.get_or_create(&model));
        }
        for cause in [&FULL_QUEUE, &TOO_LARGE, &SEND_FAILURE] {
            drop(all.spans_dropped.get_or_create(cause));
        }
        let server = registry.sub_registry_with_prefix("jaeger_agent_thrift_udp");
        server.register(
            "server_packets_processed",
            "Datagrams taken",
            all.packets_processed.clone(),
        );
        server.register(
            "server_packets_dropped",
            "Datagrams without room",
            all.packets_dropped.clone(),
        );
        server.register(
            "server_packet_size",
            "Bytes of the latest datagram",
            all.packet_size.clone(),
        );
        server.register(
            "server_queue_size",
            "Datagrams under way",
            all.queue_size.clone(),
        );
        server.register(
            "server_read_errors",
            "Reads from the socket that failed",
            all.read_errors.clone(),
        );
        server.register(
            "t_processor_handler_errors",
            "Datagrams taken whose spans were not stored",
            all.handler_errors.clone(),
        );
        let reporter = registry.sub_registry_with_prefix("jaeger_agent_reporter");
        reporter.register(
            "batches_submitted",
            "Batches stored",
            all.batches_submitted.clone(),
        );
        reporter.register(
            "batches_failures",
            "Batches not stored",
            all.batches_failures.clone(),
        );
        reporter.register(
            "batch_size",
            "Spans in the latest batch stored",
            all.batch_size.clone(),
        );
        reporter.register(
            "spans_submitted",
            "Spans of batches stored",
            all.spans_submitted.clone(),
        );
        reporter.register(
            "spans_failures",
            "Spans of batches not stored",
            all.spans_failures.clone(),
        );
        let clients = registry.sub_registry_with_prefix("jaeger_agent_client_stats");
        clients.register(
            "batches_received",
            "Batches received from clients that number them",
            all.batches_received.clone(),
        );
        clients.register(
            "batches_sent",
            "Batches that clients sent, by their numbers",
            all.batches_sent.clone(),
        );
        clients.register(
            "spans_dropped",
            "Spans that clients say they dropped",
            all.spans_dropped.clone(),
        );
        registry.register_collector(Box::new(Connected(all.clients.clone())));
        all
    }

    /// Those of the port that takes `model` in `protocol`.
    pub(crate) fn port(&self, model: &'static str, protocol: Protocol) -> Port {
        let protocol = match protocol {
            Protocol::Binary => "binary",
            Protocol::Compact => "compact",
        };
        let server = Server { model, protocol };
        Port {
            processed: self.packets_processed.get_or_create_owned(&server),
            dropped: self.packets_dropped.get_or_create_owned(&server),
            size: self.packet_size.get_or_create_owned(&server),
            queue: self.queue_size.get_or_create_owned(&server),
            read_errors: self.read_errors.get_or_create_owned(&server),
            handler_errors: self.handler_errors.get_or_create_owned(&server),
            agent: self.clone(),
        }
    }

    /// A batch came in, whatever becomes of it.
    pub(crate) fn hear(&self, batch: &Batch, now: Instant) {
        let mut tags = batch.process.attributes.iter();
        let client = tags.find(|tag| tag.key == CLIENT);
        let Some(name) = client.and_then(|tag| tag.value.as_str()) else {
            return;
        };
        let (Some(sequence), false) = (batch.sequence, name.is_empty()) else {
            return;
        };
        self.batches_received.inc();
        let growth = self.clients.lock().hear(name, sequence, batch.stats, now);
        self.batches_sent.inc_by(growth.sent);
        for (cause, spans) in [
            (&FULL_QUEUE, growth.full_queue),
            (&TOO_LARGE, growth.too_large),
            (&SEND_FAILURE, growth.failed),
        ] {
            if spans > 0 {
                self.spans_dropped.get_or_create(cause).inc_by(spans);
            }
        }
    }

    /// A batch of `spans` was stored, or not.
    pub(crate) fn reported(&self, format: &'static str, spans: usize, lost: usize, stored: bool) {
        let model = Model { format };
        let batches = if stored {
            let size = i64::try_from(spans).unwrap_or(i64::MAX);
            self.batch_size.get_or_create(&model).set(size);
            &self.batches_submitted
        } else {
            &self.batches_failures
        };
        batches.get_or_create(&model).inc();
        let kept = spans.saturating_sub(lost);
        for (counter, count) in [(&self.spans_submitted, kept), (&self.spans_failures, lost)] {
            counter.get_or_create(&model).inc_by(count as u64);
        }
    }
}

// === impl Connected ===

impl Collector for Connected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let count = self.0.lock().count(Instant::now());
        ConstGauge::new(count as i64).encode(encoder.encode_descriptor(
            "jaeger_agent_client_stats_connected_clients",
            "Clients that number their batches, heard of within the hour",
            None,
            MetricType::Gauge,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use model::{KeyValue, Resource, Value};
    use wire::thrift::ClientStats;

    use super::*;

    fn batch(client: impl Into<Value>, sequence: Option<i64>, lost: i64) -> Batch {
        Batch {
            process: Arc::new(Resource {
                attributes: vec![KeyValue::new("ip", "x"), KeyValue::new(CLIENT, client)],
                ..Resource::default()
            }),
            sequence,
            stats: Some(ClientStats {
                full_queue_dropped_spans: lost,
                too_large_dropped_spans: 2 * lost,
                failed_to_emit_spans: 3 * lost,
            }),
            ..Batch::default()
        }
    }

    fn text(registry: &Registry) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, registry).unwrap();
        text
    }

    #[track_caller]
    fn has(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|l| l == *line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn what_clients_say_is_counted_under_jaegers_names() {
        let mut registry = Registry::default();
        let agent = Agent::register(&mut registry);
        let now = Instant::now();
        agent.hear(&batch("c", Some(1), 10), now);
        agent.hear(&batch("c", Some(4), 11), now);
        for unknown in [
            batch("c", None, 99),
            batch("", Some(9), 99),
            batch(5_i64, Some(9), 99),
            Batch {
                sequence: Some(9),
                ..Batch::default()
            },
        ] {
            agent.hear(&unknown, now);
        }
        has(
            &text(&registry),
            &[
                "jaeger_agent_client_stats_batches_received_total 2",
                "jaeger_agent_client_stats_batches_sent_total 3",
                "jaeger_agent_client_stats_connected_clients 1",
                "jaeger_agent_client_stats_spans_dropped_total{cause=\"full-queue\"} 1",
                "jaeger_agent_client_stats_spans_dropped_total{cause=\"too-large\"} 2",
                "jaeger_agent_client_stats_spans_dropped_total{cause=\"send-failure\"} 3",
            ],
        );
    }

    #[test]
    fn everything_is_there_at_zero_from_the_start() {
        let mut registry = Registry::default();
        let agent = Agent::register(&mut registry);
        agent.port("jaeger", Protocol::Compact);
        let server = "{model=\"jaeger\",protocol=\"compact\"} 0";
        let format = "{format=\"zipkin\"} 0";
        let text = text(&registry);
        for name in [
            "server_packets_processed_total",
            "server_packets_dropped_total",
            "server_packet_size",
            "server_queue_size",
            "server_read_errors_total",
            "t_processor_handler_errors_total",
        ] {
            has(&text, &[&format!("jaeger_agent_thrift_udp_{name}{server}")]);
        }
        for name in [
            "batches_submitted_total",
            "batches_failures_total",
            "batch_size",
            "spans_submitted_total",
            "spans_failures_total",
        ] {
            has(&text, &[&format!("jaeger_agent_reporter_{name}{format}")]);
        }
        has(&text, &["jaeger_agent_client_stats_connected_clients 0"]);
    }
}
