//! In tests a process that is killed between two steps of writing; otherwise nothing.
//!
//! In: the number of steps that it may still do. Out: an error at the next one, and at all that follow, until it is started again.

use std::io;

/// Before every call that changes a file.
#[cfg(not(test))]
#[inline]
pub(crate) fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) use tested::{after, step};

#[cfg(test)]
mod tested {
    use super::io;
    use std::cell::Cell;

    thread_local! {
        /// Steps that may still be done, and whether one more was tried.
        static LEFT: Cell<Option<(u32, bool)>> = const { Cell::new(None) };
    }

    pub(crate) fn step() -> io::Result<()> {
        LEFT.with(|left| match left.get() {
            Some((0, _)) => {
                left.set(Some((0, true)));
                Err(io::Error::other("killed"))
            }
            Some((more, _)) => {
                left.set(Some((more - 1, false)));
                Ok(())
            }
            None => Ok(()),
        })
    }

    /// Does `work` and kills it when it wants to do more than `steps`; whether it did.
    pub(crate) fn after<T>(steps: u32, work: impl FnOnce() -> T) -> (T, bool) {
        LEFT.with(|left| left.set(Some((steps, false))));
        let done = work();
        let was_killed = LEFT.with(Cell::take).is_some_and(|(_, tried)| tried);
        (done, was_killed)
    }
}
