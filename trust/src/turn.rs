//! One process at a time.
//!
//! In: the path of a lock. Out: a turn, which ends with the file, however the process ends; or an error that names whoever holds it for long by the file.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::folder::SECRET;
use crate::kill;

/// How long another process may take with its turn.
const TURN: Duration = Duration::from_secs(10);

/// Waits for it. Blocks.
pub(crate) fn take(path: &Path) -> Result<File, Error> {
    let open = || {
        kill::step()?;
        // nobody else may hold it
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(SECRET)
            .open(path)?;
        if file.metadata()?.permissions().mode() & 0o777 != SECRET {
            file.set_permissions(Permissions::from_mode(SECRET))?;
        }
        Ok(file)
    };
    let file = open().map_err(Error::files("lock", path))?;
    let until = Instant::now() + TURN;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < until => {
                std::thread::park_timeout(Duration::from_millis(20));
            }
            Err(error) => return Err(Error::files("lock", path)(error.into())),
        }
    }
}
