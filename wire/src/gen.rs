//! Generated protobuf types and gRPC services of Jaeger, and those of OpenTelemetry that other rooms need.
//!
//! In: nothing. Out: types for cold paths (services, tests, reflection); the hot paths decode bytes themselves. Made from `proto/` by the
//! test `generate`, which keeps the committed code and the `.proto` files alike.

/// `jaeger.api_v2`: model, collector, sampling manager and query service.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod api_v2 {
    include!("gen/jaeger.api_v2.rs");
}

/// `jaeger.api_v2.metrics`: the service for metrics of spans, and OpenMetrics' model.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod metrics {
    include!("gen/jaeger.api_v2.metrics.rs");
}

/// `jaeger.api_v3`: the query service in OpenTelemetry's form.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod api_v3 {
    include!("gen/jaeger.api_v3.rs");
}

/// A store in another process. The modules lie as deep as the packages do, since one names another.
pub mod storage {
    /// `jaeger.storage.v1`: what Jaeger 1 asks of it.
    #[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
    pub mod v1 {
        include!("gen/jaeger.storage.v1.rs");
    }

    /// `jaeger.storage.v2`: what Jaeger 2 asks of it.
    #[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
    pub mod v2 {
        include!("gen/jaeger.storage.v2.rs");
    }

    /// `spoor.storage.v1`: what another Spoor asks of it beside that.
    #[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
    pub mod own {
        include!("gen/spoor.storage.v1.rs");
    }
}

/// `zipkin.proto3`: the list of spans that Zipkin's clients send in protobuf.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod zipkin {
    include!("gen/zipkin.proto3.rs");
}

/// OpenTelemetry's trace messages and service.
pub mod otlp {
    pub use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_client, trace_service_server,
    };
    pub use opentelemetry_proto::tonic::{common, resource, trace};
}

/// The file descriptor set of OpenTelemetry's messages and services, encoded, for gRPC reflection.
pub use opentelemetry_proto::DESCRIPTORS as OTLP_DESCRIPTORS;

/// The file descriptor set of `jaeger.api_v2` and what it imports, encoded, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("gen/jaeger.api_v2.bin");

/// The same of `jaeger.api_v2.metrics`.
pub const METRICS_DESCRIPTORS: &[u8] = include_bytes!("gen/jaeger.api_v2.metrics.bin");

/// The same of `jaeger.api_v3`, OpenTelemetry's messages included.
pub const API_V3_DESCRIPTORS: &[u8] = include_bytes!("gen/jaeger.api_v3.bin");

/// The same of `jaeger.storage.v1`, with what it imports of `jaeger.api_v2`.
pub const STORAGE_V1_DESCRIPTORS: &[u8] = include_bytes!("gen/jaeger.storage.v1.bin");

/// The same of `jaeger.storage.v2`, OpenTelemetry's messages included.
pub const STORAGE_V2_DESCRIPTORS: &[u8] = include_bytes!("gen/jaeger.storage.v2.bin");

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    #[track_caller]
    fn check(descriptors: &[u8], service: &str) {
        let set = prost_types::FileDescriptorSet::decode(descriptors).unwrap();
        let names = set.file.iter().flat_map(|file| {
            let package = file.package();
            let services = file.service.iter();
            services.map(move |service| format!("{package}.{}", service.name()))
        });
        assert!(names.into_iter().any(|name| name == service), "{service}");
    }

    #[test]
    fn zipkins_numbers_are_zipkins() {
        // trace id, id, kind SERVER, name, timestamp, one tag, shared
        let bytes = b"\x0a\x08\0\0\0\0\0\0\0\x01\x1a\x08\0\0\0\0\0\0\0\x02\x20\x02\x2a\x03get\x31\x01\0\0\0\0\0\0\0\x5a\x06\x0a\x01k\x12\x01v\x68\x01";
        let span = zipkin::Span::decode(&bytes[..]).unwrap();
        assert_eq!(
            (span.name.as_str(), span.timestamp, span.shared),
            ("get", 1, true)
        );
        assert_eq!(span.kind(), zipkin::span::Kind::Server);
        assert_eq!(span.tags["k"], "v");
    }

    #[test]
    fn descriptors_name_the_services() {
        check(DESCRIPTORS, "jaeger.api_v2.CollectorService");
        check(DESCRIPTORS, "jaeger.api_v2.SamplingManager");
        check(DESCRIPTORS, "jaeger.api_v2.QueryService");
        check(
            METRICS_DESCRIPTORS,
            "jaeger.api_v2.metrics.MetricsQueryService",
        );
        check(API_V3_DESCRIPTORS, "jaeger.api_v3.QueryService");
        check(STORAGE_V1_DESCRIPTORS, "jaeger.storage.v1.SpanReaderPlugin");
        check(STORAGE_V2_DESCRIPTORS, "jaeger.storage.v2.TraceReader");
        check(
            OTLP_DESCRIPTORS,
            "opentelemetry.proto.collector.trace.v1.TraceService",
        );
    }
}
