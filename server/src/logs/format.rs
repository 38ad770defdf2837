//! One event, one line.
//!
//! In: an event. Out: JSON or text. Control characters in a field, which a stranger may have sent, are escaped in both.

use std::fmt::{self, Write};

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// An object a line, as zap writes it.
    Json,
    /// For a person.
    Console {
        /// The level is coloured.
        colours: bool,
    },
}

/// Writes events as lines of one encoding.
pub(super) struct Lines(pub(super) Encoding);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut said = Said::default();
        event.record(&mut said);
        let meta = event.metadata();
        let line = match self.0 {
            Encoding::Json => json(now(), *meta.level(), meta.target(), said),
            Encoding::Console { colours } => console(now(), *meta.level(), colours, &said)?,
        };
        writeln!(writer, "{line}")
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// An event's message and fields.
#[derive(Default)]
pub(super) struct Said {
    pub(super) message: String,
    pub(super) fields: Map<String, Value>,
}

impl Said {
    fn keep(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
        } else {
            self.fields.insert(field.name().to_owned(), value);
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, Value::String(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.keep(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.keep(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.keep(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.keep(field, value.into());
    }
}

/// `{"level":"info","ts":1700000000.123,"room":"listen","msg":"…",…}`. A field never replaces one of these four.
pub(super) fn json(at: OffsetDateTime, level: Level, target: &str, said: Said) -> String {
    let mut line = Map::new();
    line.insert(
        "level".to_owned(),
        level.as_str().to_ascii_lowercase().into(),
    );
    line.insert(
        "ts".to_owned(),
        (at.unix_timestamp_nanos() as f64 / 1e9).into(),
    );
    line.insert(
        "room".to_owned(),
        target.split("::").next().unwrap_or_default().into(),
    );
    line.insert("msg".to_owned(), said.message.into());
    for (name, value) in said.fields {
        let name = if line.contains_key(&name) {
            format!("{name}_")
        } else {
            name
        };
        line.insert(name, value);
    }
    Value::Object(line).to_string()
}

/// `2026-01-02T03:04:05.678Z WARN a sentence name=value other="two words"`
pub(super) fn console(
    at: OffsetDateTime,
    level: Level,
    colours: bool,
    said: &Said,
) -> Result<String, fmt::Error> {
    let mut line = at
        .replace_millisecond(at.millisecond())
        .unwrap_or(at)
        .format(&Rfc3339)
        .map_err(|_| fmt::Error)?;
    let (on, off) = match (colours, level) {
        (false, _) => ("", ""),
        (true, Level::ERROR) => ("\u{1b}[31m", "\u{1b}[0m"),
        (true, Level::WARN) => ("\u{1b}[33m", "\u{1b}[0m"),
        (true, Level::INFO) => ("\u{1b}[32m", "\u{1b}[0m"),
        (true, _) => ("\u{1b}[2m", "\u{1b}[0m"),
    };
    write!(line, " {on}{level:<5}{off} ")?;
    escape(&mut line, &said.message);
    for (name, value) in &said.fields {
        write!(line, " {name}=")?;
        match value {
            Value::String(words)
                if words.is_empty()
                    || words.contains([' ', '"', '='])
                    || words.contains(char::is_control) =>
            {
                write!(line, "{words:?}")?;
            }
            Value::String(word) => line.push_str(word),
            other => write!(line, "{other}")?,
        }
    }
    Ok(line)
}

fn escape(line: &mut String, text: &str) {
    for character in text.chars() {
        if character.is_control() {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
}
