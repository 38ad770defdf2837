//! How far a spool is drained: a small file beside its journal.
//!
//! In: the place before which everything is in the store. Out: the same after a restart, or an earlier one: what is sent twice is stored once. It is text, put in place of the old one as a
//! whole; a damaged one means that everything is sent again.

use std::io;
use std::path::Path;

use crate::disk::{self, Disk};
use crate::summed;

/// Its name.
pub(super) const NAME: &str = "POSITION";
/// Its name while it is written.
const NEW: &str = "POSITION.new";
const TITLE: &str = "spoor spool\nversion 1\n";
/// A longer one is none.
const MAX_BYTES: u64 = 4096;

/// A place in a journal of many files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// The file.
    pub(super) generation: u64,
    /// The offset in it.
    pub(super) offset: u64,
}

// === impl Position ===

impl Position {
    /// The one in `folder`; the beginning, when there is none or it is damaged.
    pub(super) fn read(disk: &dyn Disk, folder: &Path) -> io::Result<Self> {
        let path = folder.join(NAME);
        let file = match disk.open_to_read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let mut bytes = vec![0; file.len()?.min(MAX_BYTES) as usize];
        disk::read_exact_at(&*file, &mut bytes, 0)?;
        let text = std::str::from_utf8(&bytes).ok();
        Ok(text.and_then(Self::parse).unwrap_or_else(|| {
            tracing::warn!(file = %path.display(), "how far the spool was drained is damaged: all of it is sent again, and stored once");
            Self::default()
        }))
    }

    /// Puts it into `folder`, durably.
    pub(super) fn save(self, disk: &dyn Disk, folder: &Path) -> io::Result<()> {
        disk::replace(disk, folder, NEW, NAME, self.text().as_bytes())
    }

    fn text(self) -> String {
        let Self { generation, offset } = self;
        summed::seal(format!("{TITLE}drained {generation} {offset}\n"))
    }

    fn parse(text: &str) -> Option<Self> {
        let lines = summed::open(text)?;
        let place = lines.strip_prefix(TITLE)?.strip_prefix("drained ")?;
        let (generation, offset) = place.strip_suffix('\n')?.split_once(' ')?;
        Some(Self {
            generation: generation.parse().ok()?,
            offset: offset.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SimulatedDisk;

    #[test]
    fn a_position_reads_back_and_any_flipped_bit_means_the_beginning() {
        let (disk, folder) = (SimulatedDisk::new(1), Path::new("/spool"));
        disk.create_folder(folder).unwrap();
        assert_eq!(Position::read(&disk, folder).unwrap(), Position::default());
        let position = Position {
            generation: 12,
            offset: 4096,
        };
        position.save(&disk, folder).unwrap();
        assert_eq!(Position::read(&disk, folder).unwrap(), position);
        let path = folder.join(NAME);
        let bytes = disk.bytes(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            disk.overwrite(&path, &bytes);
            let read = Position::read(&disk, folder).unwrap();
            // the checksum may be written with letters of either case
            assert!(read == Position::default() || read == position, "bit {bit}");
        }
    }
}
