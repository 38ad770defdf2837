//! Whether the process is up: starting, ready, stopping.
//!
//! In: two events, "ready" and "stopping". Out: Jaeger's health body. No clock is read here; moments come in. Source: Jaeger v1.76
//! `internal/healthcheck`, without its two faults (quirk 37: being ready twice forgot since when).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Go's zero time, which Jaeger shows while it is not up.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// One moment by both clocks: one to show, one that never jumps.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// To show.
    pub wall: OffsetDateTime,
    /// To measure from.
    pub instant: Instant,
}

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        Self {
            wall: OffsetDateTime::now_utc(),
            instant: Instant::now(),
        }
    }
}

/// The state of the process. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy, Default)]
enum State {
    #[default]
    Starting,
    Ready(Moment),
    Stopping,
}

impl Health {
    /// Every listener listens. Said twice, the first moment stays; said after [`stopping`](Self::stopping), nothing changes.
    pub fn ready(&self, at: Moment) {
        self.change(|state| {
            if let State::Starting = state {
                State::Ready(at)
            } else {
                state
            }
        });
    }

    /// The end has begun; there is no way back.
    pub fn stopping(&self) {
        self.change(|_| State::Stopping);
    }

    fn change(&self, to: impl FnOnce(State) -> State) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = to(*state);
    }

    fn state(&self) -> State {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why it is not up, if it is not.
    pub fn why_not(&self) -> Option<&'static str> {
        match self.state() {
            State::Starting => Some("starting"),
            State::Ready(_) => None,
            State::Stopping => Some("stopping"),
        }
    }

    /// The answer to a probe at `now`.
    pub fn answer(&self, now: Instant) -> Answer {
        match self.state() {
            State::Ready(since) => Answer {
                status: StatusCode::OK,
                body: Body {
                    status: "Server available",
                    up_since: since
                        .wall
                        .format(&Rfc3339)
                        .unwrap_or_else(|_| NEVER.to_owned()),
                    uptime: uptime(since.instant, now),
                },
            },
            State::Starting | State::Stopping => Answer {
                status: StatusCode::SERVICE_UNAVAILABLE,
                body: Body {
                    status: "Server not available",
                    up_since: NEVER.to_owned(),
                    uptime: String::new(),
                },
            },
        }
    }
}

fn uptime(since: Instant, now: Instant) -> String {
    let ns = now.saturating_duration_since(since).as_nanos();
    settings::format_ns(i64::try_from(ns).unwrap_or(i64::MAX))
}

/// What a probe hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    status: &'static str,
    up_since: String,
    uptime: String,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let body = serde_json::to_string(&self.body).unwrap_or_default();
        (self.status, [(CONTENT_TYPE, "application/json")], body).into_response()
    }
}
