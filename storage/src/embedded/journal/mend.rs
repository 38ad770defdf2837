//! What a start says of a file that a scan found not as it was written, and the one thing that it does: a torn tail is cut.
//!
//! In: what [`scan`](super::scan()) found. Out: log lines, a count of what was there once and is not any more.

use std::path::Path;

use prometheus_client::metrics::counter::Counter;

use super::{Generation, Hole, Scan};

/// Whether nothing in a file can be made out, and yet something is there. A file's header is durable before any record counts, so a creation
/// that was cut off leaves no bytes, or zeros; anything else may have held what was acknowledged.
pub(crate) fn is_ruined(scan: &Scan) -> bool {
    scan.header.is_none() && scan.records == 0 && scan.has_tail
}

/// Says that a file, or the rest of it, is not served, and why. It stays where it is: the disk may be mended.
pub(crate) fn leave(path: &Path, what: &str, error: &std::io::Error, damaged: &Counter) {
    damaged.inc();
    tracing::warn!(
        file = %path.display(),
        %error,
        "could not {what} a journal file: it is left where it is, the rest is served"
    );
}

/// Cuts what follows the last whole record, and makes sure that what is served is durable: a killed process may have written without
/// a sync.
pub(crate) fn cut_tail(generation: &Generation, scan: &Scan) -> std::io::Result<()> {
    if scan.has_tail {
        tracing::info!(
            file = %generation.path.display(),
            offset = scan.end,
            bytes = scan.len - scan.end,
            "cut a torn tail, which was never acknowledged"
        );
    }
    if scan.len > scan.end {
        generation.file.set_len(scan.end)?;
    }
    generation.file.sync()
}

/// Says where records are missing that were there once.
pub(crate) fn report(
    generation: &Generation,
    scan: &Scan,
    durable: Option<u64>,
    damaged: &Counter,
) {
    let durable = durable.unwrap_or_default().max(scan.durable_end);
    let lost_end = (durable > scan.end && scan.unreadable.is_none()).then(|| Hole {
        offset: scan.end,
        len: durable - scan.end,
    });
    let path = generation.path.display();
    if is_ruined(scan) {
        tracing::error!(
            file = %path,
            bytes = scan.len,
            "set aside a damaged file: neither its header nor a record in it can be made out"
        );
        damaged.inc();
        return;
    }
    if scan.header.is_none() && scan.records > 0 {
        tracing::warn!(file = %path, "the file's header is damaged, its records are read all the same");
        damaged.inc();
    }
    for hole in scan.holes.iter().chain(&lost_end) {
        if hole.offset < durable {
            damaged.inc();
            tracing::error!(
                file = %path,
                offset = hole.offset,
                bytes = hole.len,
                "set aside damaged records, the rest is served"
            );
        } else {
            tracing::info!(
                file = %path,
                offset = hole.offset,
                bytes = hole.len,
                "stepped over a torn write, which was never acknowledged"
            );
        }
    }
}
