//! How long a request may take: Envoy, Jaeger's clients and the OpenTelemetry Collector give up after 5 s, so we answer before that.
//!
//! In: when the request began, and its `grpc-timeout`. Out: the instants at which to stop reading, and to stop waiting for the store.

use std::time::Duration;

use http::HeaderMap;
use tokio::time::Instant;

/// What the store gets at least when the body came slowly.
const LEAST: Duration = Duration::from_secs(1);

/// The limits of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    began: Instant,
    /// The sender's own, less the margin.
    sender: Option<Instant>,
    write_timeout: Duration,
}

// === impl Deadline ===

impl Deadline {
    /// For a request that begins now.
    pub(crate) fn new(headers: &HeaderMap, write_timeout: Duration) -> Self {
        let began = Instant::now();
        let sender = listen::grpc::patience(headers).and_then(|waits| began.checked_add(waits));
        Self {
            began,
            sender,
            write_timeout,
        }
    }

    /// When to stop reading; `None`: the listener's own limits are enough.
    pub(crate) fn read(&self) -> Option<Instant> {
        self.sender
    }

    /// When to stop waiting for the store, asked once the body was read.
    pub(crate) fn write(&self) -> Instant {
        let ours =
            (self.began + self.write_timeout).max(Instant::now() + LEAST.min(self.write_timeout));
        self.sender.map_or(ours, |sender| sender.min(ours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(timeout: &str) -> Duration {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", timeout.parse().unwrap());
        let deadline = Deadline::new(&headers, Duration::from_secs(4));
        deadline.write().duration_since(deadline.began)
    }

    #[tokio::test(start_paused = true)]
    async fn the_sooner_of_ours_and_the_senders_counts() {
        for (timeout, millis) in [
            ("5S", 4000),
            ("1H", 4000),
            ("99999999H", 4000),
            ("1S", 800),
            ("4100m", 3900),
            ("300m", 150),
            ("100000u", 50),
            ("", 4000),
            ("x", 4000),
            ("123456789S", 4000),
            ("-1S", 4000),
        ] {
            assert_eq!(left(timeout), Duration::from_millis(millis), "{timeout}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_body_leaves_the_store_a_second() {
        let deadline = Deadline::new(&HeaderMap::new(), Duration::from_secs(4));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(
            deadline.write().duration_since(Instant::now()),
            Duration::from_secs(1)
        );
    }
}
