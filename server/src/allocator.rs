//! The allocator's one setting that matters here: how soon memory that was freed goes back to the system.
//!
//! Sealing and large requests take tens of megabytes for moments. Kept for a second, as is the default, they add up to more than
//! `memory.max-bytes`; given back at once, the same pages are faulted in again all the time, at a fifth more CPU. A quarter of a second spans
//! the pause between two requests of a collector with little to do, and costs a tenth more memory at full speed than a twentieth of one.

use std::ffi::c_long;

use libmimalloc_sys::mi_option_t;

/// `mi_option_purge_delay` in `mimalloc.h`, the same in versions 2 and 3.
const PURGE_DELAY: mi_option_t = 15;
const PURGE_DELAY_MS: c_long = 250;

/// Sets it, unless the environment says otherwise (`MIMALLOC_PURGE_DELAY`, milliseconds).
#[allow(unsafe_code, reason = "the allocator is C")]
pub fn set() {
    // SAFETY: stores a number in an array of options, after a check of the index
    unsafe { libmimalloc_sys::mi_option_set_default(PURGE_DELAY, PURGE_DELAY_MS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(unsafe_code, reason = "the allocator is C")]
    fn the_number_is_that_of_the_delay() {
        // SAFETY: as above
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "the default of version 3");
        set();
        assert_eq!(delay(), PURGE_DELAY_MS);
    }
}
