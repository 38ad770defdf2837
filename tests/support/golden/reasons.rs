//! Why an answer may differ from the one that was recorded, by the numbers of the project's list of quirks. One place for all comparers.

/// Quirk 14.
pub const ZERO_DURATION: &str = "14: a duration of zero is left alone";
/// Quirk 20.
pub const ZIPKIN_ERROR: &str = "20: the text of Zipkin's error is kept";
/// Quirk 49.
pub const UNKNOWN_API: &str = "49: an unknown path of the api is 404";
/// Quirk 50: the order of spans is random, and with it which of two spans with one id is told that it is a duplicate.
pub const ORDER: &str =
    "50: the span that is told of a duplicate id is the later one, and order is random";
/// Quirk 102.
pub const EQUAL_SPANS: &str = "102: equal spans are kept once";
/// Quirk 103.
pub const ABSENT_TIME: &str = "103: a span without a time lies where it was received, and is found";
/// Quirk 104.
pub const KINDS: &str = "104: operations are known with their kind";
/// Quirk 105.
pub const WARNINGS: &str = "105: a span's warnings are kept";
/// Quirk 106, where reducing is not enough.
pub const DOCUMENTS: &str =
    "106: Jaeger's documents tell a link within the trace from a parent no more";
/// Quirk 106.
pub const EVENT_NAMES: &str =
    "106: Jaeger's documents tell an attribute `event` from an event's name no more";
/// Quirk 108.
pub const DEPENDENCIES: &str = "108: recorded without the job that computes dependencies";
/// Quirk 108.
pub const ARCHIVE: &str = "108: recorded without an archive";
/// 2.20 spells its own parameters, and has other words for some errors: the contract's are 1.76's.
pub const WORDS: &str = "2.20 has other words and spellings: the contract's are those of 1.76";
