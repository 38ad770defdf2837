//! `jaeger.api_v2.metrics.MetricsQueryService`: request rates, error rates and latencies.
//!
//! In: requests. Out: that there are no metrics, in Jaeger's words. One place answers for all methods: [`answer`].
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/grpc_handler.go` v1.60.0, `plugin/metrics/disabled`.

use std::sync::Arc;

use axum::Router;
use tonic::Status;
use wire::r#gen::metrics::{
    GetCallRatesRequest, GetErrorRatesRequest, GetLatenciesRequest, GetMinStepDurationRequest,
};

use super::Api;
use super::answer::{End, Outlet};
use super::method::{self, Question};

/// Its name.
pub(super) const SERVICE: &str = "jaeger.api_v2.metrics.MetricsQueryService";
const DISABLED: &str = "metrics querying is currently disabled";

macro_rules! path {
    ($method:literal) => {
        concat!("/jaeger.api_v2.metrics.MetricsQueryService/", $method)
    };
}

/// Adds its methods to `router`.
pub(super) fn add(router: Router, api: &Arc<Api>) -> Router {
    let router = method::add(
        router,
        api,
        path!("GetMinStepDuration"),
        answer::<GetMinStepDurationRequest>,
    );
    let router = method::add(
        router,
        api,
        path!("GetLatencies"),
        answer::<GetLatenciesRequest>,
    );
    let router = method::add(
        router,
        api,
        path!("GetCallRates"),
        answer::<GetCallRatesRequest>,
    );
    method::add(
        router,
        api,
        path!("GetErrorRates"),
        answer::<GetErrorRatesRequest>,
    )
}

async fn answer<M>(asked: Question<M>, _out: Outlet) -> Result<End, Status> {
    asked.call()?;
    Err(Status::unimplemented(DISABLED))
}
