//! Blocks that were read lately, as they are used: checked, inflated, decoded. Bounded by bytes, over all segments.

use std::any::Any;
use std::io;
use std::sync::Arc;

use moka::policy::EvictionPolicy;
use moka::sync::Cache as Moka;

use super::block::damaged;

/// Blocks by their segment and what they are.
///
/// What every question asks for, footers and the filters over traces, has half of the room to itself: one is so large that a policy by
/// frequency would not let it in beside small blocks.
#[derive(Clone)]
pub(crate) struct Cache {
    blocks: Moka<Key, Held>,
    asked_always: Moka<Key, Held>,
}

/// Which block: a segment's number and the block's offset. Numbers are not used twice.
type Key = (u64, u64);

#[derive(Clone)]
struct Held {
    bytes: u32,
    value: Arc<dyn Any + Send + Sync>,
}

/// What a block is once it is decoded.
pub(crate) trait Block: Sized + Send + Sync + 'static {
    /// Every question asks for those of all segments.
    const ASKED_ALWAYS: bool = false;

    /// `None`: it is not as this version writes it.
    fn decode(bytes: Vec<u8>) -> Option<Self>;

    /// Bytes of memory.
    fn bytes(&self) -> usize;
}

// === impl Cache ===

impl Cache {
    /// Keeps at most this many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        let cache = || {
            Moka::builder()
                .max_capacity(bytes as u64 / 2)
                .weigher(|_, held: &Held| held.bytes.saturating_add(128))
        };
        Self {
            blocks: cache().build(),
            asked_always: cache().eviction_policy(EvictionPolicy::lru()).build(),
        }
    }

    /// The block, by `read` when it is not at hand.
    pub(crate) fn get<T: Send + Sync + 'static>(
        &self,
        key: Key,
        asked_always: bool,
        bytes: impl FnOnce(&T) -> usize,
        read: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<Arc<T>> {
        let cache = match asked_always {
            true => &self.asked_always,
            false => &self.blocks,
        };
        if let Some(held) = cache.get(&key) {
            return held
                .value
                .downcast()
                .map_err(|_| damaged("block is used as two things"));
        }
        let value = Arc::new(read()?);
        let held = Held {
            bytes: u32::try_from(bytes(&value)).unwrap_or(u32::MAX),
            value: value.clone(),
        };
        cache.insert(key, held);
        Ok(value)
    }
}

impl Block for Vec<u8> {
    fn decode(bytes: Vec<u8>) -> Option<Self> {
        Some(bytes)
    }

    fn bytes(&self) -> usize {
        self.len()
    }
}
