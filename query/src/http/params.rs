//! The parameters of a search and of a look-up, checked in Jaeger's order and refused with Jaeger's sentences.
//!
//! In: a [`Form`]. Out: [`Search`], [`Window`] or the sentence of a 400. An empty value and a bare name are the same as none.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/query_parser.go` v1.76.0.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::TraceId;
use settings::GoDuration;
use storage::query::language;
use storage::{Filter, TraceQuery};

use super::form::Form;
use super::page_params::Paging;
use super::{go, tags_json};
use crate::search;

/// How far a search without `start` looks back.
const LOOKBACK: Duration = Duration::from_secs(48 * 3600);
const DEPENDENCY_LOOKBACK_MS: u64 = 24 * 3600 * 1000;

/// What `/api/traces` asks for.
#[derive(Debug)]
pub(super) struct Search {
    /// The search; its limit is what the client wrote.
    pub(super) query: TraceQuery,
    /// When there are any, these are got and the search is not made.
    pub(super) ids: Vec<TraceId>,
    /// Where these ids lie.
    pub(super) window: Window,
    /// Leave the adjusters out.
    pub(super) raw: bool,
    /// Whether the answer says where the next page begins, and by what it is known.
    pub(super) paging: Paging,
}

/// Where a trace lies, as far as the client said so; nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start_ns: Option<u64>,
    pub(super) end_ns: Option<u64>,
}

/// A period, nanoseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
}

// === impl Search ===

impl Search {
    /// Reads a search. With `expressions`, a tag's value may be one.
    pub(super) fn parse(form: &Form, now: SystemTime, expressions: bool) -> Result<Self, String> {
        Self::read(form, now, expressions, true)
    }

    /// The same of who need not name a service.
    pub(super) fn parse_of_any(
        form: &Form,
        now: SystemTime,
        expressions: bool,
    ) -> Result<Self, String> {
        Self::read(form, now, expressions, false)
    }

    fn read(
        form: &Form,
        now: SystemTime,
        expressions: bool,
        wants_service: bool,
    ) -> Result<Self, String> {
        let window = Window::parse(form)?;
        let tags = tags(form)?;
        let depth = match form.first("limit") {
            "" => 0,
            text => go::parse_int(text, 32)?,
        };
        let duration_min_ns = duration(form, "minDuration")?;
        let duration_max_ns = duration(form, "maxDuration")?;
        let mut ids = Vec::new();
        for text in form.all("traceID") {
            let id = TraceId::parse(text)
                .map_err(|error| format!("cannot parse traceID param: {error}"))?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let raw = raw(form)?;
        let said = match form.first("q") {
            "" => None,
            text => Some(language::parse(text).map_err(|why| unable("q", &why.to_string()))?),
        };

        let service = form.first("service");
        if wants_service && ids.is_empty() && service.is_empty() && said.is_none() {
            return Err("parameter 'service' is required".to_owned());
        }
        if duration_min_ns != 0 && duration_max_ns != 0 && duration_max_ns < duration_min_ns {
            return Err("'maxDuration' should be greater than 'minDuration'".to_owned());
        }
        let search = search::Search {
            service: service.to_owned(),
            operation: form.first("operation").to_owned(),
            tags,
            duration_min_ns,
            duration_max_ns,
            depth,
            ..search::Search::default()
        };
        let start_ns = window.start_ns.unwrap_or_else(|| ns(now - LOOKBACK));
        let end_ns = window.end_ns.unwrap_or_else(|| ns(now));
        let mut query = search.between(start_ns, end_ns, expressions);
        if let Some(said) = said {
            query.filter = Filter::And(vec![query.filter, said]);
        }
        let paging = Paging::parse(form, &mut query)?;
        Ok(Self {
            query,
            ids,
            window,
            raw,
            paging,
        })
    }
}

// === impl Window ===

impl Window {
    /// Reads `start` and `end`.
    pub(super) fn parse(form: &Form) -> Result<Self, String> {
        Ok(Self {
            start_ns: time(form, "start", 1_000)?,
            end_ns: time(form, "end", 1_000)?,
        })
    }
}

// === impl Period ===

impl Period {
    /// Reads `endTs` and `lookback`, of the dependencies.
    pub(super) fn parse(form: &Form, now: SystemTime) -> Result<Self, String> {
        let end_ns = time(form, "endTs", 1_000_000)?.unwrap_or_else(|| ns(now));
        let lookback_ms = milliseconds(form, "lookback")?.unwrap_or(DEPENDENCY_LOOKBACK_MS);
        Ok(Self {
            start_ns: end_ns.saturating_sub(lookback_ms.saturating_mul(1_000_000)),
            end_ns,
        })
    }
}

/// Reads `raw`.
pub(super) fn raw(form: &Form) -> Result<bool, String> {
    truth(form, "raw")
}

/// A truth value; false when not given.
pub(super) fn truth(form: &Form, name: &str) -> Result<bool, String> {
    match form.first(name) {
        "" => Ok(false),
        text => go::parse_bool(text).map_err(|why| unable(name, &why)),
    }
}

/// A number of milliseconds that is not negative.
pub(super) fn milliseconds(form: &Form, name: &str) -> Result<Option<u64>, String> {
    let text = form.first(name);
    if text.is_empty() {
        return Ok(None);
    }
    let value = go::parse_int(text, 64).map_err(|why| unable(name, &why))?;
    match u64::try_from(value) {
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(unable(name, &format!("{value} is negative"))),
    }
}

/// The sentence about a parameter that cannot be read.
pub(super) fn unable(name: &str, why: &str) -> String {
    format!("unable to parse param '{name}': {why}")
}

/// A time since the Unix epoch in units of `unit_ns`; what lies before it is the epoch.
pub(super) fn time(form: &Form, name: &str, unit_ns: u64) -> Result<Option<u64>, String> {
    match form.first(name) {
        "" => Ok(None),
        text => {
            let value = go::parse_int(text, 64).map_err(|why| unable(name, &why))?;
            let value = u64::try_from(value).unwrap_or(0);
            Ok(Some(value.saturating_mul(unit_ns)))
        }
    }
}

/// Nanoseconds; 0 when not given.
fn duration(form: &Form, name: &str) -> Result<i64, String> {
    match form.first(name) {
        "" => Ok(0),
        text => match (text.parse::<GoDuration>(), with_exponent(text)) {
            (Ok(duration), _) => Ok(duration.as_ns()),
            (Err(_), Some(ns)) => Ok(ns),
            (Err(why), None) => Err(unable(name, &why.to_string())),
        },
    }
}

/// Nanoseconds of a number with an exponent and one unit, as Kiali 1.24 prints them: `2e+03ms`. Jaeger refuses those.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn with_exponent(text: &str) -> Option<i64> {
    let at = text.rfind(|c: char| c.is_ascii_digit())? + 1;
    let (number, unit) = text.split_at_checked(at)?;
    let value: f64 = number.parse().ok().filter(|_| number.contains('e'))?;
    let unit: GoDuration = format!("1{unit}").parse().ok()?;
    let ns = value * unit.as_ns() as f64;
    (0.0..i64::MAX as f64).contains(&ns).then_some(ns as i64)
}

/// All of `tag` and `tags`; of equal keys the last counts.
fn tags(form: &Form) -> Result<Vec<(String, String)>, String> {
    let mut wanted: Vec<(String, String)> = Vec::new();
    let mut want = |key: &str, value: String| match wanted.iter_mut().find(|(k, _)| k == key) {
        Some(found) => found.1 = value,
        None => wanted.push((key.to_owned(), value)),
    };
    for text in form.all("tag") {
        match text.split_once(':') {
            Some((key, value)) => want(key, value.to_owned()),
            None => {
                return Err(format!(
                    "malformed 'tag' parameter, expecting key:value, received: {text}"
                ));
            }
        }
    }
    for text in form.all("tags") {
        let pairs = tags_json::parse(text)
            .map_err(|why| format!("malformed 'tags' parameter, cannot unmarshal JSON: {why}"))?;
        for (key, value) in pairs {
            want(&key, value);
        }
    }
    Ok(wanted)
}

/// Nanoseconds since the Unix epoch.
pub(super) fn ns(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
