//! Spans at rest: the port they are written and read through, the layers in front of every backend, and a folder per backend.
//!
//! In: [`model::Batch`]. Out: streams of [`model::Span`]. `Ok` from a write means durable.
//!
//! Deliberately absent: network protocols towards clients, HTTP, the collector and the query service.

mod calls;
mod causes;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod disk;
pub mod elasticsearch;
pub mod embedded;
pub mod finding;
pub mod forward;
mod given;
mod http_client;
pub mod kafka;
pub mod layers;
mod letter;
pub mod memory;
mod owner;
mod peers;
pub mod port;
pub mod prometheus;
pub mod query;
mod raw;
pub mod remote;
mod sampling;
pub mod spool;
pub mod stack;
mod summed;
mod trouble;
mod union;
mod write_only;

#[cfg(test)]
mod logs;
#[cfg(test)]
mod tests;

pub use owner::Owner;
pub use port::{
    Archive, Backend, Buried, Capabilities, Completeness, DeadLetter, DeadLetterReader,
    DeadLetters, DependencyLink, DependencyReader, Durations, Found, FoundTrace, GetTrace, Grid,
    Lacks, LetterQuery, LetterStream, LinkKind, Measure, MeasureQuery, MeasureReader, Measured,
    Measures, Operation, OperationQuery, Probabilities, Rate, ReadContext, ReadError, ReadItem,
    ReadLimits, SamplingStore, Throughput, ThroughputRows, TraceReader, TraceStream, TraceWriter,
    Unstorable, WriteError,
};
pub use query::{Filter, Pattern, TraceQuery};
