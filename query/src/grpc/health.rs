//! `grpc.health.v1`: each service by its name, and all of them by the empty one.

use axum::Router;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// What health says.
pub(crate) struct Health {
    reporter: HealthReporter,
    services: &'static [&'static str],
}

// === impl Health ===

impl Health {
    /// Adds the service to `router`; all of `services` are well.
    pub(super) async fn add(router: Router, services: &'static [&'static str]) -> (Router, Self) {
        let (reporter, service) = tonic_health::server::health_reporter();
        let health = Self { reporter, services };
        health.tell(ServingStatus::Serving).await;
        let router = router.route_service("/grpc.health.v1.Health/{*method}", service);
        (router, health)
    }

    /// Whoever watches learns that this ends, while requests in flight are answered.
    pub(crate) async fn ends(&self) {
        self.tell(ServingStatus::NotServing).await;
    }

    async fn tell(&self, status: ServingStatus) {
        for service in self.services.iter().chain(&[""]) {
            self.reporter.set_service_status(service, status).await;
        }
    }
}
