//! What is logged, and how.
//!
//! In: `log-level` and `log-encoding` with zap's words, as in Jaeger. Out: the two. It writes nothing.

use super::check::Check;

/// What is logged, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logs {
    /// The least severe line that is written.
    pub level: Level,
    /// The form of a line.
    pub encoding: Encoding,
}

/// How severe a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// For developers.
    Debug,
    /// What happens in normal running.
    Info,
    /// What an operator should look at.
    Warn,
    /// What failed.
    Error,
}

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// One object a line.
    Json,
    /// For people.
    Console,
}

// === impl Logs ===

impl Logs {
    pub(super) fn check(check: &mut Check<'_>) -> Self {
        let level = match check
            .settings
            .text("log-level")
            .to_ascii_lowercase()
            .as_str()
        {
            "debug" => Level::Debug,
            "info" | "" => Level::Info,
            "warn" => Level::Warn,
            // zap has three above error; a program that does not panic has none.
            "error" | "dpanic" | "panic" | "fatal" => Level::Error,
            other => {
                check.wrong(
                    "log-level",
                    format!("\"{other}\" is no level: give debug, info, warn or error"),
                );
                Level::Info
            }
        };
        let encoding = match check.settings.text("log-encoding") {
            "json" | "" => Encoding::Json,
            "console" => Encoding::Console,
            other => {
                check.wrong(
                    "log-encoding",
                    format!("\"{other}\" is no encoding: give json or console"),
                );
                Encoding::Json
            }
        };
        Self { level, encoding }
    }
}
