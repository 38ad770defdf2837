//! Points against brute force over spans, and the names of families.

use proptest::prelude::*;
use storage::port::{Line, bucket_of};
use storage::{Grid, Measured};

use super::*;

fn query(measure: Measure, quantile: f64) -> MetricsQuery {
    MetricsQuery {
        measure,
        quantile: Some(quantile),
        services: vec!["shop".to_owned()],
        by_operation: false,
        kinds: vec![SpanKind::Server],
        end_ns: 0,
        lookback: Duration::ZERO,
        step: Duration::ZERO,
        rate_per: Duration::ZERO,
    }
}

/// A span: when it starts, how long it takes, whether it fails.
type Span = (u64, u64, bool);

fn measured(grid: Grid, spans: &[Span]) -> Measured {
    let mut measured = Measured::empty(grid);
    let line = Line {
        service: "shop".into(),
        operation: None,
    };
    for (ms, us, fails) in spans {
        if let Some(bucket) = grid.bucket_at(*ms) {
            let cells = measured.lines.entry(line.clone()).or_default();
            cells.entry(bucket).or_default().add(&storage::port::Cell {
                calls: 1,
                errors: u64::from(*fails),
                durations: vec![(bucket_of(*us), 1)],
            });
        }
    }
    measured
}

/// The duration that stands at a rank, counted from 1, in milliseconds.
fn exact(quantile: f64, mut durations: Vec<u64>) -> f64 {
    durations.sort_unstable();
    let rank = (quantile * durations.len() as f64).ceil().max(1.0) as usize;
    durations[rank - 1] as f64 / 1_000.0
}

#[test]
fn families_are_named_as_the_ui_knows_them() {
    let named = |measure, by_operation| {
        let query = MetricsQuery {
            by_operation,
            ..query(measure, 0.95)
        };
        let Family { name, help, .. } = family(&query, Vec::new());
        (name, help)
    };
    for (measure, by_operation, name, help) in [
        (
            Measure::Latencies,
            false,
            "service_latencies",
            "0.95th quantile latency, grouped by service",
        ),
        (
            Measure::Latencies,
            true,
            "service_operation_latencies",
            "0.95th quantile latency, grouped by service & operation",
        ),
        (
            Measure::Calls,
            true,
            "service_operation_call_rate",
            "calls/sec, grouped by service & operation",
        ),
        (
            Measure::Errors,
            false,
            "service_error_rate",
            "error rate, computed as a fraction of errors/sec over calls/sec, grouped by service",
        ),
    ] {
        let expect = (name.to_owned(), help.to_owned());
        assert_eq!(named(measure, by_operation), expect);
    }
}

#[test]
fn lines_with_the_fewest_calls_are_left_out() {
    let grid = Grid::new(100, 10, 10, 10).unwrap();
    let mut all = Measured::empty(grid);
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        let line = Line {
            service: "shop".into(),
            operation: Some(name.into()),
        };
        let cell = storage::port::Cell {
            calls: [2, 1, 3][n],
            ..Default::default()
        };
        all.lines.entry(line).or_default().insert(0, cell);
    }
    let (metrics, left_out) = points::metrics(&all, &query(Measure::Calls, 0.5), 4);
    let operations: Vec<&str> = metrics.iter().map(|m| m.labels[0].1.as_str()).collect();
    assert_eq!((operations, left_out), (vec!["a", "c"], 1));
}

proptest! {
    #[test]
    fn every_point_is_what_brute_force_finds(
        spans in prop::collection::vec((1_000_u64..12_000, 0_u64..5_000_000, any::<bool>()), 0..60),
        lookback in 0_u64..8_000,
        step in 1_u64..2_000,
        rate in 1_u64..4_000,
        quantile in 0.0_f64..1.0,
    ) {
        let grid = Grid::new(11_000, lookback, step, rate).unwrap();
        let measured = measured(grid, &spans);
        let of = |measure| {
            let (metrics, _) = points::metrics(&measured, &query(measure, quantile), MAX_POINTS);
            metrics.into_iter().next().map(|m| m.points).unwrap_or_default()
        };
        let (calls, errors, latencies) =
            (of(Measure::Calls), of(Measure::Errors), of(Measure::Latencies));
        prop_assert_eq!(calls.len(), if measured.lines.is_empty() { 0 } else { grid.points().len() });
        for ((calls, errors), latency) in calls.iter().zip(&errors).zip(&latencies) {
            let ms = u64::try_from(calls.ms).unwrap();
            let within: Vec<&Span> = spans.iter().filter(|(at, ..)| *at < ms && ms - at <= rate).collect();
            let count = within.len() as f64;
            prop_assert!((calls.value - count / (rate as f64 / 1_000.0)).abs() < 1e-9);
            if within.is_empty() {
                prop_assert!(errors.value.is_nan() && latency.value.is_nan());
                continue;
            }
            let failing = within.iter().filter(|(_, _, fails)| *fails).count() as f64;
            prop_assert!((errors.value - failing / count).abs() < 1e-12);
            let exact = exact(quantile, within.iter().map(|(_, us, _)| *us).collect());
            let off = (latency.value / exact).max(exact / latency.value);
            prop_assert!(exact <= 0.001 || off <= 1.19, "{} and not {}", latency.value, exact);
        }
    }
}
