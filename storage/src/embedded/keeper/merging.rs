//! Which segments become one: neighbours of one instance, one day and about one size.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use model::Instance;

use super::{Keeper, numbers};
use crate::embedded::segment::Segment;
use crate::embedded::segment::merge::check;

/// So many segments of about one size become one.
const FAN: usize = 16;
/// Of a day that is over, so many do.
const FEW: usize = 4;
/// Where one size ends and the next begins, in bytes.
const SIZES: [u64; 2] = [16 << 20, 256 << 20];
/// No segment is made longer than this, in bytes.
const LARGEST: u64 = 1 << 30;
const DAY_NS: u64 = 24 * crate::port::HOUR_NS;

impl Keeper {
    /// Merges some segments. Answers whether there were any.
    pub(super) fn merge(&self) -> bool {
        self.merge_some(FAN)
    }

    /// The same, where this many are enough.
    pub(in crate::embedded) fn merge_some(&self, fan: usize) -> bool {
        // letting one go must be no large loss
        let largest = (self.bytes_for_all() / 16).min(LARGEST);
        let largest = largest.min(self.bytes_per_merge());
        if largest == 0 {
            // who looks at segments has them open, and they may have to go
            return false;
        }
        let today = (self.config.clock)() / DAY_NS;
        let longest_ns = |instance: &Instance| self.config.ns_per_merge(instance);
        let apart = self.unmergeable.lock().clone();
        let segments = self.head.segments();
        let Some(old) = choose(segments, &apart, largest, longest_ns, today, fan) else {
            return false;
        };
        let number = self.manifest.lock().reserve();
        let new = match self.sealer.merge(number, &old) {
            Ok(new) => new,
            Err(error) => {
                self.metrics.merge_failures.inc();
                tracing::warn!(%error, segments = old.len(), "could not merge segments, they are served as they are");
                let damaged = matches!(
                    error.kind(),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                );
                if damaged {
                    self.set_apart(&old);
                }
                return damaged;
            }
        };
        let mut book = self.manifest.lock();
        let mut manifest = book.manifest.clone();
        let numbers = numbers(&old);
        // retention may have let one of them go meanwhile
        let all_there = numbers.is_subset(&manifest.segments);
        manifest.segments.retain(|n| !numbers.contains(n));
        manifest.segments.insert(number);
        if !all_there || self.commit(&mut book, manifest).is_err() {
            drop(book);
            self.remove(new.path.clone());
            return false;
        }
        self.head.replace(&old, &[new]);
        drop(book);
        self.metrics.merges.inc();
        for segment in old {
            self.remove(segment.path.clone());
        }
        true
    }

    /// Merges none of these again that is damaged, so that the others are not held up. It goes with its age.
    fn set_apart(&self, segments: &[Arc<Segment>]) {
        let damaged = segments.iter().filter(|s| check(s).is_err());
        let mut damaged: BTreeSet<u64> = damaged.map(|s| s.number).collect();
        if damaged.is_empty() {
            // a row group was cut off, or the disk changed its mind
            damaged = numbers(segments);
        }
        self.unmergeable.lock().append(&mut damaged);
    }
}

/// The segments to merge next, the oldest first, and none that is `apart`.
fn choose(
    segments: Vec<Arc<Segment>>,
    apart: &BTreeSet<u64>,
    largest: u64,
    longest_ns: impl Fn(&Instance) -> u64,
    today: u64,
    fan: usize,
) -> Option<Vec<Arc<Segment>>> {
    let mut alike: BTreeMap<(Instance, u64, usize), Vec<Arc<Segment>>> = BTreeMap::new();
    for segment in segments {
        let size = SIZES.iter().filter(|s| segment.file_bytes >= **s).count();
        if size < SIZES.len() {
            let key = (segment.summary.instance.clone(), segment.summary.day, size);
            alike.entry(key).or_default().push(segment);
        }
    }
    alike
        .into_iter()
        .find_map(|((instance, day, _), segments)| {
            let longest_ns = longest_ns(&instance);
            let enough = if day < today { fan.min(FEW) } else { fan };
            // the first run of neighbours that are enough and fit
            (0..segments.len()).find_map(|from| {
                let mut bytes = 0;
                let (mut first_ns, mut last_ns) = (u64::MAX, 0);
                let fits = segments.iter().skip(from).take_while(|segment| {
                    bytes += segment.file_bytes;
                    first_ns = first_ns.min(segment.summary.received_ns.0);
                    last_ns = last_ns.max(segment.summary.received_ns.1);
                    let whole = !apart.contains(&segment.number);
                    whole && bytes <= largest && last_ns - first_ns <= longest_ns
                });
                let chosen: Vec<_> = fits.take(FAN).cloned().collect();
                (chosen.len() >= enough).then_some(chosen)
            })
        })
}
