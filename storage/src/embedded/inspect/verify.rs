//! Reads every byte of a store, and says what is not as it was written.
//!
//! In: a folder. Out: damage, with file and offset. Checksums of all blocks and records, that each row decodes to a span, that counts
//! match. Memory holds a record or a row group at a time.

use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::{Damage, Files, Looked, UNKNOWN, journal_damage, letters_damage, look};
use crate::disk::Disk;
use crate::embedded::batch;
use crate::embedded::dead_letters::{Recent, for_each_letter};
use crate::embedded::forgotten::{self, Forgotten};
use crate::embedded::head::{Snapshot, Source};
use crate::embedded::journal::{self, Generation, Kind, Scan};
use crate::embedded::reader::{Fetcher, Located, sealed};
use crate::embedded::segment::{Piece, RowGroup, Segment, row_number};
use crate::embedded::{OpenError, archive};
use crate::layers::dead_letter;

/// Spans are decoded so many at a time.
const ROWS: u32 = 1024;

/// What verifying found.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Files that were read.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Spans that were decoded, equal ones counted each time.
    pub spans: u64,
    /// Dead letters that were read.
    pub dead_letters: u64,
    /// What is damaged.
    pub damage: Vec<Damage>,
}

/// How far it is, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Read.
    pub done: u64,
    /// Of so many.
    pub all: u64,
}

/// Reads all of the store in `directory`, and of its archive. Changes nothing; a running Spoor may work in it. `tell` learns how far it is.
pub fn verify(
    directory: &Path,
    disk: Arc<dyn Disk>,
    tell: &mut dyn FnMut(Progress),
) -> Result<Verified, OpenError> {
    let mut found = verify_one(directory, disk.clone(), tell)?;
    let archive = directory.join(archive::FOLDER);
    match verify_one(&archive, disk, tell) {
        Ok(more) => {
            found.files += more.files;
            found.bytes += more.bytes;
            found.spans += more.spans;
            found.dead_letters += more.dead_letters;
            found.damage.extend(more.damage);
        }
        Err(OpenError::NoStore { .. }) => {}
        Err(error) => found.damage.push(Damage::new(&archive, None, error)),
    }
    Ok(found)
}

fn verify_one(
    directory: &Path,
    disk: Arc<dyn Disk>,
    tell: &mut dyn FnMut(Progress),
) -> Result<Verified, OpenError> {
    let Looked {
        has_format,
        files,
        disk,
        folders,
    } = look(directory, disk)?;
    let mut verifier = Verifier {
        found: Verified {
            damage: files.damage.clone(),
            ..Verified::default()
        },
        tell,
        all: files.bytes(),
    };
    if !has_format {
        let file = directory.join("FORMAT");
        let what = "it is missing or damaged: the next start writes it anew";
        verifier.found.damage.push(Damage::new(&file, None, what));
    }
    for segment in &files.segments {
        verifier.segment(segment);
    }
    for generation in &files.letters {
        let scan = verifier.generation(generation);
        let damage = letters_damage(&generation.path, &scan);
        verifier.found.damage.extend(damage);
    }
    let scans: Vec<Scan> = files
        .generations
        .iter()
        .map(|generation| verifier.generation(generation))
        .collect();
    for generation in files.generations.iter().chain(&files.letters) {
        let list = Forgotten::read(&disk, &folders.letters, generation.number);
        if let Err(error) = list {
            let file = forgotten::path(&folders.letters, generation.number);
            let damage = Damage::new(&file, None, error);
            verifier.found.damage.push(damage);
        }
    }
    let scans = files.generations.iter().zip(&scans);
    let damage = journal_damage(scans.map(|(g, scan)| (g.number, g.path.as_path(), scan)));
    let mut found = verifier.found;
    found.damage.extend(damage);
    Ok(found)
}

struct Verifier<'a> {
    found: Verified,
    tell: &'a mut dyn FnMut(Progress),
    all: u64,
}

// === impl Files ===

impl Files {
    fn bytes(&self) -> u64 {
        let segments = self.segments.iter().map(|s| s.file_bytes);
        let journals = self.generations.iter().chain(&self.letters);
        let journals = journals.map(|g| g.file.len().unwrap_or_default());
        segments.chain(journals).sum()
    }
}

// === impl Verifier ===

impl Verifier<'_> {
    fn passed(&mut self, bytes: u64) {
        self.found.bytes += bytes;
        let done = self.found.bytes;
        let all = self.all.max(done);
        (self.tell)(Progress { done, all });
    }

    fn segment(&mut self, segment: &Arc<Segment>) {
        self.found.files += 1;
        let before = self.found.bytes;
        let path = &segment.path;
        let mut damage = Vec::new();
        let mut each = |piece: Piece, checked: io::Result<()>| {
            if let Err(error) = checked {
                let Piece { what, offset, len } = piece;
                let what = format!("{what} ({len} bytes): {error}");
                damage.push(Damage::new(path, Some(offset), what));
            }
        };
        let footer = segment.verify(&mut each);
        for (number, group) in (0..).zip(footer.iter().flat_map(|f| &f.row_groups)) {
            if segment.verify_row_group(group, &mut each) {
                self.rows(segment, number, group);
            }
            self.passed(group.len);
        }
        self.found.damage.append(&mut damage);
        let rest = segment.file_bytes.saturating_sub(self.found.bytes - before);
        self.passed(rest);
    }

    /// Decodes the spans of a row group.
    fn rows(&mut self, segment: &Arc<Segment>, number: u32, group: &RowGroup) {
        let snapshot: Snapshot = vec![Source::Sealed(segment.clone())];
        let mut fetcher = Fetcher::default();
        let mut failed: Option<String> = None;
        let (mut good, mut bad) = (0_u64, 0_u64);
        let mut first = 0;
        while first < group.rows {
            let until = group.rows.min(first.saturating_add(ROWS));
            let mut rows: Vec<Located> = Vec::with_capacity(ROWS as usize);
            for row in first..until {
                match segment.row(row_number(number, row)) {
                    Ok(row) => rows.push(sealed(0, row)),
                    Err(error) => {
                        bad += 1;
                        failed.get_or_insert_with(|| error.to_string());
                    }
                }
            }
            fetcher.spans(&snapshot, &rows, |_, span| match span {
                Ok(_) => good += 1,
                Err(error) => {
                    bad += 1;
                    failed.get_or_insert_with(|| error.to_string());
                }
            });
            first = until;
        }
        self.found.spans += good;
        if let Some(error) = failed {
            let what = format!("{bad} spans of this row group do not decode, the first: {error}");
            let damage = Damage::new(&segment.path, Some(group.offset), what);
            self.found.damage.push(damage);
        }
    }

    fn generation(&mut self, generation: &Generation) -> Scan {
        self.found.files += 1;
        let recent = Recent::default();
        let path = &generation.path;
        let mut last = 0;
        let scan = journal::scan(&*generation.file, |visit| {
            let header = visit.header;
            let checked = if header.kind == Kind::Spans as u8 {
                spans(visit.payload).map(|count| self.found.spans += count)
            } else if header.kind == Kind::DeadLetters as u8 {
                dead_letters(visit.payload, &recent).map(|c| self.found.dead_letters += c)
            } else if header.kind == Kind::Mark as u8 {
                Ok(())
            } else {
                Err(UNKNOWN.to_owned())
            };
            if let Err(what) = checked {
                let damage = Damage::new(path, Some(visit.offset), what);
                self.found.damage.push(damage);
            }
            self.passed(visit.offset.saturating_sub(last));
            last = visit.offset;
        });
        self.passed(scan.len.saturating_sub(last));
        scan
    }
}

/// Decodes the spans of a record.
fn spans(payload: &[u8]) -> Result<u64, String> {
    let (_, spans) = batch::spans(&Bytes::copy_from_slice(payload))?;
    Ok(spans.len() as u64)
}

/// Reads the letters of a record.
fn dead_letters(payload: &[u8], recent: &Recent) -> Result<u64, String> {
    let count = recent
        .add(payload, |_| false)
        .ok_or_else(|| UNKNOWN.to_owned())?;
    let mut bad = None;
    for_each_letter(payload, |origin, payload| {
        if origin == dead_letter::ORIGIN
            && let Err(error) = dead_letter::open(&Bytes::copy_from_slice(payload))
        {
            bad = Some(error.to_string());
        }
    });
    bad.map_or(Ok(count), Err)
}
