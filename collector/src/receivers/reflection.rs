//! gRPC reflection on 14250, as Jaeger has it: what `grpcurl` and the like ask before they call.
//!
//! Lists what is served there, no more: the descriptions of Jaeger's package know services that other ports have.

use axum::Router;
use tonic_reflection::server::{Builder, Error};

/// What is listed.
const SERVICES: [&str; 2] = ["jaeger.api_v2.CollectorService", "grpc.health.v1.Health"];

/// Adds both versions of the service to `router`.
pub(crate) fn add(router: Router) -> Result<Router, Error> {
    let builder = || {
        let builder = Builder::configure()
            .register_encoded_file_descriptor_set(wire::r#gen::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        SERVICES
            .into_iter()
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
