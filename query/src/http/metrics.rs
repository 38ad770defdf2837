//! `/api/metrics/latencies`, `calls`, `errors` and `minstep`: the question of each, and its answer's form.
//!
//! In: parameters. Out: bare JSON, or the envelope of a number. Parameters are checked whoever answers, in Jaeger's order and words.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/query_parser.go`, `parseMetricsQueryParams`, and `http_handler.go` v1.76.0. Different on purpose: a
//! negative duration is refused.

mod json;

pub(super) use json::timestamp;

use std::time::{Duration, SystemTime};

use axum::response::Response;
use http::StatusCode;
use model::SpanKind;

use super::bare::Bare;
use super::envelope::{Envelope, Error};
use super::form::Form;
use super::{go, params};
use crate::service::{Call, Measure, MetricsError, MetricsQuery};

/// One of the three.
pub(super) async fn get(
    call: Call<'_>,
    measure: Measure,
    form: &Form,
    pretty: bool,
) -> Result<Response, Error> {
    let query = parse(measure, form, SystemTime::now()).map_err(Error::bad_request)?;
    let family = call.get_metrics(&query).await?;
    let answer = Bare::new(vec![json::write(&family)]).cut(call.lacks());
    Ok(answer.into_response(pretty))
}

/// In milliseconds.
pub(super) async fn min_step(call: Call<'_>) -> Result<Envelope, Error> {
    let step = call.min_step().await?;
    Ok(Envelope::of(&step.as_millis(), 0))
}

fn parse(measure: Measure, form: &Form, now: SystemTime) -> Result<MetricsQuery, String> {
    let quantile = match measure {
        Measure::Latencies => {
            let quantile = go::parse_float(form.first("quantile"));
            Some(quantile.map_err(|why| params::unable("quantile", &why))?)
        }
        Measure::Calls | Measure::Errors => None,
    };
    let services: Vec<String> = form.every("service").map(str::to_owned).collect();
    if services.is_empty() {
        let why = "please provide at least one service name";
        return Err(params::unable("service", why));
    }
    let by_operation = params::truth(form, "groupByOperation")?;
    let kinds = kinds(form)?;
    Ok(MetricsQuery {
        measure,
        quantile,
        services,
        by_operation,
        kinds,
        end_ns: params::time(form, "endTs", 1_000_000)?.unwrap_or_else(|| params::ns(now)),
        lookback: milliseconds(form, "lookback", MetricsQuery::LOOKBACK)?,
        step: milliseconds(form, "step", MetricsQuery::STEP)?,
        rate_per: milliseconds(form, "ratePer", MetricsQuery::RATE_PER)?,
    })
}

fn kinds(form: &Form) -> Result<Vec<SpanKind>, String> {
    let kind = |word: &str| match word {
        "unspecified" => Ok(SpanKind::Unspecified),
        _ => SpanKind::from_name(word).ok_or_else(|| {
            let why = format!("unsupported span kind: '{word}'");
            params::unable("spanKind", &why)
        }),
    };
    let kinds: Vec<SpanKind> = form.every("spanKind").map(kind).collect::<Result<_, _>>()?;
    Ok(match kinds.is_empty() {
        true => vec![SpanKind::Server],
        false => kinds,
    })
}

fn milliseconds(form: &Form, name: &str, default: Duration) -> Result<Duration, String> {
    let given = params::milliseconds(form, name)?;
    Ok(given.map_or(default, Duration::from_millis))
}

impl From<MetricsError> for Error {
    fn from(error: MetricsError) -> Self {
        match error {
            MetricsError::Disabled => Self::new(StatusCode::NOT_IMPLEMENTED, error.to_string()),
            MetricsError::Read(error) => error.into(),
            MetricsError::Prometheus(error) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    fn parsed(measure: Measure, query: &str) -> Result<MetricsQuery, String> {
        let now = UNIX_EPOCH + Duration::from_secs(5);
        parse(measure, &Form::parse(query), now)
    }

    #[test]
    fn defaults_are_jaegers() {
        let query = parsed(Measure::Calls, "service=a&service=b").unwrap();
        assert_eq!(
            query,
            MetricsQuery {
                measure: Measure::Calls,
                quantile: None,
                services: vec!["a".to_owned(), "b".to_owned()],
                by_operation: false,
                kinds: vec![SpanKind::Server],
                end_ns: 5_000_000_000,
                lookback: Duration::from_secs(3600),
                step: Duration::from_secs(5),
                rate_per: Duration::from_secs(600),
            }
        );
    }

    #[test]
    fn every_parameter_is_read() {
        let query = "service=a&quantile=0.5&groupByOperation=1&spanKind=client&spanKind=unspecified&endTs=7&lookback=8&step=9&ratePer=10";
        let query = parsed(Measure::Latencies, query).unwrap();
        assert_eq!(query.quantile, Some(0.5));
        assert!(query.by_operation);
        assert_eq!(query.kinds, [SpanKind::Client, SpanKind::Unspecified]);
        assert_eq!(query.end_ns, 7_000_000);
        let durations = [query.lookback, query.step, query.rate_per];
        assert_eq!(durations.map(|d| d.as_millis()), [8, 9, 10]);
    }

    #[test]
    fn what_is_wrong_is_said_in_jaegers_words_and_order() {
        for (measure, query, why) in [
            (
                Measure::Latencies,
                "",
                "unable to parse param 'quantile': strconv.ParseFloat: parsing \"\": invalid syntax",
            ),
            (
                Measure::Calls,
                "groupByOperation=x",
                "unable to parse param 'service': please provide at least one service name",
            ),
            (
                Measure::Errors,
                "service=a&groupByOperation=x&spanKind=y",
                "unable to parse param 'groupByOperation': strconv.ParseBool: parsing \"x\": invalid syntax",
            ),
            (
                Measure::Errors,
                "service=a&spanKind=SERVER&endTs=x",
                "unable to parse param 'spanKind': unsupported span kind: 'SERVER'",
            ),
            (
                Measure::Errors,
                "service=a&endTs=x&step=y",
                "unable to parse param 'endTs': strconv.ParseInt: parsing \"x\": invalid syntax",
            ),
            (
                Measure::Errors,
                "service=a&step=1.5",
                "unable to parse param 'step': strconv.ParseInt: parsing \"1.5\": invalid syntax",
            ),
            (
                Measure::Errors,
                "service=a&ratePer=-1",
                "unable to parse param 'ratePer': -1 is negative",
            ),
        ] {
            assert_eq!(parsed(measure, query).unwrap_err(), why, "{query}");
        }
    }
}
