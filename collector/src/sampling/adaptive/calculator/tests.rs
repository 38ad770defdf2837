//! Rounds, with numbers computed by hand. An interval is a minute, so that 60 traces are one a second.

use std::time::Duration;

use super::*;
use crate::sampling::adaptive::bucket::Counted;

const MINUTE: Duration = Duration::from_secs(60);

/// One operation in a minute.
fn bucket(count: u64, probabilities: &[f64]) -> Bucket {
    let counted = Counted {
        count,
        probabilities: probabilities
            .iter()
            .map(|p| crate::sampling::adaptive::six(*p))
            .collect(),
    };
    Bucket {
        interval: MINUTE,
        services: [("s".to_owned(), [("o".to_owned(), counted)].into())].into(),
        asked: BTreeSet::new(),
    }
}

fn empty() -> Bucket {
    Bucket {
        interval: MINUTE,
        ..Bucket::default()
    }
}

fn calculator(config: &Config, old: Option<f64>) -> Calculator {
    let rate = |probability| Rate {
        probability,
        qps: 0.0,
    };
    let rates = old.map(|old| {
        let operations = [("o".to_owned(), rate(old))];
        ("s".to_owned(), operations.into())
    });
    Calculator::new(config, rates.into_iter().collect(), Vec::new())
}

fn of(services: &Services<Rate>) -> Rate {
    services["s"]["o"]
}

#[track_caller]
fn near(got: f64, expect: f64) {
    assert!(
        (got - expect).abs() < expect * 1e-9,
        "{got} is not {expect}"
    );
}

/// What becomes of a probability when so many traces were recorded with it in a minute.
#[track_caller]
fn check(old: f64, count: u64, expect: f64) {
    let got = calculator(&Config::default(), Some(old)).round(bucket(count, &[old]));
    near(of(&got).probability, expect);
    near(1.0 + of(&got).qps, 1.0 + count as f64 / 60.0);
}

#[test]
fn more_than_the_target_goes_down_at_once() {
    // 10 a second: a tenth
    check(0.5, 600, 0.05);
    // 1,000 a second of 0.005: 0.000005 would be below the minimum
    check(0.005, 60_000, 0.000_01);
}

#[test]
fn less_than_the_target_goes_up_to_twice_as_much() {
    // 0.625 a second: 0.1 / 0.625
    check(0.1, 37, 0.1 * 60.0 / 37.0);
    // 0.1 a second would be ten times as much
    check(0.1, 6, 0.2);
    check(0.1, 0, 0.2);
    check(0.6, 0, 1.0);
    check(1.0, 0, 1.0);
}

#[test]
fn near_the_target_nothing_changes() {
    // 0.716… and 1.283… a second miss it by less than 0.3, 0.7 and 1.3 do not
    check(0.1, 43, 0.1);
    check(0.1, 60, 0.1);
    check(0.1, 77, 0.1);
    check(0.1, 79, 0.1 * 60.0 / 79.0);
    check(0.1, 41, 0.1 * 60.0 / 41.0);
}

#[test]
fn an_operation_that_is_new_begins_with_the_initial_probability() {
    let got = calculator(&Config::default(), None).round(bucket(600, &[0.7]));
    // whatever its clients used
    near(of(&got).probability, 0.0001);
}

#[test]
fn what_is_not_recorded_with_the_old_probability_stays() {
    let mut calculator = calculator(&Config::default(), Some(0.1));
    let got = calculator.round(bucket(600, &[0.2, 1.0]));
    near(of(&got).probability, 0.1);
    near(of(&got).qps, 10.0);
    // clients asked again in the meantime
    let got = calculator.round(bucket(600, &[0.2, 0.1]));
    near(of(&got).probability, 0.01);
    // of 0.01 there is nothing to be seen yet
    let got = calculator.round(bucket(600, &[0.1]));
    near(of(&got).probability, 0.01);
}

#[test]
fn what_was_not_seen_goes_on_as_before() {
    let config = Config::default();
    let mut follows = calculator(&config, Some(0.1));
    near(of(&follows.round(bucket(60, &[0.1]))).probability, 0.1);
    // still one a second by the bucket of before: near enough
    near(of(&follows.round(empty())).probability, 0.1);
    let mut follows = calculator(&config, Some(0.1));
    near(of(&follows.round(bucket(0, &[0.1]))).probability, 0.2);
    near(of(&follows.round(empty())).probability, 0.4);
    let mut does_not = calculator(&config, Some(0.1));
    near(of(&does_not.round(bucket(0, &[0.3]))).probability, 0.1);
    near(of(&does_not.round(empty())).probability, 0.1);
    // at the initial probability nobody knows
    let mut nobody_knows = calculator(&config, Some(0.001));
    near(
        of(&nobody_knows.round(bucket(0, &[0.3]))).probability,
        0.002,
    );
    near(of(&nobody_knows.round(empty())).probability, 0.002);
}

#[test]
fn the_newest_interval_weighs_most() {
    let config = Config {
        buckets_for_calculation: 3,
        delta_tolerance: 1e6,
        ..Config::default()
    };
    let mut calculator = calculator(&config, None);
    let mut rates = Vec::new();
    for count in [60, 120, 180, 240] {
        rates.push(of(&calculator.round(bucket(count, &[]))).qps);
    }
    near(rates[0], 1.0);
    // (2·16 + 1·1) / 17
    near(rates[1], 33.0 / 17.0);
    // (3·81 + 2·16 + 1·1) / 98
    near(rates[2], 276.0 / 98.0);
    // the oldest of four is not used: (4·81 + 3·16 + 2·1) / 98
    near(rates[3], 374.0 / 98.0);
    // an interval without it does not count as zero
    near(of(&calculator.round(empty())).qps, 374.0 / 98.0);
}

#[test]
fn a_rate_is_by_the_time_that_was_really_looked_at() {
    let mut bucket = bucket(600, &[0.1]);
    bucket.interval = MINUTE * 10;
    let got = calculator(&Config::default(), Some(0.1)).round(bucket);
    near(of(&got).qps, 1.0);
}

#[test]
fn who_comes_no_more_is_forgotten() {
    let config = Config {
        aggregation_buckets: 3,
        ..Config::default()
    };
    let mut calculator = calculator(&config, None);
    let mut first = bucket(600, &[0.001]);
    first.asked.insert("a".to_owned());
    calculator.round(first);
    for _ in 0..2 {
        assert_eq!(calculator.round(empty()).len(), 1);
        assert_eq!(calculator.asked().len(), 1);
    }
    assert_eq!(calculator.round(empty()).len(), 0);
    assert_eq!(calculator.asked().len(), 0);
    // and begins anew
    let got = calculator.round(bucket(600, &[0.001]));
    near(of(&got).probability, 0.0001);
}

#[test]
fn a_round_goes_on_from_what_was_before() {
    let config = Config {
        buckets_for_calculation: 2,
        ..Config::default()
    };
    let before = calculator(&config, Some(0.1)).rates;
    let history = vec![bucket(60, &[0.1]), bucket(6_000, &[0.1])];
    let mut calculator = Calculator::new(&config, before, history);
    let got = calculator.round(bucket(600, &[0.1]));
    // (10·16 + 1·1) / 17
    near(of(&got).qps, 161.0 / 17.0);
    near(of(&got).probability, 0.1 * 17.0 / 161.0);
}
