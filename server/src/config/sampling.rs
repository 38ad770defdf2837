//! Remote sampling: what SDKs are told that ask.
//!
//! In: the settings under `sampling.`. Out: a strategies file, or the rules of adaptive sampling. Settings of the one that is not in use are
//! named in a warning. Source: `jaegertracing/jaeger: internal/sampling/samplingstrategy` (`metafactory`, `adaptive/options.go`, `file/options.go`) at v1.76.0.

use std::path::PathBuf;
use std::time::Duration;

use ::collector::sampling::adaptive;
use http::Uri;

use super::check::Check;

/// What SDKs are told that ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// The strategies; none: the probability for all.
    pub file: Option<PathBuf>,
    /// The same at a URL.
    pub url: Option<Uri>,
    /// Who may have signed the certificate of its server; none: the system's authorities.
    pub ca: Option<PathBuf>,
    /// How often the file is looked at; zero: the built-in interval.
    pub reload_interval: Duration,
    /// From 0 to 1.
    pub default_probability: f64,
    /// In place of all that: what was counted.
    pub adaptive: Option<adaptive::Config>,
}

const TYPE: &str = "sampling.config-type";
const FILE: &str = "sampling.strategies-file";
const CA: &str = "sampling.strategies.ca";
const RELOAD_INTERVAL: &str = "sampling.strategies-reload-interval";
const DEFAULT_PROBABILITY: &str = "sampling.default-sampling-probability";
const TARGET: &str = "sampling.target-samples-per-second";
const TOLERANCE: &str = "sampling.delta-tolerance";
const BUCKETS_FOR_CALCULATION: &str = "sampling.buckets-for-calculation";
const INTERVAL: &str = "sampling.calculation-interval";
const BUCKETS: &str = "sampling.aggregation-buckets";
const DELAY: &str = "sampling.delay";
const INITIAL: &str = "sampling.initial-sampling-probability";
const LEAST: &str = "sampling.min-sampling-probability";
const LEAST_SAMPLES: &str = "sampling.min-samples-per-second";
const LEADER: &str = "sampling.leader-lease-refresh-interval";
const FOLLOWER: &str = "sampling.follower-lease-refresh-interval";

const OF_A_FILE: &[&str] = &[FILE, CA, RELOAD_INTERVAL, DEFAULT_PROBABILITY];
const OF_ADAPTIVE: &[&str] = &[
    TARGET,
    TOLERANCE,
    BUCKETS_FOR_CALCULATION,
    INTERVAL,
    BUCKETS,
    DELAY,
    INITIAL,
    LEAST,
    LEAST_SAMPLES,
    LEADER,
    FOLLOWER,
];

/// A leader remembers so many intervals, with all operations in each.
const MOST_BUCKETS: usize = 100;

// === impl Sampling ===

impl Sampling {
    pub(super) fn check(check: &mut Check<'_>) -> Self {
        let adaptive = match check.settings.text(TYPE).trim() {
            "file" => false,
            "adaptive" => true,
            other => {
                let other = other.to_owned();
                check.wrong(
                    TYPE,
                    format!("\"{other}\" is unknown: give file or adaptive"),
                );
                false
            }
        };
        let (unused, why) = if adaptive {
            (OF_A_FILE, "not used: sampling.config-type is adaptive")
        } else {
            (
                OF_ADAPTIVE,
                "not used: sampling.config-type is not adaptive",
            )
        };
        check.warn_unused(unused, why);
        let file = check.settings.text(FILE).trim().to_owned();
        let is_url = file.contains("://");
        let url = if is_url { url(&file, check) } else { None };
        if !is_url {
            check.warn_unused(
                &[CA],
                "not used: sampling.strategies-file is no URL of https",
            );
        }
        let rules = rules(check);
        Self {
            file: Some(PathBuf::from(file)).filter(|path| !path.as_os_str().is_empty() && !is_url),
            url,
            ca: check.settings.path(CA),
            reload_interval: check.time(RELOAD_INTERVAL),
            default_probability: check.share(DEFAULT_PROBABILITY),
            adaptive: adaptive.then_some(rules),
        }
    }
}

/// A URL that can be asked. It is not shown: it may hold a password.
fn url(text: &str, check: &mut Check<'_>) -> Option<Uri> {
    let url = text.parse::<Uri>().ok();
    let url = url.filter(|url| {
        matches!(url.scheme_str(), Some("http" | "https"))
            && url.host().is_some_and(|host| !host.is_empty())
    });
    if url.is_none() {
        check.wrong(
            FILE,
            "it is no URL that can be asked: give one such as https://host/strategies.json, or the path of a file",
        );
    }
    url
}

/// Checked although they may not be in use: they will be wrong then, too.
fn rules(check: &mut Check<'_>) -> adaptive::Config {
    let rules = adaptive::Config {
        target_samples_per_second: check.some_amount(TARGET),
        delta_tolerance: check.amount(TOLERANCE),
        buckets_for_calculation: check.count(BUCKETS_FOR_CALCULATION),
        calculation_interval: check.some_time(INTERVAL),
        aggregation_buckets: check.count(BUCKETS),
        delay: check.time(DELAY),
        initial_probability: check.share(INITIAL),
        min_probability: check.share(LEAST),
        min_samples_per_second: check.amount(LEAST_SAMPLES),
        leader_lease_refresh_interval: check.some_time(LEADER),
        follower_lease_refresh_interval: check.some_time(FOLLOWER),
    };
    if rules.aggregation_buckets > MOST_BUCKETS {
        let buckets = rules.aggregation_buckets;
        check.wrong(
            BUCKETS,
            format!("{buckets} are too many: give {MOST_BUCKETS} or fewer"),
        );
    }
    let leader = rules.leader_lease_refresh_interval;
    let follower = rules.follower_lease_refresh_interval;
    if leader >= follower {
        check.wrong(
            LEADER,
            format!(
                "{leader:?} is not less than {FOLLOWER} ({follower:?}), after which another collector takes the lead: give less"
            ),
        );
    }
    rules
}

#[cfg(test)]
mod tests;
