//! Which kind of sampling, and what its rules may be.

use settings::Warning;

use super::*;
use crate::cli::Role;
use crate::config::tests::{checked, config, problems};

#[test]
fn adaptive_sampling_is_asked_for_by_jaegers_variable() {
    let jaegers = adaptive::Config::default();
    assert_eq!(config(&[], &[]).collector.unwrap().sampling.adaptive, None);
    let adaptive = [("SAMPLING_CONFIG_TYPE", "adaptive")];
    let sampling = config(&[], &adaptive).collector.unwrap().sampling;
    assert_eq!(sampling.adaptive, Some(jaegers));
    let line = ["--sampling.config-type=adaptive", "--sampling.delay=0s"];
    let sampling = config(&line, &[]).collector.unwrap().sampling;
    assert_eq!(sampling.adaptive.unwrap().delay, Duration::ZERO);
}

#[test]
fn settings_of_the_other_kind_of_sampling_are_named_in_a_warning() {
    let warned = |line: &[&str]| -> Vec<String> {
        let warnings = checked(Role::AllInOne, line, &[]).warnings;
        let text = |w: &Warning| format!("{}: {}", w.settings.join(", "), w.note);
        warnings.iter().map(text).collect()
    };
    let adaptive = "--sampling.config-type=adaptive";
    assert_eq!(
        warned(&[adaptive, "--sampling.strategies-file=s.json"]),
        ["--sampling.strategies-file: not used: sampling.config-type is adaptive"]
    );
    assert_eq!(
        warned(&["--sampling.delay=1m"]),
        ["--sampling.delay: not used: sampling.config-type is not adaptive"]
    );
    assert_eq!(warned(&[adaptive, "--sampling.delay=1m"]), [""; 0]);
}

#[test]
fn rules_of_sampling_that_make_no_sense_are_named() {
    for (setting, says) in [
        (
            "sampling.config-type=static",
            "\"static\" is unknown: give file or adaptive",
        ),
        (
            "sampling.target-samples-per-second=0",
            "0 is nothing: give more than 0",
        ),
        (
            "sampling.delta-tolerance=-1",
            "-1 is no amount: give 0 or more",
        ),
        ("sampling.buckets-for-calculation=0", "give 1 or more"),
        (
            "sampling.calculation-interval=0s",
            "0s is no time at all: give more than 0s",
        ),
        (
            "sampling.aggregation-buckets=101",
            "101 are too many: give 100 or fewer",
        ),
        ("sampling.delay=-1s", "-1s is negative: give 0s or more"),
        (
            "sampling.initial-sampling-probability=1.5",
            "1.5 is no share: give 0 to 1",
        ),
        (
            "sampling.min-sampling-probability=-0.1",
            "-0.1 is no share: give 0 to 1",
        ),
        (
            "sampling.min-samples-per-second=-1",
            "-1 is no amount: give 0 or more",
        ),
        (
            "sampling.leader-lease-refresh-interval=60s",
            "60s is not less than sampling.follower-lease-refresh-interval (60s), after which another collector takes the lead: give less",
        ),
    ] {
        let flag = format!("--{setting}");
        let (name, _) = flag.split_once('=').unwrap();
        assert_eq!(
            problems(Role::AllInOne, &[&flag]),
            [format!("{name}: {says}")]
        );
    }
}
