//! Who may have how much of `spool.max-bytes`.
//!
//! In: bytes that an instance wants to spool. Out: whether there is room for them. Up to three quarters of all, whoever comes first; the last quarter is for instances that hold less than an
//! equal share. So one whose cluster is away may use what the others leave, and the others have room when their own goes away.

use std::collections::BTreeMap;

use model::Instance;
use parking_lot::Mutex;

/// Files of one instance end so early that letting one go gives back a good part of its share.
const FILES_PER_SHARE: u64 = 8;
const LARGEST_FILE: u64 = 32 << 20;
const SMALLEST_FILE: u64 = 4096;
/// Less room than this is none, bytes.
const SMALL_WRITE: u64 = 64 << 10;

/// The room, and who holds what of it.
#[derive(Debug)]
pub(super) struct Shares {
    max: u64,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Bytes of files, those of instances that are gone too.
    instances: BTreeMap<Instance, u64>,
    all: u64,
    /// Instances that spool now.
    known: u64,
}

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full {
    /// Bytes that the instance holds.
    pub(super) own: u64,
    /// Bytes that all hold.
    pub(super) all: u64,
    /// Bytes that all may hold.
    pub(super) max: u64,
}

// === impl Shares ===

impl Shares {
    pub(super) fn new(max: u64) -> Self {
        Self {
            max,
            held: Mutex::default(),
        }
    }

    /// So many instances spool from now on.
    pub(super) fn know(&self, instances: usize) {
        self.held.lock().known = instances as u64;
    }

    /// What `instance` holds, found out by looking.
    pub(super) fn set(&self, instance: &Instance, bytes: u64) {
        let mut held = self.held.lock();
        let before = held.instances.insert(instance.clone(), bytes);
        held.all = held.all - before.unwrap_or_default() + bytes;
    }

    /// Takes room for `bytes` more.
    pub(super) fn take(&self, instance: &Instance, bytes: u64) -> Result<(), Full> {
        let mut held = self.held.lock();
        let own = held.instances.get(instance).copied().unwrap_or_default();
        let (with_own, with_all) = (own + bytes, held.all + bytes);
        let share = self.max / held.known.max(1);
        if with_all > self.max || (with_own > share && with_all > self.max / 4 * 3) {
            return Err(Full {
                own,
                all: held.all,
                max: self.max,
            });
        }
        held.instances.insert(instance.clone(), with_own);
        held.all = with_all;
        Ok(())
    }

    /// Whether there is room for a small write.
    pub(super) fn room(&self, instance: &Instance) -> Result<(), Full> {
        let bytes = SMALL_WRITE.min(self.max / 16);
        self.take(instance, bytes)?;
        self.correct(instance, bytes, 0);
        Ok(())
    }

    /// Gives room back, or takes what needs no asking.
    pub(super) fn correct(&self, instance: &Instance, taken: u64, is: u64) {
        let mut held = self.held.lock();
        let own = held.instances.get(instance).copied().unwrap_or_default();
        let now = (own + is).saturating_sub(taken);
        held.all = held.all - own + now;
        held.instances.insert(instance.clone(), now);
    }

    /// Bytes that `instance` holds.
    pub(super) fn held(&self, instance: &Instance) -> u64 {
        let held = self.held.lock();
        held.instances.get(instance).copied().unwrap_or_default()
    }

    /// How long a file of a journal should get.
    pub(super) fn file_bytes(&self) -> u64 {
        let known = self.held.lock().known.max(1);
        (self.max / known / FILES_PER_SHARE).clamp(SMALLEST_FILE, LARGEST_FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_may_use_what_the_others_leave_and_the_others_have_room_all_the_same() {
        let [a, b] = ["a/jaeger", "b/jaeger"].map(|text| Instance::parse(text).unwrap());
        let shares = Shares::new(1000);
        shares.know(4);
        assert_eq!(shares.take(&a, 740), Ok(()));
        let full = Full {
            own: 740,
            all: 740,
            max: 1000,
        };
        assert_eq!(shares.take(&a, 11), Err(full));
        assert_eq!(shares.take(&b, 240), Ok(()));
        assert!(shares.take(&b, 21).is_err());
        shares.correct(&a, 500, 0);
        assert_eq!((shares.held(&a), shares.held(&b)), (240, 240));
        assert_eq!(shares.take(&b, 200), Ok(()));
        shares.set(&a, 100);
        assert_eq!(shares.take(&a, 150), Ok(()));
    }

    #[test]
    fn one_alone_may_have_all() {
        let shares = Shares::new(1000);
        shares.know(1);
        assert_eq!(shares.take(&Instance::default(), 1000), Ok(()));
        assert!(shares.take(&Instance::default(), 1).is_err());
    }
}
