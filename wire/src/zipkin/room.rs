//! What takes memory beside the body, charged before it is taken.

use model::Str;

use crate::DecodeError;
use crate::budget::Budget;

/// Appends to a list that is not yet counted. It doubles when it is full, and while it moves it stands there twice.
pub(crate) fn push<T>(list: &mut Vec<T>, item: T, budget: &mut Budget) -> Result<(), DecodeError> {
    if list.len() == list.capacity() {
        let more = list.len().max(4);
        budget.charge(more + more / 2, size_of::<T>())?;
        list.reserve_exact(more);
    }
    list.push(item);
    Ok(())
}

/// A text of its own.
pub(crate) fn copied(text: &str, budget: &mut Budget) -> Result<Str, DecodeError> {
    charge_text(text.len(), budget)?;
    Ok(Str::from(text))
}

/// Room for a text of `len` bytes in a buffer of its own: it may have grown to twice that.
pub(crate) fn charge_text(len: usize, budget: &mut Budget) -> Result<(), DecodeError> {
    budget.charge(1, 2 * len + 96)
}
