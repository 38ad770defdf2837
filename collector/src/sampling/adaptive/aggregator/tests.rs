//! What is counted, of whom, and how much is remembered.

use std::sync::Arc;

use model::Resource;
use storage::port::{Probabilities, Rate};

use super::*;
use crate::sampling::adaptive::Config;

fn roots(service: &str, operation: &str, sampler: Sampler) -> Roots {
    Roots(vec![Root {
        resource: Arc::new(Resource::of_service(service)),
        operation: operation.into(),
        sampler,
    }])
}

/// Answers that know one operation of `shop`, and that `shop` asks.
fn answers(probability: f64) -> Answers {
    let rate = Rate {
        probability,
        qps: 1.0,
    };
    let latest = Probabilities {
        services: [("shop".to_owned(), [("GET /".to_owned(), rate)].into())].into(),
        asked: ["shop".to_owned()].into(),
        ..Probabilities::default()
    };
    Answers::new(latest, &Config::default())
}

fn nothing() -> Answers {
    Answers::new(Probabilities::default(), &Config::default())
}

fn row(service: &str, operation: &str, count: u64, probabilities: &[&str]) -> Throughput {
    Throughput {
        service: service.to_owned(),
        operation: operation.to_owned(),
        count,
        probabilities: probabilities.iter().map(|p| (*p).to_owned()).collect(),
    }
}

#[test]
fn only_what_was_recorded_by_chance_is_counted() {
    let aggregator = Aggregator::default();
    for sampler in [
        Sampler::Probabilistic(0.001),
        Sampler::Other(0.5),
        Sampler::Probabilistic(0.25),
        Sampler::Unsaid,
    ] {
        assert_eq!(aggregator.count(&roots("s", "o", sampler), &nothing()), 0);
    }
    let expect = row("s", "o", 2, &["0.001000", "0.250000", "0.500000"]);
    assert_eq!(aggregator.take(&nothing()), [expect]);
    assert_eq!(aggregator.take(&nothing()), [], "each interval begins anew");
}

#[test]
fn what_was_left_unsaid_counts_for_services_that_ask() {
    let unsaid = |service| roots(service, "GET /", Sampler::Unsaid);
    let aggregator = Aggregator::default();
    // it asked another collector
    aggregator.count(&unsaid("shop"), &answers(0.02));
    aggregator.count(&unsaid("cart"), &answers(0.02));
    // with the probability that it was told the interval before
    let expect = row("shop", "GET /", 1, &["0.040000"]);
    assert_eq!(aggregator.take(&answers(0.04)), [expect]);

    assert!(aggregator.asked("cart"));
    aggregator.count(&unsaid("cart"), &nothing());
    let expect = [
        row("cart", "GET /", 1, &["0.001000"]),
        row("cart", "", 0, &[]),
    ];
    assert_eq!(aggregator.take(&nothing()), expect);
    // it need not have asked in this interval already
    aggregator.count(&unsaid("cart"), &nothing());
    assert_eq!(aggregator.take(&nothing()), expect[..1]);
    aggregator.count(&unsaid("cart"), &nothing());
    assert_eq!(aggregator.take(&nothing()), []);
}

#[test]
fn so_many_names_are_remembered_and_none_too_long() {
    let sampler = Sampler::Probabilistic(0.5);
    let aggregator = Aggregator::default();
    let count = |service: &str, operation: &str| {
        aggregator.count(&roots(service, operation, sampler), &nothing())
    };
    let mut left_out = 0;
    for n in 0..bounds::OPERATIONS_OF_A_SERVICE + 5 {
        left_out += count("s", &n.to_string());
    }
    assert_eq!(left_out, 5);
    assert_eq!(count("s", "7"), 0, "what is known goes on");
    for n in 0..bounds::OPERATIONS {
        left_out += count(&format!("s{}", n / 100), &n.to_string());
    }
    assert_eq!(left_out as usize, 5 + bounds::OPERATIONS_OF_A_SERVICE);
    let rows = aggregator.take(&nothing());
    assert_eq!(rows.len(), bounds::OPERATIONS);
    let long = "o".repeat(bounds::NAME + 1);
    assert_eq!(count("s", &long), 1);
    assert_eq!(count(&long, "o"), 1);
    assert!(!aggregator.asked(&long));
    for n in 0..bounds::SERVICES {
        assert!(aggregator.asked(&n.to_string()));
    }
    assert!(!aggregator.asked("more"));
    assert!(aggregator.asked("7"));
}

#[test]
fn at_most_ten_probabilities_are_remembered() {
    let aggregator = Aggregator::default();
    for n in 0..50 {
        let sampler = Sampler::Probabilistic(f64::from(n) / 100.0);
        aggregator.count(&roots("s", "o", sampler), &nothing());
    }
    let rows = aggregator.take(&nothing());
    assert_eq!(rows[0].count, 50);
    assert_eq!(rows[0].probabilities.len(), bounds::PROBABILITIES);
}
