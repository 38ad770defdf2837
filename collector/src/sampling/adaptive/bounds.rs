//! How much is remembered: names come from whoever sends spans or asks.

/// Services.
pub(super) const SERVICES: usize = 2_000;
/// Operations of one service: as many as clients of Jaeger's take.
pub(super) const OPERATIONS_OF_A_SERVICE: usize = 2_000;
/// Operations of all services together.
pub(super) const OPERATIONS: usize = 5_000;
/// Bytes of a name. A longer one is left out: cut, it would name another operation.
pub(super) const NAME: usize = 256;
/// Probabilities of one operation, as in Jaeger.
pub(super) const PROBABILITIES: usize = 10;
