//! What the scenarios and the benchmarks share: a seeded load generator, a Spoor under test, and comparers.

pub mod clients;
pub mod corpus;
pub mod golden;
pub mod load;
pub mod spoor;
