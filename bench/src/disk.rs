//! What a folder takes on disk: blocks that are allocated, not lengths of files.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Allocated bytes of everything below `folder`. What goes away meanwhile counts nothing.
pub fn allocated_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => allocated_bytes(&entry.path()),
            // a block of `st_blocks` is 512 bytes, whatever the file system's are
            Ok(meta) => meta.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}
