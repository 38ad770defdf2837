//! The commands on the folder of the embedded store.
//!
//! In: a parsed [`Store`]. Out: what it prints or writes, and whether all was well. They look, read and write through the store's own code;
//! formats are those of `wire` and `query`. All but `import` change no file, and may run beside a Spoor that holds the folder.

mod export;
mod help;
mod import;
mod inspect;
mod progress;
mod verify;

use std::io::{self, Write};
use std::time::Duration;

use settings::ByteSize;
use storage::embedded;

use crate::cli::Store;
use crate::config::Embedded;

/// Carries `command` out; true means that all was well.
///
/// # Errors
/// When `out` or `err` can not be written.
pub fn run(command: &Store, out: &mut impl Write, err: &mut impl Write) -> io::Result<bool> {
    if *command != Store::Help {
        // every file of a store is open at once, so that it is seen as it was at one moment; what the system refuses shows when opening
        drop(rlimit::increase_nofile_limit(u64::MAX));
    }
    match command {
        Store::Help => out.write_all(help::text().as_bytes()).map(|()| true),
        Store::Inspect { directory, json } => inspect::run(directory, *json, out, err),
        Store::Verify { directory, json } => verify::run(directory, *json, out, err),
        Store::Export(export) => export::run(export, out, err),
        Store::Import(import) => import::run(import, err),
    }
}

/// The embedded store as a command opens it that writes.
pub(super) fn opened_as(embedded: &Embedded, memory: ByteSize) -> embedded::Config {
    let all = memory.as_usize();
    embedded::Config {
        directory: embedded.directory.clone(),
        max_bytes: embedded.max_bytes.as_bytes(),
        min_free_bytes: embedded.min_free_bytes.map(ByteSize::as_bytes),
        max_age: embedded.max_age.unwrap_or(Duration::ZERO),
        namespaces: embedded.namespaces.clone(),
        index_bytes: all / 2,
        queue_bytes: all / 8,
        ..embedded::Config::default()
    }
}

/// `1 span`, `2 spans`.
pub(super) fn count(number: u64, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}
