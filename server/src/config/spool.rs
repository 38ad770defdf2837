//! Where spans wait for a store that is away.
//!
//! In: `spool.*`, and where spans are kept. Out: a folder and the bytes that it may have, or nothing where nobody asked for it.

use std::path::PathBuf;

use settings::ByteSize;

use super::check::Check;
use super::storage::Backend;
use crate::cli::Role;

const SPOOL: &str = "spool.directory";
/// A spool of less would be full at once, bytes.
const SPOOL_LEAST: u64 = 1 << 20;
const SPOOL_MAX_BYTES: &str = "spool.max-bytes";

/// Where spans wait for stores that are away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// Its folder.
    pub directory: PathBuf,
    /// Room on disk, of all instances together.
    pub max_bytes: ByteSize,
}

// === impl Spool ===

impl Spool {
    /// `common`: the stores of instances that say nothing else, of all the `backends`.
    pub(super) fn check(
        role: Role,
        common: &[Backend],
        backends: &[Backend],
        check: &mut Check<'_>,
    ) -> Option<Self> {
        let Some(directory) = check.settings.path(SPOOL) else {
            check.warn_unused(
                &[SPOOL_MAX_BYTES],
                &format!("there is no spool ({SPOOL} is empty), so this changes nothing"),
            );
            return None;
        };
        if !role.collects() && !role.serves_a_store() {
            return None;
        }
        let here = common.iter().find(|b| b.lies_within_the_process());
        let here = here.filter(|_| !backends.is_empty());
        if let Some(here) = here {
            check.wrong(
                SPOOL,
                format!(
                    "a spool is useless in front of the store {}, which is on this machine itself and never away: leave {SPOOL} empty, or use elasticsearch",
                    here.as_str()
                ),
            );
        }
        let max_bytes = check.settings.bytes(SPOOL_MAX_BYTES).unwrap_or_default();
        if max_bytes.as_bytes() < SPOOL_LEAST {
            check.wrong(
                SPOOL_MAX_BYTES,
                format!("{max_bytes} is too little: give 1MiB or more"),
            );
        }
        Some(Self {
            directory,
            max_bytes,
        })
    }
}
