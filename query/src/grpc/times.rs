//! Times and durations of protobuf as numbers: `wire`'s, under the name that the methods here know.

pub(super) use wire::times::{duration_ns, unix_ns};
