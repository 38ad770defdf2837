//! What the program says about itself: one line an event, on standard error.
//!
//! In: events of every room. Out: zap's JSON, which people who ran Jaeger already parse (`level`, `ts`, `msg`, then the event's fields), or text for a person,
//! coloured only on a terminal. Whatever a field holds, a line stays one line. Secrets are starred where they are held: nothing is searched for here.
//! Source: Jaeger v1.76 `--log-level`, `--log-encoding`; zap's production encoder.

mod format;

use std::io::IsTerminal;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

pub use format::Encoding;

/// The rooms, whose events are ours; other crates are heard from `info` on.
const ROOMS: &[&str] = &[
    "model",
    "wire",
    "settings",
    "listen",
    "storage",
    "collector",
    "query",
    "server",
    "spoor",
];

/// The least important level that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// Everything.
    Debug,
    /// What an operator wants to know of.
    #[default]
    Info,
    /// What may need a look.
    Warn,
    /// What needs one; zap's `dpanic`, `panic` and `fatal` mean this as well.
    Error,
}

/// A word that is not a level or an encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not known: it can be {valid}")]
pub struct Unknown {
    value: String,
    valid: &'static str,
}

impl FromStr for Level {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        match word.to_ascii_lowercase().as_str() {
            "debug" => Ok(Self::Debug),
            "" | "info" => Ok(Self::Info),
            "warn" | "warning" => Ok(Self::Warn),
            "error" | "dpanic" | "panic" | "fatal" => Ok(Self::Error),
            _ => Err(Unknown {
                value: word.to_owned(),
                valid: "debug, info, warn, error, dpanic, panic or fatal",
            }),
        }
    }
}

impl FromStr for Encoding {
    type Err = Unknown;

    fn from_str(word: &str) -> Result<Self, Unknown> {
        match word {
            "" | "json" => Ok(Self::Json),
            "console" => Ok(Self::Console {
                colours: std::io::stderr().is_terminal(),
            }),
            _ => Err(Unknown {
                value: word.to_owned(),
                valid: "json or console",
            }),
        }
    }
}

/// From here on every event is written, and a panic is an event. To be called once; later calls change nothing.
pub fn start(level: Level, encoding: Encoding) {
    let layer = tracing_subscriber::fmt::layer()
        .event_format(format::Lines(encoding))
        .with_writer(std::io::stderr);
    if tracing_subscriber::registry()
        .with(layer)
        .with(filter(level))
        .try_init()
        .is_ok()
    {
        std::panic::set_hook(Box::new(|panic| {
            let message = panic.payload_as_str().unwrap_or("a panic without text");
            let place = panic
                .location()
                .map(ToString::to_string)
                .unwrap_or_default();
            tracing::error!(place, message, "a task panicked");
        }));
    }
}

fn filter(level: Level) -> Targets {
    let ours = match level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    Targets::new()
        .with_default(ours.min(LevelFilter::INFO))
        .with_targets(ROOMS.iter().map(|&room| (room, ours)))
}

#[cfg(test)]
mod tests;
