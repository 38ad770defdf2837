//! The name of a service, which Jaeger's formats keep in the process.
//!
//! In: its bytes. Out: a text. What is not UTF-8 is replaced as Jaeger's sanitizer would, and kept in a tag.

use model::{KeyValue, Slice, Str};

use crate::DecodeError;
use crate::budget::Budget;

/// The service of a process whose name is not UTF-8, and the tag that keeps what came.
const INVALID: &str = "invalid-service-name";

/// The name that `bytes` are; `tags` are those of the process.
pub(crate) fn name(
    bytes: Slice,
    tags: &mut Vec<KeyValue>,
    budget: &mut Budget,
) -> Result<Str, DecodeError> {
    match bytes.into_str() {
        Ok(name) => Ok(name),
        Err(bytes) => {
            budget.grow(tags, 1)?;
            budget.charge(4, 80)?;
            tags.push(KeyValue::new(INVALID, bytes));
            Ok(Str::from(INVALID))
        }
    }
}
