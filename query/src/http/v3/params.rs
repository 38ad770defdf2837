//! The parameters of api_v3, in the spelling of 2.20 and in that of 1.76.
//!
//! In: a [`Form`]. Out: searches, windows, ids, or the error of a 400 that names the parameter as it was spelt. Where both spellings are there, that of
//! 2.20 counts. An empty value and a bare name are the same as none.
//!
//! Source: `jaegertracing/jaeger: cmd/query/app/apiv3/http_gateway.go` v1.76.0; `cmd/jaeger/internal/extension/jaegerquery/internal/apiv3:
//! query_parser.go` v2.20.0.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use model::TraceId;
use settings::GoDuration;
use storage::TraceQuery;

use super::error::Error;
use crate::http::form::Form;
use crate::http::{go, tags_json};
use crate::search::{Search, Unsearchable};

/// Names of one parameter, the one of today first.
type Names = [&'static str; 2];

pub(super) const RAW_TRACES: Names = ["rawTraces", "raw_traces"];
pub(super) const QUERY_RAW_TRACES: Names = ["query.rawTraces", "query.raw_traces"];
const START_TIME: Names = ["startTime", "start_time"];
const END_TIME: Names = ["endTime", "end_time"];
const SERVICE_NAME: Names = ["query.serviceName", "query.service_name"];
const OPERATION_NAME: Names = ["query.operationName", "query.operation_name"];
const START_TIME_MIN: Names = ["query.startTimeMin", "query.start_time_min"];
const START_TIME_MAX: Names = ["query.startTimeMax", "query.start_time_max"];
const DURATION_MIN: Names = ["query.durationMin", "query.duration_min"];
const DURATION_MAX: Names = ["query.durationMax", "query.duration_max"];
const SEARCH_DEPTH: [&str; 3] = [
    "query.searchDepth",
    "query.search_depth",
    "query.num_traces",
];
const ATTRIBUTES: &str = "query.attributes";

/// Both alphabets, padded or not.
const BASE64: [GeneralPurpose; 2] = [
    GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING),
    GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING),
];
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// A trace's id: 1 to 32 hex digits, or 8 or 16 bytes in base64.
pub(super) fn id(text: &str) -> Result<TraceId, Error> {
    let wrong = match TraceId::parse(text) {
        Ok(id) => return Ok(id),
        Err(wrong) => wrong,
    };
    let bytes = BASE64.iter().find_map(|engine| engine.decode(text).ok());
    let bytes = bytes.unwrap_or_default();
    if let Ok(whole) = <[u8; 16]>::try_from(bytes.as_slice()) {
        return Ok(TraceId(whole));
    }
    match <[u8; 8]>::try_from(bytes.as_slice()) {
        Ok(low) => Ok(TraceId::from_halves(0, u64::from_be_bytes(low))),
        Err(_) => Err(Error::malformed("trace_id", &wrong.to_string())),
    }
}

/// Where a trace lies, as far as the client said so.
pub(super) fn window(form: &Form) -> Result<(Option<u64>, Option<u64>), Error> {
    Ok((time(form, &START_TIME)?, time(form, &END_TIME)?))
}

/// The first and the last moment of a period; both have to be said.
pub(super) fn period(form: &Form) -> Result<(u64, u64), Error> {
    let required = |names: &Names| {
        let name = spelt(form, names);
        let required = || Error::bad_request(format!("{name} is required"));
        time(form, names)?.ok_or_else(required)
    };
    let (start, end) = (required(&START_TIME)?, required(&END_TIME)?);
    if end <= start {
        let (start, end) = (spelt(form, &START_TIME), spelt(form, &END_TIME));
        return Err(Error::bad_request(format!("{end} must be after {start}")));
    }
    Ok((start, end))
}

/// A truth value; false when not given.
pub(super) fn is_raw(form: &Form, names: &Names) -> Result<bool, Error> {
    match form.first_of(names) {
        None => Ok(false),
        Some((name, text)) => go::parse_bool(text).map_err(|why| Error::malformed(name, &why)),
    }
}

/// A search. With `expressions`, a tag's value may be one.
pub(super) fn search(form: &Form, expressions: bool) -> Result<TraceQuery, Error> {
    let word = |names: &Names| {
        let found = form.first_of(names);
        found.map_or_else(String::new, |(_, text)| text.to_owned())
    };
    let tags = match form.first(ATTRIBUTES) {
        "" => Vec::new(),
        text => tags_json::parse(text).map_err(|why| Error::malformed(ATTRIBUTES, &why))?,
    };
    // which are missing is said before what is wrong with them
    let times = [&START_TIME_MIN, &START_TIME_MAX];
    if times.iter().any(|names| form.first_of(*names).is_none()) {
        return Err(Error::bad_request(required_times(form)));
    }
    let search = Search {
        service: word(&SERVICE_NAME),
        operation: word(&OPERATION_NAME),
        tags,
        start_min_ns: time(form, &START_TIME_MIN)?,
        start_max_ns: time(form, &START_TIME_MAX)?,
        depth: depth(form)?,
        duration_min_ns: duration(form, &DURATION_MIN)?,
        duration_max_ns: duration(form, &DURATION_MAX)?,
    };
    search.query(expressions).map_err(|why| {
        let (min, max) = match why {
            Unsearchable::NoTimes => return Error::bad_request(required_times(form)),
            Unsearchable::Times => (&START_TIME_MIN, &START_TIME_MAX),
            Unsearchable::Durations => (&DURATION_MIN, &DURATION_MAX),
        };
        let (min, max) = (spelt(form, min), spelt(form, max));
        Error::bad_request(match why {
            Unsearchable::Durations => format!("{max} should be greater than {min}"),
            _ => format!("{min} must be before {max}"),
        })
    })
}

/// The parameters of a search in the names of the first API.
pub(super) fn as_first_api(form: &Form) -> Result<Vec<(String, String)>, Error> {
    let mut pairs = Vec::new();
    for (names, name) in [
        (&SERVICE_NAME, "service"),
        (&OPERATION_NAME, "operation"),
        (&DURATION_MIN, "minDuration"),
        (&DURATION_MAX, "maxDuration"),
    ] {
        if let Some((_, text)) = form.first_of(names) {
            pairs.push((name.to_owned(), text.to_owned()));
        }
    }
    for (names, name) in [(&START_TIME_MIN, "start"), (&START_TIME_MAX, "end")] {
        if let Some(ns) = time(form, names)? {
            pairs.push((name.to_owned(), (ns / 1_000).to_string()));
        }
    }
    if let depth @ 1.. = depth(form)? {
        pairs.push(("limit".to_owned(), depth.to_string()));
    }
    match form.first(ATTRIBUTES) {
        "" => {}
        text => pairs.push(("tags".to_owned(), text.to_owned())),
    }
    Ok(pairs)
}

/// In the spelling of the request, which is that of 1.76 unless it has a name that only 2.20 knows.
fn required_times(form: &Form) -> String {
    let all = [
        &SERVICE_NAME,
        &OPERATION_NAME,
        &START_TIME_MIN,
        &START_TIME_MAX,
        &DURATION_MIN,
        &DURATION_MAX,
        &QUERY_RAW_TRACES,
    ];
    let is_today = |[today, _]: &&Names| !form.first(today).is_empty();
    let at = usize::from(!all.iter().copied().any(|names| is_today(&names)));
    let [min, max] = [START_TIME_MIN, START_TIME_MAX].map(|names| *names.get(at).unwrap_or(&""));
    format!("{min} and {max} are required")
}

/// The name that a parameter has in this request; that of today when it is not there.
fn spelt(form: &Form, names: &Names) -> &'static str {
    let [today, _] = names;
    form.first_of(names).map_or(*today, |(name, _)| name)
}

fn time(form: &Form, names: &Names) -> Result<Option<u64>, Error> {
    let Some((name, text)) = form.first_of(names) else {
        return Ok(None);
    };
    let ns = go::parse_time(text).map_err(|why| Error::malformed(name, &why))?;
    Ok(Some(ns))
}

/// Nanoseconds; 0 when not given.
fn duration(form: &Form, names: &Names) -> Result<i64, Error> {
    let Some((name, text)) = form.first_of(names) else {
        return Ok(0);
    };
    let duration = text.parse::<GoDuration>();
    let duration = duration.map_err(|why| Error::malformed(name, &why.to_string()))?;
    Ok(duration.as_ns())
}

/// 0 when not given.
fn depth(form: &Form) -> Result<i64, Error> {
    let Some((name, text)) = form.first_of(&SEARCH_DEPTH) else {
        return Ok(0);
    };
    let depth = match name {
        "query.num_traces" => go::parse_int_as("Atoi", text, 64),
        _ => go::parse_int_as("ParseUint", text, 64).and_then(|depth| match depth {
            0..=0xffff_ffff => Ok(depth),
            _ => Err(format!(
                "strconv.ParseUint: parsing {}: {}",
                go::quote(text),
                if depth < 0 {
                    "invalid syntax"
                } else {
                    "value out of range"
                }
            )),
        }),
    };
    depth.map_err(|why| Error::malformed(name, &why))
}

#[cfg(test)]
mod tests;
