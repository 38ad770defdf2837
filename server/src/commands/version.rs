//! The version, for programs and for people.
//!
//! In: what the build was told. Out: Jaeger's line of JSON, whose `gitVersion` is the version of Jaeger that Spoor takes the place of, because clients choose by it; and
//! a line for people with Spoor's own.

/// The Jaeger that Spoor takes the place of.
pub const JAEGER: &str = "v1.76.0";

/// The commit it was built from; empty when the build was not told.
pub const GIT_COMMIT: &str = match option_env!("SPOOR_GIT_COMMIT") {
    Some(commit) => commit,
    None => "",
};

/// When it was built, RFC 3339; empty when the build was not told.
pub const BUILD_DATE: &str = match option_env!("SPOOR_BUILD_DATE") {
    Some(date) => date,
    None => "",
};

/// Jaeger's line of JSON, without an end of line.
#[must_use]
pub fn json() -> String {
    // Spelt out, so that the members keep Jaeger's order.
    format!(
        "{{\"gitCommit\":{GIT_COMMIT:?},\"gitVersion\":{JAEGER:?},\"buildDate\":{BUILD_DATE:?}}}"
    )
}

/// The line for people.
#[must_use]
pub fn line() -> String {
    let commit = if GIT_COMMIT.is_empty() {
        String::new()
    } else {
        format!(", commit {GIT_COMMIT}")
    };
    format!(
        "spoor {} (in place of Jaeger {JAEGER}{commit})",
        env!("CARGO_PKG_VERSION")
    )
}
