//! `spoor store verify`: reads all of a store.
//!
//! In: a folder. Out: what was read, and each damage on a line of its own; true when there is none.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use storage::disk::RealDisk;
use storage::embedded::inspect;

use super::inspect::damage_json;
use super::progress::{Progress, Unit};

pub(super) fn run(
    directory: &Path,
    json: bool,
    out: &mut impl Write,
    err: &mut impl Write,
) -> io::Result<bool> {
    let bar = Progress::of("verifying", Some(0), Unit::Bytes, false);
    let verified = inspect::verify(directory, Arc::new(RealDisk), &mut |progress| {
        bar.at_of(progress.done, progress.all);
    });
    bar.end();
    let found = match verified {
        Ok(found) => found,
        Err(error) => {
            writeln!(err, "spoor: {error}")?;
            return Ok(false);
        }
    };
    let is_whole = found.damage.is_empty();
    if json {
        let report = json!({
            "directory": directory.display().to_string(),
            "files": found.files,
            "bytes": found.bytes,
            "spans": found.spans,
            "deadLetters": found.dead_letters,
            "damage": found.damage.iter().map(damage_json).collect::<Vec<_>>(),
        });
        writeln!(out, "{report:#}")?;
        return Ok(is_whole);
    }
    for damage in &found.damage {
        writeln!(out, "damaged: {damage}")?;
    }
    writeln!(
        out,
        "{}: {} of {} read, {} and {} decoded: {}",
        directory.display(),
        super::count(found.bytes, "byte"),
        super::count(found.files, "file"),
        super::count(found.spans, "span"),
        super::count(found.dead_letters, "dead letter"),
        match found.damage.len() {
            0 => "all is as it was written".to_owned(),
            places => format!("{} damaged", super::count(places as u64, "place")),
        }
    )?;
    Ok(is_whole)
}
