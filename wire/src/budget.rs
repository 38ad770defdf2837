//! How much memory the structures of one message may take.
//!
//! A span of two bytes becomes a structure of 240. Real spans never come near 8 bytes of structure a byte of message; a hostile message
//! of empty ones would. So each list is charged here before it is allocated, and the message that outgrows its length is refused.

use crate::DecodeError;

/// Structure bytes a byte of message.
const FACTOR: usize = 8;
/// What any message may take: small ones have no room for harm.
const FREE: usize = 48 * 1024;

/// What is left of a message's share.
pub(crate) struct Budget {
    left: usize,
}

// === impl Budget ===

impl Budget {
    /// The share of a foreign message of `len` bytes.
    pub(crate) fn of_message(len: usize) -> Self {
        Self {
            left: len.saturating_mul(FACTOR).saturating_add(FREE),
        }
    }

    /// No limit, for what we wrote ourselves.
    pub(crate) fn unlimited() -> Self {
        Self { left: usize::MAX }
    }

    /// Room for `count` structures of `size` bytes.
    #[inline]
    pub(crate) fn charge(&mut self, count: usize, size: usize) -> Result<(), DecodeError> {
        match self.left.checked_sub(count.saturating_mul(size)) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(DecodeError::Invalid {
                what: "message of many tiny parts, which take over 8 times its length,",
                at: 0,
            }),
        }
    }

    /// An empty list with room for `count`, charged.
    #[inline]
    pub(crate) fn list<T>(&mut self, count: usize) -> Result<Vec<T>, DecodeError> {
        self.charge(count, size_of::<T>())?;
        Ok(Vec::with_capacity(count))
    }

    /// Room for `count` more in `list`. What is there already is charged again, since it moves: so a list that comes in many small
    /// parts cannot cost the square of its length.
    #[inline]
    pub(crate) fn grow<T>(&mut self, list: &mut Vec<T>, count: usize) -> Result<(), DecodeError> {
        if count != 0 {
            self.charge(list.len().saturating_add(count), size_of::<T>())?;
            list.reserve_exact(count);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_outgrows_its_message_is_refused() {
        let mut budget = Budget::of_message(100);
        let all = (FREE + 100 * FACTOR) / 8;
        assert!(budget.list::<u64>(all).is_ok());
        assert!(budget.list::<u64>(1).is_err());
        assert!(Budget::of_message(100).list::<u64>(usize::MAX).is_err());
        assert!(Budget::unlimited().list::<u64>(1).is_ok());
    }

    #[test]
    fn growing_a_list_again_and_again_is_charged_for_every_copy() {
        let mut budget = Budget::of_message(0);
        let mut list = Vec::new();
        let grown = (0..FREE).take_while(|_| {
            let room = budget.grow(&mut list, 1).is_ok();
            list.push(0u64);
            room
        });
        assert!(grown.count() < 120, "squares, not sums");
    }
}
