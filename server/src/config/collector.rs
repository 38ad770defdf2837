//! Receiving spans.
//!
//! In: the settings under `collector.`. Out: limits of each receiver, and the tags for every span. Tags may take a variable's value, as in Jaeger; what no
//! variable and no default gives is left out. Source: `jaegertracing/jaeger: cmd/internal/flags/flags.go` (`ParseJaegerTags`) at v1.76.0.

use std::time::Duration;

use settings::{ByteSize, Environment};

use super::check::Check;
use super::sampling::Sampling;
use crate::cli::Role;

/// Receiving spans.
#[derive(Debug, Clone, PartialEq)]
pub struct Collector {
    /// OTLP over gRPC.
    pub otlp_grpc: GrpcReceiver,
    /// What other processes write to the store that is served to them.
    pub storage_grpc: GrpcReceiver,
    /// OTLP over HTTP.
    pub otlp_http: HttpReceiver,
    /// Web pages that may send to it.
    pub otlp_http_cors: Cors,
    /// Jaeger's protobuf over gRPC.
    pub jaeger_grpc: GrpcReceiver,
    /// Jaeger's Thrift over HTTP.
    pub jaeger_thrift: HttpReceiver,
    /// Zipkin over HTTP.
    pub zipkin: HttpReceiver,
    /// Web pages that may send to it.
    pub zipkin_cors: Cors,
    /// Jaeger's Thrift over UDP, compact.
    pub jaeger_compact: DatagramReceiver,
    /// Jaeger's Thrift over UDP, binary.
    pub jaeger_binary: DatagramReceiver,
    /// Zipkin's Thrift over UDP, compact.
    pub zipkin_compact: DatagramReceiver,
    /// Remote sampling.
    pub sampling: Sampling,
    /// The share of traces that is stored, 0 to 1.
    pub downsampling_ratio: f64,
    /// What decides which.
    pub downsampling_salt: String,
    /// For the process of every span, in this order; keys are distinct.
    pub tags: Vec<(String, String)>,
    /// Memory of requests until they are durable; none: a share of `memory.max-bytes`.
    pub budget: Option<ByteSize>,
    /// How long the store may take before a sender is told to try again.
    pub write_timeout: Duration,
}

/// Limits of a gRPC receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcReceiver {
    /// Largest message, on the wire and inflated.
    pub max_message: ByteSize,
    /// Age at which a connection is asked to end; none: never.
    pub max_connection_age: Option<Duration>,
    /// Time for its requests after that; none: as long as they take.
    pub max_connection_age_grace: Option<Duration>,
}

/// Limits of an HTTP receiver; a time of none is the listener's own default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpReceiver {
    /// Largest body, on the wire and inflated.
    pub max_body: ByteSize,
    /// A connection without a request.
    pub idle_timeout: Option<Duration>,
    /// The head of a request.
    pub read_header_timeout: Option<Duration>,
    /// Between two pieces of a body.
    pub read_timeout: Option<Duration>,
}

/// Limits of a receiver of datagrams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatagramReceiver {
    /// Largest datagram.
    pub max_packet: ByteSize,
    /// Datagrams under way.
    pub queue: usize,
    /// Room in the kernel; 0: as the system has it.
    pub socket_buffer: ByteSize,
}

/// Which web pages may send spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cors {
    /// Origins, each with at most one `*`; empty: none.
    pub allowed_origins: Vec<String>,
    /// Request headers beside the simple ones.
    pub allowed_headers: Vec<String>,
}

const BUDGET: &str = "collector.budget-bytes";

// === impl Collector ===

impl Collector {
    pub(super) fn check(role: Role, environment: &Environment, check: &mut Check<'_>) -> Self {
        let of_role = if role.forwards() {
            "agent.tags"
        } else {
            "collector.tags"
        };
        let tags = tags(check.settings.text(of_role), environment).unwrap_or_else(|error| {
            check.wrong(of_role, error);
            Vec::new()
        });
        let collector = Self {
            otlp_grpc: GrpcReceiver::check("collector.otlp.grpc", check),
            storage_grpc: GrpcReceiver::check("grpc", check),
            otlp_http: HttpReceiver::check("collector.otlp.http", check),
            otlp_http_cors: Cors::check("collector.otlp.http", check),
            jaeger_grpc: GrpcReceiver::check("collector.grpc-server", check),
            jaeger_thrift: HttpReceiver::check("collector.http-server", check),
            zipkin: HttpReceiver::check("collector.zipkin", check),
            zipkin_cors: Cors::check("collector.zipkin", check),
            jaeger_compact: DatagramReceiver::check("processor.jaeger-compact", check),
            jaeger_binary: DatagramReceiver::check("processor.jaeger-binary", check),
            zipkin_compact: DatagramReceiver::check("processor.zipkin-compact", check),
            sampling: Sampling::check(check),
            downsampling_ratio: check.share("downsampling.ratio"),
            downsampling_salt: check.settings.text("downsampling.hashsalt").to_owned(),
            tags,
            budget: check.settings.bytes(BUDGET).map(|_| check.size(BUDGET)),
            write_timeout: check.some_time("collector.write-timeout"),
        };
        let largest = collector.largest_message(check.settings.bool("collector.otlp.enabled"));
        if let Some(budget) = collector.budget.filter(|budget| *budget < largest) {
            check.wrong(
                BUDGET,
                format!("{budget} is less than the largest message, {largest}: raise it, or lower the max-message-size or max-body-size"),
            );
        }
        collector
    }

    fn largest_message(&self, otlp: bool) -> ByteSize {
        let jaeger = self.jaeger_grpc.max_message;
        let largest = jaeger
            .max(self.jaeger_thrift.max_body)
            .max(self.zipkin.max_body);
        if otlp {
            largest
                .max(self.otlp_grpc.max_message)
                .max(self.otlp_http.max_body)
        } else {
            largest
        }
    }
}

impl GrpcReceiver {
    fn check(prefix: &str, check: &mut Check<'_>) -> Self {
        let name = |part: &str| format!("{prefix}.{part}");
        Self {
            max_message: check.size(&name("max-message-size")),
            max_connection_age: check.time_or_none(&name("max-connection-age")),
            max_connection_age_grace: check.time_or_none(&name("max-connection-age-grace")),
        }
    }
}

impl HttpReceiver {
    fn check(prefix: &str, check: &mut Check<'_>) -> Self {
        let name = |part: &str| format!("{prefix}.{part}");
        Self {
            max_body: check.size(&name("max-body-size")),
            idle_timeout: check.time_or_none(&name("idle-timeout")),
            read_header_timeout: check.time_or_none(&name("read-header-timeout")),
            read_timeout: check.time_or_none(&name("read-timeout")),
        }
    }
}

impl DatagramReceiver {
    fn check(prefix: &str, check: &mut Check<'_>) -> Self {
        let name = |part: &str| format!("{prefix}.{part}");
        Self {
            max_packet: check.size(&name("server-max-packet-size")),
            queue: check.count(&name("server-queue-size")),
            socket_buffer: check
                .settings
                .bytes(&name("server-socket-buffer-size"))
                .unwrap_or_default(),
        }
    }
}

impl Cors {
    fn check(prefix: &str, check: &mut Check<'_>) -> Self {
        let name = |part: &str| format!("{prefix}.cors.{part}");
        let allowed_origins = check.settings.list(&name("allowed-origins")).to_vec();
        for origin in allowed_origins
            .iter()
            .filter(|origin| origin.matches('*').count() > 1)
        {
            check.wrong(
                &name("allowed-origins"),
                format!("\"{origin}\" has more than one *"),
            );
        }
        Self {
            allowed_origins,
            allowed_headers: check.settings.list(&name("allowed-headers")).to_vec(),
        }
    }
}

/// `k=v,k2=${VARIABLE:default}`: the last value of a key wins, in the place of its first.
fn tags(text: &str, environment: &Environment) -> Result<Vec<(String, String)>, String> {
    let mut tags: Vec<(String, String)> = Vec::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| format!("\"{pair}\" is no tag: give key=value"))?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(format!("\"{pair}\" has no key: give key=value"));
        }
        let value = match value
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
        {
            None => value,
            Some(inner) => {
                let (name, default) = inner
                    .split_once(':')
                    .map_or((inner, None), |(name, default)| (name, Some(default)));
                match environment.get(name).or(default) {
                    Some(value) => value,
                    None => continue,
                }
            }
        };
        match tags.iter_mut().find(|(known, _)| known == key) {
            Some((_, earlier)) => value.clone_into(earlier),
            None => tags.push((key.to_owned(), value.to_owned())),
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &[(&str, &str)]) {
        let environment: Environment = [("POD", "p-1"), ("EMPTY", "")].into_iter().collect();
        let got = tags(text, &environment).unwrap();
        let got: Vec<(&str, &str)> = got.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(got, expect, "{text}");
    }

    #[test]
    fn tags_take_values_from_the_environment() {
        check("", &[]);
        check("a=b, c = d ,", &[("a", "b"), ("c", "d")]);
        check("a=b=c", &[("a", "b=c")]);
        check("pod=${POD}", &[("pod", "p-1")]);
        check("pod=${POD:other}", &[("pod", "p-1")]);
        check("pod=${NONE:other:x}", &[("pod", "other:x")]);
        check("pod=${EMPTY:}", &[("pod", "")]);
        check("pod=${NONE},x=1", &[("x", "1")]);
        check("a=1,b=2,a=3", &[("a", "3"), ("b", "2")]);
    }

    #[test]
    fn what_is_no_tag_is_named() {
        let none = Environment::default();
        assert_eq!(
            tags("a=b,c", &none),
            Err("\"c\" is no tag: give key=value".to_owned())
        );
        assert_eq!(
            tags("=b", &none),
            Err("\"=b\" has no key: give key=value".to_owned())
        );
    }
}
