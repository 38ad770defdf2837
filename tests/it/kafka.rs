//! Real Kafka brokers, and who else speaks to them. One module a subject.

mod brokers;
mod group;
mod line;
mod members;
mod port;
mod secure;
mod storm;
mod streaming;
mod takeover;
mod topics;

use std::time::{Duration, Instant};

/// Asks until there is something, at most a minute: a machine that does much else takes its time to begin.
#[track_caller]
fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < until, "{what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
