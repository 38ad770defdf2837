//! gRPC reflection: what `grpcurl` and the like ask before they call.

use axum::Router;
use tonic_reflection::server::Builder;

pub(crate) use tonic_reflection::server::Error;

/// Adds both versions of the service to `router`. It lists `services` and health.
pub(super) fn add(router: Router, services: &[&str]) -> Result<Router, Error> {
    let builder = || {
        let described = [
            wire::r#gen::DESCRIPTORS,
            wire::r#gen::API_V3_DESCRIPTORS,
            wire::r#gen::METRICS_DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
        ];
        let builder = described.into_iter().fold(
            Builder::configure(),
            Builder::register_encoded_file_descriptor_set,
        );
        let listed = services.iter().copied().chain(["grpc.health.v1.Health"]);
        listed.fold(builder, Builder::with_service_name)
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
