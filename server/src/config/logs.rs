//! What is logged, and how.
//!
//! In: `log-level` and `log-encoding` with zap's words, as in Jaeger. Out: the two. It writes nothing.

use super::check::Check;
use crate::logs::{Encoding, Level};

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logs {
    /// The least severe line that is written.
    pub level: Level,
    /// The form of a line.
    pub encoding: Encoding,
}

// === impl Logs ===

impl Logs {
    pub(super) fn check(check: &mut Check<'_>) -> Self {
        let level = check.settings.text("log-level").parse();
        let encoding = check.settings.text("log-encoding").parse();
        Self {
            level: level.unwrap_or_else(|error| {
                check.wrong("log-level", error);
                Level::default()
            }),
            encoding: encoding.unwrap_or_else(|error| {
                check.wrong("log-encoding", error);
                Encoding::Json
            }),
        }
    }
}
