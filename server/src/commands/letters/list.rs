//! `spoor dead-letter list`: what could not be stored.
//!
//! In: letters. Out: a line for each, with what it was when its payload opens.

use std::io::Write;

use futures_util::StreamExt as _;
use serde_json::json;
use storage::Buried;
use storage::layers::dead_letter::open;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Failed, queries, reader};
use crate::cli::letters::Wanted;
use crate::commands::store::count;
use crate::config;

pub(super) async fn run(
    config: &config::Letters,
    wanted: &Wanted,
    json: bool,
    out: &mut impl Write,
) -> Result<bool, Failed> {
    let reader = reader(config)?;
    let mut letters: u64 = 0;
    for query in queries(config, wanted) {
        let mut pages = reader.read(&query);
        while let Some(page) = pages.next().await {
            for letter in page.map_err(|error| Failed::Store(error.to_string()))? {
                letters += 1;
                writeln!(
                    out,
                    "{}",
                    if json {
                        as_json(&letter)
                    } else {
                        line(&letter)
                    }
                )?;
            }
        }
    }
    if !json {
        writeln!(out, "{}", count(letters, "dead letter"))?;
    }
    Ok(true)
}

fn line(letter: &Buried) -> String {
    let what = match open(&letter.payload) {
        Ok(span) => format!(
            "trace {} span {} of {}",
            span.trace_id,
            span.span_id,
            span.resource.service_name()
        ),
        Err(error) => format!("{} bytes that are no span ({error})", letter.payload.len()),
    };
    // reasons are others' words
    let reason = letter.reason.replace(['\n', '\r'], " ");
    format!(
        "{} {} {} {what}: {reason}",
        moment(letter.time_ns),
        letter.instance,
        letter.origin
    )
}

fn as_json(letter: &Buried) -> String {
    let span = open(&letter.payload);
    let mut object = json!({
        "id": letter.id,
        "time": moment(letter.time_ns),
        "instance": letter.instance.as_str(),
        "origin": letter.origin,
        "reason": letter.reason,
        "bytes": letter.payload.len(),
    });
    let more = match span {
        Ok(span) => json!({
            "traceID": span.trace_id.to_string(),
            "spanID": span.span_id.to_string(),
            "service": span.resource.service_name(),
            "operation": span.name.as_str(),
        }),
        Err(error) => json!({"unreadable": error.to_string()}),
    };
    if let (Some(object), Some(more)) = (object.as_object_mut(), more.as_object()) {
        object.extend(more.clone());
    }
    object.to_string()
}

fn moment(time_ns: u64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(time_ns));
    let text = moment.ok().and_then(|moment| moment.format(&Rfc3339).ok());
    text.unwrap_or_else(|| time_ns.to_string())
}
