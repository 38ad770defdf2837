//! `spoor store inspect`: says what is in a store.
//!
//! In: a folder. Out: sums by instance, then each file, as tables for people or as JSON; damage that opening the files showed.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use storage::disk::RealDisk;
use storage::embedded::inspect::{Damage, Inspection, OtherFile, Report};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Nanoseconds of a day.
const DAY_NS: u64 = 24 * 3600 * 1_000_000_000;

pub(super) fn run(
    directory: &Path,
    json: bool,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<bool> {
    let report = match Inspection::open(directory, Arc::new(RealDisk)) {
        Ok(inspection) => inspection.report(),
        Err(error) => {
            writeln!(err, "spoor: {error}")?;
            return Ok(false);
        }
    };
    if json {
        writeln!(out, "{:#}", report_json(&report))?;
    } else {
        out.write_all(text(&report).as_bytes())?;
    }
    Ok(report.damage.is_empty())
}

fn text(report: &Report) -> String {
    let format = match report.format {
        Some(version) => format!("format {version}"),
        None => "FORMAT is damaged, the next start writes it anew".to_owned(),
    };
    let manifest = match report.has_manifest {
        true => "manifest whole",
        false => "no manifest",
    };
    let spans = report.instances.iter().map(|i| i.spans).sum();
    let mut out = format!(
        "{}: {format}, {manifest}, {}\n",
        report.directory.display(),
        super::count(spans, "span")
    );
    if let Some(archive) = &report.archive {
        let folder = archive.display();
        out.push_str(&format!(
            "its archive is a store of its own: --embedded.directory={folder}\n"
        ));
    }
    let rows = report.instances.iter().map(|i| {
        vec![
            i.instance.to_string(),
            i.spans.to_string(),
            i.sealed_spans.to_string(),
            (i.spans - i.sealed_spans).to_string(),
            i.segments.to_string(),
            i.segment_bytes.to_string(),
            each(i.segment_bytes, i.sealed_spans),
            moment(i.starts.map(|s| s.0)),
            moment(i.starts.map(|s| s.1)),
        ]
    });
    let head = [
        "instance",
        "spans",
        "sealed",
        "in journal",
        "segments",
        "bytes sealed",
        "bytes a span",
        "first start",
        "last start",
    ];
    section(&mut out, "instances", &head, &rows.collect::<Vec<_>>());
    let rows = report.segments.iter().map(|s| {
        vec![
            s.number.to_string(),
            s.instance.to_string(),
            day(s.day),
            s.spans.to_string(),
            s.traces.to_string(),
            s.bytes.to_string(),
            each(s.bytes, s.spans),
            moment(s.starts.map(|s| s.0)),
            moment(s.starts.map(|s| s.1)),
            format!("{}-{}", s.generations.0, s.generations.1),
        ]
    });
    let head = [
        "number",
        "instance",
        "day",
        "spans",
        "traces",
        "bytes",
        "bytes a span",
        "first start",
        "last start",
        "from journal",
    ];
    section(&mut out, "segments", &head, &rows.collect::<Vec<_>>());
    let rows = report.generations.iter().map(|g| {
        let instances: Vec<_> = g.instances.iter().map(ToString::to_string).collect();
        vec![
            g.number.to_string(),
            instances.join(","),
            g.spans.to_string(),
            g.traces.to_string(),
            g.dead_letters.to_string(),
            g.bytes.to_string(),
            moment(g.starts.map(|s| s.0)),
            moment(g.starts.map(|s| s.1)),
        ]
    });
    let head = [
        "number",
        "instances",
        "spans",
        "traces",
        "dead letters",
        "bytes",
        "first start",
        "last start",
    ];
    section(
        &mut out,
        "journal, not sealed yet",
        &head,
        &rows.collect::<Vec<_>>(),
    );
    let rows = report.letters.iter().map(|l| {
        vec![
            l.file.display().to_string(),
            l.dead_letters.to_string(),
            l.bytes.to_string(),
        ]
    });
    section(
        &mut out,
        "dead letters",
        &["file", "dead letters", "bytes"],
        &rows.collect::<Vec<_>>(),
    );
    let rows = report.recent_dead_letters.iter();
    let rows = rows.map(|l| vec![l.instance.clone(), l.origin.clone(), l.reason.clone()]);
    section(
        &mut out,
        "last dead letters",
        &["instance", "origin", "reason"],
        &rows.collect::<Vec<_>>(),
    );
    others(
        &mut out,
        "files that do not count: being written, or about to go",
        &report.leftovers,
    );
    others(
        &mut out,
        "damaged files that were set aside",
        &report.set_aside,
    );
    if !report.damage.is_empty() {
        out.push_str("\ndamaged\n");
    }
    for damage in &report.damage {
        out.push_str(&format!("  {damage}\n"));
    }
    out
}

fn others(out: &mut String, title: &str, files: &[OtherFile]) {
    let rows = files.iter();
    let rows = rows.map(|f| vec![f.file.display().to_string(), f.bytes.to_string()]);
    section(out, title, &["file", "bytes"], &rows.collect::<Vec<_>>());
}

/// A table under a title; nothing when it has no rows.
fn section(out: &mut String, title: &str, head: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    out.push_str(&format!("\n{title}\n"));
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::from(" ");
        for ((cell, width), name) in row.iter().zip(&widths).zip(&head) {
            let is_text =
                ["instance", "instances", "file", "origin", "reason"].contains(&name.as_str());
            line.push_str(&match is_text {
                true => format!(" {cell:width$} "),
                false => format!(" {cell:>width$} "),
            });
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn each(bytes: u64, spans: u64) -> String {
    match spans {
        0 => "-".to_owned(),
        _ => format!("{:.1}", bytes as f64 / spans as f64),
    }
}

fn time(ns: u64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(ns)).ok()
}

/// To the second.
fn moment(ns: Option<u64>) -> String {
    let text = ns.and_then(|ns| {
        time(ns / 1_000_000_000 * 1_000_000_000)?
            .format(&Rfc3339)
            .ok()
    });
    text.unwrap_or_else(|| "-".to_owned())
}

fn day(day: u64) -> String {
    let moment = moment(Some(day.saturating_mul(DAY_NS)));
    moment.split('T').next().unwrap_or_default().to_owned()
}

fn exact(ns: Option<u64>) -> Value {
    let text = ns.and_then(|ns| time(ns)?.format(&Rfc3339).ok());
    text.map_or(Value::Null, Value::from)
}

/// A place that is damaged.
pub(super) fn damage_json(damage: &Damage) -> Value {
    json!({
        "file": damage.file.display().to_string(),
        "offset": damage.offset,
        "what": damage.what,
    })
}

/// A row, and at its end when its first and its last span started.
fn with_starts(mut row: Value, starts: Option<(u64, u64)>) -> Value {
    let (first, last) = starts.unzip();
    if let Value::Object(row) = &mut row {
        row.insert("firstStart".to_owned(), exact(first));
        row.insert("lastStart".to_owned(), exact(last));
    }
    row
}

fn report_json(report: &Report) -> Value {
    let other =
        |file: &OtherFile| json!({"file": file.file.display().to_string(), "bytes": file.bytes});
    let instances = report.instances.iter().map(|i| {
        let row = json!({
            "instance": i.instance.as_str(),
            "spans": i.spans,
            "sealedSpans": i.sealed_spans,
            "segments": i.segments,
            "segmentBytes": i.segment_bytes,
        });
        with_starts(row, i.starts)
    });
    let segments = report.segments.iter().map(|s| {
        let row = json!({
            "number": s.number,
            "file": s.file.display().to_string(),
            "instance": s.instance.as_str(),
            "day": day(s.day),
            "firstGeneration": s.generations.0,
            "lastGeneration": s.generations.1,
            "spans": s.spans,
            "traces": s.traces,
            "bytes": s.bytes,
        });
        with_starts(row, s.starts)
    });
    let generations = report.generations.iter().map(|g| {
        let row = json!({
            "number": g.number,
            "file": g.file.display().to_string(),
            "instances": g.instances.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "spans": g.spans,
            "traces": g.traces,
            "deadLetters": g.dead_letters,
            "bytes": g.bytes,
        });
        with_starts(row, g.starts)
    });
    let letters = report.letters.iter().map(|l| {
        json!({"file": l.file.display().to_string(), "deadLetters": l.dead_letters, "bytes": l.bytes})
    });
    let recent = report
        .recent_dead_letters
        .iter()
        .map(|l| json!({"instance": l.instance, "origin": l.origin, "reason": l.reason}));
    json!({
        "directory": report.directory.display().to_string(),
        "format": report.format,
        "archive": report.archive.as_ref().map(|a| a.display().to_string()),
        "manifest": report.has_manifest,
        "instances": instances.collect::<Vec<_>>(),
        "segments": segments.collect::<Vec<_>>(),
        "journal": generations.collect::<Vec<_>>(),
        "deadLetters": letters.collect::<Vec<_>>(),
        "lastDeadLetters": recent.collect::<Vec<_>>(),
        "leftovers": report.leftovers.iter().map(other).collect::<Vec<_>>(),
        "setAside": report.set_aside.iter().map(other).collect::<Vec<_>>(),
        "damage": report.damage.iter().map(damage_json).collect::<Vec<_>>(),
    })
}
