//! What the tests of this crate share: their switch.

/// Whether to take the figures that are run by hand.
#[allow(
    clippy::disallowed_methods,
    reason = "a switch of the tests, no setting of the program"
)]
pub(crate) fn soak() -> bool {
    std::env::var("SPOOR_SOAK").as_deref() == Ok("1")
}
