//! The search language: conditions on one span, as a person writes them.
//!
//! ```text
//! service = "checkout" and http.status_code >= 500 and (error or peer.service =~ "pay.*") and not exists(retry) and duration > 1.5s
//! ```
//!
//! In: text. Out: a [`Tree`], which prints as text that means the same, and of which a [`Filter`] is made; or an [`Error`] with the place and
//! what was expected there. What each operator means is in `docs/search.md`, why so in `docs/adr/0014-search-language.md`.
//!
//! Bounded: [`MAX_BYTES`], [`MAX_DEPTH`], [`MAX_CONDITIONS`]; one pass, no going back, so that time grows with the length.

mod error;
mod filter;
mod lexer;
mod parser;
mod printer;
mod tree;

pub use error::Error;
pub use tree::{Condition, Operator, Outcome, Tree, Value};

use super::Filter;

/// Longest text, in bytes.
pub const MAX_BYTES: usize = 8 << 10;
/// Deepest nesting of `(` and `not`.
pub const MAX_DEPTH: usize = 32;
/// Conditions at most: each becomes several clauses of a cluster's query, which has at most 1,024.
pub const MAX_CONDITIONS: usize = 32;

/// The filter that `text` says.
///
/// # Errors
/// When it is not of the language; the error says where and what was expected.
pub fn parse(text: &str) -> Result<Filter, Error> {
    Ok(Tree::parse(text)?.to_filter())
}

#[cfg(test)]
mod tests;
