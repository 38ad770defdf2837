//! The ports of Jaeger, which are ours.
//!
//! Numbers only; which listener uses which address is `listener`'s. Source: `jaegertracing/jaeger: ports/ports.go` at v1.76.0.

/// Spans in Jaeger's protobuf over gRPC.
pub const COLLECTOR_GRPC: u16 = 14250;
/// Spans in Jaeger's Thrift over HTTP.
pub const COLLECTOR_HTTP: u16 = 14268;
/// Health and metrics of the collector, and of all in one.
pub const COLLECTOR_ADMIN: u16 = 14269;
/// Health and metrics of the ingester.
pub const INGESTER_ADMIN: u16 = 14270;
/// Health and metrics of the agent.
pub const AGENT_ADMIN: u16 = 14271;
/// OTLP over gRPC.
pub const OTLP_GRPC: u16 = 4317;
/// OTLP over HTTP.
pub const OTLP_HTTP: u16 = 4318;
/// Spans in Jaeger's Thrift, compact protocol, over UDP.
pub const JAEGER_COMPACT: u16 = 6831;
/// Spans in Jaeger's Thrift, binary protocol, over UDP.
pub const JAEGER_BINARY: u16 = 6832;
/// Spans in Zipkin's Thrift, compact protocol, over UDP.
pub const ZIPKIN_COMPACT: u16 = 5775;
/// Remote sampling over HTTP.
pub const SAMPLING_HTTP: u16 = 5778;
/// Remote sampling over gRPC.
pub const SAMPLING_GRPC: u16 = 5779;
/// Zipkin over HTTP.
pub const ZIPKIN: u16 = 9411;
/// Queries over gRPC.
pub const QUERY_GRPC: u16 = 16685;
/// Queries over HTTP, and the web UI.
pub const QUERY_HTTP: u16 = 16686;
/// Health and metrics of the query role alone.
pub const QUERY_ADMIN: u16 = 16687;
/// A store that is served to other processes, over gRPC.
pub const STORAGE_GRPC: u16 = 17271;
/// Health and metrics of the role remote-storage.
pub const STORAGE_ADMIN: u16 = 17270;
