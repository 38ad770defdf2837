//! gRPC reflection: what `grpcurl` and the like ask before they call.
//!
//! In: descriptions of protobuf packages, as their compiler writes them, and the services that a port has. Out: both versions of the service, as routes. Lists what
//! it is told and health, no more: descriptions of a package know services that other ports have.
//!
//! Source: `grpc/grpc: src/proto/grpc/reflection/{v1,v1alpha}/reflection.proto`.

use axum::Router;
use tonic_reflection::server::Builder;

pub use tonic_reflection::server::Error;

const HEALTH: &str = "grpc.health.v1.Health";

/// Adds both versions of the service to `router`: it lists `services` and health, and knows what is `described`.
///
/// # Errors
/// When `described` cannot be read: a defect of this build.
pub fn add(router: Router, described: &[&[u8]], services: &[&str]) -> Result<Router, Error> {
    let builder = || {
        let described = described.iter().copied();
        let builder = described
            .chain([tonic_health::pb::FILE_DESCRIPTOR_SET])
            .fold(
                Builder::configure(),
                Builder::register_encoded_file_descriptor_set,
            );
        let listed = services.iter().copied().chain([HEALTH]);
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
