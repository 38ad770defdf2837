//! A file of a bundle, as it is now and as it was when it could last be used.
//!
//! In: its path, look after look. Out: what it holds. It is read again when its metadata differ, and again at the next look while it was changed so lately that they might not show it. What
//! cannot be read, or holds nothing that can be used, leaves in use what was there before.

use std::fs::{File as Open, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::anchor::{Blemish, Content};
use super::flaw::Why;
use super::now;

/// Larger files are no bundles: some ten thousand certificates.
const MOST_BYTES: u64 = 16 << 20;
/// Somebody may still be writing to a file that was changed so lately.
const WRITING: Duration = Duration::from_millis(100);
/// How many looks that is believed.
const PATIENCE: u8 = 4;
/// Two changes within this may look like one: clocks of file systems are coarse.
const COARSE: Duration = Duration::from_secs(2);

/// What is told of a file that is not used as it is now.
const STAYS: &str = ": what it held before stays in use, until the file is mended or removed";

/// What a file system says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// A file.
#[derive(Debug, Default)]
pub(super) struct File {
    stamp: Option<Stamp>,
    /// Its metadata would show a further change.
    is_settled: bool,
    /// Of what was read last.
    hash: Option<u64>,
    /// How many looks it was left alone.
    awaited: u8,
    /// What could be used last.
    content: Content,
    /// Flaws of what is there now, where that is not what is used.
    refused: Vec<Blemish>,
}

// === impl Stamp ===

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// The same for every path to one file.
    pub(super) fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether a change after this would show, as far as clocks tell.
    pub(super) fn is_settled(&self) -> bool {
        self.age().is_some_and(|age| age > COARSE)
    }

    /// Since the last change; `None`: it is in the future.
    fn age(&self) -> Option<Duration> {
        let (seconds, nanos) = self.modified.max(self.changed);
        let since = Duration::new(
            u64::try_from(seconds).unwrap_or_default(),
            u32::try_from(nanos).unwrap_or_default(),
        );
        let at = SystemTime::UNIX_EPOCH.checked_add(since)?;
        SystemTime::now().duration_since(at).ok()
    }
}

// === impl File ===

impl File {
    /// Looks at it; true: it holds something else than before, or something else is wrong with it.
    pub(super) fn look(&mut self, path: &Path, stamp: Stamp) -> bool {
        if self.stamp == Some(stamp) && self.is_settled {
            return false;
        }
        let is_new = self.hash.is_none();
        let is_fresh = stamp.age().is_some_and(|age| age < WRITING);
        if !is_new && self.stamp != Some(stamp) && is_fresh && self.awaited < PATIENCE {
            self.awaited += 1;
            return false;
        }
        self.awaited = 0;
        self.stamp = Some(stamp);
        self.is_settled = false;
        if stamp.bytes > MOST_BYTES {
            self.is_settled = stamp.is_settled();
            return self.fail(&too_large());
        }
        let bytes = match read(path) {
            Ok(bytes) => bytes,
            Err(error) => return self.fail(&error),
        };
        self.is_settled = stamp.is_settled();
        let hash = hash(&bytes);
        if self.hash.replace(hash) == Some(hash) {
            return false;
        }
        self.take(Content::parse(&bytes), now());
        true
    }

    /// It holds something else now, which is used unless nothing in it can be, and something before could.
    fn take(&mut self, content: Content, now: i64) {
        let empty = |text: &str| Blemish {
            at: None,
            why: Why::Empty,
            text: text.to_owned(),
        };
        if content.is_usable(now) || !self.content.is_usable(now) {
            let is_empty = content.anchors.is_empty();
            let refused = is_empty.then(|| empty("it holds no authority's certificate"));
            self.refused = refused.into_iter().collect();
            self.content = content;
            return;
        }
        let text = format!("it holds no authority's certificate that is valid today{STAYS}");
        self.refused = vec![empty(&text)];
        self.refused.extend(content.flaws);
        let ended = content.anchors.iter().filter_map(|anchor| {
            let (why, text) = anchor.lasts(now).err()?;
            let at = anchor.at;
            Some(Blemish { at, why, text })
        });
        self.refused.extend(ended);
        // these are of what is not there any more
        self.content.flaws.clear();
    }

    /// It cannot be read.
    pub(super) fn fail(&mut self, error: &io::Error) -> bool {
        // what is read next is looked at, were it the same as before
        self.hash = None;
        let stays = match self.content.is_usable(now()) {
            true => STAYS,
            false => "",
        };
        let text = format!("it cannot be read: {error}{stays}");
        let refused = vec![Blemish {
            at: None,
            why: Why::Unreadable,
            text,
        }];
        let is_news = self.refused != refused;
        self.refused = refused;
        is_news
    }

    /// What is used of it.
    pub(super) fn content(&self) -> &Content {
        &self.content
    }

    /// What is wrong with what is there now and not used.
    pub(super) fn refused(&self) -> &[Blemish] {
        &self.refused
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = Open::open(path)?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(too_large());
    }
    Ok(bytes)
}

fn too_large() -> io::Error {
    io::Error::other(format!("it is larger than {} MiB", MOST_BYTES >> 20))
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
