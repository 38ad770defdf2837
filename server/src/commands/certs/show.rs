//! `spoor certs show`: what is there.
//!
//! In: a row for each certificate. Out: a table for people, or a list as JSON. A chain takes a row for each of its certificates.

use std::io::{self, Write};

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use trust::Row;

use crate::cli::Output;

pub(super) fn run(rows: &[Row], output: Output, out: &mut impl Write) -> io::Result<()> {
    match output {
        Output::Text => out.write_all(table(rows).as_bytes()),
        Output::Json => {
            let rows = rows.iter().map(|row| {
                json!({
                    "file": row.path.display().to_string(),
                    "subject": row.facts.subject,
                    "names": row.facts.names,
                    "serial": row.facts.serial,
                    "issuer": row.facts.issuer,
                    "notBefore": moment(row.facts.begins),
                    "notAfter": moment(row.facts.ends),
                    "fingerprint": row.fingerprint,
                })
            });
            writeln!(out, "{:#}", rows.collect::<serde_json::Value>())
        }
    }
}

fn table(rows: &[Row]) -> String {
    let head = [
        "file", "subject", "serial", "issuer", "ends", "SHA-256", "names",
    ];
    let cells = |row: &Row| {
        [
            row.path.display().to_string(),
            row.facts.subject.clone(),
            row.facts.serial.clone(),
            row.facts.issuer.clone(),
            moment(row.facts.ends),
            row.fingerprint.clone(),
            row.facts.names.join(" "),
        ]
    };
    let head = head.map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(head)
        .chain(rows.iter().map(cells))
        .collect();
    let mut widths = [0; 7];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut out = String::new();
    for line in &lines {
        let cells = line
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

/// To the second, in UTC.
fn moment(seconds: i64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(seconds).ok();
    let text = moment.and_then(|moment| moment.format(&Rfc3339).ok());
    text.unwrap_or_else(|| seconds.to_string())
}
