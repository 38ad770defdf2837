//! `jaeger.api_v2.metrics.MetricsQueryService`: request rates, error rates and latencies.
//!
//! In: requests. Out: families of metrics, the same as over HTTP; where nothing counts, that there are none, in Jaeger's words.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/grpc_handler.go` v1.60.0, `plugin/metrics/disabled`.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use model::SpanKind;
use prost::Message;
use tonic::Status;
use wire::r#gen::metrics as proto;
use wire::r#gen::metrics::{
    GetCallRatesRequest, GetErrorRatesRequest, GetLatenciesRequest, GetMetricsResponse,
    GetMinStepDurationRequest, GetMinStepDurationResponse, MetricsQueryBaseRequest,
};

use super::Api;
use super::answer::{End, Outlet};
use super::method::{self, Question};
use super::times::{duration_ns, unix_ns};
use crate::service::{Family, Measure, Metric, MetricsError, MetricsQuery, Point};

/// A question about services, as it is sent.
trait Asks: Message + Default + 'static {
    /// What is asked, of latencies which, and of whom.
    fn parts(&self) -> (Measure, Option<f64>, Option<&MetricsQueryBaseRequest>);
}

impl Asks for GetLatenciesRequest {
    fn parts(&self) -> (Measure, Option<f64>, Option<&MetricsQueryBaseRequest>) {
        let base = self.base_request.as_ref();
        (Measure::Latencies, Some(self.quantile), base)
    }
}

impl Asks for GetCallRatesRequest {
    fn parts(&self) -> (Measure, Option<f64>, Option<&MetricsQueryBaseRequest>) {
        (Measure::Calls, None, self.base_request.as_ref())
    }
}

impl Asks for GetErrorRatesRequest {
    fn parts(&self) -> (Measure, Option<f64>, Option<&MetricsQueryBaseRequest>) {
        (Measure::Errors, None, self.base_request.as_ref())
    }
}

method::service! {
    "jaeger.api_v2.metrics.MetricsQueryService",
    "GetMinStepDuration" => min_step,
    "GetLatencies" => answer::<GetLatenciesRequest>,
    "GetCallRates" => answer::<GetCallRatesRequest>,
    "GetErrorRates" => answer::<GetErrorRatesRequest>,
}

async fn min_step(asked: Question<GetMinStepDurationRequest>, out: Outlet) -> Result<End, Status> {
    let call = asked.call()?;
    let step = call.min_step().await.map_err(|error| failed(&error))?;
    let min_step = prost_types::Duration::try_from(step).ok();
    out.message(&GetMinStepDurationResponse { min_step })
        .await?;
    Ok(End::default())
}

async fn answer<M: Asks>(asked: Question<M>, out: Outlet) -> Result<End, Status> {
    let call = asked.call()?;
    // whether there are metrics at all comes first, as in Jaeger
    call.min_step().await.map_err(|error| failed(&error))?;
    let query = query(&asked.message)?;
    let family = call
        .get_metrics(&query)
        .await
        .map_err(|error| failed(&error))?;
    let response = GetMetricsResponse {
        metrics: Some(encode(family)),
    };
    out.message(&response).await?;
    Ok(End::lacking(call.lacks()))
}

fn query(asked: &impl Asks) -> Result<MetricsQuery, Status> {
    let (measure, quantile, base) = asked.parts();
    let base =
        base.ok_or_else(|| Status::invalid_argument("please provide at least one service name"))?;
    if base.service_names.is_empty() {
        return Err(Status::invalid_argument(
            "please provide at least one service name",
        ));
    }
    let kinds = base
        .span_kinds
        .iter()
        .map(|kind| SpanKind::from_number(*kind));
    let kinds: Vec<SpanKind> = kinds.collect();
    let now = || {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
        })
    };
    Ok(MetricsQuery {
        measure,
        quantile,
        services: base.service_names.clone(),
        by_operation: base.group_by_operation,
        kinds: match kinds.is_empty() {
            true => vec![SpanKind::Server],
            false => kinds,
        },
        end_ns: unix_ns(base.end_time).unwrap_or_else(now),
        lookback: length("lookback", base.lookback, MetricsQuery::LOOKBACK)?,
        step: length("step", base.step, MetricsQuery::STEP)?,
        rate_per: length("ratePer", base.rate_per, MetricsQuery::RATE_PER)?,
    })
}

/// A length of time that is given, or the one that is meant by none.
fn length(
    name: &str,
    given: Option<prost_types::Duration>,
    default: Duration,
) -> Result<Duration, Status> {
    if given.is_none() {
        return Ok(default);
    }
    let ns = u64::try_from(duration_ns(given));
    let negative = |_| Status::invalid_argument(format!("{name} is negative: give 0 or more"));
    ns.map(Duration::from_nanos).map_err(negative)
}

fn encode(family: Family) -> proto::MetricFamily {
    proto::MetricFamily {
        name: family.name,
        r#type: proto::MetricType::Gauge.into(),
        unit: String::new(),
        help: family.help,
        metrics: family.metrics.into_iter().map(metric).collect(),
    }
}

fn metric(metric: Metric) -> proto::Metric {
    let labels = metric.labels.into_iter();
    proto::Metric {
        labels: labels
            .map(|(name, value)| proto::Label { name, value })
            .collect(),
        metric_points: metric.points.iter().map(point).collect(),
    }
}

fn point(point: &Point) -> proto::MetricPoint {
    let gauge = proto::GaugeValue {
        value: Some(proto::gauge_value::Value::DoubleValue(point.value)),
    };
    proto::MetricPoint {
        timestamp: Some(prost_types::Timestamp {
            seconds: point.ms.div_euclid(1_000),
            // below a second
            nanos: i32::try_from(point.ms.rem_euclid(1_000) * 1_000_000).unwrap_or_default(),
        }),
        value: Some(proto::metric_point::Value::GaugeValue(gauge)),
    }
}

fn failed(error: &MetricsError) -> Status {
    let said = error.to_string();
    match error {
        MetricsError::Disabled => Status::unimplemented(said),
        MetricsError::Read(storage::ReadError::Invalid(_)) => Status::invalid_argument(said),
        MetricsError::Read(_) | MetricsError::Prometheus(_) => {
            Status::unknown(format!("failed to fetch metrics: {said}"))
        }
    }
}
