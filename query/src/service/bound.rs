//! How long a request may take, and who says so.
//!
//! In: settings, and what whoever asks says of its patience. Out: the soonest of them, and its words for an answer that came to an end by it.

use std::fmt;
use std::time::Duration;

/// How long a request may take, and who says so.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    /// A setting, by its name.
    Setting(&'static str, Duration),
    /// Whoever asks, who waits no longer than this.
    Client(Duration),
}

// === impl Bound ===

impl Bound {
    pub(super) fn time(self) -> Duration {
        let (Self::Setting(_, time) | Self::Client(time)) = self;
        time
    }

    /// The other, if there is one and it is sooner.
    pub(super) fn or_sooner(self, other: Option<Self>) -> Self {
        other
            .filter(|other| other.time() < self.time())
            .unwrap_or(self)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = settings::GoDuration::from(self.time());
        match self {
            Self::Setting(setting, _) => write!(f, "{setting}={time}"),
            Self::Client(_) => write!(f, "the {time} that the client waits"),
        }
    }
}
