//! gRPC reflection: what `grpcurl` and the like ask before they call.
//!
//! Lists what a port serves, no more: the descriptions of Jaeger's packages know services that other ports have.

use axum::Router;
use tonic_reflection::server::{Builder, Error};

/// What is listed on 14250, as in Jaeger.
const SERVICES: &[&str] = &["jaeger.api_v2.CollectorService", "grpc.health.v1.Health"];

/// Adds what is said on 14250.
pub(crate) fn add(router: Router) -> Result<Router, Error> {
    describe(router, &[wire::r#gen::DESCRIPTORS], SERVICES)
}

/// Adds both versions of the service to `router`: it knows what is `described`, and health, and lists `services`.
pub(crate) fn describe(
    router: Router,
    described: &'static [&'static [u8]],
    services: &'static [&'static str],
) -> Result<Router, Error> {
    let builder = || {
        let builder = described
            .iter()
            .copied()
            .chain([tonic_health::pb::FILE_DESCRIPTOR_SET])
            .fold(
                Builder::configure(),
                Builder::register_encoded_file_descriptor_set,
            );
        services
            .iter()
            .copied()
            .fold(builder, Builder::with_service_name)
    };
    Ok(router
        .route_service(
            "/grpc.reflection.v1.ServerReflection/{*method}",
            builder().build_v1()?,
        )
        .route_service(
            "/grpc.reflection.v1alpha.ServerReflection/{*method}",
            builder().build_v1alpha()?,
        ))
}
