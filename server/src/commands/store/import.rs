//! `spoor store import`: takes traces in.
//!
//! In: files of OTLP JSON lines, or of Jaeger's JSON. Out: their spans in the store, durable; a line for each part that was bad, by file and
//! line; true when there was none. The folder is locked meanwhile.

mod read;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use model::{Batch, Instance, Span, sanitize};
use storage::disk::RealDisk;
use storage::embedded::{self, Embedded};
use storage::{Backend as _, TraceWriter, WriteError};
use tokio::time::Instant;
use wire::{DecodeError, Decoded};

use super::progress::Progress;
use crate::cli::{Dump, Import};
use crate::logs;

/// Spans are written once so many bytes of text were read.
const BATCH_BYTES: usize = 4 << 20;
/// How long a store may refuse to take any before the import ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many bad places are named; the others are counted.
const NAMED: u64 = 100;

/// Takes spans in.
struct Importer<'a, E> {
    writer: Arc<dyn TraceWriter>,
    instance: Instance,
    format: Dump,
    bar: &'a Progress,
    err: &'a mut E,
    pending: Vec<Span>,
    pending_bytes: usize,
    /// Where the pending spans came from: up to which of them, and the place.
    places: Vec<(usize, String)>,
    spans: u64,
    bad: u64,
}

/// Why an import ends early.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    /// The store takes nothing.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file cannot be read.
    #[error("could not read {file}: {error}")]
    Read { file: String, error: io::Error },
    /// Nobody can be told.
    #[error(transparent)]
    Tell(#[from] io::Error),
}

pub(super) fn run(import: &Import, err: &mut impl Write) -> io::Result<bool> {
    // what the store has to say is said in lines for a person
    let encoding = "console".parse().unwrap_or(logs::Encoding::Json);
    logs::start(logs::Level::Warn, encoding);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    runtime.block_on(run_in(import, err))
}

async fn run_in(import: &Import, err: &mut impl Write) -> io::Result<bool> {
    let config = super::opened_as(&import.embedded, import.memory_max_bytes);
    let store = match Embedded::open(config, Arc::new(RealDisk)) {
        Ok(store) => store,
        Err(error) => {
            let hint = match error {
                embedded::OpenError::InUse { .. } => {
                    "; a running Spoor takes OTLP at its port 4318 instead"
                }
                _ => "",
            };
            writeln!(err, "spoor: {error}{hint}")?;
            return Ok(false);
        }
    };
    let bar = read::progress(&import.files);
    let mut importer = Importer {
        writer: store.writer(),
        instance: import.instance.clone(),
        format: import.format,
        bar: &bar,
        err,
        pending: Vec::new(),
        pending_bytes: 0,
        places: Vec::new(),
        spans: 0,
        bad: 0,
    };
    let ended = importer.files(&import.files).await;
    bar.end();
    let Importer { spans, bad, .. } = importer;
    let retired = store.retired_spans();
    store.close().await;
    let failed = ended.is_err();
    if let Err(error) = ended {
        writeln!(err, "spoor: {error}")?;
    }
    if retired > 0 {
        writeln!(
            err,
            "{} were let go meanwhile, the oldest: see embedded.max-bytes, embedded.min-free-bytes and embedded.max-age",
            super::count(retired, "span")
        )?;
    }
    writeln!(
        err,
        "imported {} into {} of {}{}{}",
        super::count(spans, "span"),
        import.instance,
        import.embedded.directory.display(),
        match bad {
            0 => String::new(),
            bad => format!("; {bad} bad, left out"),
        },
        if failed {
            "; the rest was not read"
        } else {
            ""
        },
    )?;
    Ok(!failed && bad == 0)
}

// === impl Importer ===

impl<E: Write> Importer<'_, E> {
    async fn files(&mut self, files: &[String]) -> Result<(), ImportError> {
        for file in files {
            let input = read::open(file, self.bar).map_err(|error| ImportError::Read {
                file: file.clone(),
                error,
            })?;
            match self.format {
                Dump::Otlp => self.otlp(file, input).await?,
                Dump::Jaeger => self.jaeger(file, input).await?,
            }
        }
        self.flush().await
    }

    /// Lines of OTLP JSON.
    async fn otlp(&mut self, file: &str, mut input: read::Input) -> Result<(), ImportError> {
        let mut lines = read::Lines::new(&mut input);
        while let Some((line, text)) = lines.next().map_err(|error| ImportError::Read {
            file: file.to_owned(),
            error,
        })? {
            let text = Bytes::from(text);
            let decoded = wire::otlp::line::decode(&text);
            self.take(format!("{file}:{line}"), text.len(), decoded)
                .await?;
        }
        Ok(())
    }

    /// Traces of Jaeger's API.
    async fn jaeger(&mut self, file: &str, input: read::Input) -> Result<(), ImportError> {
        use wire::jaeger::ui::{self, PieceError, Pieces};
        let mut pieces = Pieces::new(input);
        loop {
            match pieces.next_piece() {
                Ok(Some(piece)) => {
                    let decoded = ui::decode(&piece.json);
                    let place = format!("{file}:{}", piece.line);
                    self.take(place, piece.json.len(), decoded).await?;
                }
                Ok(None) => return Ok(()),
                Err(PieceError::Text { line, what }) => {
                    self.bad(&format!("{file}:{line}"), what)?;
                    return Ok(());
                }
                Err(PieceError::Io(error)) => {
                    let file = file.to_owned();
                    return Err(ImportError::Read { file, error });
                }
            }
        }
    }

    async fn take(
        &mut self,
        place: String,
        bytes: usize,
        decoded: Result<Decoded, DecodeError>,
    ) -> Result<(), ImportError> {
        let decoded = match decoded {
            Ok(decoded) => decoded,
            Err(error) => return Ok(self.bad(&place, &error.to_string())?),
        };
        for rejected in &decoded.rejected {
            self.bad(&place, &rejected.reason)?;
        }
        self.pending.extend(decoded.spans);
        self.pending_bytes += bytes;
        self.places.push((self.pending.len(), place));
        if self.pending_bytes >= BATCH_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// Makes what was read durable.
    async fn flush(&mut self) -> Result<(), ImportError> {
        let mut spans = std::mem::take(&mut self.pending);
        let bytes = std::mem::take(&mut self.pending_bytes);
        let places = std::mem::take(&mut self.places);
        if spans.is_empty() {
            return Ok(());
        }
        sanitize::spans(&mut spans);
        let count = spans.len() as u64;
        let batch = Batch::new(self.instance.clone(), spans, bytes);
        match self.write(&batch).await {
            Ok(()) => self.spans += count,
            Err(WriteError::Rejected(spans)) => {
                self.spans += count - spans.len() as u64;
                for span in spans {
                    let place = places.iter().find(|(until, _)| span.at < *until);
                    let place = place.map(|(_, place)| place.as_str()).unwrap_or_default();
                    self.bad(place, &format!("a span can not be stored: {}", span.reason))?;
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn write(&self, batch: &Batch) -> Result<(), WriteError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.writer.write(batch.clone()).await {
                Err(WriteError::Throttled { after, .. }) if Instant::now() + after < until => {
                    tokio::time::sleep(after).await;
                }
                other => return other,
            }
        }
    }

    fn bad(&mut self, place: &str, reason: &str) -> io::Result<()> {
        self.bad += 1;
        if self.bad > NAMED {
            return Ok(());
        }
        let more = match self.bad {
            NAMED => "\nthere are more: from here on they are only counted",
            _ => "",
        };
        let Self { bar, err, .. } = self;
        bar.beside(|| writeln!(err, "{place}: {reason}{more}"))
    }
}
