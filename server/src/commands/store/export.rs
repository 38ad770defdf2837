//! `spoor store export`: writes traces out.
//!
//! In: a store, and which of its traces. Out: OTLP JSON, a message of one trace a line, or one JSON object of Jaeger's with all of them.
//! A trace at a time is in memory; of one that is long, in OTLP, a part.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::sync::Arc;

use model::Instance;
use storage::disk::RealDisk;
use storage::embedded::inspect::{Inspection, Traces};

use super::progress::{Progress, Unit};
use crate::cli::{Dump, Export};

/// Spans of one line at most.
const LINE_SPANS: usize = 4096;
/// How much is gathered before it is written.
const WRITE_BYTES: usize = 256 << 10;

/// What was written.
#[derive(Default)]
struct Written {
    traces: u64,
    spans: u64,
}

pub(super) fn run(export: &Export, out: &mut impl Write, err: &mut impl Write) -> io::Result<bool> {
    let (inspection, instance) = match open(export) {
        Ok(opened) => opened,
        Err(reason) => {
            writeln!(err, "spoor: {reason}")?;
            return Ok(false);
        }
    };
    let mut traces = inspection.traces(&instance, export.selection.clone());
    let shares = export.output.is_none() && io::stdout().is_terminal();
    let bar = Progress::of("exporting", Some(traces.rows()), Unit::Things, shares);
    let written = match &export.output {
        None => write(&mut traces, export.format, &bar, out)?,
        Some(path) => {
            let mut to_file = || {
                let mut file = File::create(path)?;
                let written = write(&mut traces, export.format, &bar, &mut file)?;
                file.sync_all()?;
                Ok::<_, io::Error>(written)
            };
            match to_file() {
                Ok(written) => written,
                Err(error) => {
                    bar.end();
                    writeln!(err, "spoor: could not write {}: {error}", path.display())?;
                    return Ok(false);
                }
            }
        }
    };
    bar.end();
    let damage = || inspection.damage().iter().chain(traces.damage());
    for one in damage() {
        writeln!(err, "damaged: {one}")?;
    }
    writeln!(
        err,
        "exported {} in {} of {instance}{}",
        super::count(written.spans, "span"),
        super::count(written.traces, "trace"),
        match damage().count() {
            0 => "",
            _ => "; what is damaged was left out: spoor store verify says more",
        }
    )?;
    Ok(damage().next().is_none())
}

fn open(export: &Export) -> Result<(Inspection, Instance), String> {
    let inspection = Inspection::open(&export.directory, Arc::new(RealDisk));
    let inspection = inspection.map_err(|error| error.to_string())?;
    let there = inspection.instances();
    let names = || {
        let names: Vec<_> = there.iter().map(Instance::as_str).collect();
        names.join(", ")
    };
    let instance = match (&export.instance, there.as_slice()) {
        (Some(instance), _) if there.contains(instance) || there.is_empty() => instance.clone(),
        (Some(instance), _) => {
            return Err(format!(
                "there is nothing of {instance} in the folder: it holds {}",
                names()
            ));
        }
        (None, []) => Instance::default(),
        (None, [only]) => only.clone(),
        (None, _) => {
            return Err(format!(
                "the folder holds {}: name one with --instance",
                names()
            ));
        }
    };
    Ok((inspection, instance))
}

fn write(
    traces: &mut Traces,
    format: Dump,
    bar: &Progress,
    out: &mut impl Write,
) -> io::Result<Written> {
    let mut out = BufWriter::with_capacity(WRITE_BYTES, out);
    let mut written = Written::default();
    let at_most = match format {
        Dump::Otlp => LINE_SPANS,
        Dump::Jaeger => {
            out.write_all(b"{\"data\":[")?;
            usize::MAX
        }
    };
    while let Some(chunk) = traces.next_chunk(at_most) {
        written.spans += chunk.spans.len() as u64;
        match format {
            Dump::Otlp => {
                out.write_all(&wire::otlp::line::encode(&chunk.spans))?;
                out.write_all(b"\n")?;
            }
            Dump::Jaeger => {
                let comma: &[u8] = if written.traces == 0 { b"\n" } else { b",\n" };
                out.write_all(comma)?;
                out.write_all(&query::http::raw_trace(chunk.spans))?;
            }
        }
        written.traces += u64::from(!chunk.has_more);
        bar.at(traces.passed_rows());
    }
    if format == Dump::Jaeger {
        out.write_all(b"\n]}\n")?;
    }
    out.flush()?;
    Ok(written)
}
